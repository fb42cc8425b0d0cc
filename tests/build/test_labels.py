"""Labels: every way from a file to units against brute force, and all that has to be told."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shapely

from urbanbench.build.labels.make import make_label
from urbanbench.build.labels.numbers import as_numbers
from urbanbench.build.labels.places import Places
from urbanbench.build.labels.read import read_wishes
from urbanbench.build.report import Report
from urbanbench.errors import BadInput, DataMissing, ExtraMissing, UnknownName

CRS = "EPSG:32632"
TOLD = {"unit": "persons", "source": "a census", "date": "2020", "licence": "CC0"}
WEST, SOUTH, SIDE = 500_000.0, 5_300_000.0, 1000.0


def box(x, y, width=1.0, height=1.0):
    return shapely.box(
        WEST + SIDE * x, SOUTH + SIDE * y, WEST + SIDE * (x + width), SOUTH + SIDE * (y + height)
    )


@pytest.fixture
def places():
    """Four square regions of 1 km2, ids with leading zeros, and twelve tagged buildings."""
    index = pd.Index(["01", "02", "03", "04"], name="region_id")
    regions = gpd.GeoDataFrame(
        {"name": list(index)}, geometry=[box(0, 0), box(1, 0), box(0, 1), box(1, 1)], index=index, crs=CRS
    ).to_crs(4326)
    kinds = ["retail"] * 5 + ["school"] * 4 + ["shed", "yes", "yes"]
    buildings = pa.table(
        {
            "id": [f"w{k:02d}" for k in range(12)],
            "tags": pa.array([[("building", kind)] for kind in kinds], pa.map_(pa.string(), pa.string())),
        }
    )
    return Places(regions, CRS, buildings)


def wish(folder, name="label", **keys):
    lines = [f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in ({**TOLD, **keys}).items())]
    (folder / "labels.toml").write_text("\n".join(lines), encoding="utf-8")
    [found] = read_wishes([str(folder / "labels.toml")])
    return found


def _toml(value):
    import json

    return "true" if value is True else "false" if value is False else json.dumps(value)


def made(found, places):
    report = Report()
    frame, entry = make_label(found, places, report)
    return frame.set_index(frame.columns[0]), entry, "\n".join(report.text())


# by id


def test_a_table_is_joined_by_ids_with_their_leading_zeros(places, tmp_path):
    (tmp_path / "n.csv").write_text(
        'code,income,area,persons\n04,4.5,east,40\n01,"1,200",west,10\n99,7,x,1\n02,n/a,west,5\n'
    )
    found = wish(tmp_path, file="n.csv", id="code", column="income", group="area", support="persons")
    frame, entry, text = made(found, places)
    assert frame["value"].to_dict() == {"01": 1200.0, "04": 4.5}
    assert frame["group"].to_dict() == {"01": "west", "04": "east"}
    assert frame["n"].tolist() == [10, 40]
    assert {key: entry[key] for key in TOLD} == TOLD
    assert (entry["level"], entry["units"]) == ("region", 2)
    assert "dropped 1: ids that no region has (99)" in text
    assert "dropped 1: no value (02)" in text


def test_csv_parquet_and_geopackage_of_the_same_rows_are_alike(places, tmp_path):
    rows = pd.DataFrame({"code": ["01", "02"], "v": [1.5, 2.5]})
    rows.to_csv(tmp_path / "n.csv", index=False)
    rows.to_csv(tmp_path / "n.tsv", index=False, sep="\t")
    rows.to_parquet(tmp_path / "n.parquet")
    gpd.GeoDataFrame(rows, geometry=[box(0, 0)] * 2, crs=CRS).to_file(tmp_path / "n.gpkg")
    frames = [
        made(wish(tmp_path, file=name, id="code", column="v"), places)[0]
        for name in ("n.csv", "n.tsv", "n.parquet", "n.gpkg")
    ]
    assert all(frame["value"].to_dict() == {"01": 1.5, "02": 2.5} for frame in frames)


def test_lost_zeros_and_double_rows_are_told_with_the_mend(places, tmp_path):
    (tmp_path / "n.csv").write_text("code,v\n1,5\n2,6\n")
    with pytest.raises(BadInput, match=r"keep the leading zeros; the ids of n\.csv need 2 digits"):
        made(wish(tmp_path, file="n.csv", id="code", column="v"), places)
    (tmp_path / "n.csv").write_text("code,v\n01,5\n01,6\n")
    with pytest.raises(BadInput, match=r"several with different values \('01'\)"):
        made(wish(tmp_path, file="n.csv", id="code", column="v"), places)
    (tmp_path / "n.csv").write_text("code,v\n01,5\n01,5\n")
    assert len(made(wish(tmp_path, file="n.csv", id="code", column="v"), places)[0]) == 1


def test_classes_and_compositions_by_id(places, tmp_path):
    (tmp_path / "n.csv").write_text("code,use,home,work\n01,mixed,3,1\n02,home,1,0\n03,,0,0\n")
    frame, entry, _ = made(wish(tmp_path, file="n.csv", id="code", column="use", unit="class"), places)
    assert frame["value"].to_dict() == {"01": "mixed", "02": "home"}
    assert entry["classes"] == {"home": 1, "mixed": 1}
    shares = wish(tmp_path, file="n.csv", id="code", columns=["home", "work"], unit="share")
    frame, entry, text = made(shares, places)
    assert frame.to_dict("index") == {"01": {"home": 0.75, "work": 0.25}, "02": {"home": 1.0, "work": 0.0}}
    assert (entry["kind"], entry["columns"]) == ("composition", ["home", "work"])
    assert "mended 1: shares divided by their sum" in text
    assert "all of them 0 (03)" in text


def test_labels_of_buildings_by_their_id(places, tmp_path):
    (tmp_path / "n.csv").write_text("id,year\nw01,1950\nw05,1999\n")
    frame, entry, _ = made(wish(tmp_path, file="n.csv", id="id", column="year", level="building"), places)
    assert frame.index.name == "building_id"
    assert frame["value"].to_dict() == {"w01": 1950, "w05": 1999}
    assert entry["level"] == "building"


# from polygons


def random_polygons(rng, count=40):
    places = rng.uniform(-0.5, 2.5, size=(count, 2))
    sizes = rng.uniform(0.1, 1.2, size=(count, 2))
    return [box(*place, *size) for place, size in zip(places, sizes, strict=True)]


def sampled(region, shapes, steps=200):
    """Share of a region that each shape covers, counted on a fine grid of points."""
    west, south, east, north = region.bounds
    x, y = np.meshgrid(
        west + (np.arange(steps) + 0.5) * (east - west) / steps,
        south + (np.arange(steps) + 0.5) * (north - south) / steps,
    )
    return np.array([shapely.contains_xy(shape, x, y).mean() for shape in shapes])


def test_amounts_are_shared_out_and_rates_averaged_by_area(places, tmp_path):
    rng = np.random.default_rng(4)
    shapes, values = random_polygons(rng), rng.uniform(1, 100, 40)
    gpd.GeoDataFrame({"v": values}, geometry=shapes, crs=CRS).to_file(tmp_path / "g.gpkg")
    amounts = made(wish(tmp_path, file="g.gpkg", how="areas", column="v", extensive=True, cover=0), places)[0]
    rates = made(wish(tmp_path, file="g.gpkg", how="areas", column="v", extensive=False, cover=0), places)[0]
    for one, region in places.metric.geometry.items():
        shared = sampled(region, shapes) * region.area
        whole = np.array([shape.area for shape in shapes])
        assert amounts["value"][one] == pytest.approx((values * shared / whole).sum(), rel=0.02)
        assert rates["value"][one] == pytest.approx((values * shared).sum() / shared.sum(), rel=0.02)


def test_an_amount_is_kept_whole_when_regions_tile_the_polygons(places, tmp_path):
    gpd.GeoDataFrame({"v": [120.0]}, geometry=[box(0, 0, 2, 2)], crs=CRS).to_file(tmp_path / "g.gpkg")
    frame, _, _ = made(wish(tmp_path, file="g.gpkg", how="areas", column="v", extensive=True), places)
    assert frame["value"].tolist() == pytest.approx([30.0] * 4, rel=1e-6)
    density, entry, _ = made(
        wish(tmp_path, file="g.gpkg", how="areas", column="v", extensive=True, per_km2=True, factor=0.001),
        places,
    )
    area = dict(zip(places.ids("region"), places.area_km2, strict=True))
    assert density["value"].tolist() == pytest.approx([0.03 / area[one] for one in density.index], rel=1e-6)
    assert density["n"].tolist() == pytest.approx([30.0] * 4, rel=1e-6)
    assert "divided by the region's area in km2, times 0.001" in entry["note"]


def test_regions_that_polygons_cover_too_little_get_no_value(places, tmp_path):
    gpd.GeoDataFrame({"v": [1.0, np.nan]}, geometry=[box(0, 0, 1.4, 1), box(0, 1, 2, 1)], crs=CRS).to_file(
        tmp_path / "g.gpkg"
    )
    frame, _, text = made(wish(tmp_path, file="g.gpkg", how="areas", column="v", extensive=False), places)
    assert frame.index.tolist() == ["01"]
    assert "dropped 1: polygons without a value or a surface" in text
    assert "cover less than 50% of the region (02, 03, 04)" in text
    frame, _, _ = made(
        wish(tmp_path, file="g.gpkg", how="areas", column="v", extensive=False, cover=0.3), places
    )
    assert frame.index.tolist() == ["01", "02"]


def test_classes_of_polygons_are_the_largest_or_shares(places, tmp_path):
    shapes = [box(0, 0, 0.7, 1), box(0.7, 0, 0.3, 1), box(1, 0)]
    gpd.GeoDataFrame({"use": ["home", "work", "work"]}, geometry=shapes, crs=CRS).to_file(tmp_path / "g.gpkg")
    frame, _, _ = made(wish(tmp_path, file="g.gpkg", how="areas", column="use", unit="class"), places)
    assert frame["value"].to_dict() == {"01": "home", "02": "work"}
    shares, _, _ = made(
        wish(tmp_path, file="g.gpkg", how="areas", column="use", kind="composition", unit="share"), places
    )
    assert shares.loc["01"].to_dict() == pytest.approx({"home": 0.7, "work": 0.3}, rel=1e-6)


def test_whether_amounts_add_up_has_to_be_told(places, tmp_path):
    gpd.GeoDataFrame({"v": [1.0]}, geometry=[box(0, 0)], crs=CRS).to_file(tmp_path / "g.gpkg")
    with pytest.raises(BadInput, match="extensive = true for amounts"):
        wish(tmp_path, file="g.gpkg", how="areas", column="v")


# from points


def test_points_are_gathered_by_median_mean_sum_and_count(places, tmp_path):
    rng = np.random.default_rng(6)
    xy = rng.uniform(0.02, 1.98, size=(200, 2)) * SIDE + (WEST, SOUTH)
    price = rng.lognormal(size=200)
    points = gpd.GeoDataFrame({"price": price}, geometry=shapely.points(xy), crs=CRS)
    points.to_file(tmp_path / "sales.gpkg")
    lonlat = shapely.get_coordinates(points.to_crs(4326).geometry.to_numpy())
    pd.DataFrame({"x": lonlat[:, 0], "y": lonlat[:, 1], "price": price}).to_csv(
        tmp_path / "sales.csv", index=False
    )
    cell = ((xy - (WEST, SOUTH)) // SIDE).astype(int)
    of_region = {"01": (0, 0), "02": (1, 0), "03": (0, 1), "04": (1, 1)}
    for statistic, formula in (("median", np.median), ("mean", np.mean), ("sum", np.sum), ("count", len)):
        by_file = made(
            wish(tmp_path, file="sales.gpkg", how="points", column="price", statistic=statistic), places
        )[0]
        by_table = made(
            wish(
                tmp_path, file="sales.csv", longitude="x", latitude="y", column="price", statistic=statistic
            ),
            places,
        )[0]
        for one, place in of_region.items():
            inside = price[(cell == place).all(axis=1)]
            assert by_file["value"][one] == pytest.approx(formula(inside))
            assert by_table["value"][one] == pytest.approx(formula(inside))
            assert by_file["n"][one] == len(inside)


def test_a_table_of_points_is_asked_for_its_columns_of_places(places, tmp_path):
    (tmp_path / "p.csv").write_text("price,east,north\n7,9,48\n")
    with pytest.raises(
        BadInput,
        match=r"p.csv: expected the column of longitudes of label 'label', longitude = \"COLUMN\", found no choice of a column. Its columns: price, east, north",
    ):
        made(wish(tmp_path, file="p.csv", how="points", column="price"), places)
    with pytest.raises(BadInput, match='latitude = "COLUMN", found no choice'):
        made(wish(tmp_path, file="p.csv", longitude="east", column="price"), places)


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
@pytest.mark.parametrize("how", ["areas", "points"])
def test_a_geojson_in_metres_is_read_in_the_crs_of_its_label(how, places, tmp_path):
    frame = gpd.GeoDataFrame({"v": [3.0, 4.0]}, geometry=[box(0, 0), box(1, 1)])
    frame.to_file(tmp_path / "a.geojson")
    keys = {"areas": {"extensive": True}, "points": {"least": 1}}[how]
    with pytest.raises(BadInput, match=r'no degrees.*Mend: crs = "EPSG:CODE" for label .label.'):
        made(wish(tmp_path, file="a.geojson", how=how, column="v", **keys), places)
    found, _, _ = made(wish(tmp_path, file="a.geojson", how=how, column="v", crs=CRS, **keys), places)
    assert found["value"].to_dict() == pytest.approx({"01": 3.0, "04": 4.0})


def test_a_label_without_a_value_says_what_was_dropped(places, tmp_path):
    (tmp_path / "n.csv").write_text("code,v\n01,n/a\n02,\n")
    with pytest.raises(
        BadInput,
        match=r"has no region with a value \(labels/label: dropped 2: no value \(01, 02\)\). Expected one at least.$",
    ):
        made(wish(tmp_path, file="n.csv", id="code", column="v"), places)


def test_regions_with_few_points_get_no_value_and_zeros_only_when_asked(places, tmp_path):
    points = [shapely.Point(WEST + 10 * k, SOUTH + 10) for k in range(1, 6)] + [
        shapely.Point(WEST + 1500, SOUTH + 10)
    ]
    points.append(shapely.Point(WEST - 9000, SOUTH))
    gpd.GeoDataFrame({"v": [1, 2, 3, 4, 50, 7, 7]}, geometry=points, crs=CRS).to_file(tmp_path / "p.gpkg")
    frame, _, text = made(wish(tmp_path, file="p.gpkg", how="points", column="v"), places)
    assert frame["value"].to_dict() == {"01": 3.0}
    assert "regions with fewer than 5 points (02)" in text
    assert "dropped 1: points outside of all regions" in text
    frame, _, _ = made(wish(tmp_path, file="p.gpkg", how="points", column="v", least=1), places)
    assert frame["value"].to_dict() == {"01": 3.0, "02": 7.0}
    frame, _, _ = made(wish(tmp_path, file="p.gpkg", how="points", statistic="count", zeros=True), places)
    assert frame["value"].to_dict() == {"01": 5, "02": 1, "03": 0, "04": 0}
    asked = wish(tmp_path, file="p.gpkg", how="points", statistic="count", zeros=True, least=2)
    assert made(asked, places)[0]["value"].to_dict() == {"01": 5, "03": 0, "04": 0}


# from rasters


def save_raster(path, values, *, crs=CRS, west=WEST - 370, north=SOUTH + 2450, cell=70.0, nodata=None):
    rasterio = pytest.importorskip("rasterio", reason="the extra raster is not installed")
    pytest.importorskip("exactextract", reason="the extra raster is not installed")
    from rasterio.transform import from_origin

    rows, columns = values.shape
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=rows,
        width=columns,
        count=1,
        dtype=values.dtype,
        crs=crs,
        transform=from_origin(west, north, cell, cell),
        nodata=nodata,
    ) as file:
        file.write(values, 1)


def cell_shapes(shape, west=WEST - 370, north=SOUTH + 2450, cell=70.0):
    rows, columns = np.indices(shape)
    x, y = west + columns * cell, north - (rows + 1) * cell
    return shapely.box(x, y, x + cell, y + cell)


def test_zonal_sums_and_means_weigh_each_cell_by_its_share_in_the_region(places, tmp_path):
    values = np.random.default_rng(8).uniform(0, 50, size=(40, 40))
    save_raster(tmp_path / "pop.tif", values)
    total = made(wish(tmp_path, file="pop.tif", statistic="sum"), places)[0]
    mean = made(wish(tmp_path, file="pop.tif"), places)[0]
    for one, region in places.metric.geometry.items():
        share = shapely.area(shapely.intersection(cell_shapes(values.shape), region)) / 70.0**2
        assert total["value"][one] == pytest.approx((values * share).sum(), rel=1e-5)
        assert mean["value"][one] == pytest.approx((values * share).sum() / share.sum(), rel=1e-5)


def test_cells_without_data_do_not_count(places, tmp_path):
    values = np.full((40, 40), 3.0)
    values[:, 15:] = -1
    save_raster(tmp_path / "pop.tif", values, nodata=-1)
    frame, _, text = made(wish(tmp_path, file="pop.tif", cover=0.5), places)
    assert frame["value"].to_dict() == pytest.approx({"01": 3.0, "03": 3.0})
    assert "cells with data cover less than 50% of the region (02, 04)" in text


def test_the_class_of_a_raster_is_the_one_with_most_ground(places, tmp_path):
    values = np.ones((40, 40), dtype=np.uint8)
    values[:, 16:] = 2
    save_raster(tmp_path / "use.tif", values)
    (tmp_path / "labels.toml").write_text(
        '[use]\nfile = "use.tif"\nunit = "class"\nsource = "s"\ndate = "d"\nlicence = "l"\nnames = {1 = "wood", 2 = "town"}\n'
    )
    [found] = read_wishes([str(tmp_path / "labels.toml")])
    frame, entry, _ = made(found, places)
    assert frame["value"].to_dict() == {"01": "wood", "02": "town", "03": "wood", "04": "town"}
    assert entry["classes"] == {"town": 2, "wood": 2}


def test_a_raster_in_degrees_and_one_that_is_none(places, tmp_path):
    west, _, east, north = places.regions.total_bounds
    values = np.full((50, 50), 2.5, dtype=np.float32)
    save_raster(
        tmp_path / "pop.tif",
        values,
        crs="EPSG:4326",
        west=west - 0.001,
        north=north + 0.001,
        cell=(east - west + 0.002) / 50,
    )
    assert made(wish(tmp_path, file="pop.tif"), places)[0]["value"].tolist() == pytest.approx([2.5] * 4)
    (tmp_path / "bad.tif").write_bytes(b"<VRTDataset/>")
    with pytest.raises(BadInput, match="expected a GeoTIFF"):
        made(wish(tmp_path, file="bad.tif"), places)


def test_without_the_extra_the_error_names_it(places, tmp_path, monkeypatch):
    import sys

    (tmp_path / "a.tif").write_bytes(b"II*\x00")
    monkeypatch.setitem(sys.modules, "exactextract", None)
    with pytest.raises(ExtraMissing, match=r"urbanbench\[raster\]"):
        made(wish(tmp_path, file="a.tif"), places)


# from tags


def test_building_types_with_enough_buildings_are_classes(places, tmp_path):
    (tmp_path / "labels.toml").write_text(
        '[type]\nhow = "osm"\nleast = 3\nunit = "class"\nsource = "OSM"\ndate = "2020"\nlicence = "ODbL"\n'
    )
    [found] = read_wishes([str(tmp_path / "labels.toml")])
    frame, entry, text = made(found, places)
    assert entry["classes"] == {"retail": 5, "school": 4}
    assert entry["level"] == "building"
    assert frame.index.tolist() == [f"w{k:02d}" for k in range(9)]
    assert "dropped 2: buildings without a specific building=*" in text
    assert "dropped 1: buildings of classes with fewer than 3" in text


def test_labels_of_buildings_need_buildings(places, tmp_path):
    bare = Places(places.regions, CRS)
    (tmp_path / "n.csv").write_text("id,year\nw01,1950\n")
    for keys in (
        {"how": "osm", "unit": "class"},
        {"file": "n.csv", "id": "id", "column": "year", "level": "building"},
    ):
        with pytest.raises(BadInput, match="is of buildings, and the city has none"):
            made(wish(tmp_path, **keys), bare)


# what has to be told


@pytest.mark.parametrize("missing", sorted(TOLD))
def test_unit_source_date_and_licence_have_to_be_told(missing, tmp_path):
    (tmp_path / "n.csv").write_text("code,v\n01,5\n")
    with pytest.raises(BadInput, match=f'does not tell {missing}.*Mend: {missing} = "…"'):
        wish(tmp_path, file="n.csv", id="code", column="v", **{missing: ""})


def test_a_table_without_a_description_gets_one_to_paste(tmp_path):
    (tmp_path / "n.csv").write_text("code,income\n01,5\n")
    with pytest.raises(BadInput) as raised:
        read_wishes([str(tmp_path / "n.csv")])
    text = str(raised.value)
    assert "Expected n.toml beside it" in text
    pasted = text.split("fill in:\n")[1]
    (tmp_path / "n.toml").write_text(
        "\n".join(line.strip() for line in pasted.splitlines()).replace("NAME", "income")
    )
    [found] = read_wishes([str(tmp_path / "n.csv")])
    assert (found.name, found.id, found.column, found.file) == (
        "income",
        "code",
        "income",
        tmp_path / "n.csv",
    )


def test_a_label_can_be_one_word_of_the_command_line(tmp_path):
    (tmp_path / "n.csv").write_text("code,v\n01,5\n")
    word = f"income={tmp_path}/n.csv; id=code; column=v; unit=thousand euro; source=a, b; date=2020; licence=CC0; factor=0.5"
    [found] = read_wishes([word])
    assert (found.name, found.unit, found.source, found.factor) == ("income", "thousand euro", "a, b", 0.5)
    [tagged] = read_wishes(["kind=osm;unit=class;source=s;date=d;licence=l;least=3"])
    assert (tagged.how, tagged.column, tagged.least) == ("osm", "building", 3)


@pytest.mark.parametrize(
    ("keys", "error", "words"),
    [
        ({"colum": "v"}, UnknownName, "Did you mean 'column'"),
        ({"how": "magic"}, UnknownName, "Unknown how"),
        ({"kind": "guess"}, UnknownName, "Unknown kind"),
        ({"level": "galaxy"}, UnknownName, "Unknown level"),
        ({"factor": "lots"}, BadInput, "factor is 'lots'. Expected a number"),
        ({"extensive": "maybe"}, BadInput, "Expected true or false"),
        ({"cover": 2}, BadInput, "a share from 0 to 1"),
        ({"kind": "classification"}, BadInput, 'Expected unit = "class"'),
        ({"file": "none.csv"}, DataMissing, "none.csv"),
        ({"id": ""}, BadInput, "does not tell which column holds the ids"),
    ],
)
def test_what_cannot_be_is_told(keys, error, words, tmp_path):
    (tmp_path / "n.csv").write_text("code,v\n01,5\n")
    with pytest.raises(error, match=words):
        wish(tmp_path, **({"file": "n.csv", "id": "code", "column": "v"} | keys))


def test_labels_given_twice_or_in_broken_files_are_told(tmp_path):
    word = "kind=osm;unit=class;source=s;date=d;licence=l"
    with pytest.raises(BadInput, match="has 'kind' twice"):
        read_wishes([word, word])
    for text in ("[a", "a = 1", ""):
        (tmp_path / "l.toml").write_text(text)
        with pytest.raises(BadInput, match=r"l\.toml: expected"):
            read_wishes([str(tmp_path / "l.toml")])
    with pytest.raises(DataMissing):
        read_wishes([str(tmp_path / "none.csv")])


def test_no_value_at_all_is_an_error(places, tmp_path):
    (tmp_path / "n.csv").write_text("code,v\n01,\n")
    with pytest.raises(BadInput, match="has no region with a value"):
        made(wish(tmp_path, file="n.csv", id="code", column="v"), places)


def test_numbers_are_read_as_people_write_them():
    found = as_numbers(["1,234", "1,234.5", "1,5", "-3", "5 %", None, "", "nan", "1e3", 7])
    assert found.tolist()[:4] == [1234.0, 1234.5, 1.5, -3.0]
    assert np.isnan(found[4:8]).all()
    assert found[8:].tolist() == [1000.0, 7.0]
