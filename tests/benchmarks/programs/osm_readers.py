"""Readers of OpenStreetMap extracts side by side: POIs, buildings and roads of one file, each reader in a process of its own.

python tests/benchmarks/programs/osm_readers.py --nodes 400000
python tests/benchmarks/programs/osm_readers.py --extract city.osm.pbf --others /other/environment/bin/python

Readers: urbanbench's own (`urbanbench.build.osm`, with roads cut at intersections and everything kept near a region), pyrosm, quackosm and, of XML,
osmnx. `--others` names the interpreter that has the last three; a reader that is not installed there is named and left out. Without `--extract` one
is made: a grid of blocks with a street at each side, twenty buildings and ten POIs in each, tags as they are on maps.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

WEST, SOUTH, BLOCK = 9.0, 48.0, 0.0015
NODES_PER_BLOCK = 20 * 4 + 10 + 1
PATIENCE_S = 120
OURS = """
import shapely, geopandas as gpd
from urbanbench.build.map.layers import city_layers
from urbanbench.build.osm.file import OsmFile
from urbanbench.build.report import Report
source, report = OsmFile(Path(sys.argv[1])), Report()
box = source.box()
objects = source.read(box, report)
regions = gpd.GeoDataFrame({"name": ["all"]}, geometry=[shapely.box(*box)], index=["all"], crs="EPSG:4326")
found = {name: len(one) for name, one in city_layers(objects, regions, sys.argv[2], 200.0, report).items()}
"""
PYROSM = """
import warnings; warnings.simplefilter("ignore")
import pyrosm
osm = pyrosm.OSM(sys.argv[1])
found = {"buildings": len(osm.get_buildings()), "pois": len(osm.get_pois()), "roads": len(osm.get_network("all"))}
"""
QUACKOSM = """
import warnings; warnings.simplefilter("ignore")
import quackosm, tempfile
places = {key: True for key in ("amenity", "shop", "tourism", "office", "leisure", "craft", "healthcare", "historic")}
wanted = {"pois": places, "buildings": {"building": True}, "roads": {"highway": True}}
frame = quackosm.convert_pbf_to_geodataframe(sys.argv[1], tags_filter=wanted, keep_all_tags=True, working_directory=tempfile.mkdtemp(), ignore_cache=True, verbosity_mode="silent")
found = {"all": len(frame)}
"""
OSMNX = """
import osmnx
frame = osmnx.features_from_xml(sys.argv[1], tags={"amenity": True, "shop": True, "building": True, "highway": True})
found = {"all": len(frame)}
"""
READERS = {"urbanbench": OURS, "pyrosm": PYROSM, "quackosm": QUACKOSM, "osmnx": OSMNX}
BEFORE = """
import json, resource, sys, time
from pathlib import Path
start = time.perf_counter()
"""
AFTER = """
usage = [resource.getrusage(one) for one in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps({
    "seconds": round(time.perf_counter() - start, 2),
    "cpu_seconds": round(sum(one.ru_utime + one.ru_stime for one in usage), 2),
    "peak_mb": round(max(one.ru_maxrss for one in usage) / (2**20 if sys.platform == "darwin" else 1024)),
    "found": found,
}))
"""


def draw(path: Path, nodes: int) -> None:
    """Write an extract with about so many nodes."""
    import osmium
    from osmium.osm.mutable import Node, Way

    side = max(2, round((nodes / NODES_PER_BLOCK) ** 0.5))
    rng, corner = random.Random(0), {}
    kinds = ("house", "apartments", "retail", "yes")
    number, ways = 0, []
    box = osmium.osm.Box(WEST, SOUTH, WEST + side * BLOCK, SOUTH + side * BLOCK)
    header = osmium.io.Header()
    header.add_box(box)
    with osmium.SimpleWriter(str(path), header=header) as writer:

        def node(lon: float, lat: float, **tags: str) -> int:
            nonlocal number
            number += 1
            writer.add_node(Node(id=number, location=(lon, lat), tags=tags, version=1))
            return number

        for row in range(side):
            for column in range(side):
                lon, lat = WEST + column * BLOCK, SOUTH + row * BLOCK
                corner[row, column] = node(lon, lat)
                for place in range(20):
                    west, south = (
                        lon + BLOCK * (0.1 + 0.16 * (place % 5)),
                        lat + BLOCK * (0.1 + 0.2 * (place // 5)),
                    )
                    ring = [
                        node(west + dx, south + dy) for dx, dy in ((0, 0), (1e-4, 0), (1e-4, 1e-4), (0, 1e-4))
                    ]
                    tags = {"building": rng.choice(kinds), "building:levels": str(rng.randint(1, 9))}
                    ways.append(([*ring, ring[0]], tags | {"addr:housenumber": str(place + 1)}))
                for _ in range(10):
                    at = lon + BLOCK * rng.random(), lat + BLOCK * rng.random()
                    node(
                        *at,
                        amenity=rng.choice(("cafe", "bank", "school")),
                        name=f"Place {number}",
                        opening_hours="24/7",
                    )
        streets = {"highway": "residential", "surface": "asphalt"}
        for row in range(side):
            ways.append(([corner[row, column] for column in range(side)], streets | {"name": f"East {row}"}))
            ways.append(([corner[column, row] for column in range(side)], streets | {"name": f"North {row}"}))
        for count, (refs, tags) in enumerate(ways, start=1):
            writer.add_way(Way(id=count, nodes=refs, tags=tags, version=1))


def measure(name: str, path: Path, crs: str, python: str) -> dict[str, object]:
    """Run a reader in a process of its own, and return what it took and found, or why there is nothing."""
    program = BEFORE + READERS[name] + AFTER
    try:
        done = subprocess.run(
            [python, "-c", program, str(path), crs],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
    except subprocess.TimeoutExpired:
        return {"absent": f"not done after {PATIENCE_S} s"}
    if done.returncode:
        return {"absent": done.stderr.strip().rpartition("\n")[2]}
    return dict(json.loads(done.stdout.strip().rpartition("\n")[2]))


def main() -> None:
    """Print one JSON object: reader to what it took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nodes", type=int, default=20_000)
    parser.add_argument("--extract", type=Path)
    parser.add_argument("--crs", default="EPSG:32632")
    parser.add_argument("--others", default=sys.executable)
    parser.add_argument("--readers", default=",".join(READERS))
    parser.add_argument("--smallest", action="store_true", help="a few blocks, read by urbanbench alone")
    words = parser.parse_args()
    if words.smallest:
        words.nodes, words.readers = 500, "urbanbench"
    with tempfile.TemporaryDirectory() as folder:
        path = words.extract or Path(folder) / "made.osm.pbf"
        if words.extract is None:
            draw(path, words.nodes)
        found = {"file_mb": round(path.stat().st_size / 2**20, 1)}
        for name in words.readers.split(","):
            given = path
            if name == "osmnx" and path.suffix == ".pbf":
                given = as_xml(path, Path(folder))
            python = sys.executable if name == "urbanbench" else words.others
            found[name] = measure(name, given, words.crs, python)
    sys.stdout.write(json.dumps(found, indent=1) + "\n")


def as_xml(path: Path, folder: Path) -> Path:
    """Write an extract as XML, which is all that osmnx reads."""
    import osmium

    made = folder / "made.osm"
    with osmium.SimpleWriter(str(made)) as writer:
        for one in osmium.FileProcessor(str(path)):
            writer.add(one)
    return made


if __name__ == "__main__":
    main()
