"""Floor of retrieval: how many words two items share, weighted by tf-idf."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from urbanbench.card import ModelCard
from urbanbench.model import Model

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.learned import Learned
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units


@dataclass(frozen=True)
class TextOverlap(Model):
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
        from urbanbench.toolkit.texts.overlap import KnownWords, documents_of, overlap_space, tfidf_vectors

        del seed, device
        known, items = KnownWords.from_learned(learned), of_items(view)
        return overlap_space(
            items, units, documents_of(items), lambda documents, sides: tfidf_vectors(documents, sides, known)
        )
