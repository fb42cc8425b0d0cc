"""HGI's time per epoch, its preparation and its memory from 332 to 30,000 regions, with 45 POIs per region."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

PROGRAM = Path(__file__).with_name("programs") / "hgi_epoch.py"
SIZES = ((332, 14_868), (2166, 97_000), (30_000, 1_343_000))


def measured(n_regions, n_pois, threads):
    """Measure a city in a process of its own, so that its peak memory is its own."""
    command = [sys.executable, str(PROGRAM), str(n_regions), str(n_pois), str(threads)]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return json.loads(done.stdout)


def test_an_epoch_of_new_yorks_size(benchmark):
    """Target: less than 0.5 s forward and backward on two cores."""
    found = benchmark.pedantic(lambda: measured(*SIZES[1], threads=2), rounds=1)
    benchmark.extra_info.update(found["seconds"])
    sys.stdout.write(f"\n{found}\n")
    assert found["pois"] == SIZES[1][1]


@pytest.mark.slow
def test_growth(benchmark):
    """Target: exponents of at most 1 by number of POIs."""
    found = benchmark.pedantic(lambda: [measured(*size, threads=1) for size in SIZES], rounds=1)
    pois = np.log([one["pois"] for one in found])
    for name in found[0]["seconds"]:
        values = [one["seconds"][name] for one in found]
        slope = float(np.polyfit(pois, np.log(values), 1)[0])
        benchmark.extra_info[name] = slope
        sys.stdout.write(f"\n{name:20}" + "".join(f"{one:11.4g} s" for one in values) + f"   n^{slope:.2f}")
    peaks = "".join(f"{one['peak mb']:11.0f} MB" for one in found)
    sys.stdout.write(f"\n{'peak memory':20}{peaks}\n")
    assert [(one["regions"], one["pois"]) for one in found] == list(SIZES)
