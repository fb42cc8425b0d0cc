"""Vector tiles: what edges cut is whole again, what margins repeat is there once, and nothing else changes."""

import math

import mapbox_vector_tile
import numpy as np
import pytest
import shapely
from pyproj import Geod
from tests.tile_town import (
    BOX,
    CORNER,
    EXTENT,
    INNER,
    SIDE,
    ZOOM,
    Town,
    on_earth,
    openmaptiles_town,
    square,
    write_folder,
)

from urbanbench.build.map.layers import city_layers
from urbanbench.build.report import Report
from urbanbench.build.tiles.geometry import BrokenGeometry, paths_of, polygons_of_rings
from urbanbench.build.tiles.grid import Grid
from urbanbench.build.tiles.map import TileMap

GEOD = Geod(ellps="WGS84")
STEP_M = 0.2
"""A little more than a step of the town's grid on the ground."""


def area_m2(shape):
    return abs(GEOD.geometry_area_perimeter(shape)[0])


def length_m(shape):
    return GEOD.geometry_length(shape)


def read(town, folder, box=INNER, **how):
    report = Report()
    objects = TileMap(write_folder(folder / "tiles", town.tiles(**how))).read(box, report)
    return objects.layers, report.text()


def shapes(table):
    return list(shapely.from_wkb(table["wkb"].to_numpy()))


def tags(table):
    return [dict(one) for one in table["tags"].to_pylist()]


def alike(found, true, slack=2.0):
    """Pair found shapes with true ones, one to one: each true outline is met within some steps of the grid."""
    assert len(found) == len(true)
    reach = slack * STEP_M / 111_320 / math.cos(math.radians(48.04))
    left = list(found)
    for shape in true:
        near = [one for one in left if one.hausdorff_distance(shape) <= reach]
        assert near, shape.wkt[:120]
        left.remove(near[0])
    return True


# areas


def test_areas_cut_by_one_edge_or_by_four_tiles_are_whole_again(tmp_path):
    town = openmaptiles_town()
    layers, told = read(town, tmp_path)
    assert alike(shapes(layers["buildings"]), town.shapes("building"))
    assert alike(shapes(layers["landuse"]), town.shapes("landuse") + town.shapes("landcover"))
    assert any("buildings: mended" in line and "put together" in line for line in told)
    true = sum(map(area_m2, town.shapes("building")))
    assert sum(map(area_m2, shapes(layers["buildings"]))) == pytest.approx(true, rel=0.01)


def test_holes_are_kept_also_where_four_tiles_meet_in_one(tmp_path):
    layers, _ = read(openmaptiles_town(), tmp_path)
    [holed] = [one for one in shapes(layers["buildings"]) if len(one.interiors)]
    true = on_earth(shapely.box(0.995, 0.995, 1.005, 1.005))
    assert area_m2(shapely.Polygon(holed.interiors[0])) == pytest.approx(area_m2(true), rel=0.05)
    [district] = [
        one
        for one, told in zip(shapes(layers["landuse"]), tags(layers["landuse"]), strict=True)
        if "landuse" in told and told["landuse"] == "residential"
    ]
    assert len(district.interiors) == 1


def test_houses_of_a_terrace_on_an_edge_stay_apart(tmp_path):
    town = Town()
    houses = [shapely.box(0.98, 1.2 + 0.01 * k, 1.02, 1.21 + 0.01 * k) for k in range(8)]
    for one in houses:
        town.add("building", one, render_height=9)
    town.add("building", square(0.3, 0.3, 0.02), render_height=9)
    layers, _ = read(town, tmp_path)
    assert alike(shapes(layers["buildings"]), town.shapes("building"))


@pytest.mark.parametrize(
    ("margin", "extent"), [(0, 4096), (8, 4096), (64, 4096), (128, 8192), (9 * 4096, 4096), (16, 1024)]
)
def test_any_margin_and_extent_gives_the_same_objects(margin, extent, tmp_path):
    rng = np.random.default_rng(4)
    town = Town()
    for _ in range(90):
        x, y = rng.uniform(0.1, 2.8, 2)
        turned = shapely.affinity.rotate(
            shapely.box(x, y, x + rng.uniform(0.02, 0.09), y + rng.uniform(0.02, 0.09)), rng.uniform(0, 90)
        )
        if not any(turned.intersects(other) for other, _, _ in town.layers.get("building", [])):
            town.add("building", turned, render_height=7)
    edges = shapely.MultiLineString([[(k, 0), (k, 3)] for k in (1, 2)] + [[(0, k), (3, k)] for k in (1, 2)])
    assert sum(edges.intersects(one) for one, _, _ in town.layers["building"]) > 7
    layers, _ = read(town, tmp_path, margin=margin, extent=extent)
    assert alike(shapes(layers["buildings"]), town.shapes("building"), slack=2.5 * 4096 / extent)


def test_an_area_inside_of_another_with_equal_tags_is_not_swallowed(tmp_path):
    town = Town()
    town.add("landuse", square(0.5, 0.5, 1.0), **{"class": "residential"})
    town.add("landuse", shapely.box(0.96, 0.96, 1.05, 1.05), **{"class": "residential"})
    town.add("building", square(0.3, 0.3, 0.02), render_height=9)
    layers, _ = read(town, tmp_path)
    assert alike(shapes(layers["landuse"]), town.shapes("landuse"))


def test_ids_of_the_makers_become_openstreetmaps_and_join_parts(tmp_path):
    town = Town()
    town.add("buildings", square(0.98, 0.5, 0.04), (2 << 44) + 123, kind="building", height=12.5)
    town.add("buildings", square(0.98, 0.56, 0.04), (3 << 44) + 9, kind="building")
    town.add("pois", shapely.Point(0.999, 0.5), (1 << 44) + 77, kind="cafe")
    layers, _ = read(town, tmp_path)
    assert sorted(layers["buildings"]["id"].to_pylist()) == ["r9", "w123"]
    assert layers["pois"]["id"].to_pylist() == ["n77"]
    assert alike(shapes(layers["buildings"]), town.shapes("buildings"))
    assert dict(
        zip(layers["buildings"]["id"].to_pylist(), layers["buildings"]["height_m"].to_pylist(), strict=True)
    ) == {"w123": 12.5, "r9": None}


def test_numbers_given_tile_by_tile_lose_no_object(tmp_path):
    """Some makers number the features of every tile from 1; such ids say nothing across tiles."""
    town = Town()
    for k in range(9):
        town.add("building", square(0.3 + k % 3, 0.3 + k // 3, 0.1), 1, render_height=10 + k)
    layers, _ = read(town, tmp_path)
    assert alike(shapes(layers["buildings"]), town.shapes("building"))
    assert len(set(layers["buildings"]["id"].to_pylist())) == 9


def test_parts_of_buildings_are_left_out_where_the_whole_is_there(tmp_path):
    town = Town()
    town.add("buildings", square(0.5, 0.5, 0.1), kind="building", height=30)
    town.add("buildings", square(0.51, 0.51, 0.04), kind="building_part", height=40)
    town.add("buildings", square(0.8, 0.8, 0.04), kind="building_part", height=8)
    town.add("buildings", shapely.Point(0.5, 0.5), kind="address", addr_housenumber="7")
    layers, told = read(town, tmp_path)
    assert sorted(layers["buildings"]["height_m"].to_pylist()) == [8, 30]
    assert "buildings: dropped 1: parts of a building that is there as a whole" in told
    assert "buildings: dropped 1: features of buildings: address points" in told
    outlined = Town()
    outlined.add("building", square(0.5, 0.5, 0.1), render_height=5, hide_3d=True)
    outlined.add("building", square(0.51, 0.51, 0.04), render_height=40)
    outlined.add("building", square(0.7, 0.51, 0.04), render_height=9)
    layers, _ = read(outlined, tmp_path / "other")
    assert sorted(layers["buildings"]["height_m"].to_pylist(), key=str) == [9, None]


# lines


def test_streets_are_joined_end_to_end_and_cut_only_where_they_cross(tmp_path):
    town = openmaptiles_town()
    layers, _ = read(town, tmp_path)
    roads, told = shapes(layers["roads"]), tags(layers["roads"])
    true = [
        one
        for one, (_, attributes, _) in zip(
            town.shapes("transportation"), town.layers["transportation"], strict=True
        )
        if attributes["class"] != "rail"
    ]
    assert sum(map(length_m, roads)) == pytest.approx(sum(map(length_m, true)), rel=1e-3)
    streets = [one for one, kind in zip(roads, told, strict=True) if kind["highway"] != "motorway"]
    assert len(streets) == 8 * 5
    ends = np.round([one.coords[k] for one in streets for k in (0, -1)], 6)
    assert len(np.unique(ends, axis=0)) == 16 + 16
    assert all(len(one.coords) == 2 for one in streets)


def test_a_bridge_is_not_cut_by_what_passes_below(tmp_path):
    layers, _ = read(openmaptiles_town(), tmp_path)
    [bridge] = [
        one
        for one, kind in zip(shapes(layers["roads"]), tags(layers["roads"]), strict=True)
        if kind.get("bridge") == "yes"
    ]
    assert length_m(bridge) == pytest.approx(
        length_m(on_earth(shapely.LineString([(0.2, 0.97), (2.8, 1.06)]))), rel=1e-3
    )


def test_names_kept_in_a_layer_of_their_own_come_to_their_streets(tmp_path):
    layers, told = read(openmaptiles_town(), tmp_path)
    named = [one.get("name") for one in tags(layers["roads"]) if one["highway"] == "road"]
    assert sorted(named) == sorted(f"Row {k}" for k in range(4) for _ in range(5))
    assert not any("name" in one for one in tags(layers["roads"]) if one["highway"] != "road")
    assert "roads: mended 20: pieces named by the line of names along them" in told


def test_rails_and_ferries_are_no_roads_and_counted(tmp_path):
    _, told = read(openmaptiles_town(), tmp_path)
    assert any(
        line.startswith("roads: dropped") and line.endswith("transportation: rail: no road") for line in told
    )


@pytest.mark.parametrize("margin", [0, 64])
def test_winding_lines_keep_their_course_over_many_edges(margin, tmp_path):
    """A curve that crosses edges at every angle, also hardly; a ring; and a line on an edge."""
    bend = np.linspace(0.2, 2.8, 90)
    curve = shapely.LineString(np.column_stack([bend, 1.0 + 0.03 * np.sin(9 * bend)]))
    ring = shapely.Point(2.0, 2.0).buffer(0.4, 24).exterior
    town = Town()
    town.add("roads", curve, kind="minor_road", kind_detail="residential")
    town.add("roads", ring, kind="path", kind_detail="footway")
    town.add("roads", shapely.LineString([(0.1, 2.0), (0.9, 2.0)]), kind="minor_road", kind_detail="service")
    layers, told = read(town, tmp_path, margin=margin)
    found = dict(zip((one["highway"] for one in tags(layers["roads"])), shapes(layers["roads"]), strict=True))
    for kind, true in zip(("residential", "footway", "service"), town.shapes("roads"), strict=True):
        assert length_m(found[kind]) == pytest.approx(length_m(true), rel=0.01)
        assert found[kind].hausdorff_distance(true) < 1e-5
    assert any("joined end to end" in line for line in told)


def test_parallel_carriageways_are_not_exchanged_at_an_edge(tmp_path):
    town = Town()
    for k in range(4):
        at = 0.5 + 8 * k / EXTENT
        town.add("roads", shapely.LineString([(0.2, at), (1.8, at)]), kind="highway", kind_detail="motorway")
    layers, _ = read(town, tmp_path)
    assert alike(shapes(layers["roads"]), town.shapes("roads"))


def test_a_road_that_ends_on_another_cuts_it_even_where_the_corner_is_lost(tmp_path):
    town = Town()
    town.add(
        "roads", shapely.LineString([(0.2, 0.5), (0.8, 0.503)]), kind="minor_road", kind_detail="residential"
    )
    town.add(
        "roads",
        shapely.LineString([(0.5, 0.2), (0.5, 0.5015 + 1 / EXTENT)]),
        kind="minor_road",
        kind_detail="residential",
        name="Side",
    )
    town.add("roads", shapely.LineString([(0.6, 0.2), (0.6, 0.8)]), kind="path", kind_detail="footway")
    layers, _ = read(town, tmp_path)
    ways = list(zip((one["highway"] for one in tags(layers["roads"])), shapes(layers["roads"]), strict=True))
    assert sorted(kind for kind, _ in ways) == [
        "footway",
        "footway",
        "residential",
        "residential",
        "residential",
    ]
    corners = [one.coords[k] for kind, one in ways if kind == "residential" for k in (0, -1)]
    assert len(set(corners)) == 4


# points


def test_copies_in_margins_are_dropped_and_neighbours_alike_are_kept(tmp_path):
    layers, told = read(openmaptiles_town(), tmp_path)
    found = tags(layers["pois"])
    assert sorted(str(one) for one in found) == sorted(
        str(one)
        for one in (
            {"name": "Luna", "amenity": "cafe"},
            {"name": "Sol", "shop": "supermarket", "openmaptiles:class": "grocery"},
            {"shop": "books"},
            {"amenity": "bench"},
            {"amenity": "bench"},
        )
    )
    assert "pois: dropped 4: copies in the margins of tiles" in told


def test_points_that_encoders_round_apart_are_one(tmp_path):
    """An encoder that cuts off decimals puts a point left of an edge onto it, and its copy in the next tile too."""
    town = Town()
    town.add("poi", shapely.Point(1 - 0.4 / EXTENT, 0.5), **{"class": "bank", "subclass": "bank"})
    town.add("poi", shapely.Point(2.0, 1.0), **{"class": "bar", "subclass": "bar"})
    layers, _ = read(town, tmp_path)
    assert sorted(one["amenity"] for one in tags(layers["pois"])) == ["bank", "bar"]
    tiles = {(0, 0): one_point(EXTENT - 1, 7), (1, 0): one_point(0, 7)}
    objects = TileMap(write_folder(tmp_path / "apart", tiles)).read(INNER, Report())
    assert objects.layers["pois"].num_rows == 2  # in its own tile each: two places
    tiles = {(0, 0): one_point(EXTENT, 7), (1, 0): one_point(1, 7)}
    objects = TileMap(write_folder(tmp_path / "one", tiles)).read(INNER, Report())
    assert objects.layers["pois"].num_rows == 1


def one_point(x, y):
    features = [{"geometry": shapely.Point(x, y), "properties": {"class": "bank", "subclass": "bank"}}]
    return mapbox_vector_tile.encode(
        [{"name": "poi", "features": features}], default_options={"y_coord_down": True}
    )


def test_a_point_that_only_a_margin_shows_is_kept(tmp_path):
    tiles = {(0, 0): one_point(EXTENT + 9, 7), (0, 1): one_point(5, 5)}
    objects = TileMap(write_folder(tmp_path / "tiles", tiles)).read(INNER, Report())
    assert objects.layers["pois"].num_rows == 2


# the grid, and the drawing of features


def test_places_and_degrees_are_those_of_web_mercator():
    from pyproj import Transformer

    to_degrees = Transformer.from_crs("EPSG:3857", "EPSG:4326", always_xy=True)
    grid, half = Grid(ZOOM), 20_037_508.342789244
    places = np.random.default_rng(1).uniform(0, 4096 * 2**ZOOM, (50, 2))
    x, y = (places / (4096 * 2**ZOOM) * 2 * half - half).T
    assert grid.degrees(places) == pytest.approx(np.column_stack(to_degrees.transform(x, -y)), abs=1e-9)
    assert grid.places(grid.degrees(places)) == pytest.approx(places, abs=1e-3)
    first, last = grid.tiles_of(INNER)
    assert (first.x, first.y, last.x, last.y) == (*CORNER, CORNER[0] + SIDE - 1, CORNER[1] + SIDE - 1)
    assert grid.box_of(first, last) == pytest.approx(BOX)


def test_geometry_is_drawn_as_the_package_draws_it():
    rng = np.random.default_rng(8)
    ring = shapely.Point(500, 500).buffer(300, 5)
    drawn = [
        shapely.transform(shapely.Point(2000, 2000).buffer(900, 9), np.rint),
        shapely.transform(ring.difference(shapely.box(400, 400, 500, 500)), np.rint),
        shapely.MultiPolygon(
            [shapely.box(0, 0, 9, 9), shapely.box(20, 0, 40, 9).difference(shapely.box(25, 2, 30, 4))]
        ),
        shapely.LineString(rng.integers(-64, 4160, (30, 2))),
        shapely.MultiLineString([rng.integers(0, 4096, (4, 2)), rng.integers(0, 4096, (2, 2))]),
        shapely.Point(5, 6),
        shapely.MultiPoint(rng.integers(0, 4096, (5, 2))),
    ]
    layer = {"name": "a", "features": [{"geometry": one, "properties": {}} for one in drawn]}
    data = mapbox_vector_tile.encode([layer], default_options={"y_coord_down": True})
    told = mapbox_vector_tile.decode(data, default_options={"y_coord_down": True})["a"]["features"]
    raw = mapbox_vector_tile.decoder.TileData(data).tile.layers[0].features
    for one, feature in zip(told, raw, strict=True):
        paths = paths_of(list(feature.geometry))
        known = shapely.geometry.shape(one["geometry"])
        if feature.type == 3:
            assert polygons_of_rings([paths])[0].equals(known)
        else:
            assert np.array_equal(np.concatenate(paths), shapely.get_coordinates(known))


@pytest.mark.parametrize(
    "commands", [[], [9], [9, 4], [17, 2, 2], [10, 2, 2], [12, 1, 1], [9, 2, 2, (1 << 28) | 2, 2], [1, 2, 2]]
)
def test_commands_that_draw_nothing_are_refused(commands):
    with pytest.raises(BrokenGeometry):
        paths_of(commands)


def test_a_coordinate_beyond_the_world_is_no_geometry():
    with pytest.raises(BrokenGeometry):
        paths_of([9, 2**30, 2], 4096)


def test_precision_and_schema_are_told(tmp_path):
    _, told = read(openmaptiles_town(), tmp_path)
    assert "tiles: read 9: of zoom 15, schema OpenMapTiles; places are on a grid of 0.2 m" in told


def test_layers_of_tiles_pass_through_the_same_door_as_those_of_an_extract(tmp_path):
    import geopandas as gpd
    import pandas as pd

    report = Report()
    objects = TileMap(write_folder(tmp_path / "tiles", openmaptiles_town().tiles())).read(INNER, report)
    west, south, east, north = BOX
    regions = gpd.GeoDataFrame(
        {"name": ["r"]},
        geometry=[shapely.box(west, south, (west + east) / 2, north)],
        index=pd.Index(["r"], name="region_id"),
        crs=4326,
    )
    layers = city_layers(objects, regions, "EPSG:32632", 10.0, report)
    assert set(layers) == {"pois", "buildings", "roads", "landuse"}
    assert layers["buildings"].num_rows < 42
