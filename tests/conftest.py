"""A hand-made village and plugin files that several test folders share."""

from __future__ import annotations

import json
import os
import shutil
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

# Before a numeric library loads: threads that wait sleep, as in the command line, and of several processes each takes its share of the cores.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
if "PYTEST_XDIST_WORKER_COUNT" in os.environ:
    share = (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, share)))

import numpy as np
import pytest

MOST_PROCESSES = 4
"""Each loads torch and takes about 1.5 GB."""

SIDE, CELL_M, CRS = 6, 400.0, "EPSG:32631"
LABELS = ("popdensity", "income", "gdp", "crime")

COUNTING = """
import os
import time
from dataclasses import dataclass
from pathlib import Path

from urbanbench.card import ModelCard
from urbanbench.model import Model


@dataclass(frozen=True)
class Counting(Model):
    power: float = 1.0
    pause_s: float = 0.0
    card = ModelCard(title="Counting", summary="Counts POIs.", needs=("poi",), can_use=("road",), embeds=("region",))

    def embed(self, view, *, units, seed, device):
        import numpy as np
        from urbanbench.space import EmbeddingSpace

        time.sleep(self.pause_s)
        counts = view.pois["region_id"].value_counts().reindex(list(units.ids)).fillna(0).to_numpy()
        if "EMBED_LOG" in os.environ:
            with Path(os.environ["EMBED_LOG"]).open("a") as log:
                log.write(f"{view.key} {self.power} {seed}\\n")
        columns = np.column_stack([counts, counts**self.power])
        return EmbeddingSpace("region", np.array(units.ids), columns.astype("float32"))
"""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Give the whole suite a process per core, and chosen files, or a run whose prints are wanted, none beside this one."""
    whole = [Path(one).resolve() for one in config.args] == [Path(__file__).resolve().parent]
    return min(MOST_PROCESSES, os.cpu_count() or 1) if whole and config.option.capture != "no" else 0


@pytest.fixture(scope="session", autouse=True)
def tests_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep what the tests compute out of the user's cache."""
    os.environ["URBANBENCH_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def village(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A city folder of 36 square regions with POIs and roads; population density follows the POIs. Do not write into it."""
    import geopandas as gpd
    import pandas as pd
    import shapely

    folder = tmp_path_factory.mktemp("cities") / "village"
    (folder / "labels").mkdir(parents=True)
    rng = np.random.default_rng(7)
    corners = [(500_000 + CELL_M * i, 5_000_000 + CELL_M * j) for i in range(SIDE) for j in range(SIDE)]
    ids = [f"r{k:02d}" for k in range(len(corners))]
    boxes = [shapely.box(x, y, x + CELL_M, y + CELL_M) for x, y in corners]

    def save(name: str, frame: dict, geometry: list) -> None:
        table = gpd.GeoDataFrame(frame, geometry=geometry, crs=CRS).to_crs("EPSG:4326")
        table.to_parquet(folder / f"{name}.parquet")

    save("regions", {"region_id": ids, "name": ids}, boxes)
    counts = rng.integers(1, 30, size=len(ids))
    corner = np.repeat(np.array(corners), counts, axis=0)
    points = shapely.points(corner + rng.uniform(5, CELL_M - 5, size=corner.shape))
    _save_pois(folder / "pois.parquet", points)
    for k, name in enumerate(LABELS):
        values = counts * (k + 1.0) + rng.normal(0, 1 + k, size=len(ids)) + 10
        groups = [f"g{j % 6}" for j in range(len(ids))] if name != "crime" else None
        table = pd.DataFrame({"region_id": ids, "value": values} | ({"group": groups} if groups else {}))
        table.to_parquet(folder / "labels" / f"{name}.parquet", index=False)
    uses = np.where(counts < 10, "home", np.where(counts < 20, "shop", "work"))
    pd.DataFrame({"region_id": ids, "value": uses}).to_parquet(
        folder / "labels" / "landuse.parquet", index=False
    )
    (folder / "city.json").write_text(json.dumps(_manifest(len(ids))), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def telling_village(village: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The village with one POI that tells the land use where it lies. Do not write into it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = tmp_path_factory.mktemp("telling") / "village"
    shutil.copytree(village, folder)
    table = pq.read_table(folder / "pois.parquet")
    place = table.column_names.index("tags")
    first, *others = table["tags"].to_pylist()
    tags = pa.array([[*first, ("landuse", "retail")], *others], table.schema.field(place).type)
    pq.write_table(table.set_column(place, "tags", tags), folder / "pois.parquet")
    return folder


@pytest.fixture(scope="session")
def tiny_toyville(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the built-in city in its smallest size, for all tests; who wants to change it copies it."""
    yield from _unchanged(tmp_path_factory.mktemp("toyville") / "city", images=True)


@pytest.fixture(scope="session")
def tiny_toyville_without_pictures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The same without pictures of streets and from above."""
    yield from _unchanged(tmp_path_factory.mktemp("toyville") / "bare", images=False)


def _unchanged(folder: Path, *, images: bool) -> Iterator[Path]:
    from urbanbench.datasets.toyville import Toyville

    def state() -> dict[Path, tuple[int, int]]:
        found = ((path, path.stat()) for path in folder.rglob("*"))
        return {path: (one.st_size, one.st_mtime_ns) for path, one in found}

    Toyville(size="tiny", images=images).build(folder)
    before = state()
    yield folder
    assert state() == before, "a test wrote into the city that all tests share"


def _save_pois(path: Path, points: np.ndarray) -> None:
    import geopandas as gpd
    import pyarrow as pa
    import pyarrow.parquet as pq

    frame = gpd.GeoDataFrame({"poi_id": [f"n{k}" for k in range(len(points))]}, geometry=points, crs=CRS)
    frame.to_crs("EPSG:4326").to_parquet(path)
    table = pq.read_table(path)
    tags = pa.array([[("amenity", "cafe")]] * len(points), type=pa.map_(pa.string(), pa.string()))
    pq.write_table(table.add_column(1, "tags", tags), path)


def _manifest(count: int) -> dict:
    told = {
        "source": "drawn for a test",
        "date": "2026-01-01",
        "licence": "CC0-1.0",
        "attribution": "none needed",
    }
    labels = {
        name: {"file": f"labels/{name}.parquet", "unit": "points", "level": "region", **told}
        for name in LABELS
    }
    labels["landuse"] = {
        "file": "labels/landuse.parquet",
        "unit": "class",
        "level": "region",
        "classes": ["home", "shop", "work"],
        **told,
    }
    return {
        "format": 1,
        "name": "village",
        "title": "Village",
        "crs": CRS,
        "regions": {"file": "regions.parquet", "count": count, **told},
        "layers": {"pois": {"file": "pois.parquet", **told}},
        "labels": labels,
    }


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small random CLIP, saved as real ones are."""
    from stand_ins import make_clip

    return make_clip(tmp_path_factory.mktemp("weights") / "tiny-clip")


@pytest.fixture(scope="session")
def resnet_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small random ResNet, saved as real ones are."""
    from stand_ins import make_resnet

    return make_resnet(tmp_path_factory.mktemp("weights") / "tiny-resnet")


@pytest.fixture(scope="session")
def vlm_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small random Qwen2-VL, saved as real ones are."""
    from tiny_vlms import make_vlm

    return make_vlm(tmp_path_factory.mktemp("weights") / "tiny-qwen2-vl", "qwen2_vl")


@pytest.fixture(scope="session")
def add_captions() -> Callable[[Path, Sequence[tuple[str, str]]], None]:
    """Return the function that gives a city folder a layer of captions: pairs of region and sentence."""
    from stand_ins import add_captions

    return add_captions


@pytest.fixture(scope="session")
def add_raster() -> Callable[[Path], None]:
    """Return the function that gives a city folder an embedding raster."""
    pytest.importorskip("rasterio", reason="the extra raster is not installed")
    from stand_ins import add_raster

    return add_raster


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder for this test."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("URBANBENCH_CACHE", str(folder))
    return folder


@pytest.fixture
def counting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model file that counts POIs and logs each embedding to embeds.log beside it."""
    monkeypatch.setenv("EMBED_LOG", str(tmp_path / "embeds.log"))
    path = tmp_path / "counting.py"
    path.write_text(textwrap.dedent(COUNTING), encoding="utf-8")
    return path
