"""Maps of buildings: every pixel against Shapely."""

import numpy as np
import pytest
import shapely
from shapely import MultiPolygon, Point, Polygon, box

from urbanbench.toolkit.features.footprint_maps import FootprintMaps, draw_footprints, square_windows
from urbanbench.toolkit.ground.neighbours import Groups

SIZE = 24


def some_polygons(rng, count, middle=(100.0, 200.0), reach=40.0):
    """Blobs of several corners, some with a hole, that overlap and stick out of a window of 60 m."""
    made = []
    for k in range(count):
        x, y = np.array(middle) + rng.uniform(-reach, reach, 2)
        angle = np.sort(rng.uniform(0, 2 * np.pi, 7))
        radius = rng.uniform(3, 15, 7)
        shell = np.column_stack([x + radius * np.cos(angle), y + radius * np.sin(angle)])
        whole = Polygon(shell).buffer(0)
        made.append(whole.difference(Point(x, y).buffer(2.3)) if k % 3 == 0 else whole)
    return np.array(made, dtype=object)


def by_hand(polygons, window, size):
    west, south, side = window
    picture = np.zeros((size, size), dtype=np.uint8)
    for row in range(size):
        for column in range(size):
            point = Point(west + (column + 0.5) / size * side, south + (size - row - 0.5) / size * side)
            picture[row, column] = any(one.contains(point) for one in polygons)
    return picture


def test_pixels_are_set_whose_centre_lies_in_a_building_of_the_map():
    rng = np.random.default_rng(0)
    polygons = some_polygons(rng, 20)
    owner = rng.integers(0, 3, 20)
    windows = np.array([[70.0, 170.0, 60.0], [60.0, 180.0, 35.0], [90.0, 190.0, 20.0]])
    drawn = draw_footprints(polygons, owner, windows, SIZE)
    assert drawn.dtype == np.uint8
    assert 0.1 < drawn.mean() < 0.9
    for k in range(3):
        np.testing.assert_array_equal(drawn[k], by_hand(polygons[owner == k], windows[k], SIZE))


def test_overlaps_stay_filled_and_holes_stay_open():
    ring = box(0, 0, 10, 10).difference(box(3, 3, 7, 7))
    polygons = np.array([box(0, 0, 5, 5), box(2, 2, 8, 8), MultiPolygon([box(0, 8, 2, 10)]), ring])
    window = np.array([[0.0, 0.0, 10.0]])
    both = draw_footprints(polygons[:3], np.zeros(3, dtype=int), window, 10)[0]
    np.testing.assert_array_equal(both, by_hand(polygons[:3], window[0], 10))
    assert both[9 - 3, 3] == 1  # in both of the first two
    alone = draw_footprints(polygons[3:], np.zeros(1, dtype=int), window, 10)[0]
    assert (alone[5, 5], alone[1, 1], alone.sum()) == (0, 1, 84)


def test_a_map_without_buildings_is_black():
    windows = np.array([[0.0, 0.0, 10.0], [500.0, 0.0, 10.0]])
    drawn = draw_footprints(np.array([box(1, 1, 9, 9)]), np.array([0]), windows, 8)
    assert drawn[0].any()
    assert not drawn[1].any()
    assert not draw_footprints(np.empty(0, dtype=object), np.empty(0, dtype=int), windows, 8).any()


def test_windows_are_squares_around_the_middle():
    areas = np.array([box(10, 20, 30, 28), box(0, 0, 2, 6)])
    np.testing.assert_allclose(square_windows(areas), [[10, 14, 20], [-2, 0, 6]])


@pytest.fixture
def maps():
    polygons = some_polygons(np.random.default_rng(1), 12)
    groups = Groups.from_pairs(np.arange(12) % 4, np.arange(12), 4)
    windows = np.tile([70.0, 170.0, 60.0], (4, 1))
    return FootprintMaps(polygons, groups, windows, SIZE)


def test_maps_come_as_pictures(maps):
    table, rows = maps.table(), np.array([3, 0, 0])
    pixels, ok = table.pixels(rows)
    assert (len(table), ok.all()) == (4, True)
    for made, row in zip(pixels, rows, strict=True):
        drawn = by_hand(maps.polygons[row::4], maps.windows[row], SIZE)
        np.testing.assert_array_equal(made, np.repeat(255 * drawn[None], 3, axis=0))


def test_a_moved_city_has_the_same_maps_and_another_has_not(maps):
    offset = np.array([8192.0, -16384.0])
    there = shapely.transform(maps.polygons, lambda xy: xy + offset)
    moved = FootprintMaps(there, maps.groups, maps.windows + np.append(offset, 0.0), SIZE)
    paths = maps.table().paths
    assert moved.digest(paths) == maps.digest(paths)
    for one, other in zip(moved.table().pixels(np.arange(4)), maps.table().pixels(np.arange(4)), strict=True):
        np.testing.assert_array_equal(one, other)
    turned = FootprintMaps(maps.polygons[::-1], maps.groups, maps.windows, SIZE)
    larger = FootprintMaps(maps.polygons, maps.groups, maps.windows, SIZE + 1)
    assert len({maps.digest(paths), maps.digest(paths[:2]), turned.digest(paths), larger.digest(paths)}) == 4
