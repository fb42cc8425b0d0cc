"""Opening a sound folder gives the frames of the contract."""

import numpy as np
import pyarrow as pa
import pytest
import shapely
from pyproj import Transformer

from urbanbench.city.city import City
from urbanbench.city.folder.membership import region_of_points
from urbanbench.errors import CityFaults, DataMissing, LayerMissing


@pytest.fixture
def city(folder):
    return City.open(folder.path)


def test_a_sound_folder_has_no_faults(city):
    assert city.check() == []


def test_city_says_what_city_json_says(city):
    assert (city.name, city.title, city.crs) == ("testville", "Testville", "EPSG:32632")
    assert set(city.layers) == {
        "pois", "buildings", "roads", "landuse", "street_views", "satellite", "captions", "flows",
    }  # fmt: skip
    assert city.layers["satellite"].kind == "rendered-map"
    assert city.layers["pois"].licence == "CC0"


def test_regions_keep_file_order_and_have_projected_areas(city, folder):
    assert list(city.regions.index) == ["r00", "r01", "r10", "r11"]
    assert city.regions.index.name == "region_id"
    move = Transformer.from_crs(4326, 32632, always_xy=True)
    ring = np.array(folder.rows["regions"][0]["geometry"].exterior.coords)
    expected = shapely.Polygon(list(zip(*move.transform(ring[:, 0], ring[:, 1]), strict=True))).area / 1e6
    assert city.regions["area_km2"].iloc[0] == pytest.approx(expected, rel=1e-12)
    assert city.regions.crs == "EPSG:32632"


def test_pois_lie_in_regions_and_in_no_hole(city):
    assert city.pois["region_id"].tolist() == ["r00", "r00", "r00", None, "r11", None, "r00"]
    assert dict(city.pois["tags"].iloc[0]) == {"amenity": "cafe", "name": "N0"}


def test_a_point_on_a_shared_border_goes_to_the_first_region(city):
    corner = shapely.transform(shapely.Point(9.01, 48.01), _metres)
    assert region_of_points(np.array([corner], dtype=object), city.regions).tolist() == ["r00"]
    backwards = city.regions.iloc[::-1]
    assert region_of_points(np.array([corner], dtype=object), backwards).tolist() == ["r11"]


def _metres(xy):
    return np.column_stack(Transformer.from_crs(4326, 32632, always_xy=True).transform(xy[:, 0], xy[:, 1]))


def test_region_of_points_agrees_with_a_loop(city):
    rng = np.random.default_rng(0)
    west, south, east, north = city.regions.total_bounds
    points = shapely.points(rng.uniform(west, east, 300), rng.uniform(south, north, 300))
    shapes = list(city.regions.geometry)
    loop = [
        next((i for i, s in zip(city.regions.index, shapes, strict=True) if s.intersects(p)), None)
        for p in points
    ]
    assert region_of_points(points, city.regions).tolist() == loop


def test_buildings_have_heights_areas_and_regions(city):
    buildings = city.buildings
    assert buildings["height_m"].dtype == np.float32
    np.testing.assert_array_equal(
        buildings["height_m"], np.array([5, np.nan, 12.5, np.nan, 3], dtype=np.float32)
    )
    np.testing.assert_allclose(buildings["area_m2"], [one.area for one in buildings.geometry])
    assert buildings["region_id"].tolist() == ["r00", "r00", "r00", "r10", "r10"]


def test_street_views_have_all_picture_columns(city):
    views = city.street_views
    assert views["east"].tolist() == ["views/v0e.png", "views/v1e.png"]
    assert views["north"].tolist() == [None, None]
    assert views["image"].tolist() == [None, None]
    assert views["region_id"].tolist() == ["r00", "r10"]


def test_tables_without_geometry_are_plain(city):
    assert city.flows.columns.tolist() == ["origin_id", "destination_id", "trips", "hour"]
    assert city.captions["caption"].tolist() == ["Two shops.", "A school."]
    assert city.satellite.index.tolist() == ["r00", "r01", "r10", "r11"]


def test_labels_know_their_kind_and_level(city):
    kinds = {name: (info.kind, info.level) for name, info in city.labels.items()}
    assert kinds == {
        "density": ("regression", "region"),
        "use": ("classification", "region"),
        "shares": ("composition", "region"),
        "function": ("classification", "building"),
        "scene": ("regression", "street_view"),
    }
    assert city.labels["use"].classes == ("home", "work")
    assert city.labels["scene"].ceiling == {"r2": 0.9}
    assert city.label("density")["value"].tolist() == [0.0, 1.5, 3.0, 4.5]
    assert city.label("shares").columns.tolist() == ["home", "work"]
    assert city.label("function").index.name == "building_id"


def test_unit_ids_are_there_without_reading_geometry(city):
    assert city.unit_ids("building") == ("b0", "b1", "b2", "b3", "b4")
    assert "buildings" not in city._kept


def test_a_city_needs_only_regions(folder):
    folder.json = {"format": 1, "crs": "EPSG:32632"}
    folder.write_json()
    city = City.open(folder.path)
    assert (city.name, len(city.regions), dict(city.layers), city.check()) == ("testville", 4, {}, [])
    with pytest.raises(LayerMissing, match=r"has no layer 'pois'. Its layers: none"):
        _ = city.pois


def test_unknown_layers_are_kept_as_extras(folder):
    folder.json["layers"]["noise"] = {"file": "roads.parquet"}
    folder.write_json()
    city = City.open(folder.path)
    assert list(city.extras) == ["noise"]
    assert "noise" not in city.layers
    assert city.check() == []


def test_single_part_multi_geometries_are_taken_apart(folder):
    folder.rows["pois"][0]["geometry"] = shapely.MultiPoint([folder.rows["pois"][0]["geometry"]])
    folder.rows["buildings"][0]["geometry"] = shapely.MultiPolygon([folder.rows["buildings"][0]["geometry"]])
    folder.save("pois")
    folder.save("buildings")
    city = City.open(folder.path)
    assert city.pois.geometry.iloc[0].geom_type == "Point"
    assert city.buildings.geometry.iloc[0].geom_type == "Polygon"


def test_heights_are_optional(folder):
    without = {name: kind for name, kind in folder.schemas["buildings"].items() if name != "height_m"}
    folder.save("buildings", schema=without)
    height = City.open(folder.path).buildings["height_m"]
    assert height.isna().all()
    assert height.dtype == np.float32


@pytest.mark.parametrize(
    "kind", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]
)
def test_text_may_be_stored_in_any_arrow_way(folder, kind):
    folder.save("labels/use", schema={"region_id": kind, "value": kind})
    folder.save(
        "pois",
        schema=folder.schemas["pois"]
        | {"poi_id": pa.large_string(), "tags": pa.map_(pa.large_string(), pa.large_string())},
    )
    city = City.open(folder.path)
    assert city.label("use")["value"].tolist() == ["home", "work", "home", "home"]
    assert dict(city.pois["tags"].iloc[1]) == {"amenity": "school", "name": "N1"}


def test_a_layer_may_be_empty(folder):
    for name in ("pois", "buildings", "roads", "street_views", "satellite", "flows", "captions"):
        folder.rows[name] = []
        folder.save(name)
    for name in ("function", "scene"):
        del folder.json["labels"][name]
    folder.write_json()
    city = City.open(folder.path)
    assert city.check() == []
    assert [len(getattr(city, name)) for name in ("pois", "buildings", "street_views", "flows")] == [
        0,
        0,
        0,
        0,
    ]
    view = city.view({"poi", "polygon"}, ("landuse",))
    assert len(view.pois) + len(view.buildings) == 0


def test_missing_folder_and_label_are_told(city, tmp_path):
    with pytest.raises(DataMissing, match="No city folder"):
        City.open(tmp_path / "nowhere")
    with pytest.raises(DataMissing, match=r"has no label 'gdp'. Its labels: density, use"):
        city.label("gdp")


def test_digest_follows_bytes_entries_and_pictures(folder):
    def digests():
        city = City.open(folder.path)
        return {name: city.digest([name]) for name in ("regions", "pois", "street_views", "labels/density")}

    first = digests()
    assert digests() == first
    folder.picture("views/v0e.png", value=7)
    folder.json["layers"]["pois"]["date"] = "2025"
    folder.write_json()
    folder.rows["labels/density"][0]["value"] = 9.0
    folder.save("labels/density")
    second = digests()
    assert second["regions"] == first["regions"]
    assert {name for name in first if first[name] != second[name]} == {
        "pois",
        "street_views",
        "labels/density",
    }
    with pytest.raises(LayerMissing):
        City.open(folder.path).digest(["metro"])


def test_writing_into_a_frame_does_not_change_the_city(city):
    regions = city.regions
    regions["area_km2"] = 0.0
    label = city.label("density")
    label.loc["r00", "value"] = 99.0
    assert city.regions["area_km2"].min() > 0
    assert city.label("density").loc["r00", "value"] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        city.regions["area_km2"].array[0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(city.pois.geometry)[0] = None


def test_a_layer_with_faults_raises_when_it_is_touched(folder):
    folder.rows["pois"][1]["poi_id"] = "p0"
    folder.save("pois")
    city = City.open(folder.path)
    assert len(city.buildings) == 5
    with pytest.raises(
        CityFaults, match=r"pois.parquet: column 'poi_id', 1 row \('p0'\): expected every id once"
    ):
        _ = city.pois
