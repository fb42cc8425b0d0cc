"""Merged regions: groups, labels, layers, pictures, the folder and its place in the cache."""

import json
import os
import shutil
from collections import Counter
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from PIL import Image
from typer.testing import CliRunner

from urbanbench.city.changing.label_rules import Rule
from urbanbench.city.changing.merge import merge_regions
from urbanbench.city.changing.merge_pictures import Mosaic
from urbanbench.city.changing.merge_plan import Merging, merging_of, shared_borders
from urbanbench.city.changing.overlay import pieces_of_merging
from urbanbench.city.changing.relabel import relabelled
from urbanbench.city.city import City
from urbanbench.city.folder.format import LabelInfo
from urbanbench.cli.app import app
from urbanbench.errors import BadInput, CityFaults
from urbanbench.registry import open_city


@pytest.fixture(scope="module")
def town():
    return open_city("toyville:tiny")


@pytest.fixture(scope="module")
def merged(town, tmp_path_factory):
    return City.open(merge_regions(town, tmp_path_factory.mktemp("merged") / "town", seed=3))


def grid(columns, rows, side=100.0):
    cells = [shapely.box(x, y, x + 1, y + 1) for y in range(rows) for x in range(columns)]
    shapes = shapely.transform(np.array(cells), lambda xy: xy * side)
    return gpd.GeoDataFrame(index=[f"c{k:02d}" for k in range(len(cells))], geometry=shapes, crs="EPSG:32632")


def files_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_neighbours_come_longest_shared_border_first_and_corners_do_not_count():
    shapes = np.array(
        [
            shapely.box(0, 0, 100, 100),
            shapely.box(100, 0, 200, 30),
            shapely.box(100.4, 30, 200, 100),  # a gap of 40 cm
            shapely.box(150, 100, 200, 200),
            shapely.box(0, 100, 100, 300),  # meets the third in a corner only
            shapely.box(300, 0, 400, 100),
        ]
    )
    found = shared_borders(shapes)
    assert [list(one) for one in found] == [[4, 2, 1], [2, 0], [1, 0, 3], [2], [0], []]


def test_shared_borders_of_a_grid_are_the_sides():
    found = shared_borders(np.asarray(grid(4, 3).geometry))
    for cell, others in enumerate(found):
        x, y = cell % 4, cell // 4
        sides = [(x + a, y + b) for a, b in ((1, 0), (-1, 0), (0, 1), (0, -1))]
        wanted = {v * 4 + u for u, v in sides if 0 <= u < 4 and 0 <= v < 3}
        assert set(others) == wanted


@pytest.mark.parametrize("seed", range(5))
def test_groups_are_two_or_three_neighbours_and_none_is_alone_beside_another(seed):
    regions = grid(9, 8)
    merging = merging_of(regions, seed)
    borders = shared_borders(np.asarray(regions.geometry))
    row_of = {name: row for row, name in enumerate(regions.index)}
    groups = [[row_of[name] for name in group] for group in merging.groups]
    assert sorted(row for group in groups for row in group) == list(range(72))
    assert set(map(len, groups)) <= {1, 2, 3}
    for group in groups:
        # One of them, the one that took the others, touches all.
        assert any(all(other in borders[lead] for other in group if other != lead) for lead in group)
    alone = {group[0] for group in groups if len(group) == 1}
    assert not any(other in alone for row in alone for other in borders[row])


def test_seeds_draw_different_groups_and_one_seed_always_the_same():
    regions = grid(9, 8)
    assert merging_of(regions, 1) == merging_of(regions, 1)
    assert merging_of(regions, 1) != merging_of(regions, 2)


def test_new_ids_name_their_parts_in_file_order():
    merging = Merging((("a", "c"), ("b",)))
    assert merging.ids == ("a+c", "b")
    assert merging.new_id == {"a": "a+c", "c": "a+c", "b": "b"}


def test_ids_that_fall_together_are_refused():
    with pytest.raises(BadInput, match="same id"):
        Merging((("a", "b"), ("a+b",)))


def info(kind, columns=()):
    return LabelInfo("x", "labels/x.parquet", "unit", "region", kind, columns=columns)


MERGING = Merging((("a", "b", "c"), ("d",), ("e", "f"), ("g", "h")))
AREA = pd.Series({"a": 1.0, "b": 2.0, "c": 5.0, "d": 0.3, "e": 4.0, "f": 4.0, "g": 1.0, "h": 1.0})


def merged_label(frame, kind, how="area"):
    return relabelled(frame, kind, pieces_of_merging(MERGING, AREA), Rule(how, ""), MERGING.ids)


def test_numbers_are_area_means_over_labelled_parts():
    frame = pd.DataFrame(
        {"value": [10.0, 20.0, 7.7, 3.0], "n": [1, 2, 3, 4], "group": ["A", "B", "D", "E"]},
        index=["a", "b", "d", "e"],
    )
    found = merged_label(frame, info("regression"))
    assert found.index.tolist() == ["a+b+c", "d", "e+f"]
    assert found["value"].tolist() == pytest.approx([(10 * 1 + 20 * 2) / 3, 7.7, 3.0])
    assert found.loc["d", "value"] == 7.7
    assert found["n"].tolist() == [3, 3, 4]
    assert found["group"].tolist() == ["B", "D", "E"]


def test_classes_are_those_of_the_largest_area_and_ties_go_by_the_alphabet():
    frame = pd.DataFrame({"value": ["x", "y", "y", "z", "q", "p"]}, index=["c", "a", "b", "d", "e", "f"])
    found = merged_label(frame, info("classification"), "majority")
    assert found["value"].to_dict() == {"a+b+c": "x", "d": "z", "e+f": "p"}


def test_shares_are_area_means_and_add_up_to_one():
    rng = np.random.default_rng(0)
    shares = rng.dirichlet([1, 2, 3], len(AREA))
    frame = pd.DataFrame(shares, index=AREA.index, columns=["u", "v", "w"])
    found = merged_label(frame, info("composition", ("u", "v", "w")))
    for name, group in zip(MERGING.ids, MERGING.groups, strict=True):
        total = sum(frame.loc[one] * AREA[one] for one in group) / sum(AREA[one] for one in group)
        np.testing.assert_allclose(found.loc[name, ["u", "v", "w"]], total)
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_merged_folder_is_sound_and_smaller(town, merged):
    assert merged.check() == []
    assert 0.35 * len(town.regions) < len(merged.regions) < 0.7 * len(town.regions)
    assert set(merged.layers) == set(town.layers)
    assert set(town.labels) - set(merged.labels) == {
        "income"
    }  # a mean per household, and nothing counts households


def test_merged_shapes_are_the_unions_of_their_parts(town, merged):
    for name, shape in merged.regions.geometry.items():
        parts = town.regions.geometry.loc[name.split("+")]
        assert shapely.area(shapely.symmetric_difference(shape, parts.union_all())) < 1e-3
    assert merged.regions["area_km2"].sum() == pytest.approx(town.regions["area_km2"].sum(), rel=1e-9)


def test_density_times_area_is_kept(town, merged):
    before = (town.label("popdensity")["value"] * town.regions["area_km2"]).sum()
    after = (merged.label("popdensity")["value"] * merged.regions["area_km2"]).sum()
    assert after == pytest.approx(before)


def test_trips_are_added_up(town, merged):
    before, after = town.flows, merged.flows
    assert after["trips"].sum() == pytest.approx(before["trips"].sum())
    name_of = {one: name for name in merged.regions.index for one in name.split("+")}
    wanted = Counter()
    for origin, destination, hour, trips in before[
        ["origin_id", "destination_id", "hour", "trips"]
    ].itertuples(index=False):
        wanted[name_of[origin], name_of[destination], hour] += trips
    found = after.set_index(["origin_id", "destination_id", "hour"])["trips"].to_dict()
    assert found == pytest.approx(dict(wanted))


def test_what_does_not_name_regions_keeps_its_bytes(town, merged):
    kept = [
        info.file for name, info in town.layers.items() if name not in {"satellite", "flows", "street_views"}
    ]
    kept += [info.file for info in town.labels.values() if info.level != "region"]
    kept += sorted(town.images("street_views"))
    lone = [name for name in merged.satellite.index if "+" not in name]
    assert lone
    kept += [merged.satellite.loc[name, "image"] for name in lone]
    for file in kept:
        assert (merged.path / file).read_bytes() == (town.path / file).read_bytes()
    assert merged.satellite.loc[lone, ["minx", "maxy"]].equals(town.satellite.loc[lone, ["minx", "maxy"]])


def test_same_seed_gives_the_same_bytes(town, merged, tmp_path):
    again = merge_regions(town, tmp_path / "town", seed=3)
    assert files_of(again) == files_of(merged.path)
    assert files_of(merge_regions(town, tmp_path / "other", seed=4)) != files_of(merged.path)


def test_merged_folder_stands_without_its_source(folder, tmp_path):
    target = merge_regions(City.open(folder.path), tmp_path / "new")
    shutil.rmtree(folder.path)
    assert not any(path.is_symlink() for path in target.rglob("*"))
    assert City.open(target).check() == []


def test_city_json_tells_what_was_merged(merged, town):
    told = json.loads((merged.path / "city.json").read_text(encoding="utf-8"))
    for note in (told["note"], told["regions"]["note"]):
        assert f"{len(merged.regions)} from the {len(town.regions)} of toyville, seed 3." in note
    assert told["merged"] == {"from": "toyville", "seed": 3, "regions": len(town.regions)}
    assert merged.name == "toyville-merged-3"
    assert str(merged.path) not in json.dumps(told)
    assert merged.labels["popdensity"].ceiling is None
    assert merged.labels["building_function"].ceiling == town.labels["building_function"].ceiling


def test_captions_follow_their_regions(folder, tmp_path):
    city = City.open(merge_regions(City.open(folder.path), tmp_path / "new"))
    (home,) = (name for name in city.regions.index if "r00" in name.split("+"))
    assert city.captions["region_id"].tolist() == [home, home]
    assert city.captions["caption"].tolist() == ["Two shops.", "A school."]


def save_features(folder, name, key, ids):
    (folder.path / "features").mkdir(exist_ok=True)
    table = pa.table({key: ids, "feature": [[1.0, 2.0]] * len(ids)})
    pq.write_table(table, folder.path / f"features/{name}.parquet")


def test_vectors_of_regions_are_left_out_and_said_and_those_of_views_kept(folder, tmp_path):
    save_features(folder, "above", "region_id", ["r00", "r01"])
    save_features(folder, "street", "view_id", ["v0", "v1"])
    folder.json["layers"]["above"] = {"file": "features/above.parquet"}
    folder.write_json()
    target = merge_regions(City.open(folder.path), tmp_path / "new")
    assert [path.name for path in (target / "features").iterdir()] == ["street.parquet"]
    told = json.loads((target / "city.json").read_text(encoding="utf-8"))
    assert "Left out" in told["note"]
    assert "features/above.parquet" in told["note"]
    assert "above" not in told["layers"]


def test_a_column_of_region_ids_beside_other_ids_gets_the_new_ones(folder, tmp_path):
    path = folder.path / "street_views.parquet"
    table = pq.read_table(path).append_column("region_id", pa.array(["r00", None], pa.string()))
    pq.write_table(table, path)
    target = merge_regions(City.open(folder.path), tmp_path / "new")
    city = City.open(target)
    assert city.check() == []
    stored = pq.read_table(target / "street_views.parquet")["region_id"].to_pylist()
    assert stored[0] in city.regions.index
    assert "r00" in stored[0].split("+")
    assert stored[1] is None


def test_a_merged_city_can_be_merged_again(merged, tmp_path):
    again = City.open(merge_regions(merged, tmp_path / "again"))
    assert again.check() == []
    assert len(again.regions) < len(merged.regions)


def plain(path, colour, size=(8, 8)):
    Image.new("RGB", size, colour).save(path)


RED, BLUE, GREEN = (200, 0, 0), (0, 0, 200), (0, 200, 0)


def test_pictures_are_put_where_their_ground_lies(tmp_path):
    for name, colour in (("a", RED), ("b", BLUE), ("c", GREEN)):
        plain(tmp_path / f"{name}.png", colour)
    frame = pd.DataFrame(
        {
            "image": ["a.png", "b.png", "c.png"],
            "minx": [0.0, 10.0, 0.0],
            "miny": [10.0, 10.0, 0.0],
            "maxx": [10.0, 20.0, 10.0],
            "maxy": [20.0, 20.0, 10.0],
        },
        index=["a", "b", "c"],
    )
    picture, box = Mosaic(tmp_path, frame).compose(["a", "b"])
    # A box of 20 m by 10 m becomes square, as the pictures are.
    assert box == (0.0, 5.0, 20.0, 25.0)
    assert picture.size == (8, 8)
    pixels = np.asarray(picture)
    background = [100, 0, 100]
    assert (pixels[:2] == background).all()
    assert (pixels[2:6, :4] == RED).all()
    assert (pixels[2:6, 4:] == BLUE).all()
    assert (pixels[6:, :4] == GREEN).all()  # another region's picture of the ground beneath
    assert (pixels[6:, 4:] == background).all()


def test_finer_pictures_lie_on_top(tmp_path):
    plain(tmp_path / "a.png", RED, (16, 16))
    plain(tmp_path / "b.png", BLUE, (8, 8))
    bounds = {"minx": 0.0, "miny": 0.0, "maxx": 16.0, "maxy": 16.0}
    frame = pd.DataFrame([{"image": "a.png"} | bounds, {"image": "b.png"} | bounds], index=["a", "b"])
    picture, box = Mosaic(tmp_path, frame).compose(["a", "b"])
    assert box == (0.0, 0.0, 16.0, 16.0)
    assert (np.asarray(picture) == RED).all()


def test_a_broken_picture_is_told_and_leaves_nothing_behind(folder, tmp_path):
    for one in ("r00", "r01", "r10", "r11"):
        (folder.path / f"satellite/{one}.png").write_bytes(b"no picture")
    with pytest.raises(CityFaults, match="expected a picture that opens"):
        merge_regions(City.open(folder.path), tmp_path / "new" / "city")
    assert not (tmp_path / "new").exists()


def test_an_existing_folder_is_refused(town, tmp_path):
    with pytest.raises(BadInput, match="exists"):
        merge_regions(town, tmp_path)


def test_data_merge_writes_a_sound_folder(sound_folder, tmp_path):
    out = tmp_path / "coarse"
    done = CliRunner().invoke(app, ["data", "merge", str(sound_folder), "--out", str(out), "--seed", "2"])
    assert done.exit_code == 0
    assert str(out) in done.stdout
    assert City.open(out).check() == []
    assert Path(out / "city.json").is_file()


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["singapore", "shenzhen", "helsinki"])
def test_real_cities_merge_into_sound_folders(name, tmp_path):
    source = Path(os.environ.get("URBANBENCH_DATA", "/nonexistent")) / name
    if not (source / "city.json").is_file():
        pytest.skip(f"no {name} under URBANBENCH_DATA")
    city = City.open(source)
    found = City.open(merge_regions(city, tmp_path / name))
    assert found.check() == []
    assert found.regions["area_km2"].sum() == pytest.approx(city.regions["area_km2"].sum(), rel=1e-6)
    assert 0.4 < len(found.regions) / len(city.regions) < 0.6


def test_data_merge_carries_labels_by_rules_that_are_asked_for(town, tmp_path):
    words = ["data", "merge", "toyville:tiny", "--seed", "2", "--out"]
    asked = ["--rule", "popdensity=sum", "--rule", "landuse=leave"]
    done = CliRunner().invoke(app, [*words, str(tmp_path / "asked"), *asked])
    assert done.exit_code == 0, done.output
    assert "landuse (it was asked for)" in done.stderr
    plain = City.open(merge_regions(town, tmp_path / "plain", seed=2))
    made = City.open(tmp_path / "asked")
    assert set(plain.labels) - set(made.labels) == {"landuse"}
    total = town.label("popdensity")["value"].sum()
    assert made.label("popdensity")["value"].sum() == pytest.approx(total)
    assert plain.label("popdensity")["value"].sum() < 0.9 * total
    note = made.labels["popdensity"].note
    assert "parts are added up, because it was asked for" in note


def test_data_merge_refuses_rules_it_does_not_know_before_it_writes(tmp_path):
    words = ["data", "merge", "toyville:tiny", "--out", str(tmp_path / "out"), "--rule"]
    for rule, said in (
        ("popdensity=mode", "mode"),
        ("popdens=sum", "popdensity"),
        ("popdensity", "LABEL=HOW"),
    ):
        done = CliRunner().invoke(app, [*words, rule])
        assert done.exit_code != 0
        assert said in str(done.exception)
    assert not (tmp_path / "out").exists()
