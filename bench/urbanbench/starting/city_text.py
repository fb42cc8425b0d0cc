"""A generated city to begin with, and its test."""

from __future__ import annotations

__all__ = ["CITY", "CITY_TEST"]

CITY = '''"""$title: a small generated city of square regions, with POIs and a label that follows them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from urbanbench.source import CitySource

CRS = "EPSG:32631"  # projected, in metres
ORIGIN, CELL_M = (500_000, 5_000_000), 400.0
ABOUT = {"source": "generated", "date": "2026-01-01", "licence": "CC0-1.0", "attribution": "none needed"}


@dataclass(frozen=True)
class $kind(CitySource):
    """Squares with POIs. The fields say which city is built: the same fields, the same bytes."""

    size: str = "small"
    seed: int = 0

    title = "$title"
    sizes: ClassVar[tuple[str, ...]] = ("tiny", "small")

    def build(self, folder: Path) -> None:
        import geopandas as gpd
        import numpy as np
        import pandas as pd
        import shapely

        side = {"tiny": 6, "small": 12}[self.size]
        rng = np.random.default_rng(self.seed)
        corners = [(ORIGIN[0] + CELL_M * x, ORIGIN[1] + CELL_M * y) for x in range(side) for y in range(side)]
        ids = [f"r{number:03d}" for number in range(len(corners))]
        squares = [shapely.box(x, y, x + CELL_M, y + CELL_M) for x, y in corners]
        regions = gpd.GeoDataFrame({"region_id": ids, "name": ids}, geometry=squares, crs=CRS)
        regions.to_crs("EPSG:4326").to_parquet(folder / "regions.parquet")

        counts = rng.integers(1, 30, size=len(ids))
        offsets = rng.uniform(5, CELL_M - 5, size=(counts.sum(), 2))
        points = shapely.points(np.repeat(np.array(corners), counts, axis=0) + offsets)
        write_pois(folder / "pois.parquet", points, rng.choice(["cafe", "school", "bank"], size=len(points)))

        (folder / "labels").mkdir()
        density = counts * 0.5 + rng.normal(0, 1, size=len(ids)) + 5
        label = pd.DataFrame({"region_id": ids, "value": density})
        label.to_parquet(folder / "labels" / "popdensity.parquet", index=False)
        (folder / "city.json").write_text(json.dumps(manifest(self.size, len(ids))), encoding="utf-8")


def write_pois(path: Path, points, amenities) -> None:
    """Write POIs with their tags, which are a map of texts."""
    import geopandas as gpd
    import pyarrow as pa
    import pyarrow.parquet as pq

    frame = gpd.GeoDataFrame({"poi_id": [f"p{number:05d}" for number in range(len(points))]}, geometry=points, crs=CRS)
    frame.to_crs("EPSG:4326").to_parquet(path)
    tags = pa.array([[("amenity", str(one))] for one in amenities], type=pa.map_(pa.string(), pa.string()))
    pq.write_table(pq.read_table(path).add_column(1, "tags", tags), path)


def manifest(size: str, count: int) -> dict:
    """Say what the folder holds: docs/city_format.md has every field."""
    density = {"file": "labels/popdensity.parquet", "unit": "thousand persons per km2", "level": "region"}
    return {
        "format": 1,
        "name": f"$name-{size}",
        "title": "$title",
        "crs": CRS,
        "regions": {"file": "regions.parquet", "count": count, **ABOUT},
        "layers": {"pois": {"file": "pois.parquet", **ABOUT}},
        "labels": {"popdensity": density | ABOUT},
    }
'''

CITY_TEST = '''"""$title is a sound city folder, the same each time it is built, and models run in it."""

from pathlib import Path

import pytest

import urbanbench as ub
from urbanbench.checks import check_city
from urbanbench.registry import build_city, make_source

FILE = Path(__file__).with_name("$stem.py")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return build_city(make_source(f"{FILE}:tiny"), tmp_path_factory.mktemp("city") / "$stem")


def test_it_has_no_faults(folder):
    check_city(ub.load_city(folder))


def test_it_is_the_same_each_time_it_is_built(folder, tmp_path):
    again = build_city(make_source(f"{FILE}:tiny"), tmp_path / "again")
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    assert all((folder / file).read_bytes() == (again / file).read_bytes() for file in files)


def test_a_model_is_scored_in_it(folder):
    result = ub.evaluate(ub.embed("poi-counts", folder), "popdensity", head="ridge", seeds=3)
    assert result.scores["r2"].mean() > 0.5  # the label follows the POIs
'''
