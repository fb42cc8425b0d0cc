"""Floor: the outline of the unit itself, what a map without any content would tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from urbanbench.card import ModelCard
from urbanbench.model import Model

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units


@dataclass(frozen=True)
class Area(Model):
    """Area, perimeter, compactness, number of parts and log area of the unit's polygon."""

    card = ModelCard(
        title="Area",
        summary="Size and shape of the unit's outline.",
        needs=(),
        can_use=("polygon",),
        embeds=("region", "building"),
        floor=True,
        transfers="fixed",
    )

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Return (area m², perimeter m, compactness [0, 1], parts, log1p area), shape (n, 5).

        Compactness is the isoperimetric quotient 4 pi area / perimeter² (1 for a disc).
        """
        import numpy as np
        import shapely

        from urbanbench.space import EmbeddingSpace
        from urbanbench.toolkit.texts.counts import saw_units

        del seed, device
        if units.level == "building":
            saw_units(view, units)
        outline = view.unit_geometry(units)
        area, perimeter = shapely.area(outline), shapely.length(outline)
        compactness = 4 * np.pi * area / np.maximum(perimeter, 1e-9) ** 2
        columns = (area, perimeter, compactness, shapely.get_num_geometries(outline), np.log1p(area))
        return EmbeddingSpace(units.level, np.array(units.ids), np.column_stack(columns).astype(np.float32))
