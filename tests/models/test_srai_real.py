"""The srai adapter on the real library; skipped where the extra `srai` is not installed."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("srai", reason="the optional extra srai is not installed")

from urbanbench.checks import check_model
from urbanbench.registry import load_model, open_city
from urbanbench.units import Units

pytestmark = [pytest.mark.usefixtures("own_cache"), pytest.mark.filterwarnings("ignore")]

DIGEST = """
import sys
from urbanbench.registry import load_model, open_city
from urbanbench.units import Units
view = open_city("toyville:tiny").view(frozenset({"poi"}))
model = load_model("srai:Hex2VecEmbedder")()
print(model.embed(view, units=Units("region", view.region_ids), seed=0, device="cpu").digest())
print("torchvision" in sys.modules)
"""


@pytest.fixture(scope="module")
def city():
    return open_city("toyville:tiny")


def embedded(name, city, **settings):
    view = city.view(frozenset({"poi", "polygon", "road"}))
    model = load_model(f"srai:{name}").from_settings("", settings)
    return model.embed(view, units=Units("region", view.region_ids), seed=0, device="cpu")


@pytest.mark.parametrize(
    "name", ["CountEmbedder", "ContextualCountEmbedder", "Hex2VecEmbedder", "Highway2VecEmbedder"]
)
def test_real_embedders_keep_the_contract(city, name):
    check_model(load_model(f"srai:{name}"), city)


def test_real_counts_are_those_of_a_plain_loop(city):
    from srai.loaders.osm_loaders.filters import HEX2VEC_FILTER

    space = embedded("CountEmbedder", city)
    expected: dict[tuple[str, str], np.ndarray] = {}
    row_of = {one: row for row, one in enumerate(space.ids.tolist())}
    pois = city.view(frozenset({"poi"})).pois
    for home, tags in zip(pois["region_id"], pois["tags"], strict=True):
        for key, value in tags:
            if home in row_of and value in HEX2VEC_FILTER.get(key, ()):
                expected.setdefault((key, value), np.zeros(len(space)))[row_of[home]] += 1
    loop = np.stack([expected[one] for one in sorted(expected)], axis=1)
    assert space.vectors.shape == loop.shape
    assert sorted(map(tuple, space.vectors.T)) == sorted(map(tuple, loop.T))


def test_groups_of_tags_are_counted_under_their_name(city):
    space = embedded("CountEmbedder", city, osm_filter="BASE_OSM_GROUPS_FILTER", count_subcategories="false")
    assert 0 < space.dim < 30
    assert space.mask.any()


def test_hex2vec_takes_its_parameters_and_learns(city):
    from urbanbench.toolkit.training.stage_log import recording

    with recording() as stages:
        space = embedded("Hex2VecEmbedder", city, encoder_sizes="16,8", max_epochs="20", batch_size="16")
    assert space.dim == 8
    assert np.mean(stages[0].steps[-20:]) < np.log(2)


def test_every_start_of_python_gives_the_same_vectors_without_torchvision():
    told = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    [one] = told
    assert one.split()[1] == "False"
