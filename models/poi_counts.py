"""Floor: how many points of interest of each kind a unit holds."""

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
class PoiCounts(Model):
    """Log of the density of POIs by key=value.

    Regions: ``log1p`` of POIs per km²; a tree grows the same on it as on the density. Buildings: ``log1p`` of the POIs within
    `radius_m`. A unit without POIs has a row of zeros and counts as covered: none is an answer.

    Parameters
    ----------
    max_columns
        Most frequent key=value pairs kept; ties by name.
    radius_m
        How far from a building POIs are counted, in metres.
    """

    max_columns: int = 2048
    radius_m: float = 100.0

    card = ModelCard(
        title="POI counts",
        summary="Density of POIs by key=value, on a log scale.",
        needs=("poi",),
        can_use=("polygon",),
        embeds=("region", "building"),
        floor=True,
        transfers="inductive",
        transfers_why="another city is counted by the key=value pairs of the one it learned from",
    )

    def embed(self, view: View, *, units: Units, seed: int, device: str) -> EmbeddingSpace:
        """Return log counts (n, number of key=value pairs), pairs sorted by frequency then name."""
        learned = self.learn(view, seed=seed, device=device)
        return self.embed_with(learned, view, units=units, seed=seed, device=device)

    def learn(self, view: View, *, seed: int, device: str) -> Learned:
        """Return the key=value pairs that get a column."""
        from urbanbench.learned import Learned
        from urbanbench.toolkit.texts.counts import key_value_tokens, vocabulary_matrix

        del seed, device
        _, words = vocabulary_matrix(key_value_tokens(view.pois), max_columns=self.max_columns)
        return Learned(facts={"words": words})

    def embed_with(
        self, learned: Learned, view: View, *, units: Units, seed: int, device: str
    ) -> EmbeddingSpace:
        """Return log counts (n, words learned)."""
        import numpy as np

        from urbanbench.space import EmbeddingSpace
        from urbanbench.toolkit.texts.counts import (
            area_km2,
            key_value_tokens,
            matrix_of_words,
            pois_of_units,
            saw_pois,
        )

        del seed, device
        per_poi = matrix_of_words(key_value_tokens(view.pois), learned.facts["words"])
        belongs = pois_of_units(view, units, self.radius_m)
        saw_pois(belongs, np.diff(per_poi.indptr) > 0)
        counts = (belongs @ per_poi).toarray()
        if units.level == "region":
            counts /= area_km2(view, units)[:, None]
        return EmbeddingSpace(units.level, np.array(units.ids), np.log1p(counts).astype(np.float32))
