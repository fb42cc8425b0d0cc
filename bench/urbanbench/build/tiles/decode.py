"""From a tile's bytes to its features."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from urbanbench.build.tiles.geometry import paths_of
from urbanbench.build.tiles.grid import UNITS, Tile
from urbanbench.build.tiles.unpack import FaultyTile
from urbanbench.errors import ExtraMissing

__all__ = ["AREA", "LINE", "POINT", "Feature", "features_of", "layer_names", "parsed"]

POINT, LINE, AREA = 1, 2, 3
"""Kinds of geometry, as tiles number them."""

_MOST_EXTENT = 2**20
_REACH = 64
"""Tiles that a geometry may reach beyond its own: encoders that clip nothing write whole objects."""

Value = str | float | int | bool


@dataclass(frozen=True)
class Feature:
    """A feature of a tile.

    Parameters
    ----------
    tile, layer, place
        Where it stands: its tile, layer and number in the layer.
    number
        Its id; None where it has none.
    kind
        `POINT`, `LINE` or `AREA`.
    attributes
        What the tile says of it.
    paths
        Points, lines or rings, float64 (n, 2), as places of `Grid`.
    step
        Distance of neighbouring places in its layer.
    """

    tile: Tile
    layer: str
    place: int
    number: int | None
    kind: int
    attributes: dict[str, Value]
    paths: list[np.ndarray]
    step: float


def parsed(data: bytes) -> Any:
    """Parse a tile.

    Raises
    ------
    FaultyTile
        It is no vector tile.
    ExtraMissing
        The package mapbox-vector-tile is not installed.
    """
    try:
        from google.protobuf.message import DecodeError
        from mapbox_vector_tile.decoder import TileData
    except ImportError as error:
        msg = "Reading vector tiles needs the package mapbox-vector-tile, which is not installed. Mend: pip install 'urbanbench[tiles]'"
        raise ExtraMissing(msg) from error
    try:
        return TileData(data).tile
    except DecodeError as error:
        msg = "bytes that are no vector tile"
        raise FaultyTile(msg) from error


def layer_names(message: Any) -> list[str]:
    """Return the names of a parsed tile's layers."""
    return [layer.name for layer in message.layers if isinstance(layer.name, str)]


def features_of(message: Any, tile: Tile, wanted: Collection[str], faults: Counter[str]) -> Iterator[Feature]:
    """Give the features of some layers of a parsed tile.

    Parameters
    ----------
    message
        What `parsed` gave.
    tile
        Which tile it is.
    wanted
        Names of layers.
    faults
        Counts features that cannot be read, by layer.
    """
    for layer in message.layers:
        if layer.name not in wanted:
            continue
        if not 0 < layer.extent <= _MOST_EXTENT:
            faults[layer.name] += len(layer.features)
            continue
        values = [_value(one) for one in layer.values]
        keys = [key if isinstance(key, str) else None for key in layer.keys]  # bytes, where they are no text
        for place, raw in enumerate(layer.features):
            found = _feature(raw, tile, layer, place, keys, values)
            if found is None:
                faults[layer.name] += 1
            else:
                yield found


def _feature(
    raw: Any, tile: Tile, layer: Any, place: int, keys: list[str | None], values: list[Value | None]
) -> Feature | None:
    pairs = list(raw.tags)
    step = UNITS / layer.extent
    try:
        named = {keys[key]: values[value] for key, value in zip(pairs[::2], pairs[1::2], strict=True)}
        drawn = paths_of(list(raw.geometry), _REACH * layer.extent)
    except (IndexError, ValueError):  # broken geometry is a value error
        return None
    if raw.type not in {POINT, LINE, AREA}:
        return None
    corner = (tile.x * UNITS, tile.y * UNITS)
    paths = [path * step + corner for path in drawn]
    number = int(raw.id) if raw.HasField("id") and raw.id else None
    attributes = {key: value for key, value in named.items() if key is not None and value is not None}
    return Feature(tile, layer.name, place, number, raw.type, attributes, paths, step)


def _value(raw: Any) -> Value | None:
    """Return the one value of a value message; None where it has none, or text that is none."""
    fields = raw.ListFields()
    found = fields[0][1] if fields else None
    return None if isinstance(found, bytes) else found
