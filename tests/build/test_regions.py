"""Regions from files, as cells and as blocks: ids as text, areas true, nothing lost in silence."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shapely

from urbanbench.build.regions.blocks import block_regions
from urbanbench.build.regions.cells import grid_regions, h3_regions
from urbanbench.build.regions.drawn import drawn_regions
from urbanbench.build.regions.sizes import within_sizes
from urbanbench.build.report import Report
from urbanbench.errors import BadInput, DataMissing

CRS = "EPSG:32632"
UNIT = 0.01


def square(x, y, side=1.0):
    return shapely.box(9 + UNIT * x, 48 + UNIT * y, 9 + UNIT * (x + side), 48 + UNIT * (y + side))


def frame(ids, shapes, **more):
    return gpd.GeoDataFrame({"code": ids, **more}, geometry=shapes, crs=4326)


def drawn(path, **more):
    report = Report()
    return drawn_regions(path, report, **({"id_column": "code"} | more)), "\n".join(report.text())


WRITERS = {
    "a.gpkg": lambda one, path: one.to_file(path, layer="districts"),
    "a.geojson": lambda one, path: one.to_file(path),
    "a.shp": lambda one, path: one.to_file(path),
    "a.fgb": lambda one, path: one.to_file(path),
    "a.parquet": lambda one, path: one.to_parquet(path),
    "b.parquet": lambda one, path: one.rename_geometry("shape").to_crs(3857).to_parquet(path),
    "c.parquet": lambda one, path: one.assign(code=one["code"].astype("category")).to_parquet(path),
}


@pytest.mark.parametrize("name", WRITERS)
def test_any_vector_file_gives_the_same_regions_with_leading_zeros(name, tmp_path):
    whole = frame(["010", "002"], [square(0, 0), square(1, 0)], title=["Ten", "Two"])
    WRITERS[name](whole, tmp_path / name)
    regions, _ = drawn(tmp_path / name, name_column="title")
    assert regions.index.tolist() == ["002", "010"]
    assert regions["name"].tolist() == ["Two", "Ten"]
    assert shapely.equals_exact(regions.geometry.loc["010"].normalize(), square(0, 0).normalize(), 1e-7)


@pytest.mark.parametrize(
    ("ids", "texts"),
    [
        ([7, 12], ["12", "7"]),
        ([36061000100.0, 36061000201.0], ["36061000100", "36061000201"]),
        (pd.array([1, 2], dtype="Int64"), ["1", "2"]),
        ([" a", "b "], ["a", "b"]),
    ],
)
def test_ids_of_any_type_are_text(ids, texts, tmp_path):
    frame(ids, [square(0, 0), square(1, 0)]).to_parquet(tmp_path / "a.parquet")
    assert drawn(tmp_path / "a.parquet")[0].index.tolist() == texts


def test_the_column_of_ids_is_asked_for(tmp_path):
    frame(["1"], [square(0, 0)], borough=["x"]).to_file(tmp_path / "a.gpkg")
    with pytest.raises(
        BadInput, match=r"--id COLUMN, found no choice of a column. Its columns: fid, code, borough"
    ):
        drawn(tmp_path / "a.gpkg", id_column="")
    with pytest.raises(BadInput, match="found no column 'GEOID'"):
        drawn(tmp_path / "a.gpkg", id_column="GEOID")
    assert drawn(tmp_path / "a.gpkg", id_column="CODE")[0].index.tolist() == ["1"]


def test_the_number_of_a_feature_can_be_its_id(tmp_path):
    frame(["x", "y"], [square(0, 0), square(1, 0)]).to_file(tmp_path / "a.gpkg")
    assert drawn(tmp_path / "a.gpkg", id_column="fid")[0].index.tolist() == ["1", "2"]


def test_what_can_be_mended_is_mended_and_told(tmp_path):
    bow_tie = shapely.Polygon([(9, 48.05), (9.01, 48.06), (9.01, 48.05), (9, 48.06)])
    high = shapely.force_3d(square(3, 0), 7.0)
    mixed = shapely.GeometryCollection([square(5, 0), shapely.Point(9.2, 48)])
    ids = ["a", "a", "b", "c", "d", "e", None]
    shapes = [square(0, 0), square(2, 2), bow_tie, high, mixed, shapely.Point(9, 48), square(7, 7)]
    frame(ids, shapes).to_parquet(tmp_path / "a.parquet")
    regions, text = drawn(tmp_path / "a.parquet")
    assert regions.index.tolist() == ["a", "b", "c", "d"]
    assert regions.geometry.is_valid.all()
    assert set(regions.geom_type) <= {"Polygon", "MultiPolygon"}
    assert not regions.geometry.has_z.any()
    assert regions.geometry.loc["a"].area == pytest.approx(2 * UNIT**2)
    assert regions.geometry.loc["b"].area == pytest.approx(UNIT**2 / 2)
    for line in (
        "ids of several rows, whose parts were joined (a)",
        "invalid polygons, made valid (b)",
        "lines and points beside the polygons left out (d)",
        "dropped 1: no polygon (e)",
        "dropped 1: no id",
    ):
        assert line in text


def test_small_overlaps_are_cut_and_levels_of_a_hierarchy_refused(tmp_path):
    frame(["a", "b"], [square(0, 0), square(0.9, 0)]).to_parquet(tmp_path / "a.parquet")
    regions, text = drawn(tmp_path / "a.parquet")
    assert regions.geometry.loc["a"].area == pytest.approx(UNIT**2)
    assert regions.geometry.loc["b"].area == pytest.approx(0.9 * UNIT**2)
    assert "cut off (b)" in text
    frame(["city", "district"], [square(0, 0, 3), square(1, 1)]).to_parquet(tmp_path / "b.parquet")
    with pytest.raises(BadInput, match=r"'city and district'.*regions of one level"):
        drawn(tmp_path / "b.parquet")


def test_files_that_point_elsewhere_or_are_damaged_are_refused(tmp_path):
    frame(["1"], [square(0, 0)]).to_file(tmp_path / "good.gpkg")
    vrt = f"<OGRVRTDataSource><OGRVRTLayer name='good'><SrcDataSource>{tmp_path}/good.gpkg</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"
    (tmp_path / "a.geojson").write_text(vrt)
    (tmp_path / "b.json").write_text('{"type": "gdal_streamed_alg", "command_line": "gdal vector read x"}')
    for name in ("a.geojson", "b.json"):
        with pytest.raises(BadInput, match="points to other files or addresses"):
            drawn(tmp_path / name)
    for name in ("c.gpkg", "d.geojson", "e.shp", "f.parquet", "g.fgb"):
        (tmp_path / name).write_bytes(b"\x00\x01 nothing")
        with pytest.raises(BadInput, match="found a fault"):
            drawn(tmp_path / name)
    with pytest.raises(DataMissing):
        drawn(tmp_path / "none.gpkg")
    (tmp_path / "h.docx").write_text("x")
    with pytest.raises(BadInput, match="ogr2ogr"):
        drawn(tmp_path / "h.docx")


def test_a_file_without_crs_asks_for_it(tmp_path):
    frame(["1"], [square(0, 0)]).to_file(tmp_path / "a.shp")
    (tmp_path / "a.prj").unlink()
    with pytest.raises(BadInput, match="--file-crs EPSG:CODE"):
        drawn(tmp_path / "a.shp")
    assert len(drawn(tmp_path / "a.shp", file_crs="EPSG:4326")[0]) == 1


METRES = [shapely.box(500_000 + 1000 * k, 150_000, 501_000 + 1000 * k, 151_000) for k in range(2)]


def in_metres(crs=None):
    return gpd.GeoDataFrame({"code": ["a", "b"]}, geometry=METRES, crs=crs)


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
@pytest.mark.parametrize("crs", [None, 4326])
def test_metres_in_geojson_are_told_from_degrees_and_read_in_the_crs_that_is_named(crs, tmp_path):
    in_metres(crs).to_file(tmp_path / "a.geojson")
    with pytest.raises(
        BadInput, match=r"found 500000 and 150000, which are no degrees.*Mend: --file-crs EPSG:CODE$"
    ):
        drawn(tmp_path / "a.geojson")
    with pytest.raises(BadInput, match=r"no degrees.*Mend: ogr2ogr -a_srs EPSG:CODE out.gpkg a.geojson$"):
        drawn(tmp_path / "a.geojson", ask_crs="")
    placed = drawn(tmp_path / "a.geojson", file_crs="EPSG:27700")[0]
    assert placed.geometry.loc["a"].centroid.x == pytest.approx(-0.5606, abs=1e-3)
    assert placed.geometry.loc["a"].centroid.y == pytest.approx(51.2447, abs=1e-3)


def test_a_file_keeps_the_crs_that_it_names(tmp_path):
    in_metres(27700).to_file(tmp_path / "a.geojson")
    assert drawn(tmp_path / "a.geojson", file_crs="EPSG:3035")[0].total_bounds[1] == pytest.approx(
        51.24, abs=1e-2
    )
    in_metres(4326).to_file(tmp_path / "a.gpkg")
    with pytest.raises(BadInput, match=r"no degrees.*Mend: ogr2ogr -a_srs EPSG:CODE out.gpkg a.gpkg$"):
        drawn(tmp_path / "a.gpkg", file_crs="EPSG:27700")


def test_degrees_in_geojson_are_not_taken_for_the_metres_of_a_crs_that_is_named(tmp_path):
    frame(["1", "2"], [square(0, 0), square(1, 0)]).to_file(tmp_path / "a.geojson")
    with pytest.raises(
        BadInput, match=r"expected coordinates in EPSG:27700.*longitude and latitude\. Mend: name no CRS"
    ):
        drawn(tmp_path / "a.geojson", file_crs="EPSG:27700")
    assert len(drawn(tmp_path / "a.geojson", file_crs="EPSG:4258")[0]) == 2


def test_a_stray_point_does_not_make_degrees_metres(tmp_path):
    far = shapely.Point(999, 999)
    frame(["1", "2", "3"], [square(0, 0), square(1, 0), far]).to_file(tmp_path / "a.geojson")
    assert len(drawn(tmp_path / "a.geojson")[0]) == 2


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_an_unknown_crs_of_a_file_is_refused_in_words(tmp_path):
    in_metres().to_file(tmp_path / "a.shp")
    with pytest.raises(BadInput, match="expected a CRS such as EPSG:32635, got 'foo', which is unknown"):
        drawn(tmp_path / "a.shp", file_crs="foo")


def test_regions_outside_of_the_wanted_sizes_are_dropped_and_told(tmp_path):
    frame(["big", "mid", "tiny"], [square(0, 0, 3), square(4, 0), square(6, 0, 0.01)]).to_parquet(
        tmp_path / "a.parquet"
    )
    regions, report = drawn(tmp_path / "a.parquet")[0], Report()
    kept = within_sizes(regions, CRS, 0.1, 2.0, report)
    assert kept.index.tolist() == ["mid"]
    assert report.text() == [
        "regions: dropped 1: smaller than 0.1 km2 (tiny)",
        "regions: dropped 1: larger than 2 km2 (big)",
    ]
    with pytest.raises(BadInput, match="None of 3 regions is between 50 and 60 km2"):
        within_sizes(regions, CRS, 50, 60, Report())


def test_a_grid_has_every_square_whose_centre_lies_in_the_area():
    area = shapely.Polygon([(9.0, 48.0), (9.03, 48.0), (9.03, 48.01), (9.0, 48.02)])
    cells = grid_regions(area, 250, CRS).to_crs(CRS)
    assert np.allclose(cells.area, 250**2, rtol=1e-6)
    placed = gpd.GeoSeries([area], crs=4326).to_crs(CRS).iloc[0]
    west, south, east, north = placed.bounds
    centres = [
        (250 * i + 125, 250 * j + 125)
        for i in range(int(west // 250) - 1, int(east // 250) + 2)
        for j in range(int(south // 250) - 1, int(north // 250) + 2)
    ]
    expected = {centre for centre in centres if placed.contains(shapely.Point(centre))}
    assert {(round(one.x), round(one.y)) for one in cells.centroid} == expected
    assert cells.index.is_monotonic_increasing
    assert cells.index.is_unique


@pytest.mark.parametrize(
    ("side", "words"), [(5, "10 to 100000"), (10, "at most 1,000,000"), (99_000, "no cell")]
)
def test_a_grid_that_makes_no_sense_is_refused(side, words):
    area = shapely.box(9, 48, 9.5, 48.5) if side < 50 else shapely.box(9, 48, 9.0001, 48.0001)
    with pytest.raises(BadInput, match=words):
        grid_regions(area, side, CRS)


def test_hexagons_are_h3s_own():
    h3 = pytest.importorskip("h3", reason="the extra h3 is not installed")
    area = shapely.box(9.0, 48.0, 9.03, 48.02)
    cells = h3_regions(area, 9)
    assert len(cells) > 20
    for one, shape in cells.geometry.items():
        lat, lon = h3.cell_to_latlng(one)
        assert h3.get_resolution(one) == 9
        assert area.contains(shapely.Point(lon, lat))
        middle = shapely.centroid(shape)
        assert h3.latlng_to_cell(middle.y, middle.x, 9) == one
    with pytest.raises(BadInput, match="0 to 15"):
        h3_regions(area, 16)


def test_without_h3_the_error_names_the_extra(monkeypatch):
    import sys

    from urbanbench.errors import ExtraMissing

    monkeypatch.setitem(sys.modules, "h3", None)
    with pytest.raises(ExtraMissing, match=r"urbanbench\[h3\]"):
        h3_regions(shapely.box(9, 48, 9.1, 48.1), 9)


def roads(*lines, **tags):
    shapes = [shapely.LineString(line) for line in lines]
    kinds = [list(({"highway": "residential"} | tags).items())] * len(shapes)
    return pa.table(
        {
            "tags": pa.array(kinds, pa.map_(pa.string(), pa.string())),
            "wkb": pa.array(shapely.to_wkb(shapes).tolist(), pa.binary()),
        }
    )


def test_blocks_are_the_ground_between_streets():
    area = shapely.box(9.0, 48.0, 9.03, 48.02)
    cross = roads(
        [(9.01, 47.99), (9.01, 48.03)], [(9.02, 47.99), (9.02, 48.03)], [(8.99, 48.01), (9.04, 48.01)]
    )
    blocks = block_regions(area, cross, CRS, Report())
    assert len(blocks) == 6
    assert blocks.index.tolist() == [f"b{k:06d}" for k in range(6)]
    whole = gpd.GeoSeries([area], crs=4326).to_crs(CRS).area.iloc[0]
    assert blocks.to_crs(CRS).area.sum() == pytest.approx(whole, rel=1e-4)
    tops = shapely.get_y(shapely.centroid(blocks.geometry.to_numpy()))
    assert (tops[:3] > 48.01).all()
    assert (tops[3:] < 48.01).all()


def test_footways_service_roads_and_tunnels_bound_no_block():
    area = shapely.box(9.0, 48.0, 9.03, 48.02)
    line = [(9.01, 47.99), (9.01, 48.03)]
    for tags in ({"highway": "footway"}, {"highway": "service"}, {"tunnel": "yes"}):
        assert len(block_regions(area, roads(line, **tags), CRS, Report())) == 1
