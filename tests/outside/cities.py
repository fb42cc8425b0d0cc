"""City folders of vectors that other people trained and scored, so that our scores can be held against theirs.

python tests/outside/cities.py EXTERNAL OUT

EXTERNAL holds the authors' files as tables: ``singapore_regiondcl/`` (regions, label, vectors), ``hgi_xiamen/`` and ``hgi_shenzhen/`` (labels,
vectors). OUT gets a city folder for each, and ``vectors/`` the tables by the names they are scored under. The regions of Xiamen and Shenzhen were not published: theirs are squares that stand for them, so
nothing that asks where a region lies may be scored there.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

_SIDE, _COLUMNS = 500.0, 100
_REGIONDCL = "source=WorldPop 2020, summed by the authors of RegionDCL;date=2020;licence=CC BY 4.0;unit=persons per km2"
_HGI = {
    "popdensity": "source=HGI repository;date=2023;licence=MIT;unit=persons per km2",
    "housing": "source=HGI repository;date=2023;licence=MIT;unit=yuan per m2",
}


def regiondcl(external: Path, out: Path) -> Path:
    """Build Singapore as RegionDCL has it: its regions, and its label for those that are also in doc2vec's table."""
    source, label = external / "singapore_regiondcl", out / "regiondcl-popdensity.csv"
    density = pd.read_parquet(source / "labels" / "popdensity.parquet")
    counted = pd.read_parquet(source / "vectors" / "doc2vec.parquet", columns=["region_id"])["region_id"]
    density[density["region_id"].isin(counted)].to_csv(label, index=False)
    labels = [f"popdensity={label};id=region_id;column=value;{_REGIONDCL}"]
    return _build("singapore-regiondcl", source / "regions.parquet", labels, out)


def hgi(external: Path, city: str, out: Path) -> Path:
    """Build Xiamen or Shenzhen as HGI has it, with squares in a row for regions."""
    source = external / f"hgi_{city}"
    ids = pd.read_parquet(source / "vectors.parquet", columns=["region_id"])["region_id"]
    at = np.arange(len(ids))
    east, north = 600_000 + _SIDE * (at % _COLUMNS), 2_500_000 + _SIDE * (at // _COLUMNS)
    squares = shapely.box(east, north, east + _SIDE, north + _SIDE)
    regions = out / f"hgi-{city}.gpkg"
    gpd.GeoDataFrame({"region_id": ids}, geometry=squares, crs="EPSG:32650").to_file(regions)
    labels = []
    for name, facts in _HGI.items():
        table = out / f"hgi-{city}-{name}.csv"
        pd.read_parquet(source / f"{name}.parquet").to_csv(table, index=False)
        labels.append(f"{name}={table};id=region_id;column=value;{facts}")
    return _build(f"hgi-{city}", regions, labels, out)


def _build(name: str, regions: Path, labels: Sequence[str], out: Path) -> Path:
    words = ["--regions", str(regions), "--id", "region_id", "--out", str(out / name)]
    for label in labels:
        words += ["--labels", label]
    subprocess.run([sys.executable, "-m", "urbanbench", "data", "build", name, *words], check=True)
    return out / name


def main(words: Sequence[str]) -> int:
    """Build all three."""
    external, out = map(Path, words)
    out.mkdir(parents=True, exist_ok=True)
    regiondcl(external, out)
    for city in ("xiamen", "shenzhen"):
        hgi(external, city, out)
    vectors = out / "vectors"
    vectors.mkdir(exist_ok=True)
    for table in sorted(external.glob("singapore_regiondcl/vectors/*.parquet")):
        shutil.copyfile(table, vectors / f"published-{table.name}")
    for table in sorted(external.glob("hgi_*/vectors.parquet")):
        shutil.copyfile(table, vectors / f"published-{table.parent.name.replace('_', '-')}.parquet")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
