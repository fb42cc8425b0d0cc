"""Floor: which share of a unit's objects is of each kind; counting without how many there are."""

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
class PoiShares(Model):
    """Mean over a unit's objects of one-hot categories; the counts of `places-counts` by number of objects instead of by area.

    What it loses against `places-counts` is what a mean over POIs forgets. An object with several categories has a one in each. A
    unit without objects has no mean and is not covered.

    Parameters
    ----------
    objects
        Which objects, as in `places-counts`: "all", "kept", "places" or "footprints".
    max_columns
        Most frequent key=value pairs kept; ties by name.
    radius_m
        How far from a building objects are read, in metres.
    """

    objects: str = "places"
    max_columns: int = 2048
    radius_m: float = 100.0

    card = ModelCard(
        title="Category shares",
        summary="Mean of one-hot categories over the objects that models are shown.",
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
        """Return shares in [0, 1], (n, number of key=value pairs), pairs sorted by frequency then name."""
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
        """Return shares in [0, 1], (n, pairs learned)."""
        import numpy as np

        from urbanbench.space import EmbeddingSpace
        from urbanbench.toolkit.ground.objects import count_categories, pooled

        del seed, device
        names = learned.facts["words"]
        found = count_categories(view, units, objects=self.objects, radius_m=self.radius_m, names=names)
        vectors = pooled(view, units, found.counts.toarray(), found.number, "mean")
        covered = found.number > 0
        return EmbeddingSpace(units.level, np.array(units.ids), vectors.astype(np.float32), covered)
