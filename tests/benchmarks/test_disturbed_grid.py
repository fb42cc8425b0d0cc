"""200 cells on a Ray cluster of three nodes, whose workers are killed and one of whose nodes is removed: the rows of an undisturbed local run."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("ray", reason="the extra ray is not installed")

PROGRAM = Path(__file__).with_name("programs") / "disturbed_grid.py"


def test_a_disturbed_grid(benchmark):
    """Target: every file of the results folder is that of the undisturbed run, but for times."""
    command = [sys.executable, str(PROGRAM)]
    done = benchmark.pedantic(
        lambda: subprocess.run(command, capture_output=True, text=True, check=True), rounds=1
    )
    found = json.loads(done.stdout)
    benchmark.extra_info |= found
    sys.stdout.write(f"\n{found}\n")
    assert found["cells with scores"] == found["cells"]
    assert found["files that are the same"] == found["files"]
    assert found["workers killed"] > 0
    assert found["nodes removed"] == 1
