"""Where tiles lie: a folder, an MBTiles or a PMTiles file. Opened by content."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from urbanbench.build.map.objects import Box
from urbanbench.build.tiles.grid import Tile
from urbanbench.errors import BadInput, DataMissing

__all__ = ["TileStore", "open_tiles"]


class TileStore(Protocol):
    """Tiles by zoom level, column and row; rows are counted from the north."""

    def close(self) -> None:
        """Close the file, if it is one."""

    def zooms(self) -> list[int]:
        """Return the zoom levels there may be tiles of, from the lowest."""

    def box(self) -> Box | None:
        """Return the box the tiles are said to cover; None where nothing is said."""

    def there(self, zoom: int, first: Tile, last: Tile) -> list[Tile]:
        """Return the tiles that are there, of those from the north-west corner to the south-east corner, sorted."""

    def read(self, zoom: int, tile: Tile) -> bytes:
        """Return a tile's bytes, unpacked.

        Raises
        ------
        FaultyTile
            They cannot be read.
        """


def open_tiles(path: Path) -> TileStore:
    """Open tiles.

    Raises
    ------
    DataMissing
        Nothing is there.
    BadInput
        Something else, or a damaged file.
    ExtraMissing
        The package pmtiles is not installed.
    """
    if path.is_dir():
        from urbanbench.build.tiles.folder import FolderStore

        return FolderStore(path)
    if not path.is_file():
        msg = f"No tiles {str(path)!r}. Expected a folder <zoom>/<x>/<y>.pbf (or .mvt), an .mbtiles or a .pmtiles file on this machine. Check the path."
        raise DataMissing(msg)
    with path.open("rb") as stream:
        head = stream.read(16)
    if head.startswith(b"SQLite format 3"):
        from urbanbench.build.tiles.mbtiles import MbtilesStore

        return MbtilesStore(path)
    if head.startswith(b"PM"):
        from urbanbench.build.tiles.pmtiles import PmtilesStore

        return PmtilesStore(path)
    msg = f"{path.name}: expected vector tiles (a folder <zoom>/<x>/<y>.pbf, MBTiles or PMTiles), found another kind of file."
    raise BadInput(msg)
