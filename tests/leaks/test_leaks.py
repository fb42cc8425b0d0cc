"""Leaks planted into the built-in city, one by one, are found; the city as it is has none."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from scipy.spatial.distance import cdist

from urbanbench.card import TaskCard
from urbanbench.city.city import City
from urbanbench.leaks.finding import Finding, sorted_findings
from urbanbench.leaks.walk import find_leaks, first_look
from urbanbench.registry import city_folder, load_task
from urbanbench.scoring.block_size import autocorrelation_range_m
from urbanbench.scoring.protocol import Protocol
from urbanbench.scoring.split import Split
from urbanbench.scoring.split_file import SplitFile
from urbanbench.scoring.splits import make_splits
from urbanbench.task import Task

SEEDS = (0, 1, 2)


class Function(Task):
    """What is a building used for?"""

    card = TaskCard(
        title="Function", question="?", label="building_function", kind="classification", level="building"
    )


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(city_folder("toyville:tiny"), tmp_path / "town")


def changed(folder, file, **columns):
    """Write columns of a table anew; functions of its frame of the plain ones."""
    table = pq.read_table(folder / file)
    for name, value in columns.items():
        made = value(table) if callable(value) else value
        kind = table.schema.field(name).type if name in table.column_names else None
        column = pa.array(made, type=kind)
        at = table.column_names.index(name) if name in table.column_names else None
        table = table.set_column(at, name, column) if at is not None else table.append_column(name, column)
    pq.write_table(table, folder / file)


def without(folder, file, *names):
    pq.write_table(pq.read_table(folder / file).drop_columns(list(names)), folder / file)


def described(folder, part, name, **words):
    raw = json.loads((folder / "city.json").read_text())
    raw[part][name] |= words
    (folder / "city.json").write_text(json.dumps(raw))


def looked_at(folder, task, splits=("random", "block")):
    city = City.open(folder)
    targets = task.targets(city)
    made = {word: make_splits(targets, Protocol(word, seeds=SEEDS)) for word in splits}
    return find_leaks(city, task.card, targets, made)


def only(report):
    [finding] = report.findings
    return finding


LABELS = ("popdensity", "housing", "income", "gdp", "landuse", "landuse_shares", "building_function")


@pytest.mark.parametrize("label", LABELS)
def test_the_city_as_it_is_has_no_leak(label):
    folder = city_folder("toyville:tiny")
    task = load_task(f"label:{label}", "toyville:tiny")
    assert looked_at(folder, task).findings == ()
    city = City.open(folder)
    assert first_look(city, task.card, task.targets(city), SEEDS) == []


def test_a_tag_of_the_labelled_buildings_that_names_their_class_is_found_unless_it_is_withheld(folder):
    label = pq.read_table(folder / "labels/building_function.parquet").to_pandas().set_index("building_id")

    def tagged(table):
        ids = table["building_id"].to_pylist()
        return [
            [*tags, *([("use", f"x{label['value'][one]}")] if one in label.index else [])]
            for one, tags in zip(ids, table["tags"].to_pylist(), strict=True)
        ]

    changed(folder, "buildings.parquet", tags=tagged)
    found = only(looked_at(folder, Function()))
    assert (found.severity, found.check, found.count) == ("leak", "answer in an input", len(label))
    assert "tag 'use' of the labelled buildings names the class of 100%" in found.line
    assert "withholds=('target_building',)" in found.mend
    assert looked_at(folder, load_task("building-function")).findings == ()


def test_a_label_that_is_a_count_of_an_input_is_found(folder):
    city = City.open(folder)
    counts = city.pois["region_id"].value_counts()
    changed(
        folder,
        "labels/popdensity.parquet",
        value=lambda table: [float(np.log1p(counts.get(one, 0))) for one in table["region_id"].to_pylist()],
    )
    found = only(looked_at(folder, load_task("popdensity")))
    assert found.severity == "leak"
    assert "number of pois ranks units as the label does (rank correlation 1.000)" in found.told


def test_a_label_that_is_the_usual_tag_of_a_region_is_found(folder):
    years = {one: 1900.0 + 3 * k for k, one in enumerate(City.open(folder).regions.index)}
    home = City.open(folder).buildings["region_id"]

    def tagged(table):
        pairs = zip(table["building_id"].to_pylist(), table["tags"].to_pylist(), strict=True)
        return [[*tags, ("start_date", f"{years.get(home[one], 2000):.0f}")] for one, tags in pairs]

    changed(folder, "buildings.parquet", tags=tagged)
    changed(
        folder,
        "labels/popdensity.parquet",
        value=lambda table: [years[one] for one in table["region_id"].to_pylist()],
    )
    found = looked_at(folder, load_task("popdensity")).findings
    assert any("usual value of tag 'start_date' of buildings in the region" in one.told for one in found)


def test_a_label_and_an_input_of_one_publisher_are_found(folder):
    described(folder, "labels", "landuse", source="OpenStreetMap, landuse=* summed per region")
    described(folder, "layers", "pois", source="OSM extract of 2024")
    described(folder, "layers", "buildings", source="the cadastre")
    found = only(looked_at(folder, load_task("landuse")))
    assert (found.severity, found.check) == ("warning", "same source")
    assert "label 'landuse' and input 'poi' come from OpenStreetMap" in found.told


def test_a_label_that_is_a_model_of_the_inputs_is_found(folder):
    described(folder, "labels", "popdensity", source="WorldPop 2020, constrained")
    found = only(looked_at(folder, load_task("popdensity")))
    assert (found.severity, found.check) == ("warning", "modelled label")
    assert "(WorldPop)" in found.told
    assert "'polygon'" in found.told


def test_equal_geometries_on_both_sides_are_counted(folder):
    label = pq.read_table(folder / "labels/building_function.parquet")
    ids = label["building_id"].to_pylist()
    twins = dict(zip(ids[100:110], ids[200:210], strict=True))

    def doubled(table):
        shape = dict(zip(table["building_id"].to_pylist(), table["geometry"].to_pylist(), strict=True))
        # The same ring from another corner: equal ground, other bytes.
        turned = {
            one: shapely.to_wkb(_turned(shapely.from_wkb(shape[other]))) for one, other in twins.items()
        }
        return [turned.get(one, shape[one]) for one in table["building_id"].to_pylist()]

    changed(folder, "buildings.parquet", geometry=doubled)
    without(folder, "labels/building_function.parquet", "parcel")
    task = load_task("building-function")
    report = looked_at(folder, task, ("random",))
    found = next(one for one in report.findings if one.check == "duplicate geometry")
    assert (found.severity, found.count, found.of) == ("leak", 20, len(ids))
    targets = task.targets(City.open(folder))
    place = {one: row for row, one in enumerate(targets.ids.tolist())}
    pairs = [(place[a], place[b]) for one, other in twins.items() for a, b in ((one, other), (other, one))]
    tested = np.mean(
        [
            sum(a in split.test and b in split.train for a, b in pairs)
            for split in make_splits(targets, Protocol(seeds=SEEDS))
        ]
    )
    assert f"random {tested:.1f}." in f"{found.told}."
    assert "column 'parcel'" in found.mend
    assert any(
        one.check == "same position" for one in first_look(City.open(folder), task.card, targets, SEEDS)
    )


def _turned(shape):
    ring = shapely.get_coordinates(shape.exterior)[:-1]
    return shapely.Polygon(np.roll(ring, 2, axis=0), shape.interiors)


def test_a_parcel_on_both_sides_of_a_file_of_splits_is_found(folder, tmp_path):
    task = load_task("building-function")
    city = City.open(folder)
    targets = task.targets(city)
    order = np.random.default_rng(0).permutation(len(targets))
    sides = dict(zip(("train", "val", "test"), np.split(targets.ids[order], [300, 400]), strict=True))
    content = {"seeds": [{"seed": 0, **{side: ids.tolist() for side, ids in sides.items()}}]}
    (tmp_path / "mine.json").write_text(json.dumps(content))
    splits = SplitFile.read(tmp_path / "mine.json").splits(targets, (0,))
    found = only(find_leaks(city, task.card, targets, {"mine": splits}))
    parcels = np.asarray(targets.parcels)
    beside = np.isin(parcels[splits[0].test], parcels[splits[0].train]).sum()
    assert (found.severity, found.check) == ("leak", "same parcel")
    assert f"mine {beside:.1f}" in found.told


def test_values_of_one_raster_cell_are_told_from_equal_values_by_chance(folder):
    city = City.open(folder)
    xy = shapely.get_coordinates(shapely.centroid(city.regions.geometry.to_numpy()))
    cell = np.floor((xy - xy.min(axis=0)) / 700.0).astype(int)
    value = dict(zip(city.regions.index, 3.7 + cell[:, 0] * 1.31 + cell[:, 1] * 17.77, strict=True))
    changed(
        folder,
        "labels/gdp.parquet",
        value=lambda table: [value[one] for one in table["region_id"].to_pylist()],
    )
    found = next(
        one for one in looked_at(folder, load_task("gdp")).findings if one.check == "same raster cell"
    )
    assert found.severity == "warning"
    assert found.count > 30
    # The same values dealt to regions at random: as many repeats, none of them a cell.
    dealt = dict(
        zip(city.regions.index, np.random.default_rng(0).permutation(list(value.values())), strict=True)
    )
    changed(
        folder,
        "labels/gdp.parquet",
        value=lambda table: [dealt[one] for one in table["region_id"].to_pylist()],
    )
    assert not [
        one for one in looked_at(folder, load_task("gdp")).findings if one.check == "same raster cell"
    ]


def test_one_picture_for_two_regions_is_found(folder):
    changed(folder, "satellite.parquet", image=lambda table: _paired(table["image"].to_pylist()))
    found = only(looked_at(folder, load_task("popdensity"), ("random",)))
    assert (found.severity, found.check, found.count) == ("leak", "same picture", 60)


def _paired(files):
    return [files[k - k % 2] for k in range(len(files))]


def test_buildings_that_touch_are_warned_of(folder):
    label = pq.read_table(folder / "labels/building_function.parquet")["building_id"].to_pylist()
    first, second = label[10], label[300]

    def moved(table):
        shape = dict(zip(table["building_id"].to_pylist(), table["geometry"].to_pylist(), strict=True))
        west, south, east, north = shapely.from_wkb(shape[first]).bounds
        shape[second] = shapely.to_wkb(shapely.box(east, south, east + (east - west), north))
        shape[first] = shapely.to_wkb(shapely.box(west, south, east, north))
        return [shape[one] for one in table["building_id"].to_pylist()]

    changed(folder, "buildings.parquet", geometry=moved)
    without(folder, "labels/building_function.parquet", "parcel")
    task = load_task("building-function")
    city = City.open(folder)
    targets = task.targets(city)
    sides = np.full(len(targets), 0)
    sides[np.flatnonzero(targets.ids == second)] = 2
    sides[:20:7] = 1
    split = Split(*(np.flatnonzero(sides == k) for k in range(3)))
    found = find_leaks(city, task.card, targets, {"mine": [split]}).findings
    assert [(one.severity, one.check) for one in found] == [("warning", "shared wall")]


def test_distances_are_those_between_test_and_training_units():
    city = City.open(city_folder("toyville:tiny"))
    task = load_task("popdensity")
    targets = task.targets(city)
    splits = {"block": make_splits(targets, Protocol("block", seeds=SEEDS))}
    [found] = find_leaks(city, task.card, targets, splits).distances
    away = np.concatenate(
        [cdist(targets.xy[one.test], targets.xy[one.train]).min(axis=1) for one in splits["block"]]
    )
    reach = autocorrelation_range_m(targets)
    assert (found.least_m, found.median_m) == pytest.approx((away.min(), np.median(away)))
    assert (found.within_range, found.range_m) == pytest.approx(((away <= reach).mean(), reach))


def test_the_worst_finding_stands_first():
    one, other, third = (
        Finding(severity, "c", count, 10, "t", "m")
        for severity, count in (("warning", 9), ("leak", 1), ("leak", 5))
    )
    assert sorted_findings([one, other, third]) == [third, other, one]
