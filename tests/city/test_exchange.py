"""A view as files: what it shows comes back the same, and what it hides is in no file."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from geopandas.testing import assert_geodataframe_equal

from urbanbench.card import ModelCard
from urbanbench.checks.frames import frames_digest
from urbanbench.checks.practice import practice
from urbanbench.city.changing.moved import moved_view
from urbanbench.city.changing.twins import choose_twins, twins_view
from urbanbench.city.city import City
from urbanbench.city.exchange import read_view, write_view
from urbanbench.city.item_view import of_items
from urbanbench.errors import InputMasked
from urbanbench.units import Units

TABLES = ("poi", "polygon", "road", "street_view", "satellite", "flow")
LAYERS = ("pois", "buildings", "roads", "street_views", "satellite", "flows")


@pytest.fixture(scope="module")
def town(tiny_toyville):
    return City.open(tiny_toyville)


def handed(view, folder):
    folder.mkdir()
    write_view(view, folder)
    return read_view(folder)


def test_every_table_comes_back_as_it_was_with_the_same_key(town, tmp_path):
    view = town.view(TABLES, ["landuse"])
    there = handed(view, tmp_path / "view")
    assert view.touched == frozenset()
    for layer in ("regions", *LAYERS):
        ours, theirs = getattr(view, layer), getattr(there, layer)
        (assert_geodataframe_equal if "geometry" in ours else pd.testing.assert_frame_equal)(ours, theirs)
        assert theirs.index.name == ours.index.name
    assert frames_digest(view) == frames_digest(there)
    assert (there.key, there.city_name, there.crs, there.inputs) == (
        view.key,
        view.city_name,
        view.crs,
        view.inputs,
    )
    assert [there.kind(name) for name in TABLES] == [view.kind(name) for name in TABLES]
    assert there.touched == frozenset(TABLES)


def test_what_is_masked_or_withheld_is_in_no_file(town, tmp_path):
    targets = town.unit_ids("building")[:30]
    view = town.view({"poi"}, ["landuse", "target_building"], targets)
    hidden = sorted(set(town.pois.index) - set(view.pois.index))
    assert hidden, "the test needs POIs inside of labelled buildings"
    there = handed(view, tmp_path / "view")
    assert sorted(path.name for path in (tmp_path / "view").rglob("*")) == [
        "pois.parquet",
        "regions.parquet",
        "view.json",
    ]
    assert there.pois.index.tolist() == view.pois.index.tolist()
    told = b"".join(path.read_bytes() for path in (tmp_path / "view").glob("*.json"))
    assert str(town.path).encode() not in told
    with pytest.raises(InputMasked):
        _ = there.buildings
    assert not there.has("polygon")


def test_coordinates_of_units_that_are_not_shown_are_the_same(town, tmp_path):
    view = town.view({"coordinates"})
    there = handed(view, tmp_path / "view")
    for level in ("region", "building", "poi", "street_view"):
        units = Units(level, town.unit_ids(level)[:7])
        np.testing.assert_array_equal(there.coordinates(units), view.coordinates(units))
    with pytest.raises(InputMasked):
        there.unit_geometry(Units("building", town.unit_ids("building")[:7]))


def test_pictures_are_those_that_are_shown(town, tmp_path):
    view = town.view({"satellite"})
    there = handed(view, tmp_path / "view")
    paths = view.satellite["image"].tolist()
    assert there.open_image(paths[0]).tobytes() == view.open_image(paths[0]).tobytes()
    assert there.picture_digest(paths) == view.picture_digest(paths)
    written = {str(path.relative_to(tmp_path / "view")) for path in (tmp_path / "view").rglob("*.png")}
    assert written == set(paths)


def test_moved_cities_and_planted_twins_come_back_too(town, tmp_path):
    view = town.view({"poi", "road"})
    for k, changed in enumerate(
        (moved_view(view, (512.0, -256.0)), twins_view(view, choose_twins(view, 4, np.random.default_rng(0))))
    ):
        there = handed(changed, tmp_path / str(k))
        assert frames_digest(there) == frames_digest(changed)
        assert there.key == changed.key


def test_items_lessons_and_graphs_come_back_under_their_keys(town, tmp_path):
    card = ModelCard(
        title="T", summary="S", needs=(), can_use=("street_view", "graph"), embeds=("image", "text", "graph")
    )
    view, units = practice(town, card)
    there = of_items(handed(view, tmp_path / "view"))
    assert dict(there.items) == dict(view.items)
    assert (dict(there.sides), there.lessons) == (dict(view.sides), view.lessons)
    assert set(units.ids) >= set(there.items)
    pd.testing.assert_frame_equal(there.street_views, pd.DataFrame(view.street_views))
    picture = view.street_views["east"].dropna().iloc[0]
    assert there.open_image(picture).tobytes() == view.open_image(picture).tobytes()
    graphs = [item.graph for item in view.items.values() if item.graph]
    assert all(there.graph(key).digest == view.graph(key).digest for key in graphs)
    assert there.key == view.key


def test_a_model_cannot_spoil_what_the_next_one_reads(town, tmp_path):
    there = handed(town.view({"poi"}), tmp_path / "view")
    before = there.pois["region_id"].tolist()
    shown = there.pois
    shown.loc[:, "region_id"] = "nowhere"
    assert read_view(tmp_path / "view").pois["region_id"].tolist() == before
