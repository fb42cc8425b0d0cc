"""A whole ladder with four heads and ten seeds for one embedding of a city like New York, in two processes of one thread, as ``urbanbench run --jobs 2`` has them.

Run with ``pytest tests/benchmarks/test_split_ladder.py --benchmark-only -o addopts=""``; `extra_info` has the seconds both took side by side, and what the processor worked on
each head.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "programs" / "split_ladder.py"


def _run(*words):
    run = subprocess.run([sys.executable, str(PROGRAM), *words], capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("dim", [64, 128, 256])
def test_a_ladder_of_four_heads_and_ten_seeds(benchmark, dim):
    told = {}
    benchmark.pedantic(lambda: told.update(_run("--dim", str(dim), "--jobs", "2")), rounds=1)
    benchmark.extra_info |= told | {"dim": dim}
