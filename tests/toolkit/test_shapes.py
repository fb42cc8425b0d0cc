"""Vectorised shape measures against shapely and against integrals done the slow way."""

import numpy as np
import pytest
import shapely
from shapely import affinity
from shapely.geometry import Polygon, box

from urbanbench.toolkit.shapes.measures import measure_shapes


def _crooked_polygons(n=40):
    random = np.random.default_rng(5)
    outlines = []
    for _ in range(n):
        angles = np.sort(random.uniform(0, 2 * np.pi, 9))
        radii = random.uniform(5, 30, 9)
        shell = np.column_stack([radii * np.cos(angles), radii * np.sin(angles)])
        blob = shapely.make_valid(Polygon(shell))
        blob = blob if blob.geom_type == "Polygon" else blob.convex_hull
        hole = shapely.Point(blob.representative_point()).buffer(0.5)
        outlines.append(affinity.translate(blob.difference(hole), *random.uniform(3e5, 6e5, 2)))
    return np.array([shapely.orient_polygons(one, exterior_cw=bool(k % 2)) for k, one in enumerate(outlines)])


def test_area_and_perimeter_equal_shapely_with_holes_and_either_ring_direction():
    polygons = _crooked_polygons()
    shapes = measure_shapes(polygons)
    np.testing.assert_allclose(shapes.area_m2, shapely.area(polygons), rtol=1e-9)
    np.testing.assert_allclose(shapes.perimeter_m, shapely.length(polygons), rtol=1e-9)
    np.testing.assert_array_equal(shapes.vertices, [shapely.get_num_coordinates(one) - 2 for one in polygons])


def test_elongation_equals_moments_summed_over_a_fine_grid():
    for polygon in _crooked_polygons(4):
        west, south, east, north = polygon.bounds
        step = (east - west) / 700
        x, y = np.meshgrid(np.arange(west, east, step) + step / 2, np.arange(south, north, step) + step / 2)
        inside = shapely.contains_xy(polygon, x.ravel(), y.ravel())
        spread = np.linalg.eigvalsh(np.cov(x.ravel()[inside], y.ravel()[inside]))
        assert measure_shapes(np.array([polygon])).elongation[0] == pytest.approx(
            np.sqrt(spread[0] / spread[1]), rel=5e-3
        )


def test_turned_rectangle_has_its_side_ratio_and_its_angle():
    turned = np.array([affinity.rotate(box(0, 0, 40, 10), angle) for angle in (0, 30, 75, 100)])
    shapes = measure_shapes(turned)
    np.testing.assert_allclose(shapes.elongation, 0.25, rtol=1e-9)
    np.testing.assert_allclose(np.minimum(shapes.orientation, 90 - shapes.orientation)[0], 0, atol=1e-9)
    np.testing.assert_allclose(shapes.orientation[1:], [30, 75, 10], atol=1e-9)
    np.testing.assert_allclose(shapes.compactness, 4 * np.pi * 400 / 100**2, rtol=1e-12)


def test_measures_do_not_depend_on_the_place():
    polygons = _crooked_polygons(10)
    moved = np.array([affinity.translate(one, 7_000_000, -3_000_000) for one in polygons])
    for here, there in zip(
        vars(measure_shapes(polygons)).values(), vars(measure_shapes(moved)).values(), strict=True
    ):
        np.testing.assert_allclose(here, there, rtol=1e-4)
