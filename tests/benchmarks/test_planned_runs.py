"""What a run costs beside its work, and whether the plan says what it takes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "programs" / "planned_runs.py"
RESULTS = Path(__file__).resolve().parents[2] / "results"


def printed(*words):
    done = subprocess.run([sys.executable, str(PROGRAM), *words], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_a_cell_costs_less_than_50_ms_beside_its_work(benchmark):
    """Target: under 50 ms a new cell with cached vectors, and a finished one that is kept, on a machine that does nothing else."""
    found = benchmark.pedantic(printed, args=("overhead",), rounds=1, iterations=1)
    benchmark.extra_info.update(found)
    assert max(found[name]["ms a cell"] for name in ("new", "kept")) < 50


@pytest.mark.slow
def test_two_processes_take_what_the_plan_says(benchmark):
    """Target: the plan within a quarter of what 24 cells take with one process and with two."""
    found = benchmark.pedantic(printed, args=("scaling",), rounds=1, iterations=1)
    benchmark.extra_info.update(found)
    for jobs, seconds in found["measured s"].items():
        assert found["predicted s"][jobs] == pytest.approx(seconds, rel=0.25)


@pytest.mark.slow
def test_a_full_board_on_a_thousand_gpus(benchmark):
    """Ratio: how much of 1,000 GPUs a full board uses, by simulation with what committed rows cost."""
    found = benchmark.pedantic(printed, args=("board", str(RESULTS)), rounds=1, iterations=1)
    benchmark.extra_info.update(found)
    least = [row["least s"] <= row["asked s"] for row in found["gpus"].values()]
    assert all(least)
