"""Tables that fill with Overture's features, one for each layer of a city."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from urbanbench.build.map.heights import height_of
from urbanbench.build.map.rows import Rows
from urbanbench.build.map.splitting import RoadBook
from urbanbench.build.overture.buildings import building_tags
from urbanbench.build.overture.land_use import land_use_tags
from urbanbench.build.overture.places import place_tags
from urbanbench.build.overture.segments import Connectors, segment_tags
from urbanbench.build.overture.words import text_of
from urbanbench.build.shapes import polygons_of

if TYPE_CHECKING:
    import pyarrow as pa

    from urbanbench.build.report import Report

__all__ = ["Sink", "make_sink"]

_Tags = Callable[[Mapping[str, Any]], dict[str, str] | str]


class Sink(Protocol):
    """Takes features of one type."""

    def put(self, row: Mapping[str, Any], shape: Any, report: Report) -> bool:
        """Take a feature, or report why it is left out."""

    def table(self) -> pa.Table:
        """Return all of them."""


def make_sink(kind: str, least_confidence: float) -> Sink:
    """Return the table for a type of features."""
    if kind == "place":
        return _Points(lambda row: place_tags(row, least_confidence))
    if kind == "segment":
        return _Lines()
    return _Areas("buildings", building_tags) if kind == "building" else _Areas("landuse", land_use_tags)


def _told(row: Mapping[str, Any], tags: _Tags, layer: str, report: Report) -> dict[str, str] | None:
    """Return a feature's tags; None, with a word to the report, for one that is left out."""
    if not text_of(row.get("id")):
        report.add(layer, "dropped", "no id", count=1)
        return None
    found = tags(row)
    if isinstance(found, str):
        report.add(layer, "dropped", found, count=1)
        return None
    return found


class _Points:
    def __init__(self, tags: _Tags) -> None:
        self._rows, self._tags = Rows(), tags

    def put(self, row: Mapping[str, Any], shape: Any, report: Report) -> bool:
        import shapely

        if shape is None or shape.geom_type != "Point" or shape.is_empty:
            report.add("pois", "dropped", "no point that can be read", count=1)
            return False
        tags = _told(row, self._tags, "pois", report)
        if tags is not None:
            self._rows.add(text_of(row["id"]), tags, shapely.to_wkb(shapely.force_2d(shape)))
        return tags is not None

    def table(self) -> pa.Table:
        return self._rows.table()


class _Areas:
    def __init__(self, layer: str, tags: _Tags) -> None:
        self._layer, self._tags = layer, tags
        self._rows = Rows("height_m") if layer == "buildings" else Rows()

    def put(self, row: Mapping[str, Any], shape: Any, report: Report) -> bool:
        import shapely

        whole = polygons_of(shape)
        if whole is None:
            report.add(self._layer, "dropped", "no area that can be read", count=1)
            return False
        tags = _told(row, self._tags, self._layer, report)
        if tags is None:
            return False
        if not shape.is_valid:
            report.add(self._layer, "mended", "areas that cross themselves, made valid", ids=[row["id"]])
        height = (height_of(tags),) if self._layer == "buildings" else ()
        self._rows.add(text_of(row["id"]), tags, shapely.to_wkb(whole), *height)
        return True

    def table(self) -> pa.Table:
        return self._rows.table()


class _Lines:
    def __init__(self) -> None:
        self._book, self._connectors = RoadBook(), Connectors()

    def put(self, row: Mapping[str, Any], shape: Any, report: Report) -> bool:
        import shapely

        if shape is None or shape.geom_type != "LineString" or not shape.length:
            report.add("roads", "dropped", "no line that can be read", count=1)
            return False
        tags = _told(row, segment_tags, "roads", report)
        if tags is not None:
            corners = shapely.get_coordinates(shape)
            self._book.add(text_of(row["id"]), tags, [self._connectors.run(row, corners)])
        return tags is not None

    def table(self) -> pa.Table:
        return self._book.table()
