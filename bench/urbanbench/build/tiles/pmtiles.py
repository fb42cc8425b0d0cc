"""Tiles in a PMTiles file, version 3."""

from __future__ import annotations

import mmap
from functools import lru_cache
from pathlib import Path
from typing import Any

from urbanbench.build.map.objects import Box
from urbanbench.build.tiles.directory import Directory, read_directory
from urbanbench.build.tiles.grid import Tile
from urbanbench.build.tiles.unpack import FaultyTile, unpacked
from urbanbench.errors import BadInput, ExtraMissing

__all__ = ["PmtilesStore", "pmtiles_package"]

_DEEPEST = 4
"""Directories inside of directories at most; the format wants three."""

_KEPT = 64
_HEADER = 127
_WORLD = 359.0


def pmtiles_package() -> Any:
    """Import the module of the package pmtiles that knows the header and the order of tiles.

    Raises
    ------
    ExtraMissing
        It is not installed.
    """
    try:
        from pmtiles import tile
    except ImportError as error:
        msg = "Reading a PMTiles file needs the package pmtiles, which is not installed. Mend: pip install 'urbanbench[tiles]'"
        raise ExtraMissing(msg) from error
    return tile


class PmtilesStore:
    """A PMTiles file.

    Raises
    ------
    BadInput
        Another version, pictures, or a damaged file.
    ExtraMissing
        The package pmtiles is not installed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._package = pmtiles_package()
        with path.open("rb") as stream:
            self._data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            self._head = self._header()
        except BadInput:
            self.close()
            raise
        self._directory = lru_cache(maxsize=_KEPT)(self._read_directory)

    def _header(self) -> dict[str, Any]:
        if self._data[:7] != b"PMTiles" or self._data[7:8] != b"\x03":
            msg = f"{self._path.name}: expected PMTiles of version 3, found another. Mend: pmtiles convert {self._path.name} new.pmtiles"
            raise BadInput(msg)
        try:
            head = dict(self._package.deserialize_header(self._data[:_HEADER]))
        except (ValueError, IndexError) as error:
            msg = f"{self._path.name}: expected a whole PMTiles header, found a damaged one. Mend: fetch the file again."
            raise BadInput(msg) from error
        if head["tile_type"] != self._package.TileType.MVT:
            msg = f"{self._path.name}: expected vector tiles (MVT), found tiles of the type {head['tile_type'].name}."
            raise BadInput(msg)
        return head

    def close(self) -> None:
        """Close the file."""
        self._data.close()

    def zooms(self) -> list[int]:
        """Return the zoom levels of the header."""
        low, high = self._head["min_zoom"], self._head["max_zoom"]
        return list(range(low, min(high, 30) + 1))

    def box(self) -> Box | None:
        """Return the box of the header."""
        west, south, east, north = (
            self._head[f"{one}_e7"] / 1e7 for one in ("min_lon", "min_lat", "max_lon", "max_lat")
        )
        sound = -180 <= west < east <= 180 and -90 <= south < north <= 90
        return (west, south, east, north) if sound and east - west < _WORLD else None

    def there(self, zoom: int, first: Tile, last: Tile) -> list[Tile]:
        """Return the tiles that a directory names.

        Raises
        ------
        BadInput
            A directory is damaged.
        """
        tiles = [Tile(x, y) for x in range(first.x, last.x + 1) for y in range(first.y, last.y + 1)]
        try:
            return [one for one in tiles if self._place(zoom, one) is not None]
        except FaultyTile as error:
            msg = f"{self._path.name}: expected a PMTiles file that can be read, found {error}. Mend: fetch it again."
            raise BadInput(msg) from error

    def read(self, zoom: int, tile: Tile) -> bytes:
        """Read a tile."""
        place = self._place(zoom, tile)
        if place is None:
            msg = "no bytes"
            raise FaultyTile(msg)
        return unpacked(self._bytes(*place), self._packing("tile_compression"))

    def _place(self, zoom: int, tile: Tile) -> tuple[int, int] | None:
        """Return where a tile begins in the file, and its length."""
        number = self._package.zxy_to_tileid(zoom, tile.x, tile.y)
        offset, length = self._head["root_offset"], self._head["root_length"]
        for _ in range(_DEEPEST):
            found = self._directory(offset, length).find(number)
            if found is None:
                return None
            run, offset, length = found
            if run:
                return self._head["tile_data_offset"] + offset, length
            offset += self._head["leaf_directory_offset"]
        msg = "directories inside of directories without an end"
        raise FaultyTile(msg)

    def _read_directory(self, offset: int, length: int) -> Directory:
        return read_directory(unpacked(self._bytes(offset, length), self._packing("internal_compression")))

    def _bytes(self, offset: int, length: int) -> bytes:
        data = self._data[offset : offset + length]
        if not length or len(data) != length:
            msg = "a place outside of the file"
            raise FaultyTile(msg)
        return data

    def _packing(self, what: str) -> str:
        """Name a packing as `unpacked` does; "" for none, and where it is not said."""
        return {"GZIP": "gzip", "BROTLI": "brotli", "ZSTD": "zstd"}.get(self._head[what].name, "")
