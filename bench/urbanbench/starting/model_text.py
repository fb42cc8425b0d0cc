"""A model to begin with, and its test."""

from __future__ import annotations

__all__ = ["MODEL", "MODEL_TEST"]

MODEL = '''"""$title: how many POIs of some keys a region holds, per square kilometre where that is asked for."""

from __future__ import annotations

from dataclasses import dataclass

from urbanbench.card import ModelCard
from urbanbench.model import Model


@dataclass(frozen=True)
class $kind(Model):
    """Counts of POIs by key. The fields are its parameters: --set keys=shop,office --set per_km2=true."""

    keys: tuple[str, ...] = ("shop", "amenity", "leisure")
    per_km2: bool = False

    card = ModelCard(
        title="$title",
        summary="Counts POIs by key.",
        needs=("poi",),  # refused where this is masked or the city lacks it
        can_use=(),  # used when it is there; ask view.has("road") first
        embeds=("region",),
        trained=False,  # no seed changes its vectors; leave it out for a model that learns
    )

    def embed(self, view, *, units, seed, device):
        import numpy as np  # heavy packages are imported here

        from urbanbench.space import EmbeddingSpace

        row_of = {one: row for row, one in enumerate(units.ids)}
        counts = np.zeros((len(units), len(self.keys)), dtype=np.float32)
        pois = view.pois
        for region, tags in zip(pois["region_id"], pois["tags"], strict=True):
            if region in row_of:
                present = dict(tags)
                counts[row_of[region]] += [key in present for key in self.keys]
        if self.per_km2:
            area = view.regions.loc[list(units.ids), "area_km2"].to_numpy(np.float32)
            counts /= area[:, None]
        return EmbeddingSpace(units.level, np.array(units.ids), counts)
'''

MODEL_TEST = '''"""$title keeps the contract of a model, says what can be counted by hand, and is scored like any other."""

from pathlib import Path

import numpy as np
import pytest

import urbanbench as ub
from urbanbench.checks import check_model

FILE = Path(__file__).with_name("$stem.py")


@pytest.fixture(scope="module")
def city():
    return ub.load_city($city)


def test_it_keeps_the_contract(city):
    check_model(ub.load_model(str(FILE)), city)


def test_a_region_has_the_pois_that_a_count_by_hand_finds(city):
    space = ub.embed(FILE, city, settings={"keys": ("shop",)})
    shops = city.pois[["shop" in dict(tags) for tags in city.pois["tags"]]]
    by_hand = shops.groupby("region_id").size().reindex(space.ids, fill_value=0)
    assert np.array_equal(space.vectors[:, 0], by_hand.to_numpy(np.float32))


def test_it_is_scored_like_any_model(city):
    result = ub.evaluate(ub.embed(FILE, city), "popdensity", head="ridge", seeds=3)
    assert result.scores["r2"].between(-10, 1).all()
'''
