"""How UrbanMFM's preparation, its training steps and its memory grow from 10,000 to 500,000 POIs, everything else in proportion."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

PROGRAM = Path(__file__).with_name("programs") / "growth.py"
SIZES = (10_000, 40_000, 150_000, 500_000)


def grown(n_pois):
    """Measure a city in a process of its own, so that its peak memory is its own."""
    command = [sys.executable, str(PROGRAM), str(n_pois)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    return json.loads(done.stdout)


def exponent(found, values):
    """Return the slope of the least-squares line through the logarithms of values over those of POIs."""
    return float(np.polyfit(np.log([one["pois"] for one in found]), np.log(values), 1)[0])


def table(found):
    """Return rows (name, values, exponent) of everything measured."""
    rows = []
    for part in ("seconds", "step"):
        for name in found[0][part]:
            values = [one[part][name] for one in found]
            rows.append((f"step {name}" if part == "step" else name, values, exponent(found, values)))
    prepared = [one["mb after preparation"] - one["mb before"] for one in found]
    peak = [one["peak mb"] for one in found]
    return [
        *rows,
        ("MB added by preparation", prepared, exponent(found, prepared)),
        ("MB at the peak", peak, exponent(found, peak)),
    ]


@pytest.mark.slow
def test_growth(benchmark):
    """Target: exponents of at most 1.1 for all preparation, about 0 for steps."""
    found = benchmark.pedantic(lambda: [grown(n_pois) for n_pois in SIZES], rounds=1)
    rows = table(found)
    benchmark.extra_info.update({name: slope for name, _, slope in rows})
    for name, values, slope in rows:
        sys.stdout.write(f"\n{name:28}" + "".join(f"{one:11.4g}" for one in values) + f"   n^{slope:.2f}")
    sys.stdout.write("\n")
    assert [one["pois"] for one in found] == list(SIZES)
