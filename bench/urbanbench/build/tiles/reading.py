"""Reading tiles one by one: whole objects go to their tables at once, cut ones wait for their other parts."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.build.map.heights import height_of
from urbanbench.build.map.rows import Rows
from urbanbench.build.tiles.decode import AREA, LINE, POINT, Feature, features_of, parsed
from urbanbench.build.tiles.geometry import polygons_of_rings
from urbanbench.build.tiles.grid import Grid, Tile
from urbanbench.build.tiles.mend_areas import reach_over_edges
from urbanbench.build.tiles.mend_lines import Cut, cut_at_edges
from urbanbench.build.tiles.pieces import Piece, sameness
from urbanbench.build.tiles.unpack import FaultyTile
from urbanbench.progress import track

if TYPE_CHECKING:
    from urbanbench.build.report import Report
    from urbanbench.build.tiles.schema import Schema
    from urbanbench.build.tiles.store import TileStore

__all__ = ["Gathered", "gather"]

_SHAPES: Mapping[str, int] = {"pois": POINT, "buildings": AREA, "landuse": AREA, "roads": LINE, "names": LINE}


@dataclass
class Gathered:
    """What was read so far.

    Parameters
    ----------
    grid, schema
        Of the tiles.
    points
        Places.
    areas
        By city layer, areas that reach over or up to an edge of their tile.
    whole
        By city layer, rows of those that do not.
    lines
        "roads" and "names", cut at the edges.
    digest
        Of all bytes read.
    steps
        Distances of neighbouring places that layers had.
    """

    grid: Grid
    schema: Schema
    points: list[Piece] = field(default_factory=list)
    areas: dict[str, list[Piece]] = field(default_factory=lambda: defaultdict(list))
    whole: dict[str, Rows] = field(default_factory=dict)
    lines: dict[str, list[Cut]] = field(default_factory=lambda: defaultdict(list))
    digest: Any = field(default_factory=lambda: hashlib.blake2b(digest_size=16))
    steps: set[float] = field(default_factory=set)
    _taken: Counter[tuple[str, str]] = field(default_factory=Counter)

    def fresh(self, target: str, one: str) -> str:
        """Return an id that no object of the layer has yet: where makers number features tile by tile, ids come again."""
        self._taken[target, one] += 1
        many = self._taken[target, one]
        return one if many == 1 else f"{one}-{many}"

    def put(self, target: str, piece: Piece, wkb: bytes) -> None:
        """Add an area to its table, buildings with their height."""
        height = (height_of(piece.tags),) if target == "buildings" else ()
        self.whole[target].add(self.fresh(target, piece.one), piece.tags, wkb, *height)


def gather(store: TileStore, grid: Grid, tiles: Sequence[Tile], schema: Schema, report: Report) -> Gathered:
    """Read tiles.

    Parameters
    ----------
    store, grid, tiles
        Which ones.
    schema
        How they name things.
    report
        Told what cannot be read or is no object of a city's map.
    """
    found = Gathered(grid, schema)
    found.whole = {"buildings": Rows("height_m"), "landuse": Rows()}
    faults: Counter[str] = Counter()
    for tile in track(tiles, "read tiles", len(tiles)):
        try:
            data = store.read(grid.zoom, tile)
            message = parsed(data)
        except FaultyTile as error:
            ids = [f"{grid.zoom}/{tile.x}/{tile.y}"]
            report.add("tiles", "dropped", f"tiles that cannot be read: {error}", ids=ids)
            continue
        found.digest.update(f"{grid.zoom}/{tile.x}/{tile.y}/{len(data)}:".encode() + data)
        _sort(list(features_of(message, tile, schema.layers, faults)), tile, found, report)
    for layer, count in sorted(faults.items()):
        report.add("tiles", "dropped", f"features of {layer} that cannot be read", count=count)
    return found


def _sort(features: Sequence[Feature], tile: Tile, found: Gathered, report: Report) -> None:
    """Put the features of a tile where they belong."""
    areas: dict[str, list[tuple[Feature, dict[str, str]]]] = defaultdict(list)
    for feature in features:
        target = found.schema.layers[feature.layer]
        tags = found.schema.tags(feature.layer, feature.attributes)
        if isinstance(tags, str) or feature.kind != _SHAPES[target]:
            if target != "names":
                why = tags if isinstance(tags, str) else f"of another geometry than {target}"
                report.add(target, "dropped", f"features of {feature.layer}: {why}", count=1)
            continue
        found.steps.add(feature.step)
        if feature.kind == AREA:
            areas[target].append((feature, tags))
        elif feature.kind == LINE:
            _add_lines(feature, tags, target, found)
        else:
            _add_points(feature, tags, found)
    for target, some in areas.items():
        _add_areas(some, tile, target, found, report)


def _piece(feature: Feature, tags: dict[str, str], shape: Any, found: Gathered, end: str = "") -> Piece:
    number = feature.number
    one = (
        found.schema.object_id(feature.layer, number)
        if number is not None
        else f"{feature.layer}-{found.grid.zoom}-{feature.tile.x}-{feature.tile.y}-{feature.place}"
    )
    same = sameness(feature.layer, number, tags)
    return Piece(feature.tile, one + end, same, number is not None, tags, shape, feature.step)


def _add_points(feature: Feature, tags: dict[str, str], found: Gathered) -> None:
    import shapely

    places = [shapely.Point(place) for path in feature.paths for place in path]
    ends = [""] if len(places) == 1 else [f"_{k}" for k in range(1, len(places) + 1)]
    found.points += [
        _piece(feature, tags, place, found, end) for place, end in zip(places, ends, strict=True)
    ]


def _add_lines(feature: Feature, tags: dict[str, str], target: str, found: Gathered) -> None:
    import shapely

    for path in feature.paths:
        if len(path) > 1 and (path != path[0]).any():
            piece = _piece(feature, tags, shapely.LineString(path), found)
            found.lines[target] += cut_at_edges(piece, found.grid)


def _add_areas(
    some: Sequence[tuple[Feature, dict[str, str]]], tile: Tile, target: str, found: Gathered, report: Report
) -> None:
    import shapely

    shapes = polygons_of_rings([feature.paths for feature, _ in some])
    drawn = np.flatnonzero([shape is not None for shape in shapes])
    report.add(target, "dropped", "areas without a surface", count=len(shapes) - len(drawn))
    if not len(drawn):
        return
    lies = reach_over_edges(shapes[drawn], found.grid.square(tile))
    inside = drawn[lies == 0]
    wkb = shapely.to_wkb(found.grid.shapes(shapes[inside]))
    for row, one in zip(inside.tolist(), wkb, strict=True):
        feature, tags = some[row]
        found.put(target, _piece(feature, tags, None, found), one)
    for row in drawn[lies == 1].tolist():
        feature, tags = some[row]
        found.areas[target].append(_piece(feature, tags, shapes[row], found))
