"""What models of shared words have in common: they count words of lessons, and weigh those of items by them."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from urbanbench.model import Model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from urbanbench.city.view import View
    from urbanbench.learned import Learned
    from urbanbench.space import EmbeddingSpace
    from urbanbench.toolkit.texts.overlap import KnownWords
    from urbanbench.units import Units

__all__ = ["WordModel"]


class WordModel(Model):
    """A model whose vectors are weights of words, of texts and of what the nodes of graphs are. Items without a word are not covered."""

    @abstractmethod
    def weigh(
        self, documents: Mapping[str, Sequence[str]], sides: Mapping[str, str], known: KnownWords
    ) -> np.ndarray:
        """Return weights, float32 (n, words that both sides have + 2), of documents by side, as `urbanbench.toolkit.texts.overlap.tfidf_vectors` does.

        Parameters
        ----------
        documents, sides
            Item id to words, and to "query" or "candidate".
        known
            In how many sides of lessons each word occurs.
        """

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
        from urbanbench.toolkit.texts.overlap import KnownWords, documents_of, overlap_space

        del seed, device
        known, items = KnownWords.from_learned(learned), of_items(view)
        return overlap_space(
            items, units, documents_of(items), lambda documents, sides: self.weigh(documents, sides, known)
        )
