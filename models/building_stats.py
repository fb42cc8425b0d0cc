"""Floor: simple statistics of building footprints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from urbanbench.card import ModelCard
from urbanbench.model import Model, later

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.learned import Learned
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units


@dataclass(frozen=True)
class BuildingStats(Model):
    """Number, size, height, shape and type of the buildings of a region; or a building's own shape and its surroundings.

    A region without buildings has a row of zeros and counts as covered: none is an answer.

    Parameters
    ----------
    max_types
        Most frequent values of the tag ``building`` (other than "yes") that get a column.
    radius_m
        Buildings whose centroids lie within that many metres are a building's neighbours.
    storey_m
        Height of a storey in metres, for the estimate of floor area.
    heights
        Whether columns made of heights are there; models that draw footprints do not see them.
    """

    max_types: int = 32
    radius_m: float = 100.0
    storey_m: float = 3.2
    heights: bool = later(default=True)

    card = ModelCard(
        title="Building statistics",
        summary="Count, footprint, height, shape and type of buildings.",
        needs=("polygon",),
        embeds=("region", "building"),
        floor=True,
        transfers="inductive",
        transfers_why="types and the usual height are those of the city it learned from",
    )

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Return the statistics (n, 16 + types) of regions or (n, 14 + types) of buildings; without heights 5 or 3 columns fewer."""
        learned = self.learn(view, seed=seed, device=device)
        return self.embed_with(learned, view, units=units, seed=seed, device=device)

    def learn(self, view: View, *, seed: int, device: str) -> Learned:
        """Return the types that get a column, and the height that stands in for unknown ones."""
        from urbanbench.learned import Learned
        from urbanbench.models._building_stats_table import frequent_types, usual_height

        del seed, device
        return Learned(facts={"types": frequent_types(view, self.max_types), "height_m": usual_height(view)})

    def embed_with(
        self, learned: Learned, view: View, *, units: Units, seed: int, device: str
    ) -> EmbeddingSpace:
        """Return the statistics with the types learned; shapes as of `embed`."""
        import numpy as np

        from urbanbench.models._building_stats_table import OF_HEIGHTS, building_rows, region_rows
        from urbanbench.space import EmbeddingSpace

        del seed, device
        types, height_m = learned.facts["types"], learned.facts["height_m"]
        if units.level == "region":
            vectors = region_rows(view, units, types=types, storey_m=self.storey_m, height_m=height_m)
        else:
            vectors = building_rows(view, units, types=types, radius_m=self.radius_m)
        if not self.heights:
            vectors = np.delete(vectors, OF_HEIGHTS[units.level], axis=1)
        return EmbeddingSpace(units.level, np.array(units.ids), vectors.astype(np.float32))
