"""Floor of retrieval: how many words two items share, weighted by tf-idf."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from urbanbench.card import ModelCard
from urbanbench.toolkit.texts.word_models import WordModel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from urbanbench.toolkit.texts.overlap import KnownWords


@dataclass(frozen=True)
class TextOverlap(WordModel):
    """Tf-idf of an item's text and of what the nodes of its graph are, each row of length 1.

    How much a word weighs is counted on lessons; a word that none of them has weighs most. Items without a word are not covered.
    """

    card: ClassVar[ModelCard] = ModelCard(
        title="Text overlap (tf-idf)",
        summary="Words that query and candidate share, by tf-idf; a graph counts as the words of its nodes.",
        needs=(),
        embeds=("text", "graph"),
        floor=True,
        family="retrieval",
        transfers="inductive",
        transfers_why="how much a word weighs is counted where it learns",
    )

    def weigh(
        self, documents: Mapping[str, Sequence[str]], sides: Mapping[str, str], known: KnownWords
    ) -> np.ndarray:
        """Return rows of tf-idf, each of length 1."""
        from urbanbench.toolkit.texts.overlap import tfidf_vectors

        return tfidf_vectors(documents, sides, known)
