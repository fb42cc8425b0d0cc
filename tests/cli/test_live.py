"""The live table of a run: what is done, what runs, what waits, and an honest time left."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from urbanbench.cli.live import LiveTable
from urbanbench.progress import is_interactive, note, pulse, running, shown_by_one, time_left, tracking
from urbanbench.result import FAILED, OK, RunResult, RunSpec
from urbanbench.run import resolve
from urbanbench.run.planning.forecast import Forecast
from urbanbench.store import ResultStore


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def order(model, task="popdensity", preset="", head="ridge"):
    return resolve(RunSpec(model, task, "toyville", preset=preset, head=head))


def finished(one, embed=100.0, head=10.0, **cost):
    return RunResult(
        OK,
        one.cell,
        task={"level": "region"},
        scores={"r2": [0.5, 0.6]},
        evaluation={"main_metric": "r2"},
        cost={"embed_seconds": embed, "head_seconds": head, "embedding_cached": False} | cost,
    )


@pytest.fixture
def clock():
    return Clock()


def drawn(table):
    out = io.StringIO()
    Console(file=out, width=100, force_terminal=False).print(table._drawn())
    return out.getvalue()


def test_a_table_lives_while_cells_run(tmp_path, clock, monkeypatch, capsys):
    cells = [order("hgi", task) for task in ("popdensity", "income", "gdp")] + [order("cityfm")]
    forecast = Forecast(cells, ResultStore(tmp_path), clock=clock)
    table = LiveTable(cells, forecast)
    assert drawn(table).startswith("0 of 4 cells done, time left unknown: no such cells have run here yet")
    table.began(cells[0])
    clock.now = 30.0
    text = drawn(table)
    assert "runs" in text
    assert "30 s so far, of unknown length" in text
    assert text.count("waits") == 3
    table(finished(cells[0]), True)
    text = drawn(table)
    assert text.startswith("1 of 4 cells done, about 20 s left, and 1 cell of unknown length")
    assert "r2 0.550, 110.0 s" in text
    assert text.count("about 10 s") == 2
    monkeypatch.delenv("URBANBENCH_QUIET", raising=False)
    table(RunResult(FAILED, cells[3].cell, reason="it broke"), True)
    assert "failed: it broke" in capsys.readouterr().err
    assert "failed" in drawn(table)


def test_a_cell_that_runs_counts_for_what_is_left_of_it_and_for_what_its_training_says(tmp_path, clock):
    before, now = order("hgi", "income"), order("hgi", "popdensity")
    store = ResultStore(tmp_path)
    store.save(finished(before))
    forecast = Forecast([now], store, clock=clock)
    assert str(forecast) == "about 2 min left"
    forecast.began(now)
    clock.now = 80.0
    assert forecast.left().seconds == pytest.approx(30.0)
    assert forecast.left(300.0).seconds == pytest.approx(300.0)
    clock.now = 500.0
    assert forecast.left().seconds == 0.0


def test_of_a_training_that_nobody_knows_the_bar_is_the_least(tmp_path, clock):
    now = order("hgi")
    forecast = Forecast([now, order("cityfm")], ResultStore(tmp_path), clock=clock)
    forecast.began(now)
    assert str(forecast.left(600.0)) == "at least 10 min left, and 2 cells of unknown length"
    assert str(forecast.left()) == "time left unknown: no such cells have run here yet"


def test_another_preset_and_other_units_say_nothing_of_a_cell(tmp_path):
    store = ResultStore(tmp_path)
    store.save(finished(order("hgi", preset="quick"), embed=3.0))
    assert str(Forecast([order("hgi", preset="paper")], store)).startswith("time left unknown")
    assert str(Forecast([order("hgi", "income", preset="quick")], store)) == "about 13 s left"
    buildings = order("hgi", "building-function", preset="quick")
    assert str(Forecast([buildings], store)).startswith("time left unknown")


def test_parts_that_were_only_read_count_for_what_they_had_cost(tmp_path):
    store = ResultStore(tmp_path)
    read = [{"part": "stage", "seconds": 590.0}, {"part": "other", "seconds": None}]
    store.save(finished(order("hgi"), embed=0.5, embed_read=read))
    assert str(Forecast([order("hgi", "landuse")], store)) == "about 10 min left"


def test_several_processes_share_cells_but_not_the_vectors_of_one_model(tmp_path, monkeypatch):
    monkeypatch.setenv("URBANBENCH_CACHE", str(tmp_path / "cache"))  # where toyville is not built
    store = ResultStore(tmp_path)
    store.save(finished(order("urbanmfm")))
    cells = [order("urbanmfm", task) for task in ("income", "gdp", "landuse")]
    assert Forecast(cells, store, jobs=1).left().seconds == pytest.approx(110 + 10 + 110)
    assert Forecast(cells, store, jobs=2).left().seconds == pytest.approx(115.0)
    assert Forecast(cells, store, jobs=8).left().seconds == pytest.approx(120.0)


def test_bars_and_lines_of_the_block_are_left_to_the_table(capsys, monkeypatch):
    monkeypatch.setattr(
        "sys.stderr", terminal := SimpleNamespace(isatty=lambda: True, write=lambda _: 0, flush=lambda: None)
    )
    for name in ("CI", "URBANBENCH_QUIET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert terminal.isatty()
    assert is_interactive()
    with shown_by_one(), pulse("mine", every_s=0.01), tracking("train poi", 10) as bar:
        bar.advance(2)
        assert running() == ["train poi: 2 of 10"]
        assert time_left() is None
    assert running() == []


def test_a_process_whose_work_another_one_shows_says_nothing_itself(monkeypatch):
    monkeypatch.setenv("URBANBENCH_SHOWN", "1")
    monkeypatch.setattr("sys.stderr", said := io.StringIO())
    monkeypatch.delenv("URBANBENCH_QUIET", raising=False)
    with pulse("mine", every_s=0.01), tracking("train", 3):
        import time

        time.sleep(0.05)
    assert said.getvalue() == ""
    note("but single notes are heard")
    assert "heard" in said.getvalue()
