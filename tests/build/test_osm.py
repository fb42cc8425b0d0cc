"""The reader of OpenStreetMap extracts: everything tagged is kept, in the right shape, or told as dropped."""

import random
from collections import Counter

import numpy as np
import pytest
import shapely
from tests.drawn_extract import BOX, corners

from urbanbench.build.map import rows as rows_module
from urbanbench.build.map.heights import height_of
from urbanbench.build.map.layers import city_layers
from urbanbench.build.osm.file import OsmFile
from urbanbench.build.osm.read import read_extract
from urbanbench.build.osm.source import extract_box
from urbanbench.build.report import Report
from urbanbench.cli.app import main
from urbanbench.errors import BadInput, DataMissing

CRS = "EPSG:32632"


def read(path, box=BOX):
    report = Report()
    return read_extract(path, box, report), report


def layers_of(path, box=BOX, reach_m=200.0):
    import geopandas as gpd
    import pandas as pd

    report, source = Report(), OsmFile(path)
    objects = source.read((box[0] - 0.01, box[1] - 0.01, box[2] + 0.01, box[3] + 0.01), report)
    index = pd.Index(["r1"], name="region_id")
    regions = gpd.GeoDataFrame({"name": ["r1"]}, geometry=[shapely.box(*box)], index=index, crs=4326)
    layers = city_layers(objects, regions, CRS, reach_m, report)
    source.tell(layers, report)
    return layers, report


def shapes(table):
    found = shapely.from_wkb(table["wkb"].to_numpy())
    return dict(zip(table["id"].to_pylist(), found, strict=True))


def tags(table):
    return {
        one: dict(pairs)
        for one, pairs in zip(table["id"].to_pylist(), table["tags"].to_pylist(), strict=True)
    }


def test_xml_and_pbf_of_the_same_objects_read_alike(hamlet, tmp_path):
    by_xml, _ = layers_of(hamlet.xml(tmp_path / "a.osm"))
    by_pbf, _ = layers_of(hamlet.pbf(tmp_path / "a.osm.pbf"))
    assert set(by_xml) == {"pois", "buildings", "roads", "landuse"}
    for name, table in by_xml.items():
        assert table.equals(by_pbf[name])


def test_every_tag_of_a_place_is_kept_and_sources_alone_are_no_place(hamlet, tmp_path):
    layers, report = layers_of(hamlet.xml(tmp_path / "a.osm"))
    kept = list(tags(layers["pois"]).values())
    assert {"amenity": "cafe", "name": "Luna", "cuisine": "coffee_shop"} in kept
    assert not any(set(one) == {"source"} for one in kept)
    assert any("pois: dropped 1: tags speak of the mapping only" in line for line in report.text())


def test_areas_with_a_place_key_are_points_inside_them(drawing, tmp_path):
    c_shape = [(0, 0), (4, 0), (4, 1), (1, 1), (1, 3), (4, 3), (4, 4), (0, 4)]
    places = [(9.002 + 0.0005 * x, 48.002 + 0.0005 * y) for x, y in c_shape]
    way = drawing.ring(places, amenity="school", name="Bent")
    square = drawing.square(9.006, 48.006, 0.001, tourism="museum", building="yes")
    layers, _ = layers_of(drawing.xml(tmp_path / "a.osm"))
    points = shapes(layers["pois"])
    assert shapely.Polygon(places).contains(points[f"w{way}"])
    assert points[f"w{square}"].equals_exact(shapely.Point(9.0065, 48.0065), 1e-7)
    assert list(tags(layers["buildings"])) == [f"w{square}"]


def test_a_multipolygon_of_many_members_keeps_its_holes(drawing, tmp_path):
    nodes = drawing.path(corners(9.002, 48.002, 0.004))
    sides = [drawing.way([nodes[k], nodes[(k + 1) % 4]]) for k in (2, 0, 3, 1)]
    holes = [drawing.square(9.0025 + 0.001 * k, 48.0025, 0.0005) for k in range(3)]
    members = [*(("w", one, "outer") for one in sides), *(("w", one, "inner") for one in holes)]
    park = drawing.relation(members, type="multipolygon", leisure="park")
    layers, _ = layers_of(drawing.xml(tmp_path / "a.osm"))
    found = shapes(layers["landuse"])[f"r{park}"]
    assert found.geom_type == "Polygon"
    assert len(found.interiors) == 3
    assert found.area == pytest.approx(0.004**2 - 3 * 0.0005**2, rel=1e-3)


def test_a_building_of_two_rings_is_taken_apart_and_told(drawing, tmp_path):
    rings = [drawing.square(9.002, 48.002, 0.001), drawing.square(9.005, 48.002, 0.001)]
    one = drawing.relation([("w", ring, "outer") for ring in rings], type="multipolygon", building="school")
    layers, report = layers_of(drawing.xml(tmp_path / "a.osm"))
    parts = shapes(layers["buildings"])
    assert sorted(parts) == [f"r{one}_1", f"r{one}_2"]
    assert {shape.geom_type for shape in parts.values()} == {"Polygon"}
    assert set(map(str, tags(layers["buildings"]).values())) == {"{'building': 'school'}"}
    assert any("taken apart" in line for line in report.text())


def test_a_ring_that_crosses_itself_is_mended(drawing, tmp_path):
    bow_tie = drawing.ring(
        [(9.002, 48.002), (9.004, 48.004), (9.004, 48.002), (9.002, 48.004)], building="yes"
    )
    layers, report = layers_of(drawing.xml(tmp_path / "a.osm"))
    area = sum(shape.area for shape in shapes(layers["buildings"]).values())
    assert area == pytest.approx(0.002**2 / 2, rel=1e-6)
    assert any(f"(w{bow_tie})" in line and "mended" in line for line in report.text())


def test_what_the_extract_lacks_is_told_and_dropped(drawing, tmp_path):
    nodes = drawing.path(corners(9.002, 48.002, 0.001))
    torn = drawing.way([*nodes, 999, nodes[0]], building="yes")
    ring = drawing.way(nodes)
    open_one = drawing.relation(
        [("w", ring, "outer"), ("w", 888, "outer")], type="multipolygon", landuse="forest"
    )
    drawing.node(9.003, 48.003, shop="kiosk")
    layers, report = layers_of(drawing.xml(tmp_path / "a.osm"))
    assert set(layers) == {"pois"}
    text = "\n".join(report.text())
    assert f"some corners of which the extract lacks (w{torn})" in text
    assert (
        f"whose rings do not close, because the extract lacks members or they are mapped wrong (r{open_one})"
        in text
    )


def test_roads_are_cut_where_naive_counting_finds_shared_nodes(drawing, tmp_path):
    rng = random.Random(5)
    nodes = [drawing.node(9.001 + 0.008 * rng.random(), 48.001 + 0.008 * rng.random()) for _ in range(60)]
    ways = {}
    for _ in range(40):
        kind = rng.choice(["residential", "primary", "footway", "cycleway"])
        refs = rng.sample(nodes, rng.randint(2, 9))
        ways[drawing.way(refs, highway=kind)] = (kind, refs)
    loop = [*rng.sample(nodes, 5)]
    ways[drawing.way([*loop, loop[0]], highway="residential")] = ("residential", [*loop, loop[0]])
    place = {number: (lon, lat) for number, lon, lat, _ in drawing.nodes}
    expected = {}
    for one, (kind, refs) in ways.items():
        walks = {"footway", "cycleway"}
        rivals = Counter(
            ref for other, others in ways.values() if kind in walks or other not in walks for ref in others
        )
        pieces = [[refs[0]]]
        for k, ref in enumerate(refs[1:], 1):
            pieces[-1].append(ref)
            if k < len(refs) - 1 and rivals[ref] >= 2:
                pieces.append([ref])
        names = [f"w{one}"] if len(pieces) == 1 else [f"w{one}_{k}" for k in range(1, len(pieces) + 1)]
        expected |= dict(zip(names, pieces, strict=True))
    layers, _ = layers_of(drawing.xml(tmp_path / "a.osm"))
    found = shapes(layers["roads"])
    assert list(found) == sorted(expected)
    for name, refs in expected.items():
        assert np.allclose(shapely.get_coordinates(found[name]), [place[ref] for ref in refs], atol=1e-7)


def test_a_footway_does_not_cut_a_street_but_the_street_cuts_it(drawing, tmp_path):
    middle = drawing.node(9.005, 48.005)
    street = drawing.way(
        [drawing.node(9.003, 48.005), middle, drawing.node(9.007, 48.005)], highway="residential"
    )
    walk = drawing.way([drawing.node(9.005, 48.003), middle, drawing.node(9.005, 48.007)], highway="footway")
    layers, _ = layers_of(drawing.xml(tmp_path / "a.osm"))
    assert list(shapes(layers["roads"])) == [f"w{street}", f"w{walk}_1", f"w{walk}_2"]


def test_a_road_is_broken_where_nodes_are_missing_not_bridged(drawing, tmp_path):
    nodes = drawing.path([(9.002, 48.002), (9.003, 48.002), (9.006, 48.002), (9.007, 48.002)])
    road = drawing.way([nodes[0], nodes[1], 999, nodes[2], nodes[3]], highway="primary")
    layers, report = layers_of(drawing.xml(tmp_path / "a.osm"))
    lengths = {name: shape.length for name, shape in shapes(layers["roads"]).items()}
    assert lengths == pytest.approx({f"w{road}_1": 0.001, f"w{road}_2": 0.001})
    assert any("roads: mended 1: the extract lacks some of their nodes" in line for line in report.text())


def test_ways_without_nodes_are_passed_over(drawing, tmp_path):
    drawing.way([], highway="primary")
    drawing.way([998, 999], highway="primary")
    drawing.node(9.003, 48.003, shop="kiosk")
    assert set(layers_of(drawing.xml(tmp_path / "a.osm"))[0]) == {"pois"}


def test_bus_routes_are_counted_and_their_refs_listed(drawing, tmp_path):
    ways = [
        drawing.way(drawing.path([(9.002, y), (9.004, y)]), highway="primary")
        for y in (48.002, 48.003, 48.004)
    ]
    told = drawing.way(drawing.path([(9.002, 48.005), (9.004, 48.005)]), highway="primary", route_ref="99")
    for ref, used in (("7", ways[:2]), ("7", ways[:1]), ("24", ways[:1]), ("", [told])):
        members = [("w", one, "") for one in (*used, *used)]
        drawing.relation(members, type="route", route="bus", **({"ref": ref} if ref else {}))
    drawing.relation([("w", ways[2], "")], type="route", route="hiking", ref="E1")
    layers, _ = layers_of(drawing.xml(tmp_path / "a.osm"))
    found = tags(layers["roads"])
    assert [found[f"w{one}"].get("bus_routes") for one in (*ways, told)] == ["3", "1", None, "1"]
    assert [found[f"w{one}"].get("route_ref") for one in (*ways, told)] == ["24;7", "7", None, "99"]


def test_bus_routes_are_what_cityfm_reads(drawing, tmp_path):
    import geopandas as gpd
    import pandas as pd

    from urbanbench.models._cityfm.contexts import route_counts

    way = drawing.way(drawing.path([(9.002, 48.002), (9.004, 48.002)]), highway="primary")
    drawing.relation([("w", way, "")], type="route", route="trolleybus", ref="3")
    layers, _ = layers_of(drawing.xml(tmp_path / "a.osm"))
    column = layers["roads"]["tags"].combine_chunks()
    frame = gpd.GeoDataFrame({"tags": pd.Series(column, dtype=pd.ArrowDtype(column.type))})
    assert route_counts(frame).tolist() == [1]


def test_types_and_heights_of_buildings_are_kept(hamlet, tmp_path):
    layers, _ = layers_of(hamlet.xml(tmp_path / "a.osm"))
    kinds = Counter(one["building"] for one in tags(layers["buildings"]).values())
    assert kinds == {"apartments": 12, "retail": 12}
    known = tags(layers["buildings"])
    for one, height in zip(
        layers["buildings"]["id"].to_pylist(), layers["buildings"]["height_m"].to_pylist(), strict=True
    ):
        assert height == 3.0 * int(known[one]["building:levels"])


@pytest.mark.parametrize(
    ("tagged", "metres"),
    [
        ({"height": "12"}, 12.0),
        ({"height": "12.5 m"}, 12.5),
        ({"height": "7,5"}, 7.5),
        ({"height": "100 ft"}, 30.48),
        ({"height": "12'6\""}, 3.81),
        ({"height": "high", "building:levels": "3"}, 9.0),
        ({"height": "10", "building:levels": "30"}, 10.0),
        ({"building:levels": "0"}, None),
        ({"building:levels": "1e5"}, None),
        ({"height": "99999"}, None),
        ({}, None),
    ],
)
def test_heights_are_read_as_mappers_write_them(tagged, metres):
    assert height_of(tagged) == (None if metres is None else pytest.approx(metres))


def test_parts_and_denials_are_no_buildings_and_lines_no_land_use(drawing, tmp_path):
    drawing.square(9.002, 48.002, 0.001, building__part="yes")
    drawing.square(9.004, 48.002, 0.001, building="no")
    drawing.square(9.002, 48.005, 0.001, leisure="track", sport="running")
    drawing.square(9.004, 48.005, 0.001, natural="cliff")
    drawing.square(9.006, 48.005, 0.001, landuse="grass", area="no")
    meadow = drawing.square(9.006, 48.007, 0.001, landuse="meadow")
    layers, _ = layers_of(drawing.xml(tmp_path / "a.osm"))
    assert "buildings" not in layers
    assert list(shapes(layers["landuse"])) == [f"w{meadow}"]


def test_things_within_reach_are_kept_and_others_dropped(drawing, tmp_path):
    near, far = drawing.node(9.0101, 48.005, shop="a"), drawing.node(9.0150, 48.005, shop="b")
    crossing = drawing.way(drawing.path([(9.005, 48.005), (9.03, 48.005)]), highway="primary")
    drawing.way(drawing.path([(9.015, 48.005), (9.03, 48.006)]), highway="primary")
    layers, report = layers_of(drawing.xml(tmp_path / "a.osm"))
    assert list(shapes(layers["pois"])) == [f"n{near}"]
    assert list(shapes(layers["roads"])) == [f"w{crossing}"]
    assert any("pois: dropped 1: not within 200 m of a region" in line for line in report.text())
    layers, _ = layers_of(drawing.xml(tmp_path / "b.osm"), reach_m=500)
    assert set(shapes(layers["pois"])) == {f"n{near}", f"n{far}"}


def test_ids_are_sorted_and_an_object_given_twice_counts_once(drawing, tmp_path):
    for _ in range(12):
        drawing.node(9.005, 48.005, amenity="bench")
    drawing.nodes.append(drawing.nodes[0])
    layers, report = layers_of(drawing.xml(tmp_path / "a.osm"))
    ids = layers["pois"]["id"].to_pylist()
    assert ids == sorted(ids)
    assert len(ids) == 12
    assert any("pois: dropped 1: the file holds the object twice (n1)" in line for line in report.text())


def test_rows_in_small_batches_are_the_same_rows(hamlet, tmp_path, monkeypatch):
    path = hamlet.xml(tmp_path / "a.osm")
    whole, _ = layers_of(path)
    monkeypatch.setattr(rows_module, "_BATCH", 3)
    parts, _ = layers_of(path)
    assert all(whole[name].combine_chunks().equals(parts[name].combine_chunks()) for name in whole)


def test_the_box_in_the_header_is_read(hamlet, tmp_path):
    assert extract_box(hamlet.xml(tmp_path / "a.osm")) == BOX
    assert extract_box(hamlet.xml(tmp_path / "b.osm", box=None)) is None


def test_nodes_after_ways_are_refused_with_the_mend(hamlet, tmp_path):
    text = hamlet.xml(tmp_path / "a.osm").read_text()
    late = '<node id="9999" lon="9.005" lat="48.005" version="1"><tag k="shop" v="kiosk"/></node>'
    (tmp_path / "b.osm").write_text(text.replace("</osm>", f"{late}</osm>"))
    with pytest.raises(BadInput, match=r"osmium sort b\.osm"):
        read(tmp_path / "b.osm")


def test_addresses_and_strange_files_are_not_opened(tmp_path):
    with pytest.raises(DataMissing, match="No OpenStreetMap file"):
        read(tmp_path / "none.osm.pbf")
    for word in ("http://127.0.0.1:9/a.osm.pbf", "-"):
        with pytest.raises(DataMissing):
            read(__import__("pathlib").Path(word))
    (tmp_path / "a.txt").write_text("hello")
    with pytest.raises(BadInput, match="unknown kind"):
        read(tmp_path / "a.txt")


BOMB = """<?xml version="1.0"?>
<!DOCTYPE osm [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>
<osm version="0.6"><node id="1" lon="9" lat="48" version="1"><tag k="name" v="&c;"/></node></osm>"""
OUTSIDE = """<?xml version="1.0"?><!DOCTYPE osm [<!ENTITY a SYSTEM "file:///etc/hostname">]>
<osm version="0.6"><node id="1" lon="9" lat="48" version="1"><tag k="name" v="&a;"/></node></osm>"""


@pytest.mark.parametrize(
    "text", [BOMB, OUTSIDE, "<osm", "", "<html></html>", '<osm version="0.6"><node id="x"/></osm>']
)
def test_entity_bombs_and_broken_xml_are_one_clear_fault(drawing, tmp_path, text):
    (tmp_path / "a.osm").write_text(text)
    with pytest.raises(BadInput, match="expected an OpenStreetMap file that can be read to its end"):
        read(tmp_path / "a.osm")


def test_damaged_extracts_are_a_fault_or_a_clean_reading(hamlet, tmp_path):
    """100 mutations of a sound file, drawn with a fixed seed: bytes changed, cut out, doubled, the end lost."""
    rng = random.Random(11)
    sound = hamlet.pbf(tmp_path / "a.osm.pbf").read_bytes()
    text = hamlet.xml(tmp_path / "a.osm").read_bytes()
    told = 0
    for k in range(100):
        raw, name = (sound, "m.osm.pbf") if k % 4 else (text, "m.osm")
        damaged = bytearray(raw)
        where, size = rng.randrange(len(raw)), rng.randint(1, 40)
        match rng.randrange(4):
            case 0:
                damaged[where : where + size] = rng.randbytes(size)
            case 1:
                del damaged[where : where + size]
            case 2:
                damaged[where:where] = damaged[where : where + size]
            case _:
                del damaged[where:]
        (tmp_path / name).write_bytes(damaged)
        fault = fault_of(tmp_path / name)
        told += bool(fault)
        assert not fault or (fault.startswith(f"{name}: expected") and "\n" not in fault)
    assert 50 < told < 100


def fault_of(path):
    try:
        layers_of(path)
    except BadInput as fault:
        return str(fault)
    return ""


def test_without_the_extra_the_error_names_it(tmp_path, monkeypatch, capsys):
    import sys

    monkeypatch.setitem(sys.modules, "osmium", None)
    (tmp_path / "a.osm").write_text("<osm/>")
    words = [
        "data",
        "build",
        "x",
        "--osm",
        str(tmp_path / "a.osm"),
        "--regions",
        "grid:500",
        "--out",
        str(tmp_path / "x"),
    ]
    assert main(words) == 4
    assert "pip install 'urbanbench[osm]'" in capsys.readouterr().err


def test_how_far_a_file_is_read_is_told_where_the_system_tells_it(tmp_path):
    from pathlib import Path

    from urbanbench.build.osm.position import Position

    if not Path("/proc/self/fdinfo").is_dir():
        pytest.skip("only Linux tells how far a file is read")
    (tmp_path / "a").write_bytes(b"x" * 1000)
    position = Position(tmp_path / "a")
    assert position.moved() == 0
    with (tmp_path / "a").open("rb", buffering=0) as stream:
        stream.read(400)
        assert position.moved() == 40
        stream.read(100)
        assert position.moved() == 10
    assert position.moved() == 0
