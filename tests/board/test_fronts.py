"""Score against cost: the front, machine by machine, and what a row cost."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from urbanbench.board import render
from urbanbench.board.costs import costs_of, machine
from urbanbench.board.fronts import fronts_of, on_front
from urbanbench.board.rows import read_row
from urbanbench.errors import BadInput
from urbanbench.plots.pareto import front_figure

HERE = {"cpu": "A chip", "cores": 2, "gpu": None}


def priced(make_result, name, score, seconds, *, place=None, training=(), **cost):
    result = make_result(name, values=[score, score + 0.02])
    result["cost"] |= {"embed_seconds": seconds, "head_seconds": 0.5} | cost
    result["provenance"] |= HERE if place is None else place
    return result | {"training": list(training)}


@pytest.mark.parametrize("seed", range(20))
def test_the_front_is_that_of_brute_force(seed):
    rng = np.random.default_rng(seed)
    points = [tuple(map(float, pair)) for pair in rng.integers(0, 6, (rng.integers(1, 25), 2))]

    def beaten(cost, gain):
        return any((c <= cost and g >= gain) and (c < cost or g > gain) for c, g in points)

    assert on_front(points) == [not beaten(*point) for point in points]


def test_rows_of_one_machine_make_a_front_the_cheapest_first(make_result):
    results = [
        priced(make_result, "slow", 0.7, 100),
        priced(make_result, "cheap", 0.4, 1),
        priced(make_result, "beaten", 0.5, 200),
    ]
    [front] = fronts_of(results)
    assert [one.row.name for one in front.rows] == ["cheap", "slow", "beaten"]
    assert [one.row.name for one in front.best] == ["cheap", "slow"]
    assert front.machine == "A chip, 2 cores"


def test_learned_models_have_a_front_of_their_own_beside_a_floor_that_beats_them(make_result):
    floor = make_result("counts", floor=True, values=[0.8, 0.8])
    floor["cost"] |= {"embed_seconds": 0.1}
    floor["provenance"] |= HERE
    [front] = fronts_of(
        [
            floor,
            priced(make_result, "a", 0.5, 1),
            priced(make_result, "b", 0.4, 2),
            priced(make_result, "c", 0.7, 3),
        ]
    )
    assert [one.row.name for one in front.best] == ["counts"]
    assert [one.row.name for one in front.best_learned] == ["a", "c"]


def test_times_of_two_machines_are_never_held_against_each_other(make_result):
    other = {"cpu": "A chip", "cores": 2, "gpu": "A card"}
    fronts = fronts_of([priced(make_result, "a", 0.7, 100), priced(make_result, "b", 0.8, 1, place=other)])
    assert {front.machine: [one.row.name for one in front.best] for front in fronts} == {
        "A chip, 2 cores": ["a"],
        "A chip, 2 cores, A card": ["b"],
    }


def test_a_row_whose_parts_nobody_timed_is_shown_and_never_on_the_front(make_result):
    read = [{"part": "stage poi", "seconds": None}]
    [front] = fronts_of(
        [priced(make_result, "a", 0.9, 1, embed_read=read), priced(make_result, "b", 0.5, 10)]
    )
    assert [(one.row.name, one.best, one.costs.complete) for one in front.rows] == [
        ("a", False, False),
        ("b", True, True),
    ]


def test_kept_parts_count_with_what_they_had_cost(make_result):
    read = [{"part": "stage poi", "seconds": 60.0}]
    assert costs_of(read_row(priced(make_result, "a", 0.9, 1, embed_read=read))).seconds == pytest.approx(
        61.5
    )


def test_an_old_row_whose_stages_trained_for_longer_than_its_vectors_took_is_not_complete(make_result):
    row = read_row(
        priced(
            make_result,
            "a",
            0.9,
            2,
            training=[{"name": "poi", "seconds": 30.0}, {"name": "svi", "skipped": "no pictures"}],
        )
    )
    assert (costs_of(row).embed_seconds, costs_of(row).complete, costs_of(row).units_per_second) == (
        30.0,
        False,
        None,
    )
    whole = read_row(priced(make_result, "a", 0.9, 40, training=[{"name": "poi", "seconds": 30.0}]))
    assert (costs_of(whole).embed_seconds, costs_of(whole).complete) == (40.0, True)


def test_finished_vectors_have_no_time_of_their_making(make_result):
    result = priced(make_result, "theirs", 0.9, 0.001)
    result["spec"] = result["spec"] | {"inputs": "given"}
    assert costs_of(read_row(result)).seconds is None
    assert fronts_of([result]) == []


def test_weights_bytes_throughput_and_energy_are_told_and_what_is_missing_is_none(make_result):
    told = {
        "weights": {"trained": 1200, "frozen": 34},
        "embed_units": 500,
        "embed_joules": 40.0,
        "head_joules": 2.0,
        "energy_meters": "package-0",
    }
    costs = costs_of(read_row(priced(make_result, "a", 0.9, 5, **told)))
    assert (
        costs.trained,
        costs.frozen,
        costs.bytes_per_unit,
        costs.units_per_second,
        costs.joules,
        costs.meters,
    ) == (1200, 34, 64, 100.0, 42.0, "package-0")
    old = costs_of(read_row(priced(make_result, "a", 0.9, 5)))
    assert (old.trained, old.joules, old.units_per_second) == (None, None, pytest.approx(332 / 5))
    uncounted = {"weights": {"trained": 0, "frozen": 0}}
    assert costs_of(read_row(priced(make_result, "a", 0.9, 5, **uncounted))).trained is None
    half = {"embed_joules": None, "head_joules": 2.0}
    assert costs_of(read_row(priced(make_result, "a", 0.9, 5, **half))).joules is None


def test_the_csv_board_has_the_costs(make_result):
    result = priced(make_result, "a", 0.9, 5, weights={"trained": 7, "frozen": 0}, embed_units=10)
    line = next(csv.DictReader(io.StringIO(render([result], format="csv"))))
    assert (line["weights_trained"], line["bytes_per_unit"], line["units_per_second"], line["joules"]) == (
        "7",
        "64",
        "2.0",
        "",
    )
    assert line["machine"] == machine(read_row(result)) == "A chip, 2 cores"


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_a_picture_is_drawn_in_every_kind_and_twice_the_same(make_result, tmp_path, kind):
    results = [priced(make_result, f"m{k}", 0.1 * k - (30 if k == 5 else 0), 2.0**k) for k in range(7)]
    results.append(priced(make_result, "part", 0.3, 3, embed_read=[{"part": "x", "seconds": None}]))
    for name in ("one", "two"):
        front_figure(fronts_of(results)).save(tmp_path / f"{name}.{kind}")
    assert (tmp_path / f"one.{kind}").read_bytes() == (tmp_path / f"two.{kind}").read_bytes()


def test_too_many_panels_are_refused(make_result, tmp_path):
    places = [{"cpu": f"chip {k}", "cores": 1, "gpu": None} for k in range(13)]
    results = [priced(make_result, f"m{k}", 0.5, 1, place=place) for k, place in enumerate(places)]
    with pytest.raises(BadInput, match="13 panels"):
        front_figure(fronts_of(results)).save(tmp_path / "x.png")


def test_a_row_of_an_older_question_is_shown_and_never_on_the_front(make_result):
    old, new = priced(make_result, "quick-and-high", 0.9, 1), priced(make_result, "a", 0.5, 2)
    [front] = fronts_of([old | {"versions": {"head": 1}}, new | {"versions": {"head": 2}}])
    assert [one.row.name for one in front.rows] == ["quick-and-high", "a"]
    assert [one.row.name for one in front.best] == ["a"]
    assert [one.row.name for one in front.best_learned] == ["a"]
