"""One pass over an extract: every tagged object near the regions goes to the layers it belongs to."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.build.map.heights import height_of
from urbanbench.build.map.objects import Box
from urbanbench.build.map.rows import Rows
from urbanbench.build.map.splitting import RoadBook, Run
from urbanbench.build.osm.kinds import AREA_KEYS, is_area, is_building, says_something
from urbanbench.build.osm.mending import mended_areas
from urbanbench.build.osm.position import Position
from urbanbench.build.osm.routes import BusRoutes, read_routes
from urbanbench.build.osm.source import check_extract, osmium_package, told_damage
from urbanbench.errors import BadInput
from urbanbench.progress import Bar, tracking

if TYPE_CHECKING:
    import pyarrow as pa

    from urbanbench.build.report import Report

__all__ = ["Extract", "read_extract"]

_MULTI = struct.pack("<BI", 1, 6)
_FIRST_CORNER = 22
"""Where the first corner stands in the WKB of a multipolygon: after three counts, two types and two byte orders."""


@dataclass(frozen=True)
class Extract:
    """What was read: four tables with `id`, `tags` and `wkb` (longitude and latitude), rows in file order.

    Parameters
    ----------
    nodes
        Places at a point.
    areas
        Polygons and multipolygons with `height_m` (null where unknown) of buildings, land use and places; what each is follows from its
        tags.
    roads
        Pieces of roads.
    newest
        Day of the last edit of what was read, such as "2019-04-09"; "" where the file states none.
    """

    nodes: pa.Table
    areas: pa.Table
    roads: pa.Table
    newest: str = ""


def read_extract(path: Path, box: Box, report: Report) -> Extract:
    """Read what lies in a box, or reaches into it, with all its tags.

    The file is read as a stream. In memory are the place of every node (16 bytes each) and the objects in the box.

    Parameters
    ----------
    path
        ``.osm.pbf``, or OpenStreetMap XML, plain or packed.
    box
        What to keep.
    report
        Told what was read, dropped and mended.

    Raises
    ------
    DataMissing, BadInput
        No such file; another kind of file, a damaged one, or one whose nodes do not come first.
    ExtraMissing
        The package osmium is not installed.
    """
    path = check_extract(path)
    routes = read_routes(path)
    report.add("osm", "read", "bus-route relations", count=routes.relations)
    stream = _Stream(box, routes, osmium_package().InvalidLocationError)
    with told_damage(path), tracking("read the map, percent", 100) as bar:
        _walk(path, stream, bar)
    _tell(stream, report)
    for one, tags, wkb in mended_areas(path, stream.open_ways, box, report):
        stream.keep_area(one, tags, wkb)
    newest = f"{stream.newest:%Y-%m-%d}" if stream.newest > _NO_TIME else ""
    return Extract(stream.nodes.table(), stream.areas.table(), stream.roads.table(), newest)


_LOOK_EVERY = 20_000
"""Objects after which the bar moves."""

_NO_TIME = datetime(1970, 1, 2, tzinfo=UTC)
"""Files without times of edits give the start of 1970."""


@dataclass
class _Stream:
    """Sorts what comes along; `open_ways` are areas announced and not built yet, `unknown` is what a node without a place raises."""

    box: Box
    routes: BusRoutes
    unknown: type[Exception]
    nodes: Rows = field(default_factory=Rows)
    areas: Rows = field(default_factory=lambda: Rows("height_m"))
    roads: RoadBook = field(default_factory=RoadBook)
    open_ways: set[int] = field(default_factory=set)
    open_relations: set[int] = field(default_factory=set)
    built: int = 0
    newest: datetime = _NO_TIME
    mute: int = 0
    short: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)

    def node(self, node: Any) -> None:
        west, south, east, north = self.box
        lon, lat = node.lon, node.lat
        if not (west <= lon <= east and south <= lat <= north):
            return
        tags = dict(node.tags)
        if says_something(tags):
            self.nodes.add(f"n{node.id}", tags, struct.pack("<BIdd", 1, 1, lon, lat))
        else:
            self.mute += 1

    def way(self, way: Any) -> None:
        tags, closed = way.tags, way.is_closed()
        street = "highway" in tags
        if street and not (closed and tags.get("area") == "yes"):
            self._road(way, dict(tags))
        # All other ways have a key of areas; what such an area is, if anything, is told when it comes as one, or when it has to be mended.
        if closed and tags.get("area") != "no" and (not street or is_area(dict(tags))):
            self.open_ways.add(way.id)

    def _road(self, way: Any, tags: dict[str, str]) -> None:
        one = f"w{way.id}"
        runs = _runs(way, self.unknown)
        if not any(map(self._meets, runs)):
            return
        if sum(map(len, runs)) < len(way.nodes):
            self.torn.append(one)
        runs = [run for run in runs if len({place[1:] for place in run}) > 1]
        if runs:
            self.roads.add(one, self.routes.tags(way.id, tags), runs)
        else:
            self.short.append(one)

    def _meets(self, nodes: Run) -> bool:
        west, south, east, north = self.box
        _, lons, lats = zip(*nodes, strict=True)
        return bool(max(lons) >= west and min(lons) <= east and max(lats) >= south and min(lats) <= north)

    def relation(self, relation: Any) -> None:
        tags = dict(relation.tags)
        if tags.get("type") in {"multipolygon", "boundary"} and is_area(tags):
            self.open_relations.add(relation.id)

    def area(self, area: Any, wkb: str | None) -> None:
        if wkb is None:
            return
        number, of_way = area.orig_id(), area.from_way()
        (self.open_ways if of_way else self.open_relations).discard(number)
        self.built += 1
        self.keep_area(f"{'w' if of_way else 'r'}{number}", dict(area.tags), bytes.fromhex(wkb))

    def keep_area(self, one: str, tags: dict[str, str], wkb: bytes) -> None:
        if is_area(tags) and _reaches(wkb, self.box):
            self.areas.add(one, tags, wkb, height_of(tags) if is_building(tags) else None)


def _runs(way: Any, unknown: type[Exception]) -> list[Run]:
    """Return the nodes of a way, in one run between any two that the extract lacks; `unknown` is what a lacking one raises."""
    try:
        whole: Run = [(node.ref, node.lon, node.lat) for node in way.nodes]
    except unknown:
        return _known_runs(way)
    return [whole] if whole else []


def _known_runs(way: Any) -> list[Run]:
    runs: list[Run] = [[]]
    for node in way.nodes:
        if node.location.valid():
            runs[-1].append((node.ref, node.lon, node.lat))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _walk(path: Path, stream: _Stream, bar: Bar) -> None:
    osmium = osmium_package()
    factory = osmium.geom.WKBFactory()
    bits, keys = osmium.osm.osm_entity_bits, osmium.filter.KeyFilter
    reader = (
        osmium.FileProcessor(str(path))
        .with_locations()
        .with_areas(keys(*AREA_KEYS))
        .with_filter(osmium.filter.EmptyTagFilter())
        .with_filter(keys("highway", *AREA_KEYS).enable_for(bits.WAY | bits.RELATION | bits.AREA))
    )
    late, position = False, Position(path)
    for count, one in enumerate(reader):
        if not count % _LOOK_EVERY:
            bar.advance(position.moved())
        stream.newest = max(stream.newest, one.timestamp)
        if one.is_area():
            stream.area(one, factory.create_multipolygon(one) if one.num_rings()[0] else None)
        elif one.is_node():
            if late:
                msg = f"{path.name}: expected all nodes before the ways, found node {one.id} after a way. Mend: osmium sort {path.name} -o sorted.osm.pbf"
                raise BadInput(msg)
            stream.node(one)
        elif one.is_way():
            late = True
            stream.way(one)
        else:
            stream.relation(one)


def _reaches(wkb: bytes, box: Box) -> bool:
    """Tell whether a shape's bounds meet a box; mostly its first corner lies in it, and nothing has to be decoded."""
    import shapely

    if wkb[:5] == _MULTI:
        lon, lat = struct.unpack_from("<dd", wkb, _FIRST_CORNER)
        if box[0] <= lon <= box[2] and box[1] <= lat <= box[3]:
            return True
    west, south, east, north = shapely.bounds(shapely.from_wkb(wkb, on_invalid="ignore"))
    return bool(east >= box[0] and west <= box[2] and north >= box[1] and south <= box[3])


def _tell(stream: _Stream, report: Report) -> None:
    report.add("osm", "read", "tagged nodes in the box", count=len(stream.nodes) + stream.mute)
    report.add("osm", "read", "areas with a key that a layer uses, in the whole file", count=stream.built)
    report.add("osm", "read", "roads that reach into the box", count=len(stream.roads) + len(stream.short))
    report.add("pois", "dropped", "tags speak of the mapping only (source, note, …)", count=stream.mute)
    report.add("roads", "dropped", "fewer than two known nodes", ids=stream.short)
    short = set(stream.short)
    why = "the extract lacks some of their nodes; cut there"
    report.add("roads", "mended", why, ids=[one for one in stream.torn if one not in short])
    why = "relations whose rings do not close, because the extract lacks members or they are mapped wrong"
    report.add("areas", "dropped", why, ids=[f"r{one}" for one in sorted(stream.open_relations)])
