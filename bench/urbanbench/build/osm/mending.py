"""Closed ways that are no valid polygons: made valid where something is left of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.build.osm.kinds import is_area
from urbanbench.build.osm.source import osmium_package, told_damage
from urbanbench.build.shapes import polygons_of

if TYPE_CHECKING:
    from urbanbench.build.report import Report

__all__ = ["mended_areas"]


def mended_areas(
    path: Path, ways: set[int], box: tuple[float, float, float, float], report: Report
) -> Iterator[tuple[str, dict[str, str], bytes]]:
    """Read the ways that osmium could not build an area of once more, and make polygons of them.

    Parameters
    ----------
    path
        The extract.
    ways
        Their numbers; nothing is read when there are none.
    box
        Ways wholly outside of it are passed over in silence.
    report
        Told what was mended and what was not.

    Yields
    ------
    tuple
        Id, tags and WKB.
    """
    if not ways:
        return
    osmium = osmium_package()
    bits = osmium.osm.osm_entity_bits
    wanted = osmium.filter.IdFilter(sorted(ways)).enable_for(bits.WAY)
    reader = osmium.FileProcessor(str(path), bits.NODE | bits.WAY).with_locations().with_filter(wanted)
    only_ways = osmium.filter.EntityFilter(bits.WAY)
    with told_damage(path):
        for way in reader.with_filter(only_ways):
            tags = dict(way.tags)
            found = _mended(way, box, report) if is_area(tags) else None
            if found is not None:
                yield f"w{way.id}", tags, found


def _mended(way: Any, box: tuple[float, float, float, float], report: Report) -> bytes | None:
    import shapely

    places = [(node.lon, node.lat) for node in way.nodes if node.location.valid()]
    if not places or not shapely.box(*box).intersects(shapely.MultiPoint(places)):
        return None
    one = f"w{way.id}"
    if len(places) < len(way.nodes):
        report.add("areas", "dropped", "closed ways some corners of which the extract lacks", ids=[one])
        return None
    whole = polygons_of(shapely.Polygon(places)) if len(set(places)) > 2 else None
    if whole is None:
        report.add("areas", "dropped", "closed ways without a surface", ids=[one])
        return None
    report.add("areas", "mended", "closed ways that cross themselves, made valid", ids=[one])
    made: bytes = shapely.to_wkb(whole)
    return made
