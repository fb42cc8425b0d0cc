"""Floor: how many objects of each kind a unit holds, over exactly the objects that a model is shown."""

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


@dataclass(frozen=True)
class PlacesCounts(Model):
    """`poi-counts` over other objects: log of the density of objects by key=value.

    What it loses against `poi-counts` is what models lose by what they are shown. A unit without objects has a row of zeros and
    counts as covered: none is an answer.

    Parameters
    ----------
    objects
        Which objects: "all" POIs, the "kept" ones (SpaBERT, MuseCL, text-mean), "places" (UrbanMFM, CityFM, HGI, Urban2Vec) or all
        "footprints" beside these; see `urbanbench.toolkit.ground.objects.OBJECTS`.
    max_columns
        Most frequent key=value pairs kept; ties by name.
    radius_m
        How far from a building objects are counted, in metres.
    """

    objects: str = "places"
    max_columns: int = 2048
    radius_m: float = 100.0

    card = ModelCard(
        title="Counts of what a model is shown",
        summary="Density of the objects that models are shown by key=value, on a log scale.",
        needs=("poi",),
        can_use=("polygon",),
        embeds=("region", "building"),
        floor=True,
        family="attribution",
        transfers="inductive",
        transfers_why="another city is counted by the key=value pairs of the one it learned from",
    )

    def __post_init__(self) -> None:
        """Refuse objects that do not exist with an UnknownName."""
        from urbanbench.toolkit.ground.objects import OBJECTS, check_choice

        check_choice("word for objects", self.objects, OBJECTS)

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Return log counts (n, number of key=value pairs), pairs sorted by frequency then name."""
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
        """Return log counts (n, pairs learned)."""
        import numpy as np

        from urbanbench.space import EmbeddingSpace
        from urbanbench.toolkit.ground.objects import count_categories, pooled

        del seed, device
        names = learned.facts["words"]
        found = count_categories(view, units, objects=self.objects, radius_m=self.radius_m, names=names)
        vectors = pooled(view, units, found.counts.toarray(), found.number, "sum")
        return EmbeddingSpace(units.level, np.array(units.ids), vectors.astype(np.float32))
