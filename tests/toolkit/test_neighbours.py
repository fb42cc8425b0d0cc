"""Neighbour search against brute force over all pairs."""

import numpy as np
import pytest
import shapely

from urbanbench.toolkit.ground.neighbours import (
    Groups,
    adjacent_pairs,
    containing_polygon,
    groups_near_lines,
    groups_near_points,
    groups_of_nearest,
    nearest_centres,
    nearest_within,
)


@pytest.fixture
def xy():
    return np.random.default_rng(0).uniform(0, 1000, size=(200, 2))


def members(groups):
    return [groups.member[groups.start[g] : groups.start[g + 1]].tolist() for g in range(len(groups))]


def test_nearest_within_equals_brute_force(xy):
    index, distance = nearest_within(xy, radius_m=120.0, cap=5)
    apart = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    np.fill_diagonal(apart, np.inf)
    for row in range(len(xy)):
        near = [one for one in np.argsort(apart[row]) if apart[row, one] <= 120.0][:5]
        assert index[row].tolist() == near + [-1] * (5 - len(near))
        np.testing.assert_allclose(distance[row, : len(near)], apart[row, near], rtol=1e-6)
    assert np.isinf(distance[index < 0]).all()


def test_points_at_one_place_are_neighbours_but_never_their_own():
    index, distance = nearest_within(np.zeros((6, 2)), radius_m=1.0, cap=3)
    assert (index != np.arange(6)[:, None]).all()
    assert (index >= 0).all()
    assert (distance == 0).all()


def test_a_neighbour_exactly_at_the_radius_counts():
    index, _ = nearest_within(np.array([[0.0, 0.0], [100.0, 0.0]]), radius_m=100.0, cap=1)
    assert index.tolist() == [[1], [0]]


@pytest.mark.parametrize("cap", [1, 4, 300])
def test_nearest_centres_equal_brute_force(xy, cap):
    centres = np.random.default_rng(1).uniform(0, 1000, size=(150, 2))
    index, distance = nearest_centres(xy, centres, radius_m=130.0, cap=cap)
    assert index.shape == distance.shape == (200, cap)
    apart = np.hypot(*(xy[:, None] - centres[None]).transpose(2, 0, 1))
    for row in range(len(xy)):
        near = [one for one in np.argsort(apart[row]) if apart[row, one] <= 130.0][:cap]
        assert index[row].tolist() == near + [-1] * (cap - len(near))
        np.testing.assert_allclose(distance[row, : len(near)], apart[row, near], rtol=1e-6)
    assert np.isinf(distance[index < 0]).all()


def test_a_centre_exactly_at_the_radius_or_at_the_point_itself_counts():
    index, distance = nearest_centres(
        np.zeros((1, 2)), np.array([[0.0, 100.0], [0.0, 0.0], [100.1, 0.0]]), radius_m=100.0, cap=3
    )
    assert index.tolist() == [[1, 0, -1]]
    assert distance.tolist() == [[0.0, 100.0, np.inf]]


def test_no_centres_are_near_nobody(xy):
    for points, centres in ((xy, xy[:0]), (xy[:0], xy)):
        index, distance = nearest_centres(points, centres, radius_m=10.0, cap=2)
        assert index.shape == distance.shape == (len(points), 2)
        assert (index == -1).all()
        assert np.isinf(distance).all()


def test_no_points_have_no_neighbours():
    index, distance = nearest_within(np.empty((0, 2)), radius_m=1.0, cap=3)
    assert index.shape == distance.shape == (0, 3)


def test_groups_near_lines_measure_to_the_line_and_not_to_its_vertices(xy):
    lines = [
        shapely.LineString([(0, 500), (1000, 500)]),
        shapely.LineString([(0, 0), (10, 0)]),
        shapely.LineString([(5000, 0), (6000, 0)]),
    ]
    groups = groups_near_lines(xy, lines, radius_m=100.0)
    wanted = [[row for row in range(200) if shapely.Point(xy[row]).distance(line) <= 100.0] for line in lines]
    assert members(groups) == wanted
    assert len(wanted[0]) > 10
    assert members(groups.at_least(2)) == [one for one in wanted if len(one) >= 2]


def test_groups_near_points_equal_brute_force(xy):
    centres = np.array([[500.0, 500.0], [9000.0, 0.0]])
    groups = groups_near_points(xy, centres, radius_m=150.0)
    assert members(groups) == [[r for r in range(200) if np.hypot(*(xy[r] - c)) <= 150.0] for c in centres]
    assert members(groups_near_points(xy[:0], centres, radius_m=1.0)) == [[], []]


def test_groups_of_nearest_hold_the_point_and_its_nearest(xy):
    index, _ = nearest_within(xy, radius_m=80.0, cap=3)
    groups = groups_of_nearest(xy, k=3, radius_m=80.0)
    assert members(groups) == [sorted([row, *index[row][index[row] >= 0]]) for row in range(200)]


def test_take_repeats_groups_in_the_order_asked_for():
    groups = Groups(np.array([0, 2, 2, 5]), np.array([7, 8, 1, 2, 3]))
    member, owner = groups.take(np.array([2, 1, 0, 2]))
    assert member.tolist() == [1, 2, 3, 7, 8, 1, 2, 3]
    assert owner.tolist() == [0, 0, 0, 2, 2, 3, 3, 3]


def test_a_point_belongs_to_the_smallest_polygon_around_it():
    polygons = [shapely.box(0, 0, 10, 10), shapely.box(2, 2, 4, 4), shapely.box(0, 0, 20, 20)]
    points = np.array([[3.0, 3.0], [4.0, 4.0], [8.0, 8.0], [15.0, 15.0], [30.0, 0.0]])
    assert containing_polygon(points, polygons).tolist() == [1, 1, 0, 2, -1]


def test_polygons_are_adjacent_at_borders_or_corners_or_nearly():
    shapes = shapely.box([0, 10, 10.5, 30], [0, 10, 0, 0], [10, 20, 20, 40], [10, 20, 9, 10])
    pairs = set(zip(*(one.tolist() for one in adjacent_pairs(shapes, gap_m=1.0)), strict=True))
    assert pairs == {(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)}
    assert set(zip(*(one.tolist() for one in adjacent_pairs(shapes, gap_m=0.0)), strict=True)) == {
        (0, 1),
        (1, 0),
    }
