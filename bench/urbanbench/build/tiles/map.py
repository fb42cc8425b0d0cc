"""Vector tiles as a map for the builder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from urbanbench.build.map.objects import MAP_LAYERS, Box, MapObjects
from urbanbench.build.map.rows import Rows
from urbanbench.build.tiles.decode import layer_names, parsed
from urbanbench.build.tiles.grid import Grid, Tile
from urbanbench.build.tiles.mend_areas import mended_areas
from urbanbench.build.tiles.mend_lines import joined_lines
from urbanbench.build.tiles.mend_points import without_copies
from urbanbench.build.tiles.names import named_roads
from urbanbench.build.tiles.openmaptiles import OpenMapTiles
from urbanbench.build.tiles.parts import without_parts
from urbanbench.build.tiles.protomaps import Protomaps
from urbanbench.build.tiles.reading import Gathered, gather
from urbanbench.build.tiles.roads import cut_roads
from urbanbench.build.tiles.store import TileStore, open_tiles
from urbanbench.build.tiles.unpack import FaultyTile
from urbanbench.city.folder.paths import last_part
from urbanbench.errors import BadInput

if TYPE_CHECKING:
    import pyarrow as pa

    from urbanbench.build.report import Report
    from urbanbench.build.tiles.schema import Schema

__all__ = ["TileMap"]

_MOST_TILES = 200_000
_ENOUGH_LAYERS = 3
"""Layers of a schema after which no further tile is looked at to tell which one it is."""

_SCHEMAS: tuple[Schema, ...] = (OpenMapTiles(), Protomaps())


@dataclass(frozen=True)
class TileMap:
    """A folder of vector tiles, an MBTiles or a PMTiles file; `zoom` is the highest level there is when None."""

    path: Path
    zoom: int | None = None
    part: str = "tiles"

    def box(self) -> Box | None:
        """Return the box the file states, or that around the tiles of a folder."""
        with closing(open_tiles(self.path)) as store:
            return store.box()

    def read(self, box: Box, report: Report) -> MapObjects:
        """Read the tiles that a box touches, and put together what their edges cut."""
        with closing(open_tiles(self.path)) as store:
            return self._read(store, box, report)

    def _read(self, store: TileStore, box: Box, report: Report) -> MapObjects:
        grid = Grid(self._zoom(store))
        tiles = self._tiles(store, grid, box, report)
        schema = self._schema(store, grid, tiles)
        found = gather(store, grid, tiles, schema, report)
        fine = grid.step_m((box[1] + box[3]) / 2) * min(found.steps, default=1.0)
        report.add(
            "tiles",
            "read",
            f"of zoom {grid.zoom}, schema {schema.name}; places are on a grid of {fine:.2g} m",
            count=len(tiles),
        )
        layers = {
            "pois": _points(found, report),
            "buildings": without_parts(_areas("buildings", found, report), report),
            "roads": _roads(found, report),
            "landuse": _areas("landuse", found, report),
        }
        return MapObjects(
            layers, self._words(schema, grid, fine), {last_part(self.path): found.digest.hexdigest()}
        )

    def tell(self, layers: Mapping[str, pa.Table], report: Report) -> None:
        """Report how many buildings have a height."""
        if "buildings" in layers:
            known = len(layers["buildings"]) - layers["buildings"]["height_m"].null_count
            report.add("buildings", "read", "with a height that the tiles state", count=known)

    def _zoom(self, store: TileStore) -> int:
        known = store.zooms()
        if self.zoom is not None and self.zoom not in known:
            msg = f"{last_part(self.path)}: expected tiles of zoom {self.zoom} (--zoom), found those of {', '.join(map(str, known))}."
            raise BadInput(msg)
        return known[-1] if self.zoom is None else self.zoom

    def _tiles(self, store: TileStore, grid: Grid, box: Box, report: Report) -> list[Tile]:
        first, last = grid.tiles_of(box)
        many = (last.x - first.x + 1) * (last.y - first.y + 1)
        if many > _MOST_TILES:
            msg = f"{last_part(self.path)}: the area takes {many:,} tiles of zoom {grid.zoom}. Expected {_MOST_TILES:,} at most. Mend: a smaller --within, or a lower --zoom."
            raise BadInput(msg)
        tiles = store.there(grid.zoom, first, last)
        if not tiles:
            msg = f"{last_part(self.path)}: expected tiles of zoom {grid.zoom} in the area ({', '.join(f'{edge:.3f}' for edge in box)}), found none. Mend: name the area with --within, or another level with --zoom."
            raise BadInput(msg)
        why = "not there, of those that the area and its margin touch"
        report.add("tiles", "dropped", why, count=many - len(tiles))
        return tiles

    def _schema(self, store: TileStore, grid: Grid, tiles: Sequence[Tile]) -> Schema:
        """Tell the schema by the layers' names; faulty tiles are passed over here, and told when they are read."""
        names: set[str] = set()
        for tile in tiles:
            try:
                names.update(layer_names(parsed(store.read(grid.zoom, tile))))
            except FaultyTile:
                continue
            for schema in _SCHEMAS:
                if schema.claims(names) and len(names & set(schema.layers)) >= _ENOUGH_LAYERS:
                    return schema
        for schema in _SCHEMAS:
            if schema.claims(names):
                return schema
        known = "OpenMapTiles (poi, building, transportation, …) or of Protomaps (pois, buildings, roads, …)"
        found = ", ".join(sorted(names)[:20]) or f"none in {len(tiles)} tiles that can be read"
        msg = f"{last_part(self.path)}: expected layers of {known}, found {found}. Tiles of other schemas are not understood."
        raise BadInput(msg)

    def _words(self, schema: Schema, grid: Grid, fine: float) -> dict[str, dict[str, str]]:
        told = {
            "source": f"{schema.name} vector tiles, {last_part(self.path)}, zoom {grid.zoom}",
            "licence": "ODbL 1.0",
            "attribution": f"{schema.credit}, © OpenStreetMap contributors",
        }
        where = f"Places are rounded to {fine:.2g} m; what tile edges cut was put together."
        return {name: {**told, "note": f"{_NOTES[name]} {where}"} for name in MAP_LAYERS}


_NOTES = {
    "pois": "Points of the tiles, with the OpenStreetMap tag their kind stands for.",
    "buildings": "Areas of the tiles; height_m where they state one. The types of buildings are not in the tiles: building=yes.",
    "roads": "Lines of the tiles, cut where they meet; highway=* from their class or kind.",
    "landuse": "Areas of the tiles, with the OpenStreetMap tag their class or kind stands for.",
}


def _points(found: Gathered, report: Report) -> pa.Table:
    import shapely

    kept, copies = without_copies(found.points)
    report.add("pois", "dropped", "copies in the margins of tiles", count=copies)
    rows = Rows()
    wkb = shapely.to_wkb(found.grid.shapes([piece.shape for piece in kept]))
    for piece, one in zip(kept, wkb, strict=True):
        rows.add(found.fresh("pois", piece.one), piece.tags, one)
    return rows.table()


def _areas(target: str, found: Gathered, report: Report) -> pa.Table:
    import shapely

    made, many = mended_areas(found.areas.pop(target, []), found.grid)
    report.add(target, "mended", "cut by the edges of tiles, put together", count=many)
    wkb = shapely.to_wkb(found.grid.shapes([piece.shape for piece in made]))
    for piece, one in zip(made, wkb, strict=True):
        found.put(target, piece, one)
    return found.whole.pop(target).table()


def _roads(found: Gathered, report: Report) -> pa.Table:
    lines, many = joined_lines(found.lines.pop("roads", []), found.grid)
    report.add("roads", "mended", "cut by the edges of tiles, joined end to end", count=many)
    roads, short = cut_roads(lines, found.grid)
    report.add("roads", "dropped", "shorter than the grid can tell", count=short)
    names = [cut.piece for cut in found.lines.pop("names", []) if "name" in cut.piece.tags]
    named, count = named_roads(roads, names, found.grid)
    report.add("roads", "mended", "pieces named by the line of names along them", count=count)
    return named
