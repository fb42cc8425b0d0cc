"""Floor of retrieval: how many words two items share, weighted by BM25."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from urbanbench.card import ModelCard
from urbanbench.errors import BadInput
from urbanbench.model import Model

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.learned import Learned
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units


@dataclass(frozen=True)
class BM25(Model):
    """BM25 of a candidate's words for a query's, of texts and of what the nodes of graphs are.

    Weights, saturation and length are folded into the candidate's row, and one more column makes candidates equally long: the cosine then ranks
    them exactly as BM25 does. Items without a word are not covered.

    Parameters
    ----------
    k1
        How soon a word that stands several times counts no more.
    b
        How much long candidates are held back, in [0, 1].
    """

    k1: float = 1.2
    b: float = 0.75

    card: ClassVar[ModelCard] = ModelCard(
        title="Text overlap (BM25)",
        summary="Words that query and candidate share, by BM25; a graph counts as the words of its nodes.",
        year=1994,
        paper="Robertson, Walker, Jones, Hancock-Beaulieu, Gatford: Okapi at TREC-3 (1994)",
        needs=(),
        embeds=("text", "graph"),
        floor=True,
        family="retrieval",
        transfers="inductive",
        transfers_why="how much a word weighs is counted where it learns",
    )

    def __post_init__(self) -> None:
        """Check the parameters.

        Raises
        ------
        BadInput
            A `k1` below 0, or a `b` outside of [0, 1].
        """
        if self.k1 < 0 or not 0 <= self.b <= 1:
            msg = f"BM25 has k1={self.k1} and b={self.b}. Expected k1 >= 0 and b in [0, 1]. For example --set k1=1.2 --set b=0.75"
            raise BadInput(msg)

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Return weights (n, words that both sides have + 2)."""
        learned = self.learn(view, seed=seed, device=device)
        return self.embed_with(learned, view, units=units, seed=seed, device=device)

    def learn(self, view: View, *, seed: int, device: str) -> Learned:
        """Return in how many sides of lessons each word occurs."""
        from urbanbench.city.item_view import of_items
        from urbanbench.toolkit.texts.overlap import KnownWords

        del seed, device
        return KnownWords.from_lessons(of_items(view)).to_learned()

    def embed_with(
        self, learned: Learned, view: View, *, units: Units, seed: int, device: str
    ) -> EmbeddingSpace:
        """Return weights as `embed`, by frequencies counted elsewhere."""
        from urbanbench.city.item_view import of_items
        from urbanbench.toolkit.texts.overlap import KnownWords, bm25_vectors, documents_of, overlap_space

        del seed, device
        known, items = KnownWords.from_learned(learned), of_items(view)
        return overlap_space(
            items,
            units,
            documents_of(items),
            lambda documents, sides: bm25_vectors(documents, sides, known, k1=self.k1, b=self.b),
        )
