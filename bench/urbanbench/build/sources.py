"""Which map an order names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from urbanbench.build.osm.file import OsmFile
from urbanbench.build.overture.folder import OvertureFolder
from urbanbench.build.tiles.map import TileMap

if TYPE_CHECKING:
    from urbanbench.build.map.objects import MapSource
    from urbanbench.build.order import Order

__all__ = ["map_source"]


def map_source(order: Order) -> MapSource | None:
    """Return the map that an order names, not read yet; None where it names none."""
    if order.osm is not None:
        return OsmFile(order.osm)
    if order.tiles is not None:
        return TileMap(order.tiles, order.zoom)
    if order.overture is not None:
        return OvertureFolder(order.overture, order.least_confidence)
    return None
