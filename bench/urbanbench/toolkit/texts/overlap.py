"""Overlap of words between items, as vectors whose cosine is the likeness: tf-idf, and BM25 folded into the candidates' side."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from urbanbench.learned import Learned

if TYPE_CHECKING:
    from urbanbench.city.item_view import ItemView
    from urbanbench.items import Item
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units

__all__ = [
    "KnownWords",
    "bm25_vectors",
    "document_of",
    "documents_of",
    "overlap_space",
    "tfidf_vectors",
    "words_of",
]

_WORD = re.compile(r"[^\W_]+")


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case; numbers are words.

    Examples
    --------
    >>> words_of("Main Street, about 1.5 km north")
    ['main', 'street', 'about', '1', '5', 'km', 'north']
    """
    return _WORD.findall(text.lower())


def document_of(view: ItemView, item: Item) -> list[str]:
    """Return the words of an item: of its text, and of its graph what the nodes are, where graphs are shown; instructions are the same for all."""
    graph = view.graph(item.graph).text if item.graph else ()
    return [word for text in (item.text, *graph) for word in words_of(text)]


def documents_of(view: ItemView) -> dict[str, list[str]]:
    """Return item id to words, of all items of a view."""
    return {name: document_of(view, item) for name, item in view.items.items()}


@dataclass(frozen=True, eq=False)
class KnownWords:
    """In how many of some documents each word occurs.

    Parameters
    ----------
    occurs
        Word to number of documents.
    n_documents, mean_length
        How many there are, and how many words one has.
    """

    occurs: Mapping[str, int]
    n_documents: int
    mean_length: float

    @classmethod
    def of(cls, documents: Sequence[Sequence[str]]) -> Self:
        """Count words of documents."""
        counted = Counter(word for one in documents for word in set(one))
        lengths = [len(one) for one in documents] or [0]
        return cls(dict(sorted(counted.items())), len(documents), float(np.mean(lengths)))

    @classmethod
    def from_lessons(cls, view: ItemView) -> Self:
        """Count words of lessons: each side of each is a document."""
        sides = [side for one in view.lessons for side in (one.anchor, one.positive)]
        return cls.of([words for side in sides if (words := document_of(view, side))])

    def to_learned(self) -> Learned:
        """Return what can be taken to another city."""
        facts: dict[str, Any] = {
            "occurs": dict(self.occurs),
            "n_documents": self.n_documents,
            "mean_length": self.mean_length,
        }
        return Learned({}, facts)

    @classmethod
    def from_learned(cls, learned: Learned) -> Self:
        """Read what `to_learned` gave."""
        facts = learned.facts
        return cls(dict(facts["occurs"]), int(facts["n_documents"]), float(facts["mean_length"]))

    def smooth_idf(self, word: str) -> float:
        """Return the smoothed inverse document frequency, as scikit-learn has it; a word of no document weighs most."""
        return float(np.log((1 + self.n_documents) / (1 + self.occurs.get(word, 0))) + 1)

    def robust_idf(self, word: str) -> float:
        """Return BM25's inverse document frequency (Robertson, Spärck Jones 1976, plus one so that none is negative)."""
        n = self.occurs.get(word, 0)
        return float(np.log(1 + (self.n_documents - n + 0.5) / (n + 0.5)))


def overlap_space(
    view: ItemView,
    units: Units,
    documents: Mapping[str, Sequence[str]],
    weigh: Callable[[Mapping[str, Sequence[str]], Mapping[str, str]], np.ndarray],
) -> EmbeddingSpace:
    """Return vectors of items from their documents; those without a word are not covered.

    Parameters
    ----------
    view, units
        What is shown, and the items wanted.
    documents
        Item id to words, of all items of the view, so that a row does not depend on which others are wanted.
    weigh
        Documents and sides to rows, such as `tfidf_vectors`.
    """
    from urbanbench.space import EmbeddingSpace

    known = weigh(documents, view.sides)
    row_of = {name: row for row, name in enumerate(documents)}
    vectors = np.zeros((len(units), known.shape[1]), dtype=np.float32)
    covered = np.zeros(len(units), dtype=bool)
    for row, name in enumerate(units.ids):
        if documents.get(name):
            vectors[row], covered[row] = known[row_of[name]], True
    return EmbeddingSpace("item", np.array(units.ids), vectors, covered)


def tfidf_vectors(
    documents: Mapping[str, Sequence[str]], sides: Mapping[str, str], known: KnownWords
) -> np.ndarray:
    """Return tf-idf vectors of length 1, float32 (n, words that both sides have + 2); the zero vector for a document without words.

    A word weighs (1 + log of its count) times its inverse document frequency. Words that only one side has add to no likeness; their weight
    stands in a column of that side, so that cosines are those of all words.
    """
    return _rows(
        documents,
        sides,
        lambda _, counts, __: {word: (1 + np.log(n)) * known.smooth_idf(word) for word, n in counts.items()},
    )


def bm25_vectors(
    documents: Mapping[str, Sequence[str]],
    sides: Mapping[str, str],
    known: KnownWords,
    *,
    k1: float = 1.2,
    b: float = 0.75,
) -> np.ndarray:
    """Return vectors by whose cosine candidates are ranked as by BM25 (Robertson, Zaragoza 2009); form as of `tfidf_vectors`.

    BM25 is not symmetric: a query counts words, and weight, saturation and length belong to the candidate. So a query has counts, a candidate
    its BM25 weights. A cosine would divide by a candidate's length, which BM25 does not; a further column makes all candidates
    equally long (Neyshabur, Srebro 2015), so that the cosine is BM25's score up to a factor of the query.
    """

    def weights(side: str, counts: Mapping[str, int], length: int) -> dict[str, float]:
        if side == "query":
            return {word: float(n) for word, n in counts.items()}
        norm = k1 * (1 - b + b * length / max(known.mean_length, 1.0))
        return {word: known.robust_idf(word) * n * (k1 + 1) / (n + norm) for word, n in counts.items()}

    return _rows(documents, sides, weights, level=True)


def _rows(documents: Any, sides: Mapping[str, str], weights: Any, *, level: bool = False) -> np.ndarray:
    """Return rows of weights by shared words, then a column per side for what only it has; with `level` candidates are made equally long."""
    counts = {name: Counter(words) for name, words in documents.items()}
    seen: dict[str, set[str]] = {"query": set(), "candidate": set()}
    for name, some in counts.items():
        seen[sides[name]] |= some.keys()
    shared = {word: k for k, word in enumerate(sorted(seen["query"] & seen["candidate"]))}
    rows = np.zeros((len(counts), len(shared) + 2))
    for row, (name, some) in enumerate(counts.items()):
        rest = 0.0
        for word, weight in weights(sides[name], some, sum(some.values())).items():
            if word in shared:
                rows[row, shared[word]] = weight
            else:
                rest += weight**2
        rows[row, len(shared) + (sides[name] == "candidate")] = np.sqrt(rest)
    lengths = np.linalg.norm(rows, axis=1)
    if level:
        mine = np.array([sides[name] == "candidate" for name in counts], dtype=bool)
        own, most = rows[:, :-1], (lengths[mine].max() if mine.any() else 0.0)
        short = np.sqrt(np.maximum(most**2 - np.einsum("ij,ij->i", own, own), 0.0))
        rows[:, -1] = np.where(mine & (lengths > 0), short, rows[:, -1])
        lengths = np.linalg.norm(rows, axis=1)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1.0)[:, None], dtype=np.float32)
