"""Footprint pictures against Shapely's own point-in-polygon test."""

import numpy as np
import pytest
import shapely
from shapely import affinity

from urbanbench.toolkit.shapes.polygon import MARGIN, flat_coordinates, rasterise, surface_share

SIZE = 32


def blobs():
    rng = np.random.default_rng(5)
    made = []
    for k in range(20):
        angle = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 25)))
        radius = rng.uniform(3, 40, len(angle))
        polygon = shapely.Polygon(
            np.column_stack([1e5 + radius * np.cos(angle), 2e5 + radius * np.sin(angle) * (1 + k)])
        )
        made.append(polygon if polygon.is_valid else polygon.convex_hull)
    yard = shapely.Polygon(
        shapely.box(0, 0, 60, 30).exterior.coords, [shapely.box(10, 10, 20, 20).exterior.coords]
    )
    two = shapely.MultiPolygon([shapely.box(0, 0, 10, 40), shapely.box(20, 0, 30, 10)])
    return [*made, yard, affinity.rotate(yard, 33), two]


def flattened(polygon):
    """The polygon in the unit square, rebuilt ring by ring from its flat coordinates."""
    xy, ring, _ = flat_coordinates([polygon])
    rings = [shapely.Polygon(xy[ring == one]) for one in np.unique(ring)]
    area = rings[0]
    for one in rings[1:]:
        area = area.symmetric_difference(one)
    return area


def test_pixels_are_set_where_shapely_finds_their_centres_inside():
    pictures = rasterise(blobs(), SIZE)
    centre = (np.arange(SIZE) + 0.5) / SIZE
    for picture, polygon in zip(pictures, blobs(), strict=True):
        shape = flattened(polygon)
        points = shapely.points(*np.meshgrid(centre, centre[::-1]))
        certain = shapely.distance(points, shape.boundary) > 1e-9
        np.testing.assert_array_equal(picture[certain], shapely.contains(shape, points)[certain])


def test_flattening_keeps_the_shape():
    for polygon in blobs():
        flat = flattened(polygon)
        west, south, east, north = flat.bounds
        assert max(east - west, north - south) == pytest.approx(1 / (1 + 2 * MARGIN))
        assert ((west + east) / 2, (south + north) / 2) == pytest.approx((0.5, 0.5))
        assert flat.area / flat.length**2 == pytest.approx(polygon.area / polygon.length**2)


def test_a_rectangle_lies_flat_however_it_was_turned():
    plain = rasterise([shapely.box(0, 0, 40, 10)], SIZE)[0]
    rows, columns = np.nonzero(plain)
    assert np.ptp(columns) > 2 * np.ptp(rows)
    for angle in (10, 45, 90, 133, 200):
        turned = rasterise([affinity.rotate(shapely.box(0, 0, 40, 10), angle)], SIZE)[0]
        assert (turned != plain).mean() < 0.02


def test_margin_stays_empty_and_a_square_fills_the_rest():
    picture = rasterise([shapely.box(0, 0, 7, 7)], 120)[0]
    border = round(120 * MARGIN / (1 + 2 * MARGIN))
    assert picture[border:-border, border:-border].all()
    assert picture.sum() == (120 - 2 * border) ** 2


def test_drawing_together_equals_drawing_one_by_one():
    shapes = blobs()
    np.testing.assert_array_equal(
        rasterise(shapes, 16), np.concatenate([rasterise([one], 16) for one in shapes])
    )


def test_nothing_gives_no_pictures():
    assert rasterise([], 8).shape == (0, 8, 8)


def test_surface_is_a_share_of_the_largest_and_never_more_than_one():
    assert surface_share(np.array([0.0, 2500.0, 90000.0])).tolist() == [0.0, 0.5, 1.0]


def test_the_same_outline_is_the_same_bytes_wherever_it_lies():
    from urbanbench.toolkit.shapes.polygon import at_origin

    ring = [(0.1234567, 0.2), (10.4, 0.3), (9.9, 7.7), (0.2, 6.1)]
    here = shapely.Polygon(ring)
    there = shapely.Polygon([(x + 498407.7029684259, y - 220611.35880449341) for x, y in ring])
    one, other = at_origin([here, there])
    assert one.wkb == other.wkb
    assert one.bounds[:2] == (0.0, 0.0)
    assert one.area == pytest.approx(here.area, rel=1e-3)
    assert here.bounds[0] == 0.1234567
