"""Cities at the borders of zones, across the date line, near the poles and in odd CRS: metres are true, or the reason is told."""

import json

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from PIL import Image
from pyproj import CRS, Geod, Transformer

from urbanbench.build.crs import check_crs
from urbanbench.city.city import City
from urbanbench.city.faults.check import check_folder, check_report
from urbanbench.city.faults.fit import metric_crs
from urbanbench.city.ground.tiles import Tiles
from urbanbench.errors import BadInput

GEOD = Geod(ellps="WGS84")
TAGS = pa.map_(pa.string(), pa.string())


def write_city(path, crs, regions, pois=(), file_crs="EPSG:4326"):
    """Write a city of regions and POIs given in longitude and latitude, stored in a CRS."""
    path.mkdir()

    def save(name, columns, shapes):
        placed = gpd.GeoSeries(np.asarray(shapes, dtype=object), crs=4326).to_crs(file_crs)
        table = pa.table({**columns, "geometry": pa.array(placed.to_wkb().tolist(), pa.binary())})
        column = {"encoding": "WKB", "geometry_types": [], "crs": CRS(file_crs).to_json_dict()}
        geo = {"version": "1.0.0", "primary_column": "geometry", "columns": {"geometry": column}}
        pq.write_table(table.replace_schema_metadata({"geo": json.dumps(geo)}), path / f"{name}.parquet")

    save("regions", {"region_id": [f"r{k:02d}" for k in range(len(regions))]}, regions)
    raw = {"format": 1, "name": "place", "crs": crs, "layers": {}, "labels": {}}
    if len(pois):
        columns = {
            "poi_id": [f"p{k:02d}" for k in range(len(pois))],
            "tags": pa.array([[]] * len(pois), TAGS),
        }
        save("pois", columns, [shapely.Point(one) for one in pois])
        raw["layers"]["pois"] = {"file": "pois.parquet"}
    (path / "city.json").write_text(json.dumps(raw), encoding="utf-8")
    return path


def ground_km2(shape):
    """Return the area on the ellipsoid; edges are geodesics there, so parts are short."""
    return sum(abs(GEOD.geometry_area_perimeter(part)[0]) for part in shapely.get_parts(shape)) / 1e6


def boxes(west, south, step, columns=3, rows=2):
    return [shapely.box(west + c * step, south + r * step, west + (c + 1) * step, south + (r + 1) * step) for c in range(columns) for r in range(rows)]  # fmt: skip


def cut(*parts):
    return shapely.MultiPolygon([shapely.box(*part) for part in parts])


PLACES = {
    "inside a zone": ("EPSG:32632", boxes(9.0, 48.0, 0.02), 0.001),
    "across the border of two zones, in the western": ("EPSG:32631", boxes(5.97, 50.0, 0.02), 0.003),
    "across the border of two zones, in the eastern": ("EPSG:32632", boxes(5.97, 50.0, 0.02), 0.003),
    "one zone beside": ("EPSG:32632", boxes(13.4, 52.5, 0.02), 0.006),
    "across the date line, western zone": ("EPSG:32760", [*boxes(179.94, -17.0, 0.02), *boxes(-180.0, -17.0, 0.02)], 0.003),
    "across the date line, eastern zone": ("EPSG:32701", [*boxes(179.94, -17.0, 0.02), *boxes(-180.0, -17.0, 0.02)], 0.003),
    "a region cut at the date line": ("EPSG:32760", [cut((179.98, -17.0, 180.0, -16.98), (-180.0, -17.0, -179.98, -16.98)), *boxes(179.92, -17.0, 0.02, rows=1)], 0.003),
    "Fiji's own grid": ("EPSG:3460", [*boxes(179.94, -17.0, 0.02), *boxes(-180.0, -17.0, 0.02)], 0.003),
    "Svalbard": ("EPSG:32633", boxes(15.6, 78.2, 0.02), 0.002),
    "beyond 84 degrees, in a zone all the same": ("EPSG:32633", boxes(15.6, 86.0, 0.02), 0.002),
    "the north pole": ("EPSG:3573", boxes(-150.0, 89.9, 0.05, columns=2), 0.001),
    "the south pole, scaled by 0.994": ("EPSG:32761", boxes(10.0, -89.95, 0.02), 0.013),
    "Web Mercator at the equator": ("EPSG:3857", boxes(103.8, 0.2, 0.02), 0.007),
    "the equator, from the south": ("EPSG:32748", boxes(103.8, -0.03, 0.02), 0.002),
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_areas_and_distances_are_those_of_the_ground(tmp_path, place):
    crs, regions, slack = PLACES[place]
    folder = write_city(
        tmp_path / "city", crs, regions, [one.representative_point().coords[0] for one in regions]
    )
    assert check_folder(folder) == []
    city = City.open(folder)
    assert city.regions.geometry.is_valid.all()
    wanted = [ground_km2(one) for one in regions]
    assert city.regions["area_km2"].tolist() == pytest.approx(wanted, rel=slack)
    assert city.pois["region_id"].tolist() == city.regions.index.tolist()
    points = [one.representative_point().coords[0] for one in regions]
    for (lon, lat), here in zip(points[1:], city.pois.geometry.iloc[1:], strict=True):
        metres = GEOD.inv(*points[0], lon, lat)[2]
        assert here.distance(city.pois.geometry.iloc[0]) == pytest.approx(metres, rel=slack)


def test_a_region_cut_at_the_date_line_is_one_piece(tmp_path):
    crs, regions, _ = PLACES["a region cut at the date line"]
    city = City.open(write_city(tmp_path / "city", crs, regions, [(179.999, -16.99), (-179.999, -16.99)]))
    assert city.regions.geometry.iloc[0].geom_type == "Polygon"
    assert city.pois["region_id"].tolist() == ["r00", "r00"]


@pytest.mark.parametrize("layer", ["regions", "roads"])
def test_shapes_that_reach_around_the_earth_are_told_to_be_cut(folder, layer):
    corners = [(179.98, 48.0), (-179.98, 48.0), (-179.98, 48.02), (179.98, 48.02)]
    shape = shapely.Polygon(corners) if layer == "regions" else shapely.LineString(corners[:2])
    folder.rows[layer][0]["geometry"] = shape
    folder.save(layer)
    (fault,) = [one for one in check_folder(folder.path) if "date line" in one]
    assert (
        "expected shapes on one side of the date line, found shapes wider than half the earth. Cut them"
        in fault
    )


def test_longitudes_up_to_360_are_told_and_the_mend_mends(tmp_path):
    regions = boxes(-74.0, 40.7, 0.02)
    turned = [shapely.transform(one, lambda xy: np.add(xy, (360.0, 0.0))) for one in regions]
    folder = write_city(tmp_path / "city", "EPSG:32618", turned)
    (fault,) = check_folder(folder)
    assert "found longitudes beyond them. Turn them: " in fault
    frame = gpd.read_parquet(folder / "regions.parquet")
    names = {"frame": frame, "shapely": shapely, "numpy": np}
    exec(fault.partition("Turn them: ")[2].removesuffix("."), names)
    frame.to_parquet(folder / "regions.parquet")
    assert check_folder(folder) == []
    wanted = [ground_km2(one) for one in regions]
    assert City.open(folder).regions["area_km2"].tolist() == pytest.approx(wanted, rel=0.002)


@pytest.mark.parametrize(
    ("crs", "words"),
    [
        ("EPSG:4326", "which is not projected (WGS 84)"),
        ("EPSG:4979", "which is not projected"),
        ("EPSG:4978", "which is not projected"),
        ("EPSG:2263", "whose unit is US survey foot"),
        ("EPSG:6539", "whose unit is US survey foot"),
        ("EPSG:3857", "makes lengths 1.32 times"),
        ("EPSG:32612", "makes lengths 1."),
        ("EPSG:6933", "in one direction"),
    ],
)
def test_a_crs_without_true_metres_is_refused_with_a_better_one(tmp_path, crs, words):
    report = check_report(write_city(tmp_path / "city", crs, boxes(-74.0, 40.7, 0.02)))
    (fault,) = report.faults
    assert fault.startswith("city.json: 'crs': expected a")
    assert words in fault
    said = " ".join((fault, *report.notes))
    assert "EPSG:32618" in said
    for note in report.notes:
        assert (
            note
            == "regions.parquet: lies around longitude -73.9700, latitude 40.7200, where 'EPSG:32618' keeps lengths."
        )


@pytest.mark.parametrize("crs", ["EPSG:2263", "EPSG:3857", "EPSG:4269", "EPSG:32617", "EPSG:2831"])
def test_layers_in_feet_or_degrees_of_another_datum_lie_where_they_are(tmp_path, crs):
    regions = boxes(-74.0, 40.7, 0.02)
    points = [one.representative_point().coords[0] for one in regions]
    wanted = City.open(write_city(tmp_path / "one", "EPSG:32618", regions, points))
    found = City.open(write_city(tmp_path / "two", "EPSG:32618", regions, points, file_crs=crs))
    assert found.regions["area_km2"].tolist() == pytest.approx(wanted.regions["area_km2"].tolist(), rel=1e-6)
    assert (shapely.distance(np.asarray(found.pois.geometry), np.asarray(wanted.pois.geometry)) < 0.01).all()


def test_a_city_too_wide_for_its_crs_is_refused_with_the_place(tmp_path):
    spread = [shapely.box(lon, 1.0, lon + 0.05, 1.05) for lon in (-18.0, 8.99, 9.1, 36.0)]
    (fault,) = check_folder(write_city(tmp_path / "city", "EPSG:32632", spread))
    assert "expected a CRS that keeps lengths at all regions (longitude" in fault
    assert "make several cities of it" in fault
    (tmp_path / "narrow").mkdir()
    assert check_folder(write_city(tmp_path / "narrow" / "city", "EPSG:32632", spread[1:3])) == []


def test_regions_without_an_area_are_refused(tmp_path):
    flat = shapely.Polygon([(9.0, 48.0), (9.0 + 1e-12, 48.0), (9.0, 48.0 + 1e-12)])
    (fault,) = check_folder(write_city(tmp_path / "city", "EPSG:32632", [*boxes(9.0, 48.0, 0.02), flat]))
    assert "1 row ('r06'): expected regions of 0.01 m² or more, found regions without an area" in fault


@pytest.mark.parametrize(
    ("place", "crs"),
    [((-179.99, 10.0), "EPSG:32601"), ((179.99, 10.0), "EPSG:32660"), ((0.0, 85.0), "EPSG:32661"), ((0.0, -81.0), "EPSG:32761")],
)  # fmt: skip
def test_the_crs_that_is_named_keeps_lengths_there(place, crs):
    assert metric_crs(*place) == crs
    step = 0.01 * (1 if place[1] < 0 else -1)
    x, y = Transformer.from_crs(4326, crs, always_xy=True).transform(
        [place[0]] * 2, [place[1], place[1] + step]
    )
    metres = GEOD.inv(*place, place[0], place[1] + step)[2]
    assert np.hypot(np.diff(x), np.diff(y))[0] == pytest.approx(metres, rel=0.02)


@pytest.mark.parametrize("crs", ["EPSG:3460", "EPSG:32760", "EPSG:3573"])
def test_the_builder_tells_that_a_city_reaches_over_the_date_line(crs):
    with pytest.raises(BadInput, match="one side of the date line"):
        check_crs(crs, (-179.95, -17.0, 179.95, -16.9))


def test_tiles_go_on_beyond_the_date_line_and_end_before_the_poles(tmp_path):
    for x, colour in ((0, (255, 0, 0)), (63, (0, 0, 255))):
        (tmp_path / "6" / str(x)).mkdir(parents=True)
        Image.new("RGB", (64, 64), colour).save(tmp_path / "6" / str(x) / "34.png")
    ground = Tiles(tmp_path, "EPSG:32760")
    x, y = Transformer.from_crs(4326, "EPSG:32760", always_xy=True).transform(180.0, -15.0)
    pixels, known = ground.picture((x - 90_000, y - 90_000, x + 90_000, y + 90_000), 32)
    assert known.all()
    assert (pixels[:, :14] == (0, 0, 255)).all()
    assert (pixels[:, 18:] == (255, 0, 0)).all()
    pole = Tiles(tmp_path, "EPSG:32661").picture((1_990_000, 1_990_000, 2_010_000, 2_010_000), 32)
    assert not pole[1].any()
