"""Whole commands as a user types them, on a fresh cache: the first one of README, and UrbanMFM on Singapore."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SINGAPORE = Path(os.environ.get("URBANBENCH_DATA", "/nonexistent")) / "singapore"

PROGRAM = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
code = subprocess.run([sys.executable, "-m", "urbanbench", *sys.argv[1:]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps({"code": code, "seconds": time.perf_counter() - start, "peak_mb": peak / (2**20 if sys.platform == "darwin" else 1024)}))
"""


def command(folder: Path, words: list[str]) -> dict[str, float]:
    """Run the program with an empty cache and results folder; return exit code, seconds and peak memory."""
    surroundings = os.environ | {"URBANBENCH_CACHE": str(folder / "cache")}
    asked = [sys.executable, "-c", PROGRAM, *words, "--out", str(folder / "results")]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, env=surroundings)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def test_first_command_of_readme(benchmark, tmp_path):
    """Target: under 90 s on two cores, the city's generation and all floors included."""
    words = ["run", "--model", "urbanmfm", "--task", "popdensity", "--preset", "quick"]
    found = benchmark.pedantic(command, args=(tmp_path, words), rounds=1, iterations=1)
    benchmark.extra_info |= found
    assert found["code"] == 0


@pytest.mark.realdata
@pytest.mark.skipif(not SINGAPORE.is_dir(), reason="no singapore under URBANBENCH_DATA")
def test_urbanmfm_on_singapore_with_ten_seeds(benchmark, tmp_path):
    """Target: under 10 minutes and 4 GB on two cores."""
    words = [
        "run",
        "-m",
        "urbanmfm",
        "-t",
        "popdensity",
        "-c",
        str(SINGAPORE),
        "--inputs",
        "poi,polygon",
        "--no-floors",
    ]
    found = benchmark.pedantic(command, args=(tmp_path, words), rounds=1, iterations=1)
    benchmark.extra_info |= found
    assert found["code"] == 0
    assert found["peak_mb"] < 4096
