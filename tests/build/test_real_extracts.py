"""Two real extracts, against readings that share no code with ours."""

import os
from collections import Counter
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest

from urbanbench.build.labels.read import read_wishes
from urbanbench.build.order import Order
from urbanbench.build.walk import build
from urbanbench.city.city import City
from urbanbench.city.faults.check import check_folder

EXTRACTS = Path(os.environ.get("URBANBENCH_DATA", "").split(os.pathsep)[0]) / "_osm_extracts"
GRID = EXTRACTS / "helsinki_population_grid_2020.gpkg"

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not GRID.is_file(), reason="no _osm_extracts below URBANBENCH_DATA"),
]


def counts_of(path):
    """Count with a handler of osmium's own."""
    osmium = pytest.importorskip("osmium", reason="the extra osm is not installed")

    class Counts(osmium.SimpleHandler):
        def __init__(self):
            super().__init__()
            self.found = Counter()

        def node(self, node):
            self.found["nodes"] += bool(len(node.tags))

        def way(self, way):
            self.found["roads"] += "highway" in way.tags

        def area(self, area):
            self.found["buildings"] += area.tags.get("building", "no") != "no"

    counts = Counts()
    counts.apply_file(str(path), locations=True)
    return counts.found


def test_blocks_of_baltimore_hold_what_osmium_counts(tmp_path):
    path = EXTRACTS / "baltimore.osm.pbf"
    told, counted = (
        build(Order("b", "blocks", osm=path, least_km2=0.002), tmp_path / "b").records(),
        counts_of(path),
    )
    city = City.open(tmp_path / "b")
    assert check_folder(tmp_path / "b") == []
    objects = {
        name: {one.partition("_")[0] for one in getattr(city, name).index} for name in ("buildings", "roads")
    }
    assert len(objects["buildings"]) == counted["buildings"] == 1738
    dropped = sum(row["count"] for row in told if row["part"] == "roads" and row["deed"] == "dropped")
    assert counted["roads"] - dropped <= len(objects["roads"]) + 3 <= counted["roads"]
    assert sum(one.startswith("n") for one in city.pois.index) > 0.95 * counted["nodes"]


def test_the_population_of_helsinkis_cells_is_that_of_the_reference_city(tmp_path):
    told = "unit=persons per km2;source=HSY;date=2020;licence=CC BY 4.0"
    labels = read_wishes(
        [f"popdensity={GRID};how=areas;column=population;extensive=true;per_km2=true;{told}"]
    )
    order = Order("h", str(GRID), id_column="id", osm=EXTRACTS / "Helsinki.osm.pbf", labels=tuple(labels))
    build(order, tmp_path / "h")
    assert check_folder(tmp_path / "h") == []
    city, known = City.open(tmp_path / "h"), City.open(EXTRACTS.parent / "helsinki")
    place = gpd.GeoSeries(city.regions.centroid, crs=city.crs).to_crs(known.crs)
    nearest = [known.regions.centroid.distance(one).idxmin() for one in place]
    expected = known.label("popdensity")["value"].loc[nearest].to_numpy()
    assert np.allclose(city.label("popdensity")["value"].loc[place.index], expected, rtol=1e-9)
    shared = set(known.buildings.index) & {one.partition("_")[0] for one in city.buildings.index}
    assert len(shared) > 0.98 * len(known.buildings)
