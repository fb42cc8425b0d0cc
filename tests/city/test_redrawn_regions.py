"""Other regions: hexagons, groups and polygons; labels carried by overlay, against brute force."""

import json
import math
import shutil

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from typer.testing import CliRunner

from urbanbench.city.changing.hexagons import edge_of, hexagon_regions, hexagons_over
from urbanbench.city.changing.label_rules import Rule, read_rules, rule_of
from urbanbench.city.changing.merge import join_regions, merge_regions
from urbanbench.city.changing.overlay import pieces_of, shared_values
from urbanbench.city.changing.redraw import redraw_regions
from urbanbench.city.changing.relabel import relabelled
from urbanbench.city.city import City
from urbanbench.city.folder.format import LabelInfo
from urbanbench.cli.app import app
from urbanbench.errors import BadInput, UnknownName

CRS = "EPSG:32631"


@pytest.fixture(scope="module")
def town(tiny_toyville):
    return City.open(tiny_toyville)


@pytest.fixture(scope="module")
def hexed(town, tmp_path_factory):
    shapes = hexagon_regions(town.regions, 600.0)
    folder = tmp_path_factory.mktemp("hexed") / "town"
    return City.open(redraw_regions(town, folder, shapes, how="hexagons", name="hexed"))


def info(kind="regression", unit="unit", columns=(), note=""):
    return LabelInfo("x", "labels/x.parquet", unit, "region", kind, columns=columns, note=note)


def uneven(seed, n=9):
    """Return squares of a grid with crooked inner borders, which fill the whole square."""
    rng = np.random.default_rng(seed)
    points = shapely.MultiPoint(rng.uniform(0, 100, size=(n, 2)))
    cells = shapely.voronoi_polygons(points, extend_to=shapely.box(0, 0, 100, 100))
    shapes = [shapely.intersection(one, shapely.box(0, 0, 100, 100)) for one in shapely.get_parts(cells)]
    return pd.Series(shapes, index=[f"s{seed}_{k}" for k in range(n)])


@pytest.fixture(scope="module")
def layers():
    old, new = uneven(1), uneven(2, 5)
    return old, new, pieces_of(new, old)


def brute(new, old, values, weigh):
    """Return one number per new region from a loop over all pairs."""
    found = []
    for shape in new:
        parts = [
            (shapely.intersection(shape, one).area, one.area, value)
            for one, value in zip(old, values, strict=True)
        ]
        found.append(weigh([part for part in parts if part[0] > 0]))
    return found


def test_densities_are_carried_by_area(layers):
    old, new, pieces = layers
    values = np.arange(9.0) + 1
    frame = pd.DataFrame({"value": values}, index=old.index)
    found = relabelled(frame, info(), pieces, Rule("area", ""), list(new.index))
    expected = brute(
        new, old, values, lambda parts: sum(a * v for a, _, v in parts) / sum(a for a, *_ in parts)
    )
    np.testing.assert_allclose(found["value"], expected)
    total = sum(value * shape.area for value, shape in zip(values, old, strict=True))
    assert (found["value"].to_numpy() * shapely.area(new.to_numpy())).sum() == pytest.approx(total)


def test_counts_are_split_by_area_and_their_total_is_kept(layers):
    old, new, pieces = layers
    values = np.arange(9.0) * 10
    frame = pd.DataFrame({"value": values, "n": values}, index=old.index)
    found = relabelled(frame, info(), pieces, Rule("sum", ""), list(new.index))
    expected = brute(new, old, values, lambda parts: sum(v * a / whole for a, whole, v in parts))
    np.testing.assert_allclose(found["value"], expected)
    np.testing.assert_allclose(found["n"], expected)
    assert found["value"].sum() == pytest.approx(values.sum())


def test_shares_of_persons_are_weighted_by_the_persons_in_each_piece(layers):
    old, new, pieces = layers
    rng = np.random.default_rng(0)
    values, n = rng.uniform(0, 100, 9), rng.integers(1, 50, 9)
    frame = pd.DataFrame({"value": values, "n": n}, index=old.index)
    found = relabelled(frame, info(), pieces, Rule("n", ""), list(new.index))
    counted = relabelled(frame.assign(value=values * n), info(), pieces, Rule("sum", ""), list(new.index))
    np.testing.assert_allclose(found["value"] * found["n"], counted["value"])


def test_the_class_of_the_largest_area_wins(layers):
    old, new, pieces = layers
    classes = [*"abcabcabc"]
    frame = pd.DataFrame({"value": classes, "group": classes}, index=old.index)
    found = relabelled(frame, info("classification"), pieces, Rule("majority", ""), list(new.index))

    def widest(parts):
        total = {one: sum(a for a, _, v in parts if v == one) for one in "abc"}
        return max(sorted(total), key=total.get)

    assert found["value"].tolist() == brute(new, old, classes, widest)
    assert found["group"].tolist() == brute(new, old, classes, lambda parts: max(parts)[2])


def test_shares_that_add_up_still_do(layers):
    old, new, pieces = layers
    shares = pd.DataFrame(
        np.random.default_rng(3).dirichlet([1, 1, 2], 9), index=old.index, columns=["u", "v", "w"]
    )
    found = relabelled(
        shares, info("composition", columns=("u", "v", "w")), pieces, Rule("area", ""), list(new.index)
    )
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_a_new_region_needs_labelled_ground(layers):
    old, new, pieces = layers
    frame = pd.DataFrame({"value": 1.0}, index=old.index[:4])
    found = relabelled(frame, info(), pieces, Rule("area", ""), list(new.index), least=0.5)
    known = shapely.union_all(old.iloc[:4].to_numpy())
    covered = [
        name for name, shape in new.items() if shapely.intersection(shape, known).area > 0.5 * shape.area
    ]
    assert found.index.tolist() == covered
    assert 0 < len(covered) < len(new)


@pytest.mark.parametrize(
    ("unit", "columns", "how"),
    [
        ("thousand persons per km2", (), "area"),
        ("crimes per km2", (), "area"),
        ("million TVD per km2 and year", (), "area"),
        ("persons per 30-arcsecond cell", (), "area"),
        ("share of parcel area", (), "area"),
        ("air temperature over the mean (ratio)", (), "area"),
        ("persons", (), "sum"),
        ("thousand dwellings", (), "sum"),
        ("number of crimes", (), "sum"),
        ("percent", ("n",), "n"),
        ("share of dwellings (0-1)", ("n",), "n"),
        ("thousand SGD per m2", ("n",), "n"),
        ("percent", (), "leave"),
        ("thousand USD per household and year", (), "leave"),
        ("median year built", ("n",), "leave"),
        ("unknown (repository: million yuan)", (), "leave"),
    ],
)
def test_the_unit_says_how_a_label_is_carried(unit, columns, how):
    found = rule_of(info(unit=unit), ("value", *columns))
    assert found.how == how
    assert found.why


def test_kinds_and_notes_say_it_too():
    assert rule_of(info("classification", "class"), ("value",)).how == "majority"
    assert rule_of(info("composition", "share of zoned area"), ("a", "b")).how == "area"
    note = "Median of price / floor area"
    assert "medians of parts" in rule_of(info(unit="thousand SGD per m2", note=note), ("value", "n")).why


def test_rules_can_be_asked_for_by_name():
    assert read_rules(["housing=n", "income = leave"], ["housing", "income"])["housing"].how == "n"
    with pytest.raises(UnknownName, match="label 'hosing'"):
        read_rules(["hosing=n"], ["housing"])
    with pytest.raises(UnknownName, match="majority"):
        read_rules(["housing=mode"], ["housing"])
    with pytest.raises(BadInput, match="LABEL=HOW"):
        read_rules(["housing"], ["housing"])


def test_hexagons_are_flat_topped_regular_and_fill_the_plane():
    shapes, places = hexagons_over((100.0, -50.0, 1100.0, 900.0), 100.0)
    corners = shapely.get_coordinates(shapes[0])[:-1]
    sides = np.hypot(*np.diff(np.vstack([corners, corners[:1]]), axis=0).T)
    np.testing.assert_allclose(sides, 100.0)
    assert np.isclose(corners[:, 1], corners[:, 1].max()).sum() == 2  # a flat top
    assert shapely.area(shapes[0]) == pytest.approx(1.5 * math.sqrt(3) * 100**2)
    box = shapely.box(100, -50, 1100, 900)
    cut = shapely.intersection(shapes, box)
    assert shapely.area(cut).sum() == pytest.approx(box.area)  # no gaps, no overlaps
    assert len({tuple(one) for one in places.tolist()}) == len(places)


def test_the_lattice_hangs_on_the_crs_and_not_on_the_city():
    one, _ = hexagons_over((0.0, 0.0, 500.0, 500.0), 80.0)
    other, _ = hexagons_over((230.0, 170.0, 900.0, 800.0), 80.0)
    centres = [
        {tuple(np.round(point, 3)) for point in shapely.get_coordinates(shapely.centroid(some))}
        for some in (one, other)
    ]
    inside = {point for point in centres[1] if 230 < point[0] < 420 and 170 < point[1] < 420}
    assert inside
    assert inside <= centres[0]


def test_sizes_are_edges_or_areas():
    assert edge_of("0.5 km") == 500
    edge = edge_of("25ha")
    assert 1.5 * math.sqrt(3) * edge**2 == pytest.approx(250_000)
    for word in ("500", "big", "3m"):
        with pytest.raises(BadInput, match="--hexagons"):
            edge_of(word)


def test_hexagons_keep_all_ground_and_small_pieces_join_others():
    island = shapely.box(0, 0, 1000, 800)
    rock = shapely.box(1300, 300, 1305, 305)
    regions = gpd.GeoDataFrame(index=["a", "b"], geometry=[island, rock], crs=CRS)
    shapes = hexagon_regions(regions, 150.0)
    assert shapely.area(shapes.to_numpy()).sum() == pytest.approx(island.area + rock.area)
    assert shapely.area(shapes.to_numpy()).min() > 0.2 * 1.5 * math.sqrt(3) * 150**2
    assert list(shapes.index) == sorted(shapes.index)


def test_a_redrawn_folder_is_sound_and_keeps_what_lies_where(town, hexed):
    assert hexed.check() == []
    assert set(town.layers) - set(hexed.layers) == {"flows"}
    assert hexed.pois.geometry.geom_equals(town.pois.geometry).all()
    before, after = (city.pois["region_id"].notna().mean() for city in (town, hexed))
    assert after == pytest.approx(before, abs=0.02)
    assert set(hexed.labels) == set(town.labels) - {"income"}
    assert set(hexed.satellite.index) == set(hexed.regions.index)


def test_totals_are_those_of_the_city(town, hexed):
    persons = [(city.label("popdensity")["value"] * city.regions["area_km2"]).sum() for city in (town, hexed)]
    # a hexagon with less than half of its ground labelled has no label
    missing = 1 - len(hexed.label("popdensity")) / len(hexed.regions)
    assert persons[1] == pytest.approx(persons[0], rel=0.02 + missing)
    shares = hexed.label("landuse_shares")
    np.testing.assert_allclose(shares.iloc[:, :7].sum(axis=1), 1, atol=1e-6)


def test_city_json_tells_what_was_done_and_left_out(hexed, town):
    told = json.loads((hexed.path / "city.json").read_text(encoding="utf-8"))
    assert f"{len(hexed.regions)} in place of the {len(town.regions)} of toyville" in told["note"]
    assert "flows.parquet" in told["note"]
    assert "income ('thousand TVD per household and year' is a mean" in told["note"]
    assert "density per area" in told["labels"]["popdensity"]["note"]
    assert hexed.labels["popdensity"].ceiling is None


def test_regions_that_share_one_old_value_are_counted_and_told(town, tmp_path):
    old = pd.Series([shapely.box(0, 0, 100, 100), shapely.box(100, 0, 110, 100)], index=["wide", "thin"])
    cells = [shapely.box(x, 0, x + 25, 100) for x in (0, 25, 50, 75, 90)]
    pieces = pieces_of(pd.Series(cells, index=[*"abcde"]), old)
    assert shared_values(pieces) == 4  # the last has two fifths of its ground elsewhere
    made = redraw_regions(town, tmp_path / "fine", hexagon_regions(town.regions, 100.0), how="h", name="fine")
    assert "have one label value between them" in json.loads((made / "city.json").read_text())["note"]


def test_the_same_city_gives_the_same_bytes(town, hexed, tmp_path):
    shapes = hexagon_regions(town.regions, 600.0)
    again = redraw_regions(town, tmp_path / "again", shapes, how="hexagons", name="hexed")
    for path in sorted(hexed.path.rglob("*.parquet")):
        assert path.read_bytes() == (again / path.relative_to(hexed.path)).read_bytes()


def test_groups_of_regions_are_joined_with_their_trips(town, tmp_path):
    group = town.label("landuse")["group"].reindex(list(town.unit_ids("region")))
    made = City.open(join_regions(town, tmp_path / "by", group.to_dict(), by="district"))
    assert made.check() == []
    assert set(made.regions.index) == set(group)
    assert made.flows["trips"].sum() == pytest.approx(town.flows["trips"].sum())
    for name, shape in made.regions.geometry.items():
        parts = town.regions.geometry.loc[group.index[group == name]]
        assert shapely.symmetric_difference(shape, parts.union_all()).area < 1e-3
    before, after = (
        (city.label("popdensity")["value"] * city.regions["area_km2"]).sum() for city in (town, made)
    )
    assert after == pytest.approx(before, rel=1e-6)


def test_regions_without_a_group_stay_alone(town, tmp_path):
    ids = town.unit_ids("region")
    group = {one: "north" if row < 5 else None for row, one in enumerate(ids)}
    made = City.open(join_regions(town, tmp_path / "by", group, by="x"))
    assert len(made.regions) == len(ids) - 4


def test_a_column_that_holds_no_ids_is_somebodys_own(sound_folder, tmp_path):
    folder = tmp_path / "own"
    shutil.copytree(sound_folder, folder)
    table = pq.read_table(folder / "pois.parquet")
    if "region_id" in table.column_names:
        table = table.drop_columns("region_id")
    struct = pa.array([{"of": "mine", "k": k} for k in range(len(table))])
    pq.write_table(table.append_column("region_id", struct), folder / "pois.parquet")
    made = merge_regions(City.open(folder), tmp_path / "new")
    assert pq.read_table(made / "pois.parquet")["region_id"].type == struct.type
    assert City.open(made).check() == []


def test_data_regions_writes_sound_folders(sound_folder, town, tmp_path):
    run = CliRunner().invoke
    done = run(app, ["data", "regions", str(town.path), "--hexagons", "1km", "-o", str(tmp_path / "hex")])
    assert done.exit_code == 0, done.output
    assert City.open(tmp_path / "hex").check() == []
    done = run(app, ["data", "regions", str(town.path), "--by", "landuse.group", "-o", str(tmp_path / "by")])
    assert done.exit_code == 0, done.output
    ground = town.regions.to_crs(4326).union_all()
    west, south, east, north = ground.bounds
    middle = (west + east) / 2
    boxes = [shapely.box(west, south, middle, north), shapely.box(middle, south, east, north)]
    halves = [shapely.intersection(one, ground.convex_hull) for one in boxes]
    gpd.GeoDataFrame({"part": ["w", "e"]}, geometry=halves, crs=4326).to_file(tmp_path / "halves.geojson")
    words = [
        "data",
        "regions",
        str(town.path),
        "--polygons",
        str(tmp_path / "halves.geojson"),
        "--id",
        "part",
        "-o",
    ]
    done = run(app, [*words, str(tmp_path / "halves")])
    assert done.exit_code == 0, done.output
    assert list(City.open(tmp_path / "halves").regions.index) == ["e", "w"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "Expected one of --hexagons 500m"),
        (("--hexagons", "1km", "--by", "x"), "--hexagons and --by given"),
        (("--hexagons", "wide"), "--hexagons got 'wide'"),
        (("--by", "district"), "has no column 'district'"),
        (("--by", "landuse.district"), "label 'landuse' of 'toyville' has no column 'district'"),
        (("--by", "building_function.group"), "label 'building_function' of 'toyville' is of buildings."),
        (("--hexagons", "1km", "--rule", "income=mode"), "Unknown way to carry a label 'mode'"),
    ],
)
def test_what_does_not_fit_is_told(town, tmp_path, words, told):
    done = CliRunner().invoke(app, ["data", "regions", str(town.path), *words, "-o", str(tmp_path / "x")])
    assert isinstance(done.exception, BadInput | UnknownName)
    assert told in str(done.exception)


def test_only_groups_that_regions_have_are_offered(town, tmp_path):
    done = CliRunner().invoke(
        app, ["data", "regions", str(town.path), "--by", "none", "-o", str(tmp_path / "x")]
    )
    offered = str(done.exception).partition("Expected one of: ")[2].rstrip(".").split(", ")
    groups = [one for one in offered if one.endswith(".group")]
    having = [name for name in town.labels if "group" in town.label(name)]
    assert groups == [f"{name}.group" for name in having if town.labels[name].level == "region"]
    assert set(having) != set(town.labels)
