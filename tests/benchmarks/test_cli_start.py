"""How fast the command line answers, beside an empty interpreter."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest


def seconds(words: list[str], repeats: int = 5) -> float:
    """Fastest of some starts."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        best = min(best, time.perf_counter() - start)
    return best


@pytest.mark.parametrize("words", [["--help"], ["list", "models"], ["list", "tasks"]], ids=" ".join)
def test_command_line_starts(benchmark, words):
    empty = seconds(["-c", "pass"])
    benchmark.pedantic(seconds, args=(["-m", "urbanbench", *words], 1), rounds=5, iterations=1)
    fastest = benchmark.stats.stats.min
    benchmark.extra_info |= {
        "empty_s": round(empty, 4),
        "seconds": round(fastest, 4),
        "ratio": round(fastest / empty, 1),
    }
