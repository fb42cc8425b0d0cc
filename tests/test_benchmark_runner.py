"""``python tests/benchmarks``: what fails is a row, and the page follows the file."""

from __future__ import annotations

import json
import re
import runpy
import sys
from pathlib import Path

import pytest

from urbanbench.store import ResultStore

BENCHMARKS = Path(__file__).with_name("benchmarks")
HERE = {
    "cpu": "A CPU",
    "cores": 2,
    "gpu": None,
    "platform": "Linux x86_64",
    "python": "3.11.7",
    "torch": "2.13.0",
}
OTHER = HERE | {"gpu": "A GPU"}
TRIED = """
import os, pytest

def test_quick(benchmark):
    benchmark.extra_info["ratio"] = 12.5
    benchmark.pedantic(lambda: None, rounds=1)

def test_wrong(benchmark):
    benchmark(lambda: 1 / 0)

@pytest.mark.slow
def test_ends_the_process(benchmark):
    os._exit(3)

def test_elsewhere(benchmark):
    pytest.skip("no such device")
"""


@pytest.fixture
def runner(monkeypatch):
    """The parts of the runner, as they find one another when the folder is run."""
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    from runner import book, machine, measuring

    yield {"book": book, "machine": machine, "measuring": measuring}
    for name in [one for one in sys.modules if one.partition(".")[0] == "runner"]:
        del sys.modules[name]


def row(seconds=1.0, *, status="measured", reason="", group=None, machine=HERE, **figures):
    told = {"group": group, "seconds": {"min": seconds, "median": seconds, "max": seconds}, "timer": "wall"}
    common = {"status": status, "reason": reason, "load": 0.4, "date": "2026-01-02", "machine": machine}
    return common | (told | {"rounds": 3, "figures": figures} if status == "measured" else {})


def line_of(page, name):
    return next(line for line in page.splitlines() if f"`{name}`" in line)


@pytest.fixture
def tried(runner, tmp_path, monkeypatch):
    """The runner over a folder of benchmarks that go wrong in every way, and how to call it."""
    (tmp_path / "test_tried.py").write_text(TRIED, encoding="utf-8")
    for name in ("BENCHMARKS", "CHECKOUT"):
        monkeypatch.setattr(runner["measuring"], name, tmp_path)
    main = runpy.run_path(str(BENCHMARKS / "__main__.py"))["main"]
    words = ["--json", str(tmp_path / "found.json"), "--page", str(tmp_path / "page.md")]
    return lambda *more: main([*words, *more])


def test_every_end_of_a_benchmark_is_a_row(tried, tmp_path, capfd):
    """One that is measured, raises, ends its process, or cannot run here."""
    assert tried() == 1
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))["benchmarks"]
    ends = {name.partition("::test_")[2]: (one["status"], one["reason"]) for name, one in found.items()}
    assert ends == {
        "quick": ("measured", ""),
        "wrong": ("failed", "ZeroDivisionError: division by zero"),
        "ends_the_process": ("failed", "the process ended with exit code 3"),
        "elsewhere": ("skipped", "no such device"),
    }
    assert found["test_tried.py::test_quick"]["figures"] == {"ratio": 12.5}
    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "ratio 12.5" in line_of(page, "quick")
    assert "division by zero" in line_of(page, "wrong")
    capfd.readouterr()
    assert tried("--resume", "--only", "quick") == 0
    assert "test_quick" not in capfd.readouterr().err


def test_a_benchmark_without_end_is_ended_with_all_it_started(runner, tmp_path, monkeypatch):
    monkeypatch.setattr(runner["measuring"], "BENCHMARKS", tmp_path)
    (tmp_path / "test_long.py").write_text(
        "import time\ndef test_long(benchmark):\n    time.sleep(600)\n", "utf-8"
    )
    found = runner["measuring"].measured("test_long.py::test_long", limit_s=0.2)
    assert (found["status"], found["reason"]) == ("failed", "ended after 0.2 s")


def test_the_ratio_is_to_the_quickest_of_a_group_on_the_same_machine(runner):
    page = runner["book"].page_of(
        {
            "test_a.py::test_loop": row(6.0, group="walks"),
            "test_a.py::test_ours": row(0.5, group="walks"),
            "test_a.py::test_gpu": row(0.01, group="walks", machine=OTHER),
            "test_a.py::test_alone": row(0.1),
        }
    )
    cells = {name: line_of(page, name).split(" | ")[1:3] for name in ("loop", "ours", "gpu", "alone")}
    assert cells == {"loop": ["6", "12"], "ours": ["0.5", "1"], "gpu": ["0.01", ""], "alone": ["0.1", ""]}


def test_a_skipped_benchmark_does_not_replace_what_another_machine_measured(runner):
    book = runner["book"].Book()
    book.put("test_a.py::test_gpu", row(2.0, machine=OTHER))
    book.put("test_a.py::test_gpu", row(status="skipped", reason="no CUDA device"))
    assert book.rows["test_a.py::test_gpu"]["status"] == "measured"
    book.put("test_a.py::test_gpu", row(status="failed", reason="RuntimeError"))
    assert book.rows["test_a.py::test_gpu"]["status"] == "failed"


def test_a_stopped_run_goes_on_with_what_this_machine_has_not_measured(runner):
    book = runner["book"].Book({"a": row(), "b": row(machine=OTHER), "c": row(status="failed")})
    assert [name for name in "abcd" if not book.holds(name, HERE)] == ["b", "c", "d"]


def test_the_machine_is_told_without_names_of_hosts_and_folders(runner):
    told = runner["machine"].machine()
    assert set(told) == {"cpu", "cores", "gpu", "platform", "python", "torch"}
    assert not re.search(r"[/\\@]", json.dumps({name: one for name, one in told.items() if name != "cpu"}))


def test_figures_beside_results_are_no_result(tmp_path, runner):
    book = runner["book"].Book({"test_a.py::test_x": row()})
    book.write(tmp_path / "benchmarks.json", tmp_path / "benchmarks.md")
    assert ResultStore(tmp_path).load_all() == []
