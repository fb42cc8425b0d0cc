"""Floor: where a unit lies, and nothing else."""

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
class Coordinates(Model):
    """(easting, northing) of the unit's centroid in kilometres from the middle of the city."""

    card = ModelCard(
        title="Coordinates",
        summary="Easting and northing of the unit's centroid in km.",
        needs=("coordinates",),
        embeds=LEVELS,
        floor=True,
        transfers="transductive",
        transfers_why="a place in one city's map says nothing of a place in another's",
    )

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Return (easting, northing) in km, shape (n, 2)."""
        import numpy as np

        from urbanbench.space import EmbeddingSpace
        from urbanbench.toolkit.texts.counts import centred_coordinates

        del seed, device
        vectors = (centred_coordinates(view, units) / 1000.0).astype(np.float32)
        return EmbeddingSpace(units.level, np.array(units.ids), vectors)
