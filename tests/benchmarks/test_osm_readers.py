"""Reading an OpenStreetMap extract, beside other readers of it where these are installed (URBANBENCH_OSM_READERS: their interpreter)."""

import json
import os
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).with_name("programs") / "osm_readers.py"


def test_pois_buildings_and_roads_of_an_extract(benchmark):
    """Ratios: processor time and memory of each other reader to ours. Targets: ours within 1.2 times the fastest, at less memory."""
    others = os.environ.get("URBANBENCH_OSM_READERS", sys.executable)
    command = [sys.executable, str(PROGRAM), "--nodes", "200000", "--others", others]

    def read():
        return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    found = benchmark.pedantic(read, rounds=1)
    ours = found["urbanbench"]
    benchmark.extra_info["urbanbench"] = ours
    for name, one in found.items():
        if name not in {"urbanbench", "file_mb"} and "cpu_seconds" in one:
            benchmark.extra_info[name] = one | {
                "times_our_processor_time": one["cpu_seconds"] / ours["cpu_seconds"],
                "times_our_memory": one["peak_mb"] / ours["peak_mb"],
            }
    assert ours["found"]["buildings"] > 0
