"""Floor: the mean of the training labels; the vectors say nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from urbanbench.card import ModelCard
from urbanbench.model import Model
from urbanbench.units import LEVELS

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units


@dataclass(frozen=True)
class Mean(Model):
    """One constant column, to be scored with the head `mean`."""

    card = ModelCard(
        title="Mean",
        summary="Predicts the training mean, most frequent class or mean shares for every unit.",
        needs=(),
        embeds=LEVELS,
        floor=True,
        transfers="fixed",
        head="mean",
    )

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Return ones (n, 1)."""
        import numpy as np

        from urbanbench.space import EmbeddingSpace

        del view, seed, device
        return EmbeddingSpace(units.level, np.array(units.ids), np.ones((len(units), 1), dtype=np.float32))
