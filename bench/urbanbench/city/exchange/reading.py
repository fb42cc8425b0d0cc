"""The reading side: a view of what a folder holds, in a process with packages of its own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.city.exchange.frames import read_frame
from urbanbench.city.exchange.writing import EXAM, FACTS, GRAPHS, PLACES
from urbanbench.city.folder.format import DIRECTIONS, UNIT_LAYER, LayerInfo, RasterInfo
from urbanbench.city.folder.tags import tag_table
from urbanbench.city.item_view import ItemView
from urbanbench.city.rasters.embedding import EmbeddingRaster
from urbanbench.city.view import View
from urbanbench.errors import LayerMissing
from urbanbench.hashing import file_digest, value_digest
from urbanbench.items import Exam, Item, Lesson, LocalGraph

if TYPE_CHECKING:
    from urbanbench.city.folder.manifest import Manifest

__all__ = ["read_view"]

_GRAPH_KINDS = {
    "kind": np.int8, "offset_m": np.float64, "hops": np.int64, "source": np.int64, "target": np.int64,
    "relation": np.int8, "distance_m": np.float64, "bearing": np.float64,
}  # fmt: skip


def read_view(folder: Path) -> View:
    """Return the view that `urbanbench.city.exchange.writing.write_view` wrote: the same inputs, content and key, nothing touched.

    What it withholds is not there, so it withholds nothing itself. Every call gives frames of its own, which a model may spoil.
    """
    facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    city, inputs, kept = _Handed(folder, facts), frozenset(facts["inputs"]), {"key": facts["data_key"]}
    if facts["items"]:
        return ItemView(city, inputs, _kept=kept, exam=_exam(folder))
    return View(city, inputs, _kept=kept)


@dataclass(frozen=True, eq=False)
class _Handed:
    """A folder of the exchange, as `urbanbench.city.contents.Contents`."""

    path: Path
    facts: Mapping[str, Any]
    _kept: dict[str, Any] = field(default_factory=dict)

    @property
    def manifest(self) -> Manifest:
        msg = f"What was handed over of {self.name!r} has no city.json. Expected what a view shows."
        raise AttributeError(msg)

    @property
    def name(self) -> str:
        return str(self.facts["city"])

    @property
    def crs(self) -> str:
        return str(self.facts["crs"])

    @property
    def layers(self) -> Mapping[str, LayerInfo]:
        return {name: LayerInfo(name, "", kind=kind) for name, kind in self.facts["layers"].items()}

    @property
    def regions(self) -> Any:
        return self._frame("regions")

    @property
    def pois(self) -> Any:
        return self._frame("pois")

    @property
    def buildings(self) -> Any:
        return self._frame("buildings")

    @property
    def roads(self) -> Any:
        return self._frame("roads")

    @property
    def street_views(self) -> Any:
        return self._frame("street_views")

    @property
    def satellite(self) -> Any:
        return self._frame("satellite")

    @property
    def flows(self) -> Any:
        return self._frame("flows")

    @property
    def captions(self) -> Any:
        return self._frame("captions")

    @property
    def raster_embedding(self) -> EmbeddingRaster:
        told = self.facts["raster"]
        info: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in told["info"].items()
        }
        moves = tuple((east_of, (offset[0], offset[1])) for east_of, offset in told["moves"])
        return EmbeddingRaster(self.name, self.path, self.crs, RasterInfo(**info), moves)

    @property
    def feature_layers(self) -> Mapping[str, str]:
        return dict(self.facts["features"])

    def unit_ids(self, level: str) -> tuple[str, ...]:
        return tuple(self._frame(UNIT_LAYER[level]).index)

    def tag_keys(self, layer: str) -> frozenset[str] | None:
        return frozenset(tag_table(self._frame(layer)["tags"]).key_names.tolist())

    def features(self, name: str) -> Any:
        return self._frame(f"features/{name}")

    def images(self, layer: str) -> frozenset[str]:
        columns = ("image", *DIRECTIONS) if layer == "street_views" else ("image",)
        frame = self._frame(layer)
        return frozenset(path for name in columns if name in frame for path in frame[name].dropna())

    def picture_digest(self, paths: Sequence[str]) -> str:
        return value_digest([self._picture_digest(path) for path in paths])

    def digest(self, layers: Iterable[str]) -> str:
        return value_digest([self.facts["data_key"], sorted(layers)])

    def _picture_digest(self, path: str) -> str:
        try:
            return file_digest(self.path / path)
        except OSError as error:
            return f"unreadable: {type(error).__name__}"

    def _features(self) -> list[str]:
        return [f"features/{name}" for name in self.facts["features"]]

    def _frame(self, name: str) -> Any:
        if name not in self._kept:
            places = (self.path / f"{name}.parquet", self.path / PLACES / f"{name}.parquet")
            file = next((place for place in places if place.is_file()), None)
            if file is None and name not in {"regions", *self.facts["layers"], *self._features()}:
                raise LayerMissing(self.name, name, self.layers)
            if file is None:
                msg = f"{name}.parquet, which was handed over, is gone from the folder of the exchange"
                raise FileNotFoundError(msg)
            self._kept[name] = read_frame(file, self.crs)
        return self._kept[name].copy()


def _exam(folder: Path) -> Exam:
    told = json.loads((folder / EXAM).read_text(encoding="utf-8"))
    graphs = folder / GRAPHS
    return Exam(
        {name: Item(**one) for name, one in told["items"].items()},
        told["sides"],
        _graphs(json.loads(graphs.read_text(encoding="utf-8"))) if graphs.is_file() else {},
        tuple(Lesson(one["kind"], Item(**one["anchor"]), Item(**one["positive"])) for one in told["lessons"]),
    )


def _graphs(told: Mapping[str, Mapping[str, Any]]) -> dict[str, LocalGraph]:
    return {
        key: LocalGraph(
            text=tuple(one["text"]),
            **{
                name: np.array(one[name], dtype=kind).reshape(_shape(name, one))
                for name, kind in _GRAPH_KINDS.items()
            },
        )
        for key, one in told.items()
    }


def _shape(name: str, one: Mapping[str, Any]) -> tuple[int, ...]:
    return (len(one["text"]), 2) if name == "offset_m" else (len(one[name]),)
