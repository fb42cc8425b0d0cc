"""Boards and comparisons judge alike: what chance is told by, bold sets, ranks and verdicts of the same rows."""

import numpy as np
import pytest
from tests.page_data import data_of

from urbanbench.board.contests import contest_of
from urbanbench.board.leading import leading
from urbanbench.board.rows import read_row
from urbanbench.board.trainings import joined
from urbanbench.cli.app import main
from urbanbench.judging.basis import Basis, basis_of
from urbanbench.judging.comparison import compare
from urbanbench.judging.ground import Ground
from urbanbench.judging.question import pair_up
from urbanbench.judging.witness import Witness
from urbanbench.report.ranks import possible_ranks

PLACES = {f"r{k:02d}": (400.0 * (k % 6), 400.0 * (k // 6)) for k in range(36)}
GROUND = Ground(lambda row: PLACES)
FEW = [{"test_side": "a" if seed % 4 else "b"} for seed in range(10)]
OWN = [{"test_side": str(seed)} for seed in range(10)]


def rows_of(results, *, by_units):
    told = [one.to_dict() | ({"witness": Witness(one, GROUND)} if by_units else {}) for one in results]
    return joined([read_row(one) for one in told])


@pytest.mark.parametrize(
    ("split", "facts", "basis"),
    [
        ("block", [], Basis.NEIGHBOURHOODS),
        ("block", FEW, Basis.NEIGHBOURHOODS),
        ("group", OWN, Basis.NEIGHBOURHOODS),
        ("group:street", FEW, Basis.SAME_UNITS),
        ("group", [], Basis.NEIGHBOURHOODS),
        ("random", [], Basis.UNITS),
        ("file:x-0123456789", [], Basis.UNITS),
        ("file:x-0123456789", [{"same_test_units": 1}], Basis.SAME_UNITS),
        ("city-out+10", [], Basis.SAME_UNITS),
        ("paper:hgi", [], Basis.UNITS),
    ],
)
def test_what_chance_is_told_by_follows_from_the_split_and_what_it_says(split, facts, basis):
    assert basis_of(split, facts) is basis
    assert basis_of(split, facts, of_queries=True) is Basis.QUERIES


def test_test_sides_are_counted_where_facts_do_not_tell():
    sides = [np.array([seed % 4 // 3]) for seed in range(10)]
    assert basis_of("group", tested=sides) is Basis.SAME_UNITS
    assert basis_of("group", OWN, tested=sides) is Basis.NEIGHBOURHOODS
    assert basis_of("block", tested=sides) is Basis.NEIGHBOURHOODS


@pytest.mark.parametrize(
    ("split", "sets"), [("random", None), ("block", None), ("group", 2), ("group", 6), ("city-out", None)]
)
@pytest.mark.parametrize("trainings", [1, 3])
def test_a_board_that_is_given_predictions_finds_what_compare_finds(make_row, split, sets, trainings):
    facts = [{"test_side": str(seed % (sets or 10))} for seed in range(10)]
    sides = [
        [
            make_row(name, noise, split=split, sets=sets, model_seed=seed, draw=f"{name}{seed}")
            for seed in range(trainings)
        ]
        for name, noise in (("a", 1.0), ("b", 2.5))
    ]
    for one in (row for side in sides for row in side):
        one.evaluation["split_facts"] = facts
    [found] = compare(pair_up(("a", "b"), *sides), GROUND)
    contest = contest_of(rows_of([*sides[0], *sides[1]], by_units=True), "r2")
    half = found.verdict.p / 2
    assert contest.p_better(0)[1] == pytest.approx(half if found.verdict.mean > 0 else 1 - half)
    assert contest.p_better(1)[0] == pytest.approx(1 - half if found.verdict.mean > 0 else half)


@pytest.mark.parametrize("pieces", [5, 40])
def test_boards_and_comparisons_take_as_many_groups_as_the_splits_tell_of(make_row, pieces):
    results = [make_row(name, noise, split="group", sets=10) for name, noise in (("a", 1.0), ("b", 1.6))]
    pair = pair_up(("a", "b"), [results[0]], [results[1]])
    blind = compare(pair, GROUND)[0].verdict
    for one in results:
        one.evaluation["split_facts"] = [side | {"pieces": pieces} for side in OWN]
    told = compare(pair, GROUND)[0].verdict
    p = contest_of(rows_of(results, by_units=True), "r2").p_better(0)[1]
    assert p == pytest.approx(told.p / 2 if told.mean > 0 else 1 - told.p / 2)
    assert (told.p > blind.p) == (pieces == 5)


@pytest.mark.parametrize("split", ["group", "city-out"])
def test_seeds_that_test_the_same_units_make_no_bold_set_and_no_ranks_of_scores_alone(make_row, split):
    results = [make_row(name, noise, split=split, sets=2) for name, noise in (("a", 0.2), ("b", 9.0))]
    for one in results:
        one.evaluation["split_facts"] = FEW
    alone, told = (rows_of(results, by_units=by_units) for by_units in (False, True))
    assert leading(alone, "r2") == {}
    assert possible_ranks(alone, leading(alone, "r2")) == {}
    assert leading(told, "r2") == {results[0].run_id: "best"}
    assert set(possible_ranks(told, leading(told, "r2"))) == {one.run_id for one in results}


def test_a_board_by_units_falls_back_on_scores_where_a_row_lacks_its_predictions(make_row):
    results = [make_row("a", 0.2), make_row("b", 0.3, keep=False)]
    told, alone = (contest_of(rows_of(results, by_units=by_units), "r2") for by_units in (True, False))
    assert told.units is None
    assert told.p_better(0)[1] == alone.p_better(0)[1]


@pytest.mark.parametrize("by_units", [False, True])
def test_a_report_by_units_has_the_bold_set_of_a_board_by_units(
    make_row, folder, monkeypatch, tmp_path, by_units
):
    monkeypatch.setattr("urbanbench.api.comparing.places_of", lambda row: PLACES)
    results = [make_row(name, noise, split="city-out", sets=2) for name, noise in (("a", 0.2), ("b", 9.0))]
    out = tmp_path / "page.html"
    words = ["--by-units"] if by_units else []
    assert main(["report", str(folder), "--no-maps", "-o", str(out), *words]) == 0
    page = data_of(out)
    [table] = page["questions"][0]["tables"]
    marked = {page["rows"][line["row"]]["model"]: line.get("mark") for line in table["lines"]}
    ranks = [line.get("rank") for line in table["lines"]]
    said = leading(rows_of(results, by_units=by_units), "r2")
    assert marked == {one.cell.model: said.get(one.run_id) for one in results}
    assert ranks == ([[1, 1], [2, 2]] if by_units else [None, None])
    assert ("separable from every other of the 2 rows" in table["verdict"]["words"]) == by_units
    assert any("judged by units (--by-units)" in one for one in page["judged"]) == by_units
    assert any("Under city-out nothing is bold" in one for one in page["judged"]) != by_units


@pytest.mark.parametrize(("words", "bold"), [([], False), (["--by-units"], True)])
def test_the_command_reads_predictions_and_places_where_it_is_told_to(
    make_row, folder, monkeypatch, capsys, words, bold
):
    monkeypatch.setattr("urbanbench.api.comparing.places_of", lambda row: PLACES)
    for name, noise in (("a", 0.2), ("b", 9.0)):
        make_row(name, noise, split="city-out", sets=1)
    assert main(["leaderboard", str(folder), "--format", "md", *words]) == 0
    shown = capsys.readouterr().out
    assert ("<ins>" in shown) == bold
    assert ("judged by units (--by-units)" in shown) == bold
    assert ("Under city-out nothing is bold" in shown) != bold
