"""Floor: how many objects of each kind a region holds, and how many the regions around it hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from urbanbench.card import ModelCard
from urbanbench.model import Model

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.learned import Learned
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units

NEIGHBOURS = {
    "beside": "columns of the region itself, then the same columns of the regions around it",
    "together": "one set of columns, of the region and those around it as one area",
}


@dataclass(frozen=True)
class NeighbourCounts(Model):
    """`places-counts` of a region and of its neighbours: log of the density of objects by key=value.

    What it gains over `places-counts` is what a graph of neighbouring regions (HGI's, say) can bring without any learning. In spatial
    econometrics such columns are spatial lags of X (SLX; LeSage and Pace 2009). The neighbours of a region are taken as one area: objects of
    all of them by their whole surface. A region without neighbours has zeros in their columns.

    Parameters
    ----------
    neighbours
        "beside": columns of the region itself, then the same columns of the regions around it; "together": one set of columns, of the
        region and those around it as one area.
    objects
        Which objects, as in `places-counts`: "all", "kept", "places" or "footprints".
    adjacent_gap_m
        Regions no farther than this from one another are neighbours, in metres.
    max_columns
        Most frequent key=value pairs kept; ties by name.
    """

    neighbours: str = "beside"
    objects: str = "places"
    adjacent_gap_m: float = 1.0
    max_columns: int = 2048

    card = ModelCard(
        title="Counts of a region and its neighbours",
        summary="Density of the objects that models are shown by key=value, in a region and in the regions around it, on a log scale.",
        needs=("poi",),
        can_use=("polygon",),
        embeds=("region",),
        floor=True,
        family="attribution",
        transfers="inductive",
        transfers_why="another city is counted by the key=value pairs of the one it learned from",
    )

    def __post_init__(self) -> None:
        """Refuse words that do not exist with an UnknownName, and a gap below 0 with a BadInput."""
        from urbanbench.errors import BadInput
        from urbanbench.toolkit.ground.objects import OBJECTS, check_choice

        check_choice("word for neighbours", self.neighbours, NEIGHBOURS)
        check_choice("word for objects", self.objects, OBJECTS)
        if self.adjacent_gap_m < 0:
            msg = f"Parameter 'adjacent_gap_m' of neighbour-counts is {self.adjacent_gap_m}. Expected metres, 0 or more."
            raise BadInput(msg)

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Return log densities (n, c), or (n, 2 c) with the neighbours' beside, pairs sorted by frequency then name."""
        learned = self.learn(view, seed=seed, device=device)
        return self.embed_with(learned, view, units=units, seed=seed, device=device)

    def learn(self, view: View, *, seed: int, device: str) -> Learned:
        """Return the key=value pairs that get a column."""
        from urbanbench.toolkit.ground.objects import learn_categories

        del seed, device
        return learn_categories(view, objects=self.objects, max_columns=self.max_columns)

    def embed_with(
        self, learned: Learned, view: View, *, units: Units, seed: int, device: str
    ) -> EmbeddingSpace:
        """Return log densities of the pairs learned, (n, c) or (n, 2 c)."""
        import numpy as np
        from scipy import sparse

        from urbanbench.space import EmbeddingSpace
        from urbanbench.toolkit.ground.neighbours import adjacent_pairs
        from urbanbench.toolkit.ground.objects import count_categories
        from urbanbench.toolkit.texts.counts import area_km2, rows_of
        from urbanbench.units import Units

        del seed, device
        one, other = adjacent_pairs(view.regions.geometry.to_numpy(), gap_m=self.adjacent_gap_m)
        ids, regions = view.region_ids, len(view.regions)
        touch = sparse.csr_array((np.ones(len(one)), (one, other)), shape=(regions, regions))
        rows = rows_of(ids, units.ids)
        own, around = sparse.eye_array(regions, format="csr")[rows], touch[rows]

        read = np.flatnonzero((own + around).sum(axis=0))  # objects elsewhere are not looked at
        known = Units("region", tuple(ids[row] for row in read))
        names = learned.facts["words"]
        counts = count_categories(view, known, objects=self.objects, radius_m=0.0, names=names).counts
        areas = area_km2(view, known)

        parts = (own, around) if self.neighbours == "beside" else (own + around,)
        found = [(part[:, read] @ counts).toarray() for part in parts]
        km2 = [np.maximum(part[:, read] @ areas, 1e-6)[:, None] for part in parts]
        vectors = np.log1p(np.column_stack([many / area for many, area in zip(found, km2, strict=True)]))
        return EmbeddingSpace(units.level, np.array(units.ids), vectors.astype(np.float32))

    def knows_place(self) -> str:
        """Name the neighbouring regions, whose places are in a region's vector as in those of HGI."""
        return "neighbouring regions"
