"""Layers fit the regions, the CRS fits the place, and regions fit one another; what does not is a fault with its mend."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from urbanbench.city.city import City
from urbanbench.city.faults import overlap
from urbanbench.city.faults.check import check_folder, check_report
from urbanbench.city.faults.overlap import overlap_faults
from urbanbench.errors import CityFaults

POINT_LAYERS = ("pois", "buildings", "roads", "landuse", "street_views")


def exchange(folder, *names):
    for name in names:
        for one in folder.rows[name]:
            one["geometry"] = shapely.transform(one["geometry"], lambda xy: xy[:, ::-1])
        folder.save(name)


def shift(folder, name, east, north):
    for one in folder.rows[name]:
        one["geometry"] = shapely.transform(one["geometry"], lambda xy: xy + np.array([east, north]))
    folder.save(name)


@pytest.mark.parametrize("name", POINT_LAYERS)
def test_a_layer_with_exchanged_coordinates_is_a_fault_for_check_and_for_runs(folder, name):
    exchange(folder, name)
    (fault,) = check_folder(folder.path)
    assert fault.startswith(f"{name}.parquet: column 'geometry': expected rows that meet the regions, found")
    assert "longitude and latitude may be exchanged. Exchange them: " in fault
    city = City.open(folder.path)
    with pytest.raises(CityFaults, match="may be exchanged"):
        getattr(city, name)


def test_the_printed_mend_mends_exchanged_coordinates(folder):
    exchange(folder, "pois")
    (fault,) = check_folder(folder.path)
    frame = gpd.read_parquet(folder.path / "pois.parquet")
    tags = frame["tags"]
    exec(fault.partition("Exchange them: ")[2].removesuffix("."), {"frame": frame, "shapely": shapely})
    for one, place in zip(folder.rows["pois"], frame.geometry, strict=True):
        one["geometry"] = place
    folder.save("pois")
    assert len(tags) == len(frame)
    assert str(frame.crs) in {"EPSG:4326", "OGC:CRS84"} or frame.crs.equals("EPSG:4326")
    assert check_folder(folder.path) == []


def test_a_layer_elsewhere_is_a_fault_without_that_hint(folder):
    shift(folder, "pois", 5.0, 2.0)
    (fault,) = check_folder(folder.path)
    assert "found 7 of which none does, 4" in fault
    assert "exchanged" not in fault


def test_one_row_that_meets_a_region_is_enough_and_the_rest_is_counted(folder):
    for one in folder.rows["pois"][1:]:
        one["geometry"] = shapely.Point(9.5, 48.0)
    folder.save("pois")
    report = check_report(folder.path)
    assert report.faults == ()
    (note,) = report.notes
    assert note.startswith("pois.parquet: 6 of 7 rows (85.71%) lie outside of all regions, up to 3")


def test_regions_with_exchanged_coordinates_are_told_by_their_crs(folder):
    exchange(folder, "regions", *POINT_LAYERS)
    (fault,) = [one for one in check_folder(folder.path) if one.startswith("city.json: 'crs'")]
    assert "which makes lengths" in fault
    assert "longitude and latitude may be exchanged" in fault
    with pytest.raises(CityFaults, match="may be exchanged"):
        City.open(folder.path)


@pytest.mark.parametrize(
    ("crs", "told"),
    [
        ("EPSG:3857", "makes lengths 1.49 times and areas 2.23 times what they are"),
        ("EPSG:32636", "makes lengths 1."),
        ("EPSG:6933", "in one direction and"),
        ("EPSG:5070", "is made for another area"),
        ("EPSG:2154", ""),
        ("EPSG:3035", ""),
        ("EPSG:32631", ""),
    ],
)
def test_a_crs_that_stretches_lengths_is_a_fault_that_names_a_better_one(folder, crs, told):
    folder.json["crs"] = crs
    folder.json["layers"].pop("satellite")
    folder.write_json()
    faults = check_folder(folder.path)
    assert bool(faults) == bool(told), faults
    if told:
        assert told in faults[0]
        assert faults[0].endswith("Name a CRS of this place, such as 'EPSG:32632'.")
        folder.json["crs"] = "EPSG:32632"
        folder.write_json()
        assert check_folder(folder.path) == []


def test_a_crs_made_for_another_area_is_a_fault_though_lengths_are_right(folder):
    folder.json["crs"] = "EPSG:2154"  # a conic of France: lengths hang on the latitude alone
    folder.json["layers"], folder.json["labels"] = {}, {}
    folder.write_json()
    shift(folder, "regions", 60.0, 0.0)
    (fault,) = check_folder(folder.path)
    assert "'EPSG:2154', which is made for another area (France" in fault
    assert "such as 'EPSG:32642'" in fault


def test_the_southern_half_is_offered_its_own_zones(folder):
    folder.json["crs"], folder.json["layers"], folder.json["labels"] = "EPSG:3857", {}, {}
    folder.write_json()
    shift(folder, "regions", 142.0, -82.0)
    assert "such as 'EPSG:32756'" in check_folder(folder.path)[0]


def test_a_region_given_twice_is_a_fault_for_check_and_for_runs(folder):
    folder.rows["regions"][2]["geometry"] = folder.rows["regions"][0]["geometry"]
    folder.save("regions")
    faults = [one for one in check_folder(folder.path) if one.startswith("regions")]
    assert faults[0].startswith(
        "regions.parquet: column 'geometry', 1 row ('r00' and 'r10': 100%): expected regions that share at most 1% of the smaller one"
    )
    with pytest.raises(CityFaults, match="100%"):
        City.open(folder.path)


@pytest.mark.parametrize(("share", "fault"), [(0.0, False), (0.004, False), (0.03, True), (0.4, True)])
def test_slivers_are_allowed_and_overlaps_are_not(folder, share, fault):
    west, south, east, north = folder.rows["regions"][0]["geometry"].bounds
    folder.rows["regions"][0]["geometry"] = shapely.box(west, south, east + share * (east - west), north)
    folder.save("regions")
    faults = [one for one in check_folder(folder.path) if "share at most" in one]
    assert bool(faults) == fault


def test_overlaps_on_purpose_are_a_choice_in_city_json(folder):
    west, south, east, north = folder.rows["regions"][0]["geometry"].bounds
    folder.rows["regions"][0]["geometry"] = shapely.box(west, south, east + 0.005, north)
    folder.save("regions")
    assert '"overlapping": true under' in check_folder(folder.path)[0]
    folder.json["regions"]["overlapping"] = True
    folder.write_json()
    assert check_folder(folder.path) == []
    folder.json["regions"]["overlapping"] = "yes"
    folder.write_json()
    assert "'regions.overlapping': expected true or false, found text" in check_folder(folder.path)[0]


def test_overlaps_agree_with_every_pair(monkeypatch):
    monkeypatch.setattr(overlap, "_AT_ONCE", 7)
    rng = np.random.default_rng(2)
    corner = rng.uniform(0, 400, (40, 2))
    boxes = np.array([shapely.box(x, y, x + 60, y + 60) for x, y in corner], dtype=object)
    regions = gpd.GeoDataFrame(index=[f"r{k}" for k in range(40)], geometry=boxes, crs=32632)
    wanted = sum(
        shapely.area(shapely.intersection(boxes[i], boxes[j])) > 36 for i in range(40) for j in range(i)
    )
    (fault,) = overlap_faults("regions.parquet", regions)
    assert f"column 'geometry', {wanted} rows (" in fault


def test_many_regions_on_one_spot_end_soon():
    boxes = np.array([shapely.box(0, 0, 50, 50 + k / 1000) for k in range(3000)], dtype=object)
    regions = gpd.GeoDataFrame(index=[f"r{k}" for k in range(3000)], geometry=boxes, crs=32632)
    (fault,) = overlap_faults("regions.parquet", regions)
    assert "1000 rows (" in fault
    assert "pairs that overlap or more" in fault
