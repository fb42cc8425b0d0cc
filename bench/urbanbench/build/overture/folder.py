"""A folder of Overture's GeoParquet as a map for the builder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.build.map.objects import Box, MapObjects
from urbanbench.build.overture.buildings import BUILDING_COLUMNS
from urbanbench.build.overture.files import KINDS, find_files, opened, told_damage
from urbanbench.build.overture.land_use import LAND_USE_COLUMNS
from urbanbench.build.overture.places import PLACE_COLUMNS
from urbanbench.build.overture.reading import chunks_of, stated_box
from urbanbench.build.overture.segments import SEGMENT_COLUMNS
from urbanbench.build.overture.sinks import Sink, make_sink
from urbanbench.build.overture.words import text_of
from urbanbench.build.report import Report
from urbanbench.city.folder.paths import last_part
from urbanbench.hashing import file_digest
from urbanbench.progress import track

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["OvertureFolder"]

_COLUMNS = {
    "place": PLACE_COLUMNS,
    "building": BUILDING_COLUMNS,
    "segment": SEGMENT_COLUMNS,
    "land_use": LAND_USE_COLUMNS,
}
_LICENCES = {"place": "CDLA-Permissive-2.0"}
"""Of a type, where the files do not state those of their sources; else OpenStreetMap's."""

_NOTES = {
    "pois": "Overture's places: overture:category is their category, beside OpenStreetMap's tag where there is one that means the same.",
    "buildings": "Overture's buildings: building=* is their class. height_m from height, else 3 m for each of num_floors.",
    "roads": "Overture's segments of the subtype road, cut at connectors; highway=* from class and subclass.",
    "landuse": "Overture's land use, with the tags of OpenStreetMap it was made from.",
}
_REPLACED = frozenset({"connector_ids"})
"""Columns of old releases alone, which no file lacks."""

_OWN_KEYS = ("overture:", "name", "addr:", "brand", "phone", "website")


@dataclass
class _Sources:
    """Where features come from."""

    datasets: set[str] = field(default_factory=set)
    licences: set[str] = field(default_factory=set)
    newest: str = ""

    def see(self, row: Mapping[str, Any]) -> None:
        for one in row.get("sources") or ():
            self.datasets |= {text_of(one.get("dataset"))} - {""}
            self.licences |= {text_of(one.get("license"))} - {""}
            self.newest = max(self.newest, text_of(one.get("update_time"))[:10])


@dataclass(frozen=True)
class OvertureFolder:
    """A folder with GeoParquet files of Overture; places below `least_confidence` are left out."""

    path: Path
    least_confidence: float = 0.0
    part: str = "overture"

    def box(self) -> Box | None:
        """Return the box around places, buildings and segments, else around land use; None where the files do not tell.

        Areas of land use reach far beyond what was asked for.
        """
        files = find_files(self.path, Report())
        narrow = [path for kind, paths in files.items() if kind != "land_use" for path in paths]
        return stated_box(narrow or files["land_use"])

    def read(self, box: Box, report: Report) -> MapObjects:
        """Read what lies in a box, some rows at a time."""
        files = find_files(self.path, report)
        layers, words = {}, {}
        for kind, layer in KINDS.items():
            sink, told = make_sink(kind, self.least_confidence), _Sources()
            for path in track(files[kind], f"read Overture's files of {layer}", len(files[kind])):
                self._tell_lacking(path, kind, report)
                _fill(sink, path, kind, box, told, report)
            layers[layer], words[layer] = sink.table(), self._words(kind, told)
        paths = [path for some in files.values() for path in some]
        digests = {path.relative_to(self.path).as_posix(): file_digest(path) for path in paths}
        return MapObjects(layers, words, digests)

    def _tell_lacking(self, path: Path, kind: str, report: Report) -> None:
        with told_damage(path):
            known = opened(path).schema_arrow.names
        lacking = [f"{kind}.{one}" for one in _COLUMNS[kind] if one not in known and one not in _REPLACED]
        report.add("overture", "dropped", "columns that a file of this release does not have", ids=lacking)

    def _words(self, kind: str, told: _Sources) -> dict[str, str]:
        least = self.least_confidence if kind == "place" else 0.0
        confident = f" Only places of a confidence of {least:g} or more." if least else ""
        return {
            "source": f"Overture Maps, {last_part(self.path)}; from {', '.join(sorted(told.datasets)) or 'sources that are not stated'}",
            "date": told.newest,
            "licence": ", ".join(sorted(told.licences)) or _LICENCES.get(kind, "ODbL-1.0"),
            "attribution": "Overture Maps Foundation, © OpenStreetMap contributors",
            "note": _NOTES[KINDS[kind]] + confident,
        }

    def tell(self, layers: Mapping[str, pa.Table], report: Report) -> None:
        """Report how many buildings have a height and a type, and how many places a tag of OpenStreetMap."""
        if "buildings" in layers:
            table = layers["buildings"]
            known = len(table) - table["height_m"].null_count
            typed = sum(dict(one)["building"] != "yes" for one in table["tags"].to_pylist())
            report.add("buildings", "read", "with a height, or a number of floors", count=known)
            report.add("buildings", "read", "with a type (building=* other than yes)", count=typed)
        if "pois" in layers:
            known = sum(
                any(not key.startswith(_OWN_KEYS) for key, _ in one)
                for one in layers["pois"]["tags"].to_pylist()
            )
            report.add("pois", "read", "with a tag of OpenStreetMap for their category", count=known)


def _fill(sink: Sink, path: Path, kind: str, box: Box, told: _Sources, report: Report) -> None:
    read = 0
    for chunk in chunks_of(path, _COLUMNS[kind], box):
        read += len(chunk.rows)
        for row, shape in zip(chunk.rows, chunk.shapes, strict=True):
            if sink.put(row, shape, report):
                told.see(row)
    report.add("overture", "read", f"features of the type {kind} in the box", count=read)
