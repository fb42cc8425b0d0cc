"""The programs behind the benchmarks still start: each runs once at its smallest size, in this process."""

from __future__ import annotations

import json
import os
import runpy
import sys
from pathlib import Path

import pytest
import torch

BENCHMARKS = Path(__file__).with_name("benchmarks")
PROGRAMS = [
    path
    for path in sorted((BENCHMARKS / "programs").glob("*.py"))
    if 'if __name__ == "__main__":' in path.read_text(encoding="utf-8")
]


@pytest.fixture
def as_a_program(monkeypatch, tmp_path):
    """Give a program the module path and cache it has as a process of its own, and take back what it changes in this one."""
    monkeypatch.setenv("URBANBENCH_CACHE", str(tmp_path))
    monkeypatch.syspath_prepend(BENCHMARKS / "programs")
    threads, known, words = torch.get_num_threads(), set(sys.modules), dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(words)
    torch.set_num_threads(threads)
    for program in (BENCHMARKS / "programs").glob("*.py"):
        if program.stem not in known:
            sys.modules.pop(program.stem, None)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_a_program_runs_at_its_smallest_size(program, as_a_program, monkeypatch, capfd):
    monkeypatch.setattr(sys, "argv", [str(program), "--smallest"])
    runpy.run_path(str(program), run_name="__main__")
    found = json.loads(capfd.readouterr().out)
    assert isinstance(found, dict)
    assert found


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_a_benchmark_starts_the_program(program):
    """What no benchmark starts would never be measured again."""
    starters = [path for path in BENCHMARKS.glob("test_*.py") if program.name in path.read_text("utf-8")]
    assert starters
