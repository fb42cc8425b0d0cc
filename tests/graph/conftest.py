"""Toyville's smallest city as a graph, and small cities drawn for one question each."""

import json

import numpy as np
import pytest

from urbanbench.city.city import City
from urbanbench.graph.build import build_graph
from urbanbench.graph.plan import GraphPlan

CRS = "EPSG:32631"
EAST, NORTH = 500_000.0, 5_000_000.0


@pytest.fixture(scope="session")
def toy(tiny_toyville):
    return City.open(tiny_toyville)


@pytest.fixture(scope="session")
def plan():
    return GraphPlan()


@pytest.fixture(scope="session")
def graph(toy, plan):
    return build_graph(toy, plan)


@pytest.fixture
def draw_city(tmp_path):
    """Write a city of one region of 2 km, with layers given as {name: [(id, tags, geometry in metres from its corner), …]}."""
    import geopandas as gpd
    import pyarrow as pa
    import pyarrow.parquet as pq
    import shapely

    def moved(shape):
        return shapely.transform(shape, lambda xy: xy + np.array([EAST, NORTH]))

    def save(folder, name, key, rows):
        frame = gpd.GeoDataFrame(
            {key: [one[0] for one in rows]}, geometry=[moved(one[2]) for one in rows], crs=CRS
        )
        path = folder / f"{name}.parquet"
        frame.to_crs(4326).to_parquet(path)
        if name != "regions":
            table = pq.read_table(path)
            tags = pa.array([list(one[1].items()) for one in rows], pa.map_(pa.string(), pa.string()))
            pq.write_table(table.append_column("tags", tags), path)

    def draw(**layers):
        folder = tmp_path / "drawn"
        folder.mkdir()
        save(folder, "regions", "region_id", [("r1", {}, shapely.box(0, 0, 2000, 2000))])
        keys = {"pois": "poi_id", "roads": "road_id", "landuse": "landuse_id"}
        for name, rows in layers.items():
            save(folder, name, keys[name], rows)
        told = {
            "format": 1, "name": "drawn", "crs": CRS, "regions": {"file": "regions.parquet"},
            "layers": {name: {"file": f"{name}.parquet"} for name in layers},
        }  # fmt: skip
        (folder / "city.json").write_text(json.dumps(told))
        return City.open(folder)

    return draw
