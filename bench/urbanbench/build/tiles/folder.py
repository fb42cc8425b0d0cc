"""Tiles in a folder ``<zoom>/<x>/<y>.pbf`` or ``.mvt``, as tile servers keep them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from urbanbench.build.map.objects import Box
from urbanbench.build.tiles.grid import Grid, Tile
from urbanbench.build.tiles.unpack import MOST_BYTES, FaultyTile, unpacked
from urbanbench.city.folder.paths import last_part, path_fault
from urbanbench.errors import BadInput

__all__ = ["FolderStore"]

_SUFFIXES = (".pbf", ".mvt", ".pbf.gz", ".mvt.gz")
_DEEPEST = 30


class FolderStore:
    """A folder of tiles; rows are counted from the north (XYZ, not TMS).

    Parameters
    ----------
    folder
        Holds a folder for each zoom level.

    Raises
    ------
    BadInput
        It holds none.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._zooms = [zoom for zoom, path in _numbered(folder) if zoom <= _DEEPEST and _first(path)]
        if not self._zooms:
            msg = f"The folder {last_part(folder)!r} holds no vector tiles. Expected <zoom>/<x>/<y> with suffix {', '.join(_SUFFIXES)}."
            raise BadInput(msg)

    def close(self) -> None:
        """Nothing is open."""

    def zooms(self) -> list[int]:
        """Return the zoom levels that have a tile."""
        return self._zooms

    def box(self) -> Box | None:
        """Return the box around the tiles of the highest zoom level."""
        zoom = self._zooms[-1]
        most = 2**zoom - 1
        tiles = self.there(zoom, Tile(0, 0), Tile(most, most))
        x, y = [one.x for one in tiles], [one.y for one in tiles]
        return Grid(zoom).box_of(Tile(min(x), min(y)), Tile(max(x), max(y))) if tiles else None

    def there(self, zoom: int, first: Tile, last: Tile) -> list[Tile]:
        """Return the tiles whose files are there."""
        found = {
            Tile(x, y)
            for x, column in _numbered(self._folder / str(zoom))
            if first.x <= x <= last.x
            for y, _ in _rows(column)
            if first.y <= y <= last.y
        }
        return sorted(found)

    def read(self, zoom: int, tile: Tile) -> bytes:
        """Read a file inside the folder."""
        path = self._path(zoom, tile)
        fault = path_fault(self._folder, path.relative_to(self._folder).as_posix())
        if fault:
            raise FaultyTile(fault)
        with path.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
        return unpacked(data)

    def _path(self, zoom: int, tile: Tile) -> Path:
        stem = self._folder / str(zoom) / str(tile.x)
        paths = [stem / f"{tile.y}{suffix}" for suffix in _SUFFIXES]
        return next((path for path in paths if path.exists() or path.is_symlink()), paths[0])


def _numbered(folder: Path) -> list[tuple[int, Path]]:
    """Return the folders in a folder that are called by a number, by that number."""
    if not folder.is_dir():
        return []
    return sorted((int(one.name), one) for one in folder.iterdir() if _is_number(one.name) and one.is_dir())


def _rows(column: Path) -> Iterator[tuple[int, Path]]:
    for path in column.iterdir():
        stem, dot, suffix = path.name.partition(".")
        if _is_number(stem) and dot + suffix in _SUFFIXES:
            yield int(stem), path


def _is_number(name: str) -> bool:
    """Tell whether a name is a number as tile servers write it: without zeros before it, of at most ten digits."""
    return name.isascii() and name.isdecimal() and len(name) <= 10 and (name == "0" or name[0] != "0")


def _first(folder: Path) -> bool:
    return any(next(_rows(column), None) is not None for _, column in _numbered(folder))
