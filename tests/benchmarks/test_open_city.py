"""Opening a city of a million buildings for a model that needs only POIs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from urbanbench.city.city import City

NEW_YORK = Path(os.environ.get("URBANBENCH_DATA", "/nonexistent")) / "new_york"

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not NEW_YORK.is_dir(), reason="no new_york under URBANBENCH_DATA"),
]

PROGRAM = """
import json, resource, sys, time
start = time.perf_counter()
from pathlib import Path
from urbanbench.city.city import City
from urbanbench.city.folder.tags import tag_table
city = City.open(Path(sys.argv[1]))
view = city.view(sys.argv[2].split(","))
frames = [getattr(view, name) for name in sys.argv[3].split(",")]
tag_table(frames[0]["tags"]).pairs()
view.key
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"seconds": time.perf_counter() - start, "peak_mb": peak / (2**20 if sys.platform == "darwin" else 1024)}))
"""


def measure(inputs, frames):
    command = [sys.executable, "-c", PROGRAM, str(NEW_YORK), inputs, frames]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_open_new_york_for_pois(benchmark):
    """Target: imports, opening, POIs with regions, tags and key under 10 s and 1.5 GB, in a process of its own."""
    found = benchmark.pedantic(measure, args=("poi", "pois"), rounds=3, iterations=1)
    benchmark.extra_info.update(found)
    assert found["peak_mb"] < 1536


def test_pois_only_against_all_layers(benchmark):
    """Ratio: what reading only the touched layer saves of reading POIs, buildings and roads."""
    found = benchmark.pedantic(
        measure, args=("poi,polygon,road", "pois,buildings,roads"), rounds=1, iterations=1
    )
    alone = measure("poi", "pois")
    benchmark.extra_info.update(
        found,
        times_slower=found["seconds"] / alone["seconds"],
        times_larger=found["peak_mb"] / alone["peak_mb"],
    )
    assert alone["peak_mb"] < found["peak_mb"]


def test_spread_tags_of_a_million_buildings(benchmark):
    """Long form of a million tag maps, without a Python list for any of them."""
    from urbanbench.city.folder.tags import tag_table

    tags = City.open(NEW_YORK).buildings["tags"]
    assert benchmark.pedantic(tag_table, args=(tags,), rounds=3, iterations=1).n == len(tags)
