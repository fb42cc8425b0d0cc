"""Vector tiles: read and put together per second, against parsing and drawing the same tiles with the package alone."""

import sys
import time

import mapbox_vector_tile
import numpy as np
import pytest
import shapely

from urbanbench.build.report import Report
from urbanbench.build.tiles.grid import Grid, Tile
from urbanbench.build.tiles.map import TileMap

ZOOM, SIDE, FIRST = 14, 4, Tile(8600, 5690)
HOUSES, STREETS, PLACES = 2500, 60, 400
"""What a tile of a dense city holds."""

processor_time = pytest.mark.benchmark(timer=time.process_time)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Sixteen tiles, each with houses in rows, streets to its neighbours, places; a margin of 64."""
    whole, rng = tmp_path_factory.mktemp("dense") / "tiles", np.random.default_rng(0)
    at = np.stack(np.meshgrid(np.arange(50), np.arange(50)), axis=-1).reshape(-1, 2) * 82.0
    houses = shapely.box(*at.T, *(at + rng.uniform(30, 70, at.shape)).T)
    lines = [[(-64, y), (4160, y)] for y in np.linspace(76, 4020, STREETS // 2).round()]
    lines += [[(x, -64), (x, 4160)] for x in np.linspace(76, 4020, STREETS // 2).round()]
    layers = [
        layer("buildings", shapely.transform(houses, np.rint), kind="building"),
        layer(
            "roads",
            [shapely.LineString(line) for line in lines],
            kind="minor_road",
            kind_detail="residential",
        ),
        layer("pois", shapely.points(rng.integers(0, 4096, (PLACES, 2))), kind="cafe"),
    ]
    data = mapbox_vector_tile.encode(layers, default_options={"y_coord_down": True})
    for k in range(SIDE**2):
        path = whole / str(ZOOM) / str(FIRST.x + k % SIDE) / f"{FIRST.y + k // SIDE}.pbf"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return whole


def layer(name, shapes, **attributes):
    return {"name": name, "features": [{"geometry": one, "properties": attributes} for one in shapes]}


@processor_time
def test_tiles_per_second(benchmark, folder):
    """Target: about four times what the package takes to parse the tiles and draw their geometry as lists."""
    box = Grid(ZOOM).box_of(FIRST, FIRST.near(SIDE - 1, SIDE - 1))
    found = benchmark.pedantic(lambda: TileMap(folder).read(box, Report()), rounds=3)
    began = time.process_time()
    for path in folder.rglob("*.pbf"):
        mapbox_vector_tile.decode(path.read_bytes())
    alone = time.process_time() - began
    seconds, tiles = benchmark.stats["min"], SIDE**2
    objects = sum(table.num_rows for table in found.layers.values())
    told = {
        "tiles per second": tiles / seconds,
        "objects per second": objects / seconds,
        "times the package": seconds / alone,
    }
    benchmark.extra_info.update(told)
    sys.stdout.write("\n" + "; ".join(f"{name} {value:,.1f}" for name, value in told.items()) + "\n")
    assert found.layers["buildings"].num_rows == HOUSES * tiles
