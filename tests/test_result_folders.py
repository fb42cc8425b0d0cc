"""Own runs and reference rows: where they lie, how they are read together, and that no run touches the reference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import urbanbench
from urbanbench.cli.app import main
from urbanbench.errors import DataMissing
from urbanbench.result import FAILED, OK, Cell, RunResult
from urbanbench.result_folders import latest, load_results, reference_folder
from urbanbench.store import ResultStore

CHECKOUT = Path(urbanbench.__file__).resolve().parents[2]
CELL = Cell("village", "m", "", {}, "full", "income", 1, "random", None, "ridge", (0,), 0)


def a_result(r2: float, status: str = OK, **changes) -> RunResult:
    cell = replace(CELL, **changes)
    return RunResult(status, cell, scores={"r2": [r2]} if status == OK else {})


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Stand in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_reference_rows_come_first_and_own_runs_say_that_they_are():
    ResultStore(Path("results")).save(a_result(0.5))
    ResultStore(Path("runs")).save(a_result(0.6))
    found = load_results()
    assert [(one.scores["r2"], one.own) for one in found] == [([0.5], False), ([0.6], True)]
    assert [one.file.parts[0] for one in found] == ["results", "runs"]
    assert [one.own for one in load_results(Path("runs"))] == [False]


def test_without_any_folder_both_are_named():
    with pytest.raises(DataMissing, match="No results folder 'runs' or 'results' here"):
        load_results()


def test_the_checkout_lends_its_reference_to_folders_inside_it_alone(monkeypatch):
    assert reference_folder() is None
    monkeypatch.chdir(CHECKOUT / "docs")
    assert reference_folder() == CHECKOUT / "results"
    monkeypatch.chdir(CHECKOUT)
    assert reference_folder() == Path("results")


def test_of_equal_cells_the_later_counts_unless_it_has_no_scores():
    first, second, failed = a_result(0.5), a_result(0.6), a_result(0.0, FAILED)
    other = a_result(0.1, head="rf")
    assert latest([first, other, second]) == [second, other]
    assert latest([first, failed]) == [first]
    assert latest([failed, first]) == [first]


def test_a_run_writes_into_runs_and_leaves_the_reference_alone(own_cache, village, counting, here, capsys):
    words = [
        "run",
        "-m",
        str(counting),
        "-t",
        "income",
        "-c",
        str(village),
        "--head",
        "ridge",
        "--seeds",
        "2",
    ]
    main([*words, "--no-floors", "--out", "results"])
    before = {path: path.read_bytes() for path in Path("results").rglob("*") if path.is_file()}
    counting.write_text(counting.read_text().replace("counts**self.power", "counts**self.power * 3 + 7"))
    assert main([*words, "--no-floors"]) == 0
    assert {path: path.read_bytes() for path in Path("results").rglob("*") if path.is_file()} == before
    assert len(list(Path("runs").glob("*/*/*__*.json"))) == 1
    capsys.readouterr()


def test_boards_show_both_and_mark_own_runs(here, capsys):
    for folder, r2, head in (("results", 0.5, "ridge"), ("runs", 0.75, "ridge"), ("runs", 0.6, "rf")):
        made = a_result(r2, head=head)
        ResultStore(Path(folder)).save(
            replace(made, evaluation={"main_metric": "r2"}, task={"kind": "regression", "level": "region"})
        )
    assert main(["leaderboard", "-f", "md"]) == 0
    out = capsys.readouterr().out
    labels = [line.split("|")[1].strip() for line in out.splitlines() if line.startswith("| m")]
    assert sorted(set(labels) - {"model"}) == ["m", "m †"]
    assert "† marks your own runs" in out
    assert main(["leaderboard", "results"]) == 0
    assert "†" not in capsys.readouterr().out
    assert main(["leaderboard", "-f", "csv"]) == 0
    assert capsys.readouterr().out.count(",True,") == 2


def test_an_own_run_that_repeats_a_reference_row_is_shown_once(here, capsys):
    for folder in ("results", "runs"):
        ResultStore(Path(folder)).save(replace(a_result(0.5), evaluation={"main_metric": "r2"}))
    assert main(["leaderboard", "-f", "csv"]) == 0
    lines = capsys.readouterr().out.strip().splitlines()
    assert len(lines) == 2
    assert ",True," not in lines[1]
