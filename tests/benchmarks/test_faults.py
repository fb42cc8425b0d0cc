"""Faults that must not matter: kills at any moment, and many writers of one results folder."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).with_name("programs")


def found_by(program: str, *words: str) -> dict:
    command = [sys.executable, str(PROGRAMS / program), *words]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.slow
def test_a_hundred_kills(benchmark):
    """Kills of a table, a training, a city's build, merges and compactions. Target: no row and no file of predictions differs from the undisturbed run's."""
    found = benchmark.pedantic(found_by, ("killed_runs.py",), rounds=1)
    benchmark.extra_info |= {name: value for name, value in found.items() if isinstance(value, int)}
    assert (found["faults"], found["temporary files left at the end"]) == ([], 0)


@pytest.mark.slow
def test_eight_writers_of_one_folder(benchmark):
    """Eight processes, one of them killed, with locks and with leases. Target: every cell computed once, none differs."""
    found = benchmark.pedantic(found_by, ("many_writers.py",), rounds=1)
    for word, one in found.items():
        benchmark.extra_info[f"{word}: computed twice"] = one["computed twice"]
        assert (one["differing files"], one["computed twice"], one["readers' faults"]) == ([], 0, [])
