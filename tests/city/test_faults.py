"""Every fault of a folder is told in a sentence with table, column, rows, expected and found."""

import json
import re

import numpy as np
import pyarrow as pa
import pytest
import shapely

from urbanbench.city.city import City
from urbanbench.city.faults.check import check_folder
from urbanbench.city.folder.manifest import read_manifest
from urbanbench.errors import CityFaults

MEND = re.compile(r"found .+\. [A-Z][^:]*[^:\s].*\.$", re.DOTALL)
"""A fault ends with a sentence that says what to do."""

BOWTIE = shapely.Polygon([(9.001, 48.001), (9.002, 48.002), (9.002, 48.001), (9.001, 48.002)])


def row(name, place, **values):
    """Change one row of a table."""

    def change(folder):
        folder.rows[name][place].update(values)
        folder.save(name)

    return change


def entry(*path, value):
    """Change (or, with value None, remove) one entry of city.json."""

    def change(folder):
        place = folder.json
        for key in path[:-1]:
            place = place[key]
        if value is None:
            del place[path[-1]]
        else:
            place[path[-1]] = value
        folder.write_json()

    return change


def column(name, key, kind):
    """Store a column with another type; None leaves it out."""

    def change(folder):
        schema = {one: k for one, k in folder.schemas[name].items() if one != key or kind is not None}
        if kind is not None:
            schema[key] = kind
            for one in folder.rows[name]:
                one[key] = None
        folder.save(name, schema=schema)

    return change


def text(words):
    return lambda folder: folder.write_json(words)


STRUCTURE = {
    "no city.json": (lambda f: (f.path / "city.json").unlink(), "city.json: expected a file in the folder, found no such file"),
    "broken JSON": (text('{"format": 1,'), "city.json: expected valid JSON, found a fault"),
    "no object": (text("[1]"), "city.json: expected an object, found a list"),
    "NaN in JSON": (text('{"format": NaN}'), "NaN is no JSON number"),
    "a key twice": (text('{"format": 1, "format": 1}'), "key 'format' stands twice in one object"),
    "not UTF-8": (lambda f: (f.path / "city.json").write_bytes(b'{"name": "\xff\xfe"}'), "expected valid JSON"),
    "deeply nested JSON": (text("[" * 200_000), "city.json: expected valid JSON"),
    "absurd size": (text(" " * (16 * 2**20 + 1)), "city.json: expected at most 16777216 bytes"),
    "unknown format": (entry("format", value=2), "city.json: 'format': expected 1, found 2"),
    "no format": (entry("format", value=None), "city.json: 'format': expected 1, found 'none'"),
    "odd name": (entry("name", value="../up"), "city.json: 'name': expected letters"),
    "no crs": (entry("crs", value=None), "city.json: 'crs': expected a projected CRS in metres such as 'EPSG:32618', found none"),
    "geographic crs": (entry("crs", value="EPSG:4326"), "which is not projected (WGS 84)"),
    "crs in feet": (entry("crs", value="EPSG:2263"), "whose unit is US survey foot"),
    "unknown crs": (entry("crs", value="EPSG:999999"), "the unknown 'EPSG:999999'"),
    "crs with a file": (entry("crs", value="+proj=utm +zone=32 +nadgrids=/etc/passwd"), "found '+proj=utm"),
    "layers no object": (entry("layers", value=["pois"]), "city.json: 'layers': expected an object of entries, found a list"),
    "layer no object": (entry("layers", "pois", value="pois.parquet"), "city.json: 'layers.pois': expected an object, found text"),
    "regions among layers": (entry("layers", "regions", value={"file": "regions.parquet"}), "city.json: 'layers.regions'"),
    "no file named": (entry("layers", "pois", "file", value=None), "city.json: 'layers.pois.file': expected the file's path"),
    "file named by a number": (entry("layers", "pois", "file", value=7), "city.json: 'layers.pois.file': expected text, found a number"),
    "file missing": (lambda f: (f.path / "pois.parquet").unlink(), "'layers.pois.file': expected a file inside the folder, found no such file"),
    "file absolute": (entry("layers", "pois", "file", value="/etc/passwd"), "found an absolute path ('/etc/passwd')"),
    "file above": (entry("layers", "pois", "file", value="labels/../../x"), "found a path with '..'"),
    "file is a folder": (entry("layers", "pois", "file", value="labels"), "found something that is not a file"),
    "other bounds_crs": (entry("layers", "satellite", "bounds_crs", value="EPSG:4326"), "'layers.satellite.bounds_crs': expected 'EPSG:32632'"),
    "unit missing": (entry("labels", "density", "unit", value=None), "'labels.density.unit': expected the unit in words"),
    "wrong level": (entry("labels", "density", "level", value="street"), "'labels.density.level': expected one of region, building, poi, view, street_view, found 'street'"),
    "level without layer": (entry("layers", "street_views", value=None), "'labels.scene.level': expected a level whose layer is there"),
    "wrong kind": (entry("labels", "density", "kind", value="ranking"), "'labels.density.kind': expected one of regression"),
    "classes no list": (entry("labels", "use", "classes", value="home"), "'labels.use.classes': expected a list of different names"),
    "one share column": (entry("labels", "shares", "columns", value=["home"]), "'labels.shares.columns': expected the names of two or more"),
    "ceiling no object": (entry("labels", "scene", "ceiling", value=0.9), "'labels.scene.ceiling': expected an object or null, found a number"),
    "count of regions": (entry("regions", "count", value=5), "regions.parquet: expected 5 rows as city.json says, found 4"),
    "count no number": (entry("regions", "count", value="4"), "'regions.count': expected a count"),
    "count of units": (entry("labels", "density", "units", value=3), "labels/density.parquet: expected 3 rows as city.json says, found 4"),
    "truncated Parquet": (lambda f: (f.path / "pois.parquet").write_bytes((f.path / "pois.parquet").read_bytes()[:200]), "pois.parquet: expected a whole Parquet file"),
    "empty Parquet": (lambda f: (f.path / "pois.parquet").write_bytes(b""), "pois.parquet: expected a whole Parquet file"),
    "column missing": (column("pois", "tags", None), "pois.parquet: column 'tags': expected a map of text to text, found no such column among poi_id, geometry"),
    "ids are fractions": (column("roads", "road_id", pa.float64()), "roads.parquet: column 'road_id': expected text or integers, found double. Store whole numbers"),
    "tags are numbers": (column("pois", "tags", pa.int64()), "pois.parquet: column 'tags': expected a map of text to text, found int64"),
    "tags are nested wrong": (column("pois", "tags", pa.map_(pa.string(), pa.list_(pa.int32()))), "column 'tags': expected a map of text to text, found map<string, list"),
    "geometry is text": (column("pois", "geometry", pa.string()), "pois.parquet: column 'geometry': expected WKB (binary), found string"),
    "value is text": (column("labels/density", "value", pa.string()), "labels/density.parquet: column 'value': expected numbers, found string"),
    "class is a number": (column("labels/use", "value", pa.float64()), "labels/use.parquet: column 'value': expected text, found double"),
    "share column missing": (column("labels/shares", "work", None), "labels/shares.parquet: column 'work': expected numbers, found no such column"),
    "hour is a float": (column("flows", "hour", pa.float64()), "flows.parquet: column 'hour': expected integers, found double"),
    "no GeoParquet": (lambda f: f.save("pois", geo=None), "pois.parquet: expected GeoParquet metadata ('geo'), found none"),
    "odd GeoParquet": (lambda f: f.save("pois", geo={"columns": []}), "pois.parquet: expected GeoParquet metadata that describes column 'geometry'"),
    "other encoding": (lambda f: f.save("pois", geo={"columns": {"geometry": {"encoding": "geohash"}}}), "expected encoding 'WKB', found 'geohash'"),
    "another encoding than stated": (lambda f: f.save("pois", geo={"columns": {"geometry": {"encoding": "point"}}}), "pois.parquet: column 'geometry': expected coordinates encoded as 'point', found binary"),
    "CRS of heights": (lambda f: f.save("pois", geo="EPSG:5773"), "pois.parquet: column 'geometry': expected CRS EPSG:4326 (longitude, latitude), found EGM96 height, which has no code of a place"),
    "CRS of nobody": (lambda f: f.save("pois", geo="+proj=tmerc +lon_0=9.123 +x_0=77"), "expected CRS EPSG:4326 (longitude, latitude), found unknown, which has no code of a place"),
    "CRS of the moon": (lambda f: f.save("pois", geo="IAU_2015:30100"), "Moon (2015) - Sphere / Ocentric, from which no way to longitude and latitude is known"),
    "unknown CRS": (lambda f: f.save("pois", geo={"columns": {"geometry": {"encoding": "WKB", "crs": None}}}), "found an unknown one (null)"),
    "unreadable CRS": (lambda f: f.save("pois", geo={"columns": {"geometry": {"encoding": "WKB", "crs": {"a": 1}}}}), "found an unreadable one"),
}  # fmt: skip

CONTENT = {
    "no regions": (lambda f: (f.rows["regions"].clear(), entry("regions", "count", value=0)(f), f.save("regions")), "regions.parquet: expected at least one region, found none"),
    "duplicate id": (row("pois", 1, poi_id="p0"), "pois.parquet: column 'poi_id', 1 row ('p0'): expected every id once, found duplicate ids."),
    "null id": (row("roads", 1, road_id=None), "roads.parquet: column 'road_id', 1 row (row 1): expected an id, found null or empty text."),
    "null geometry": (row("pois", 2, geometry=None), "pois.parquet: column 'geometry', 1 row ('p2'): expected a Point, found null."),
    "bytes that are no WKB": (row("pois", 2, geometry=b"\x01\x02"), "1 row ('p2'): expected a Point in WKB, found bytes that cannot be decoded."),
    "empty geometry": (row("buildings", 0, geometry=shapely.Polygon()), "1 row ('b0'): expected a Polygon, found empty geometry."),
    "wrong geometry type": (row("buildings", 0, geometry=shapely.Point(9.0, 48.0)), "1 row ('b0'): expected a Polygon, found Point."),
    "two parts": (row("buildings", 0, geometry=shapely.MultiPolygon([shapely.box(9, 48, 9.1, 48.1), shapely.box(9.2, 48, 9.3, 48.1)])), "1 row ('b0'): expected a Polygon, found MultiPolygon."),
    "invalid geometry": (row("buildings", 0, geometry=BOWTIE), "buildings.parquet: column 'geometry', 1 row ('b0'): expected valid geometry, found invalid geometry (self-intersection)."),
    "metres for degrees": (row("pois", 0, geometry=shapely.Point(500000, 5300000)), "1 row ('p0'): expected longitude in [-180, 180] and latitude in [-90, 90], found coordinates outside of them."),
    "null tags": (row("pois", 0, tags=None), "pois.parquet: column 'tags', 1 row ('p0'): expected a map, empty where there are no tags, found null."),
    "null tag value": (row("pois", 1, tags=[("amenity", None)]), "pois.parquet: column 'tags', 1 row ('p1'): expected text for every key, found null keys or values."),
    "negative height": (row("buildings", 2, height_m=-3.0), "buildings.parquet: column 'height_m', 1 row ('b2'): expected metres above 0 and up to 10000, or null"),
    "infinite height": (row("buildings", 2, height_m=np.inf), "column 'height_m', 1 row ('b2')"),
    "NaN label": (row("labels/density", 1, value=np.nan), "labels/density.parquet: column 'value', 1 row ('r01'): expected finite numbers, found null, NaN, infinity or beyond 1e+18."),
    "infinite label": (row("labels/density", 1, value=-np.inf), "labels/density.parquet: column 'value', 1 row ('r01'): expected finite"),
    "null label": (row("labels/density", 1, value=None), "labels/density.parquet: column 'value', 1 row ('r01'): expected finite"),
    "negative support": (row("labels/density", 1, n=-1), "labels/density.parquet: column 'n', 1 row ('r01'): expected a support of 0 or more"),
    "label of no region": (row("labels/density", 1, region_id="zz"), "labels/density.parquet: column 'region_id', 1 row ('zz'): expected ids of layer 'regions', found ids that are not there."),
    "label of no building": (row("labels/function", 1, building_id="zz"), "labels/function.parquet: column 'building_id', 1 row ('zz'): expected ids of layer 'buildings'"),
    "label twice": (row("labels/density", 1, region_id="r00"), "labels/density.parquet: column 'region_id', 1 row ('r00'): expected every id once"),
    "undeclared class": (row("labels/function", 1, value="castle"), "labels/function.parquet: column 'value', 1 row ('b2'): expected one of the classes in city.json, found classes not among them ('castle')."),
    "null class": (row("labels/function", 1, value=None), "labels/function.parquet: column 'value', 1 row ('b2'): expected a class, found null or empty text."),
    "class counts": (entry("labels", "use", "classes", "home", value=2), "labels/use.parquet: column 'value': expected 2 units of class 'home' as city.json says, found 3."),
    "shares do not add up": (row("labels/shares", 2, work=0.8), "labels/shares.parquet: column 'home, work', 1 row ('r10'): expected shares that add up to 1, found other sums (first 1.05)."),
    "negative share": (row("labels/shares", 2, home=-0.5, work=1.5), "1 row ('r10'): expected shares in [0, 1], found negative shares."),
    "picture missing": (row("satellite", 0, image="satellite/none.png"), "satellite.parquet: column 'image', 1 row ('r00': 'satellite/none.png'): expected paths of pictures inside the folder, found no such file."),
    "picture absolute": (row("satellite", 0, image="/etc/passwd"), "1 row ('r00': '/etc/passwd'): expected paths of pictures inside the folder, found an absolute path."),
    "picture above": (row("street_views", 1, west="../v.png"), "street_views.parquet: column 'west', 1 row ('v1': '../v.png'): expected paths of pictures inside the folder, found a path with '..'."),
    "picture null": (row("satellite", 0, image=None), "satellite.parquet: column 'image', 1 row ('r00'): expected a picture for every row, found null."),
    "view without picture": (row("street_views", 1, east=None), "street_views.parquet: column 'east south west north', 1 row ('v1'): expected a picture for every view"),
    "picture of no region": (row("satellite", 0, region_id="zz"), "satellite.parquet: column 'region_id', 1 row ('zz'): expected ids of layer 'regions'"),
    "box inside out": (row("satellite", 0, maxx=0.0), "satellite.parquet: column 'minx, miny, maxx, maxy', 1 row ('r00'): expected a box with minx < maxx"),
    "box in degrees": (row("satellite", 0, minx=9.0, miny=48.0, maxx=9.01, maxy=48.01), "1 row ('r00'): expected a box in the city's CRS that meets its region, found boxes elsewhere."),
    "caption of no region": (row("captions", 0, region_id="zz"), "captions.parquet: column 'region_id', 1 row ('zz')"),
    "empty caption": (row("captions", 0, caption=""), "captions.parquet: column 'caption', 1 row ('r00'): expected text, found null or empty text."),
    "flow of no region": (row("flows", 0, destination_id="zz"), "flows.parquet: column 'destination_id', 1 row ('zz'): expected ids of layer 'regions'"),
    "negative trips": (row("flows", 1, trips=-1.0), "flows.parquet: column 'trips', 1 row (row 1): expected trips of 0 or more"),
    "hour 24": (row("flows", 1, hour=24), "flows.parquet: column 'hour', 1 row (row 1): expected hours in [0, 23]"),
    "flow twice": (row("flows", 1, origin_id="r00", destination_id="r01"), "flows.parquet: column 'origin_id, destination_id, hour', 1 row (row 1): expected every pair (and hour) once"),
}  # fmt: skip


@pytest.mark.parametrize("case", STRUCTURE)
def test_opening_tells_a_fault_of_structure(folder, case):
    spoil, sentence = STRUCTURE[case]
    spoil(folder)
    with pytest.raises(CityFaults) as caught:
        City.open(folder.path)
    # Without layers the labels of buildings and street views are at fault too.
    assert len(caught.value.faults) == (3 if case == "layers no object" else 1)
    assert sentence in caught.value.faults[0]
    assert all(MEND.search(fault) for fault in caught.value.faults), caught.value.faults
    assert list(caught.value.faults) == check_folder(folder.path)


@pytest.mark.parametrize("case", CONTENT)
def test_checking_tells_a_fault_of_content(folder, case):
    spoil, sentence = CONTENT[case]
    spoil(folder)
    faults = check_folder(folder.path)
    told = [fault for fault in faults if sentence in fault]
    # Without regions everything that names a region is at fault too, and so is the label of a region renamed.
    assert len(told) == 1, faults
    assert len(faults) == 1 or case == "no regions", faults
    assert all(MEND.search(fault) for fault in faults), faults


@pytest.mark.parametrize("case", [one for one in CONTENT if one != "no regions"])
def test_opening_does_not_read_what_is_not_touched(folder, case):
    CONTENT[case][0](folder)
    assert len(City.open(folder.path).regions) == 4


def test_many_faults_are_told_at_once(folder):
    content = (
        "duplicate id",
        "infinite height",
        "picture absolute",
        "hour 24",
        "undeclared class",
        "shares do not add up",
    )
    structure = ("wrong level", "count of regions", "value is text", "other bounds_crs")
    wanted = [CONTENT[case][1] for case in content]
    for case in content:
        CONTENT[case][0](folder)
    for case in structure[1:]:
        STRUCTURE[case][0](folder)
        wanted.append(STRUCTURE[case][1])
    entry("labels", "scene", "level", value="street")(folder)
    folder.save("roads", geo=None)
    wanted += ["'labels.scene.level': expected one of", "roads.parquet: expected GeoParquet metadata"]
    # A layer whose entry is at fault is not read, so the picture's path is not reached.
    wanted.remove(CONTENT["picture absolute"][1])
    faults = check_folder(folder.path)
    for sentence in wanted:
        assert any(sentence in fault for fault in faults), (sentence, faults)
    assert len(faults) == len(wanted)


def test_opening_tells_all_faults_of_structure_and_regions(folder):
    folder.rows["regions"][3]["geometry"] = BOWTIE
    folder.rows["regions"][2]["region_id"] = "r00"
    folder.save("regions")
    folder.save("pois", geo=None)
    with pytest.raises(CityFaults) as caught:
        City.open(folder.path)
    assert len(caught.value.faults) == 3
    assert "has 3 faults:\n  - pois.parquet" in str(caught.value)


def test_a_sentence_names_three_rows_at_most(folder):
    for one in folder.rows["pois"]:
        one["geometry"] = None
    folder.save("pois")
    assert check_folder(folder.path) == [
        "pois.parquet: column 'geometry', 7 rows ('p0', 'p1', 'p2', …): expected a Point, found null. Remove these rows or give them a geometry."
    ]


def test_damaged_data_pages_are_a_fault(folder):
    target = folder.path / "pois.parquet"
    content = bytearray(target.read_bytes())
    content[4:120] = bytes(116)
    target.write_bytes(content)
    faults = check_folder(folder.path)
    assert len(faults) == 1
    assert faults[0].startswith("pois.parquet: expected readable Parquet data")


def test_damaged_unit_table_leaves_its_label_readable(folder):
    target = folder.path / "buildings.parquet"
    content = bytearray(target.read_bytes())
    content[4:120] = bytes(116)
    target.write_bytes(content)
    assert [fault.split(":")[0] for fault in check_folder(folder.path)] == ["buildings.parquet"]
    with pytest.raises(CityFaults, match=r"buildings.parquet: expected readable"):
        City.open(folder.path).label("function")


def test_a_column_of_the_same_name_twice_is_a_fault(folder):
    import pyarrow.parquet as pq

    table = pq.read_table(folder.path / "flows.parquet")
    pq.write_table(table.append_column("trips", table["trips"]), folder.path / "flows.parquet")
    assert "column 'trips': expected it once, found 2 columns" in check_folder(folder.path)[0]


def test_a_broken_picture_is_a_fault(folder):
    (folder.path / "satellite/r00.png").write_bytes(b"GIF89a nothing")
    whole = (folder.path / "satellite/r01.png").read_bytes()
    (folder.path / "satellite/r01.png").write_bytes(whole[:45])
    faults = check_folder(folder.path)
    assert len(faults) == 2
    assert (
        "1 row ('r00': 'satellite/r00.png'): expected pictures (PNG, JPEG or WebP) that open, found no picture."
        in faults[0]
    )
    assert "'r01': 'satellite/r01.png'" in faults[1]


def test_a_picture_of_absurd_size_is_refused_before_it_is_decoded(folder, monkeypatch):
    monkeypatch.setattr("urbanbench.city.pictures.MAX_PIXELS", 15)
    assert "found 4 x 4 pixels" in check_folder(folder.path)[0]


@pytest.mark.parametrize("linked", ["pois.parquet", "satellite/r00.png", "satellite", "city.json"])
def test_links_out_of_the_folder_are_refused(folder, tmp_path, linked):
    outside = tmp_path / "outside"
    outside.mkdir()
    (folder.path / linked).replace(outside / "thing")
    (folder.path / linked).symlink_to(outside / "thing")
    faults = check_folder(folder.path)
    assert faults
    assert all("leads out of the folder" in fault for fault in faults)


def test_links_inside_the_folder_are_fine(folder):
    (folder.path / "pois.parquet").replace(folder.path / "labels/p.parquet")
    (folder.path / "pois.parquet").symlink_to(folder.path / "labels/p.parquet")
    assert check_folder(folder.path) == []


def test_city_json_is_never_trusted_with_its_types(folder):
    """Whatever JSON stands in any place, there are faults or none, and no traceback."""
    folder.json["layers"] = {name: folder.json["layers"][name] for name in ("pois", "satellite")}
    folder.json["labels"] = {name: folder.json["labels"][name] for name in ("use", "shares")}
    strange = [None, True, -1, 1.5, "", "x" * 300, [], [[]], {}, {"file": []}, "\0", "é/..", [None]]
    sound = json.dumps(folder.json)
    for path in _paths(json.loads(sound)):
        for value in strange:
            folder.json = json.loads(sound)
            place = folder.json
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = value
            folder.write_json()
            manifest, faults = read_manifest(folder.path)
            assert manifest is not None or faults


def _paths(value, above=()):
    for key, inner in value.items():
        yield (*above, key)
        if isinstance(inner, dict):
            yield from _paths(inner, (*above, key))
