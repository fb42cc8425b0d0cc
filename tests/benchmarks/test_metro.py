"""Large cities: what opening, models and scoring take of a sixteenth of the metropolis, and how that grows to the whole of it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).with_name("programs")


def printed(program, *words):
    command = [sys.executable, str(PROGRAMS / program), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_floors_in_a_sixteenth_and_in_the_whole(benchmark):
    """Target: an exponent of at most 1.1; `programs/metro.py --all` does all models and writes docs/scale.md."""
    cities = ("toyville:metro-16", "toyville:metro")

    def measured():
        return [json.loads(printed("metro_model.py", city, "poi-counts")) for city in cities]

    small, large = benchmark.pedantic(measured, rounds=1)
    benchmark.extra_info |= {"small": small["seconds"], "large": large["seconds"]}
    assert large["gb peak"] < 16


@pytest.mark.slow
def test_heads_and_splits_of_a_sixteenth(benchmark):
    found = benchmark.pedantic(
        lambda: json.loads(printed("metro_scoring.py", "toyville:metro-16", "--splits", "--head", "ridge")),
        rounds=1,
    )
    benchmark.extra_info |= found["seconds"]
