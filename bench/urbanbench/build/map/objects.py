"""The contract between maps and the builder: whatever file a map comes from, it gives the same four tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pyarrow as pa

    from urbanbench.build.report import Report

__all__ = ["MAP_LAYERS", "Box", "MapObjects", "MapSource"]

Box = tuple[float, float, float, float]
"""(west, south, east, north) in degrees."""

MAP_LAYERS = ("pois", "buildings", "roads", "landuse")


@dataclass(frozen=True)
class MapObjects:
    """What a map holds in a box.

    Parameters
    ----------
    layers
        For each of `MAP_LAYERS` a table with `id` (text), `tags` (map, in the words of OpenStreetMap where there are such) and `wkb` (longitude
        and latitude); buildings have `height_m` (float32, metres, null where unknown). Places are points, buildings and land use polygons or
        multipolygons, roads lines that end where they meet others. The builder takes tables out of it to free their memory.
    words
        For each layer what city.json says of it: "source", "licence", "attribution", "date", "note".
    files
        Names of what was read to its digest.
    """

    layers: dict[str, pa.Table]
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


class MapSource(Protocol):
    """A map on this machine, not read yet."""

    @property
    def part(self) -> str:
        """What the map is called in reports and in the file of ``--about``: "osm", "tiles" or "overture"."""

    def box(self) -> Box | None:
        """Return the box that the map says it covers; None where it says nothing."""

    def read(self, box: Box, report: Report) -> MapObjects:
        """Read what lies in a box or reaches into it.

        Raises
        ------
        DataMissing, BadInput, ExtraMissing
            No such file; another kind of file, or a damaged one; a package that is not installed.
        """

    def tell(self, layers: Mapping[str, pa.Table], report: Report) -> None:
        """Report what only this kind of map knows of the layers that were kept, such as where heights come from."""
