"""Overture's GeoParquet: features near the city with their tags, releases old and new, files as people keep them."""

import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from tests.overture_town import BOX, building, gers, place, segment, table_of, write, write_town

from urbanbench.build.overture.categories import tags_of_category
from urbanbench.build.overture.folder import OvertureFolder
from urbanbench.build.report import Report
from urbanbench.errors import BadInput, DataMissing


def read(folder, box=BOX, least=0.0):
    report = Report()
    return OvertureFolder(folder, least).read(box, report), report.text()


def rows_of(table):
    """Id to tags and shape."""
    found = shapely.from_wkb(table["wkb"].to_numpy())
    return {
        one: (dict(tags), shape)
        for one, tags, shape in zip(table["id"].to_pylist(), table["tags"].to_pylist(), found, strict=True)
    }


def only(table):
    [(tags, shape)] = rows_of(table).values()
    return tags, shape


def test_a_release_by_theme_and_type_is_read_whole(tmp_path):
    objects, told = read(write_town(tmp_path))
    assert {name: table.num_rows for name, table in objects.layers.items()} == {
        "pois": 32,
        "buildings": 36,
        "roads": 8 * 5,
        "landuse": 1,
    }
    assert "overture: read 36: features of the type building in the box" in told
    tags, shape = rows_of(objects.layers["buildings"])[gers(303)]
    assert tags == {"building": "retail", "overture:subtype": "residential", "building:levels": "4"}
    assert shape.equals(shapely.box(9.01, 48.0025, 9.0105, 48.003))
    assert objects.layers["buildings"]["height_m"].to_pylist()[3] == 12
    assert only(objects.layers["landuse"])[0] == {"leisure": "park", "name": "Green", "name:de": "Grün"}
    assert objects.words["pois"]["licence"] == "CDLA-Permissive-2.0"
    assert objects.words["buildings"]["source"].endswith("from OpenStreetMap")
    assert len(objects.files) == 4
    assert OvertureFolder(tmp_path).box() == pytest.approx((9.001, 48.001, 9.019, 48.019), abs=1e-4)


def test_only_row_groups_near_the_city_are_read(tmp_path, monkeypatch):
    rows = [place(k, 9.0 + 0.5 * k, 48.01, "cafe") for k in range(8)]
    write(tmp_path, "place", rows, row_group_size=2)
    asked = []
    whole = pq.ParquetFile.iter_batches
    monkeypatch.setattr(
        pq.ParquetFile,
        "iter_batches",
        lambda file, **how: asked.append(how["row_groups"]) or whole(file, **how),
    )
    objects, _ = read(tmp_path, (8.9, 48.0, 9.6, 48.02))
    assert asked == [[0]]
    assert objects.layers["pois"]["id"].to_pylist() == [gers(0), gers(1)]


@pytest.mark.parametrize("edges", [None, ("minx", "maxx", "miny", "maxy")], ids=["no bbox", "old names"])
def test_releases_whose_boxes_are_missing_or_called_otherwise_give_the_same_rows(edges, tmp_path):
    rows = [place(k, 9.0 + 0.01 * k, 48.01, "cafe") for k in range(5)]
    path = write(tmp_path, "place", rows, without=("bbox",))
    if edges:
        table = pq.read_table(path)
        boxes = [dict(zip(edges, (x, x, 48.01, 48.01), strict=True)) for x in (9.0, 9.01, 9.02, 9.03, 9.04)]
        pq.write_table(table.append_column("bbox", pa.array(boxes)), path)
    objects, _ = read(tmp_path, (9.005, 48.0, 9.025, 48.02))
    assert objects.layers["pois"]["id"].to_pylist() == [gers(1), gers(2)]


# files


def test_plain_files_are_known_by_their_columns_and_land_use_by_its_name(tmp_path):
    whole = read(write_town(tmp_path / "whole"))[0]
    flat = tmp_path / "flat"
    flat.mkdir()
    for path, name in (
        ("theme=places/type=place", "a"),
        ("theme=buildings/type=building", "b"),
        ("theme=transportation/type=segment", "c"),
        ("theme=base/type=land_use", "my_landuse"),
    ):
        [source] = (tmp_path / "whole" / path).iterdir()
        source.rename(flat / f"{name}.geoparquet")
    pq.write_table(
        pq.read_table(flat / "b.geoparquet").append_column("building_id", pa.array(["x"] * 36)),
        flat / "parts.parquet",
    )
    pq.write_table(pa.table({"id": ["c"], "geometry": [b""]}), flat / "connectors.parquet")
    objects, told = read(flat)
    assert all(objects.layers[name].equals(table) for name, table in whole.layers.items())
    assert (
        "overture: dropped 2: files of other types than place, building, segment and land_use (connectors.parquet, parts.parquet)"
        in told
    )


def test_a_column_of_the_type_is_believed(tmp_path):
    path = write(
        tmp_path,
        "land_use",
        [{"id": "a", "geometry": shapely.box(9, 48, 9.01, 48.01), "class": "park"}],
        partitioned=False,
        name="x.parquet",
    )
    pq.write_table(pq.read_table(path).append_column("type", pa.array(["land_use"])), path)
    assert read(tmp_path)[0].layers["landuse"].num_rows == 1


def test_links_out_of_the_folder_are_not_followed(tmp_path):
    write_town(tmp_path / "town")
    path = write(tmp_path / "other", "place", [place(1, 9.01, 48.01, "cafe")])
    (tmp_path / "town" / "link.parquet").symlink_to(path)
    assert (
        "overture: dropped 1: files: a link that leads out of the folder (link.parquet)"
        in read(tmp_path / "town")[1]
    )


def test_what_is_no_folder_of_overtures_is_told(tmp_path):
    with pytest.raises(DataMissing, match="No folder"):
        read(tmp_path / "none")
    with pytest.raises(BadInput, match="expected GeoParquet files of Overture's types"):
        read(tmp_path)
    (tmp_path / "a.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(BadInput, match=r"a\.parquet: expected a GeoParquet file that can be read"):
        read(tmp_path)
    (tmp_path / "a.parquet").unlink()
    write(tmp_path, "place", [place(1, 9.01, 48.01, "cafe")], without=("geometry",))
    with pytest.raises(BadInput, match="expected a column geometry"):
        read(tmp_path)


def test_columns_that_a_release_lacks_are_told_and_missed_by_nothing_else(tmp_path):
    write(
        tmp_path,
        "place",
        [place(1, 9.01, 48.01, "cafe")],
        without=("taxonomy", "basic_category", "operating_status", "sources"),
    )
    objects, told = read(tmp_path)
    assert only(objects.layers["pois"])[0]["amenity"] == "cafe"
    assert objects.words["pois"]["licence"] == "CDLA-Permissive-2.0"
    assert any(
        "columns that a file of this release does not have (place.taxonomy, place.basic_category, place.operating_status, place.sources)"
        in line
        for line in told
    )


def test_geometry_of_large_binary_and_of_an_extension_type_is_read(tmp_path):
    class Wkb(pa.ExtensionType):
        def __init__(self):
            super().__init__(pa.binary(), "test.wkb")

        def __arrow_ext_serialize__(self):
            return b""

        @classmethod
        def __arrow_ext_deserialize__(cls, storage, serialized):
            return cls()

    path = write(tmp_path, "place", [place(1, 9.01, 48.01, "cafe")])
    plain = pq.read_table(path)
    place_of = plain.column_names.index("geometry")
    pq.write_table(plain.set_column(place_of, "geometry", plain["geometry"].cast(pa.large_binary())), path)
    assert read(tmp_path)[0].layers["pois"].num_rows == 1
    pa.register_extension_type(Wkb())
    try:
        column = pa.ExtensionArray.from_storage(Wkb(), plain["geometry"].combine_chunks())
        pq.write_table(plain.set_column(place_of, "geometry", column), path)
        assert read(tmp_path)[0].layers["pois"].num_rows == 1
    finally:
        pa.unregister_extension_type("test.wkb")


# places


def test_all_places_are_kept_unless_a_confidence_is_asked_for(tmp_path):
    rows = [place(k, 9.01, 48.01, "cafe", confidence=score) for k, score in enumerate((0.2, 0.7, None))]
    rows.append(place(9, 9.01, 48.01, "cafe", operating_status="permanently_closed", confidence=0.0))
    write(tmp_path, "place", rows)
    objects, told = read(tmp_path)
    assert objects.layers["pois"].num_rows == 3
    assert "pois: dropped 1: closed for good" in told
    objects, told = read(tmp_path, least=0.5)
    assert objects.layers["pois"]["id"].to_pylist() == [gers(1)]
    assert "pois: dropped 2: of a confidence below 0.5, or none" in told
    assert "0.5 or more" in objects.words["pois"]["note"]


def test_both_taxonomies_and_the_basic_category_give_tags(tmp_path):
    new = {
        "primary": "izakaya",
        "hierarchy": ["food_and_drink", "restaurant", "japanese_restaurant", "izakaya"],
        "alternates": ["bar"],
    }
    rows = [
        place(1, 9.01, 48.01, None, taxonomy=new, basic_category="restaurant", categories=None),
        place(
            2,
            9.01,
            48.01,
            "thai_restaurant",
            categories={"primary": "thai_restaurant", "alternate": ["noodles_restaurant", "bar"]},
        ),
        place(3, 9.01, 48.01, None, basic_category="museum"),
        place(4, 9.01, 48.01, "crane_services"),
        place(5, 9.01, 48.01, None, names=None, categories=None),
    ]
    write(tmp_path, "place", rows)
    objects, told = read(tmp_path)
    found = {
        one: {key: value for key, value in tags.items() if key != "name"}
        for one, (tags, _) in rows_of(objects.layers["pois"]).items()
    }
    assert found == {
        gers(1): {
            "amenity": "restaurant",
            "cuisine": "japanese",
            "overture:category": "izakaya",
            "overture:basic_category": "restaurant",
            "overture:alternate": "bar",
        },
        gers(2): {
            "amenity": "restaurant",
            "cuisine": "thai",
            "overture:category": "thai_restaurant",
            "overture:alternate": "bar;noodles_restaurant",
        },
        gers(3): {"tourism": "museum", "overture:category": "museum"},
        gers(4): {"overture:category": "crane_services"},
    }
    assert "pois: dropped 1: neither name nor category" in told
    report = Report()
    OvertureFolder(tmp_path).tell(objects.layers, report)
    assert report.text() == ["pois: read 3: with a tag of OpenStreetMap for their category"]


def test_names_brands_and_addresses_are_tags(tmp_path):
    more = {
        "names": {"primary": "Luna", "common": {"en": "Moon", "it": "Luna"}, "rules": None},
        "brand": {"wikidata": "Q1", "names": {"primary": "Lune", "common": None, "rules": None}},
        "addresses": [
            {"freeform": "Row 7", "locality": "Hamlet", "postcode": "01234", "region": None, "country": "DE"}
        ],
        "websites": ["https://example.org"],
        "phones": ["+49 1"],
    }
    write(tmp_path, "place", [place(1, 9.01, 48.01, "bank", **more)])
    assert only(read(tmp_path)[0].layers["pois"])[0] == {
        "name": "Luna", "name:en": "Moon", "brand": "Lune", "brand:wikidata": "Q1", "amenity": "bank", "overture:category": "bank",
        "addr:full": "Row 7", "addr:city": "Hamlet", "addr:postcode": "01234", "addr:country": "DE",
        "website": "https://example.org", "phone": "+49 1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("category", "wider", "tags"),
    [
        ("shoe_store", [], {"shop": "shoes"}),
        ("wig_store", [], {"shop": "wig"}),
        ("baptist_church", [], {"amenity": "place_of_worship", "religion": "christian"}),
        ("cave_museum", [], {"tourism": "museum"}),
        ("ramen", ["japanese_restaurant", "restaurant"], {"amenity": "restaurant", "cuisine": "japanese"}),
        ("services_and_business", [], {}),
    ],
)
def test_categories_that_mean_a_tag_and_those_that_do_not(category, wider, tags):
    assert tags_of_category(category, wider) == tags


# buildings


def test_buildings_have_type_height_and_shape(tmp_path):
    two = shapely.MultiPolygon(
        [shapely.box(9.001, 48.001, 9.0012, 48.0012), shapely.box(9.002, 48.001, 9.0022, 48.0012)]
    )
    bow = shapely.Polygon([(9.004, 48.004), (9.005, 48.005), (9.005, 48.004), (9.004, 48.005)])
    rows = [
        building(
            1,
            9.01,
            48.01,
            **{"class": "school"},
            subtype="education",
            height=7.5,
            num_floors=9,
            roof_shape="flat",
            level=0,
        ),
        building(2, 9.01, 48.011, subtype="commercial", num_floors=3, is_underground=True),
        building(3, 9.01, 48.012, subtype="medical", height=float("nan")),
        {**building(4, 9, 48), "geometry": two},
        {**building(5, 9, 48), "geometry": bow},
        {**building(6, 9, 48), "geometry": shapely.Point(9.01, 48.01)},
        {**building(7, 9, 48), "geometry": b"\x01\x03broken"},
        {**building(8, 9.01, 48.013), "id": None},
    ]
    write(tmp_path, "building", rows)
    objects, told = read(tmp_path)
    table = objects.layers["buildings"]
    found = {one: tags for one, (tags, _) in rows_of(table).items()}
    assert found[gers(1)] == {
        "building": "school",
        "overture:subtype": "education",
        "height": "7.5",
        "building:levels": "9",
        "roof:shape": "flat",
    }
    assert found[gers(2)] == {"building": "commercial", "building:levels": "3", "location": "underground"}
    assert found[gers(3)] == {"building": "yes", "overture:subtype": "medical"}
    assert dict(zip(table["id"].to_pylist(), table["height_m"].to_pylist(), strict=True)) == {
        gers(1): 7.5,
        gers(2): 9.0,
        gers(3): None,
        gers(4): None,
        gers(5): None,
    }
    assert f"buildings: mended 1: areas that cross themselves, made valid ({gers(5)})" in told
    assert (
        "buildings: dropped 1: no area that can be read" in told
        or "buildings: dropped 2: no area that can be read" in told
    )
    assert "buildings: dropped 1: no id" in told


# roads


def pieces(folder, box=BOX):
    return rows_of(read(folder, box)[0].layers["roads"])


def test_segments_are_cut_at_connectors_also_between_their_corners(tmp_path):
    rows = [
        segment(1, [(9.0, 48.01), (9.01, 48.01)], [("a", 0.0), ("m", 0.25), ("b", 1.0)]),
        segment(2, [(9.0025, 48.0), (9.0025, 48.01), (9.0025, 48.02)], [("x", 0.0), ("m", 0.5), ("y", 1.0)]),
        segment(3, [(9.0, 48.015), (9.01, 48.015)], [("p", 0.0), ("q", 0.5), ("r", 1.0)]),
    ]
    write(tmp_path, "segment", rows)
    found = pieces(tmp_path)
    assert sorted(found) == sorted([f"{gers(1)}_1", f"{gers(1)}_2", f"{gers(2)}_1", f"{gers(2)}_2", gers(3)])
    first = found[f"{gers(1)}_1"][1]
    assert np.allclose(first.coords, [(9.0, 48.01), (9.0025, 48.01)], atol=1e-6)
    whole = sum(shape.length for _, shape in found.values())
    assert whole == pytest.approx(0.01 + 0.02 + 0.01)


def test_a_connector_beside_a_corner_by_rounding_is_the_corner(tmp_path):
    rows = [
        segment(1, [(9.0, 48.01), (9.003, 48.012), (9.01, 48.01)], [("a", 0.0), ("m", 0.340001), ("b", 1.0)]),
        segment(2, [(9.003, 48.012), (9.003, 48.02)], [("m", 0.0), ("z", 1.0)]),
    ]
    across = np.hypot(0.003 * np.cos(np.radians(48.011)), 0.002)
    on = across / (across + np.hypot(0.007 * np.cos(np.radians(48.011)), 0.002))
    rows[0]["connectors"][1]["at"] = on + 2e-7
    write(tmp_path, "segment", rows)
    found = pieces(tmp_path)
    assert len(found[f"{gers(1)}_1"][1].coords) == len(found[f"{gers(1)}_2"][1].coords) == 2


def test_releases_that_do_not_tell_where_connectors_are_meet_at_common_corners(tmp_path):
    rows = [
        segment(1, [(9.0, 48.01), (9.005, 48.01), (9.01, 48.01)], []),
        segment(2, [(9.005, 48.0), (9.005, 48.01)], []),
    ]
    path = write(tmp_path, "segment", rows, without=("connectors", "subclass"))
    pq.write_table(
        pq.read_table(path).append_column("connector_ids", pa.array([["a", "m", "b"], ["x", "m"]])), path
    )
    assert sorted(pieces(tmp_path)) == sorted([f"{gers(1)}_1", f"{gers(1)}_2", gers(2)])


def test_the_words_of_roads(tmp_path):
    line, ends = [(9.0, 48.01), (9.01, 48.01)], [("a", 0.0), ("b", 1.0)]
    flagged = {
        "road_flags": [
            {"values": ["is_bridge"], "between": [0.0, 0.8]},
            {"values": ["is_tunnel"], "between": [0.8, 1.0]},
        ],
        "road_surface": [{"value": "paved", "between": None}],
        "speed_limits": [{"max_speed": {"value": 30, "unit": "mph"}, "when": None, "between": None}],
        "access_restrictions": [
            {"access_type": "denied", "when": {"heading": "backward", "mode": None}, "between": None}
        ],
        "routes": [{"name": None, "network": "x", "ref": "B 7", "between": None}],
        "names": {"primary": "Row", "common": None, "rules": None},
    }
    rows = [
        segment(1, line, ends, "primary", subclass="link", **flagged),
        segment(2, line, ends, "footway", subclass="sidewalk"),
        segment(3, line, ends, "service", subclass="driveway"),
        segment(4, line, ends, "unknown"),
        segment(
            5,
            line,
            ends,
            "motorway",
            road_flags=[{"values": ["is_link", "is_under_construction"], "between": None}],
        ),
        {**segment(6, line, ends, "tram"), "subtype": "rail"},
        {**segment(7, line, ends), "geometry": shapely.Point(9, 48.01)},
    ]
    write(tmp_path, "segment", rows)
    objects, told = read(tmp_path)
    found = {one: tags for one, (tags, _) in rows_of(objects.layers["roads"]).items()}
    assert found == {
        gers(1): {
            "highway": "primary_link",
            "name": "Row",
            "bridge": "yes",
            "surface": "paved",
            "maxspeed": "30 mph",
            "oneway": "yes",
            "ref": "B 7",
        },
        gers(2): {"highway": "footway", "footway": "sidewalk"},
        gers(3): {"highway": "service", "service": "driveway"},
        gers(4): {"highway": "road"},
        gers(5): {"highway": "construction", "construction": "motorway_link"},
    }
    assert "roads: dropped 1: rail: no road" in told
    assert "roads: dropped 1: no line that can be read" in told


# land use


def test_land_use_has_the_tags_of_its_source_or_that_of_its_class(tmp_path):
    area = shapely.box(9.001, 48.001, 9.002, 48.002)
    rows = [
        {
            "id": "a",
            "geometry": area,
            "subtype": "residential",
            "class": "residential",
            "source_tags": {"landuse": "residential", "ref": "7"},
        },
        {"id": "b", "geometry": area, "subtype": "education", "class": "school"},
        {"id": "c", "geometry": area, "subtype": "golf", "class": "tee", "surface": "grass"},
        {"id": "d", "geometry": area, "subtype": "managed", "class": "new_class"},
        {"id": "e", "geometry": shapely.Point(9.001, 48.001), "class": "park"},
        {"id": "f", "geometry": area},
    ]
    write(tmp_path, "land_use", rows)
    objects, told = read(tmp_path)
    assert {one: tags for one, (tags, _) in rows_of(objects.layers["landuse"]).items()} == {
        "a": {"landuse": "residential", "ref": "7"},
        "b": {"amenity": "school"},
        "c": {"golf": "tee", "surface": "grass"},
        "d": {"overture:class": "new_class", "overture:subtype": "managed"},
    }
    assert "landuse: dropped 1: no area that can be read" in told
    assert "landuse: dropped 1: no class" in told


# trust


def test_thirty_damaged_files_are_faults_or_fewer_features(tmp_path):
    rng = random.Random(5)
    whole = write_town(tmp_path / "whole")
    for path in whole.rglob("*.parquet"):  # without a packing, whose checks would find any change
        pq.write_table(pq.read_table(path), path, compression="none")
    sound = {path.relative_to(whole): path.read_bytes() for path in whole.rglob("*.parquet")}
    said, many = [], 0
    for k in range(30):
        folder = tmp_path / f"{k}"
        hurt = rng.choice(sorted(sound))
        for name, data in sound.items():
            changed = bytearray(data)
            for _ in range(rng.randrange(1, 4) if name == hurt else 0):
                place_of = rng.randrange(4, len(changed) - 4)
                changed[place_of] = rng.randrange(256)
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(changed)
        try:
            objects, _ = read(folder)
        except BadInput as error:
            said.append(str(error))
        else:
            many += 1
            assert set(objects.layers) == {"pois", "buildings", "roads", "landuse"}
    assert min(many, len(said)) > 2
    assert not any("\n" in one for one in said)


def test_geometry_inside_of_geometry_is_never_decoded(tmp_path):
    deep = b"\x01\x07\x00\x00\x00\x01\x00\x00\x00" * 50_000 + b"\x01\x01\x00\x00\x00" + bytes(16)
    path = write(tmp_path, "place", [place(1, 9.01, 48.01, "cafe"), place(2, 9.01, 48.01, "cafe")])
    table = table_of("place", [place(1, 9.01, 48.01, "cafe"), place(2, 9.01, 48.01, "cafe")])
    column = pa.array([shapely.to_wkb(shapely.Point(9.01, 48.01)), deep], pa.binary())
    pq.write_table(table.set_column(table.column_names.index("geometry"), "geometry", column), path)
    objects, told = read(tmp_path)
    assert objects.layers["pois"].num_rows == 1
    assert "pois: dropped 1: no point that can be read" in told
