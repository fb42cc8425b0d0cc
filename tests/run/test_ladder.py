"""The ladder of a city and task, and what a city gives to its rungs."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from urbanbench.errors import RunRefused
from urbanbench.registry import load_task, open_city
from urbanbench.result import OK, REFUSED, RunSpec
from urbanbench.run.ladder import rungs_of, splits_of, with_rungs
from urbanbench.run.split_export import exported_splits
from urbanbench.run.split_ground import group_columns, targets_for
from urbanbench.run.walk import execute
from urbanbench.scoring.splits import LADDER

CITY = "toyville:tiny"


@pytest.fixture(scope="module")
def city():
    return open_city(CITY)


def targets_of(city, task):
    return load_task(task).targets(city)


def test_groups_may_be_any_column_of_the_labels_table(city):
    targets = targets_of(city, "building-function")
    named = targets_for("group:parcel", targets, city, "building_function")
    assert named.groups.tolist() == targets.parcels.tolist()
    assert named.digest() != targets.digest()


def test_buildings_are_grouped_by_their_region_or_the_nearest_named_road(city):
    targets = targets_of(city, "building-function")
    regions = targets_for("group:region", targets, city, "building_function").groups
    streets = targets_for("group:street", targets, city, "building_function").groups
    named = [
        (dict(tags)["name"], line)
        for tags, line in zip(city.roads["tags"], city.roads.geometry, strict=True)
        if "name" in dict(tags)
    ]
    for row in range(0, len(targets), 41):
        assert regions[row] == city.buildings["region_id"][targets.ids[row]]
        point = shapely.Point(targets.xy[row])
        nearest = min(line.distance(point) for _, line in named)
        assert streets[row] in {name for name, line in named if line.distance(point) <= nearest + 1e-6}
    assert group_columns(city, "building", "building_function") == ["region", "street"]


def test_a_column_that_is_not_there_is_refused_with_those_that_are(city):
    targets = targets_of(city, "building-function")
    with pytest.raises(
        RunRefused, match=r"no column 'borough' to group buildings by.*'group', 'region', 'street'"
    ):
        targets_for("group:borough", targets, city, "building_function")


def test_places_of_prediction_are_units_without_a_label_or_the_ground(city):
    some = targets_of(city, "housing")
    without = sorted(set(city.regions.index) - set(some.ids.tolist()))
    assert len(without) == 20
    centres = shapely.get_coordinates(shapely.centroid(city.regions.geometry[without].to_numpy()))
    assert np.allclose(targets_for("knndm", some, city, "housing").domain, centres)
    every = targets_of(city, "popdensity")
    ground = targets_for("knndm", every, city, "popdensity").domain
    inside = shapely.intersects_xy(shapely.union_all(city.regions.geometry.to_numpy()), *ground.T)
    assert inside.all()
    assert 1800 < len(ground) < 2300
    assert targets_for("block", every, city, "popdensity") is every


def test_the_ladder_has_every_rung_the_city_allows_and_says_why_not_the_others(city):
    targets = targets_of(city, "building-function")
    rungs = rungs_of(targets, city, "building_function", (0, 1))
    assert rungs.words == ("random", "block", "buffered", "knndm", "group", "group:street")
    assert set(rungs.left_out) == {"group:region", "city-out"}
    assert "those of an earlier rung" in rungs.left_out["group:region"]
    assert "trains on other cities" in rungs.left_out["city-out"]
    shares = rungs_of(targets_of(city, "landuse-shares"), city, "landuse_shares", (0,))
    assert "no group column" in shares.left_out["group"]


def test_a_spec_that_asks_for_the_ladder_becomes_one_for_each_rung(city):
    spec = RunSpec("poi-counts", "popdensity", CITY, split=LADDER, head="ridge", seeds=(0, 1))
    plain = RunSpec("poi-counts", "popdensity", CITY, split="block", head="ridge", seeds=(0, 1))
    specs, said = with_rungs([spec, plain], {CITY: city})
    assert [one.split for one in specs] == ["random", "block", "buffered", "knndm", "group"]
    [line] = said
    assert line.startswith(f"Left out of the ladder of {CITY} · popdensity: city-out. ")
    missing = RunSpec("poi-counts", "crime", CITY, split=LADDER)
    assert [one.split for one in with_rungs([missing], {CITY: city})[0]] == ["random"]


def test_rungs_are_scored_and_rows_say_what_the_split_did():
    words = {"split": "buffered:300", "head": "ridge", "seeds": (0, 1, 2)}
    result = execute(RunSpec("poi-counts", "popdensity", CITY, **words))
    assert result.status == OK
    assert result.cell.split == "buffered:300"
    assert [one["buffer_m"] for one in result.evaluation["split_facts"]] == [300.0] * 3
    assert result.evaluation["block_size_m"] > 0
    file = exported_splits("popdensity", CITY, "buffered:300.0", (0, 1, 2))
    assert result.provenance["split_digest"] == file.digest
    assert all(
        len(sides["left_out"]) == facts["left_out"]
        for sides, facts in zip(file.sides.values(), result.evaluation["split_facts"], strict=True)
        if facts["left_out"]
    )


@pytest.mark.parametrize(
    ("split", "reason"),
    [
        ("city-out", "trains on other cities"),
        ("buffered:4000", "leaves at most 0 training units"),
        ("group:borough", "no column 'borough'"),
    ],
)
def test_a_rung_that_the_city_does_not_allow_is_a_refused_row(split, reason):
    result = execute(RunSpec("poi-counts", "popdensity", CITY, split=split, head="ridge"))
    assert result.status == REFUSED
    assert reason in result.reason


def test_splits_of_several_words_name_those_left_out(city):
    made, left_out = splits_of(load_task("popdensity"), city, ["block", "buffered:4000"], (0, 1))
    assert list(made) == ["block"]
    assert list(left_out) == ["buffered:4000"]
