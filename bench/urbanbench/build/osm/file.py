"""An OpenStreetMap extract as a map for the builder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from urbanbench.build.map.heights import LEVEL_M, measured
from urbanbench.build.map.objects import MAP_LAYERS, Box, MapObjects
from urbanbench.build.osm.read import read_extract
from urbanbench.build.osm.sorting import answers, sorted_layers
from urbanbench.build.osm.source import check_extract, extract_box
from urbanbench.hashing import file_digest

if TYPE_CHECKING:
    import pyarrow as pa

    from urbanbench.build.report import Report

__all__ = ["OsmFile"]

_NOTES = {
    "pois": "Tagged nodes, and areas with a key such as amenity or shop as a point inside; all tags.",
    "buildings": "Areas with building=*; all tags. height_m from height=*, else 3 m for each of building:levels.",
    "roads": "Ways with highway=*, cut where they meet others; all tags. bus_routes counts the bus-route relations that use a way, route_ref lists their refs.",
    "landuse": "Areas with landuse, natural or leisure that are no buildings; all tags.",
}


@dataclass(frozen=True)
class OsmFile:
    """``.osm.pbf``, or OpenStreetMap XML, plain or packed."""

    path: Path
    part: str = "osm"

    def box(self) -> Box | None:
        """Return the box in the file's header."""
        return extract_box(check_extract(self.path))

    def read(self, box: Box, report: Report) -> MapObjects:
        """Read the extract as a stream; see `urbanbench.build.osm.read.read_extract`."""
        extract = read_extract(self.path, box, report)
        told = {"date": extract.newest, "licence": "ODbL 1.0", "attribution": "© OpenStreetMap contributors"}
        source = f"OpenStreetMap, extract {self.path.name}"
        words = {name: {"source": source, **told, "note": _NOTES[name]} for name in MAP_LAYERS}
        return MapObjects(sorted_layers(extract), words, {self.path.name: file_digest(self.path)})

    def tell(self, layers: Mapping[str, pa.Table], report: Report) -> None:
        """Report where heights come from, how many buildings have a type, and how many roads bus routes."""
        if "buildings" in layers:
            for why, count in _heights(layers["buildings"]).items():
                report.add("buildings", "read", why, count=count)
        if "roads" in layers:
            [routes] = answers(layers["roads"], [lambda one: "bus_routes" in one])
            report.add("roads", "read", "pieces with bus routes", count=int(routes.sum()))


def _heights(buildings: pa.Table) -> dict[str, int]:
    questions = (lambda one: measured(one) is not None, lambda one: one["building"] != "yes")
    by_tag, typed = (int(one.sum()) for one in answers(buildings, questions))
    known = len(buildings) - buildings["height_m"].null_count
    return {
        "with a height from `height`": by_tag,
        f"with a height from `building:levels`, {LEVEL_M:g} m each": known - by_tag,
        "with a type (building=* other than yes)": typed,
    }
