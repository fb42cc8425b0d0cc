"""Floor: the labels of the nearest training units."""

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
class SpatialLag(Model):
    """Coordinates in metres, to be scored with the head `knn`: interpolation of the training labels in space."""

    card = ModelCard(
        title="Spatial lag",
        summary="Distance-weighted labels of the nearest training units in space.",
        needs=("coordinates",),
        embeds=LEVELS,
        floor=True,
        transfers="transductive",
        transfers_why="a place in one city's map says nothing of a place in another's",
        head="knn",
    )

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Return (easting, northing) in metres from the middle of the city, shape (n, 2)."""
        import numpy as np

        from urbanbench.space import EmbeddingSpace
        from urbanbench.toolkit.texts.counts import centred_coordinates

        del seed, device
        return EmbeddingSpace(
            units.level, np.array(units.ids), centred_coordinates(view, units).astype(np.float32)
        )
