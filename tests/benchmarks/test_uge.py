"""UGE-lite: pictures with lessons trained on per second of one core's time, beside the arithmetic of its weights."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("programs") / "uge_steps.py"


@pytest.mark.benchmark(group="uge: a step of each stage")
def test_pictures_trained_on_per_second(benchmark):
    """Target: the products of its weights take at least half of a step of `graph`; those of `text` are too small for that."""

    def measure():
        done = subprocess.run([sys.executable, str(PROGRAM)], capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    found = benchmark.pedantic(measure, rounds=1)
    told = {f"{stage}: {name}": value for stage, some in found.items() for name, value in some.items()}
    benchmark.extra_info.update(told)
    sys.stdout.write("\n" + ", ".join(f"{name} {value:.3g}" for name, value in told.items()) + "\n")
    assert all(some["share of products"] < 1 for some in found.values())
