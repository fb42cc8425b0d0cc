"""Floor of retrieval: how many words two items share, weighted by BM25."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from urbanbench.card import ModelCard
from urbanbench.errors import BadInput
from urbanbench.toolkit.texts.word_models import WordModel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from urbanbench.toolkit.texts.overlap import KnownWords


@dataclass(frozen=True)
class BM25(WordModel):
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

    def weigh(
        self, documents: Mapping[str, Sequence[str]], sides: Mapping[str, str], known: KnownWords
    ) -> np.ndarray:
        """Return BM25's weights; see `urbanbench.toolkit.texts.overlap.bm25_vectors`."""
        from urbanbench.toolkit.texts.overlap import bm25_vectors

        return bm25_vectors(documents, sides, known, k1=self.k1, b=self.b)
