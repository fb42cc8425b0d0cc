"""Tiles in an MBTiles file, version 1.x: an SQLite database; https://github.com/mapbox/mbtiles-spec."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from urbanbench.build.map.objects import Box
from urbanbench.build.tiles.grid import Tile
from urbanbench.build.tiles.unpack import MOST_BYTES, FaultyTile, unpacked
from urbanbench.errors import BadInput

__all__ = ["MbtilesStore"]

_STEPS = 200_000_000
"""Instructions of the database's machine after which a question is given up: views can be written that never end."""

_WORLD = 359.0
"""A box this wide is the whole world, which says nothing of what the file covers."""


class MbtilesStore:
    """An MBTiles file, opened for reading only.

    Raises
    ------
    BadInput
        It holds pictures, or lacks the table of tiles, or is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._told():
            self._base = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            self._zooms = self._levels()
            self._about = self._metadata()
            self._check()
        except BadInput:
            self.close()
            raise

    def _levels(self) -> list[int]:
        with self._told():
            self._base.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 4 * MOST_BYTES)
            self._base.set_progress_handler(lambda: 1, _STEPS)
            self._base.execute("PRAGMA trusted_schema = OFF")
            question = "SELECT 1 FROM tiles WHERE zoom_level = ? LIMIT 1"
            return [zoom for zoom in range(31) if self._base.execute(question, (zoom,)).fetchone()]

    def _check(self) -> None:
        kind = self._about.get("format", "pbf")
        if kind != "pbf" or not self._zooms:
            found = f"tiles of the format {kind[:20]!r}" if self._zooms else "none"
            msg = f"{self._path.name}: expected vector tiles (format pbf), found {found}."
            raise BadInput(msg)

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    def _metadata(self) -> dict[str, str]:
        """Return the small entries of the table `metadata`; {} where there is none."""
        question = "SELECT name, value FROM metadata WHERE length(value) < 1000"
        try:
            rows = self._base.execute(question).fetchall()
        except sqlite3.Error:
            return {}
        return {str(name): str(value) for name, value in rows}

    def zooms(self) -> list[int]:
        """Return the zoom levels that have a tile."""
        return self._zooms

    def box(self) -> Box | None:
        """Return `bounds` of the metadata."""
        try:
            west, south, east, north = (float(one) for one in self._about.get("bounds", "").split(","))
        except ValueError:
            return None
        sound = -180 <= west < east <= 180 and -90 <= south < north <= 90
        return (west, south, east, north) if sound and east - west < _WORLD else None

    def there(self, zoom: int, first: Tile, last: Tile) -> list[Tile]:
        """Return the tiles that have a row in the table."""
        most = 2**zoom - 1  # rows of an MBTiles file are counted from the south
        question = "SELECT DISTINCT tile_column, tile_row FROM tiles WHERE zoom_level = ? AND tile_column BETWEEN ? AND ? AND tile_row BETWEEN ? AND ?"
        with self._told():
            rows = self._base.execute(question, (zoom, first.x, last.x, most - last.y, most - first.y))
            return sorted(Tile(int(x), most - int(y)) for x, y in rows)

    def read(self, zoom: int, tile: Tile) -> bytes:
        """Read a row."""
        question = "SELECT tile_data FROM tiles WHERE zoom_level = ? AND tile_column = ? AND tile_row = ?"
        try:
            row = self._base.execute(question, (zoom, tile.x, 2**zoom - 1 - tile.y)).fetchone()
        except (sqlite3.Error, OverflowError) as error:
            msg = f"a fault in the database ({_said(error)})"
            raise FaultyTile(msg) from error
        if row is None or not isinstance(row[0], bytes):
            msg = "no bytes"
            raise FaultyTile(msg)
        return unpacked(row[0])

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, ValueError, TypeError, OverflowError) as error:
            msg = f"{self._path.name}: expected an MBTiles file that can be read, found a fault ({_said(error)}). Mend: fetch it again."
            raise BadInput(msg) from error


def _said(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:160]
