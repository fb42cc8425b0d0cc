"""Geometry in Arrow's own encodings, lists of coordinates, as shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["is_encoded", "shapes_of"]

_DEPTH = {
    "point": 0,
    "linestring": 1,
    "multipoint": 1,
    "polygon": 2,
    "multilinestring": 2,
    "multipolygon": 3,
}
"""Lists around the coordinates of one geometry."""

_AXES = ({"x", "y"}, {"x", "y", "z"}, {"x", "y", "m"}, {"x", "y", "z", "m"})


def is_encoded(found: pa.DataType, encoding: str) -> bool:
    """Tell whether a type is that of an encoding: lists of structures of x and y, or of lists of two to four numbers."""
    from pyarrow import types

    for _ in range(_DEPTH[encoding]):
        if not (types.is_list(found) or types.is_large_list(found)):
            return False
        found = found.value_type
    if types.is_struct(found):
        fields = [found.field(place) for place in range(found.num_fields)]
        return {one.name for one in fields} in _AXES and all(types.is_floating(one.type) for one in fields)
    return bool(
        types.is_fixed_size_list(found) and 2 <= found.list_size <= 4 and types.is_floating(found.value_type)
    )


def shapes_of(stored: pa.Array, encoding: str) -> tuple[np.ndarray, np.ndarray]:
    """Make shapely geometries in two dimensions of one chunk.

    Parameters
    ----------
    stored
        Of a type that `is_encoded` accepts.
    encoding
        Its encoding.

    Returns
    -------
    shapes
        object (n,): None for null rows and for those that cannot be made.
    broken
        bool (n,): the latter.
    """
    import shapely

    there = stored.is_valid().to_numpy(zero_copy_only=False)
    rows = np.flatnonzero(there)
    kind = getattr(shapely.GeometryType, encoding.upper())
    made = np.full(len(stored), None, dtype=object)
    try:
        made[rows] = _made(kind, stored.drop_null())
    except (shapely.errors.ShapelyError, ValueError):
        for row in rows:
            made[row] = _one(kind, stored.slice(row, 1))
    return made, there & np.array([one is None for one in made], dtype=bool)


def _one(kind: Any, stored: pa.Array) -> Any:
    import shapely

    try:
        return _made(kind, stored)[0]
    except (shapely.errors.ShapelyError, ValueError):
        return None


def _made(kind: Any, stored: pa.Array) -> np.ndarray:
    """Make shapes of rows without null."""
    import shapely
    from pyarrow import types

    offsets = []
    while types.is_list(stored.type) or types.is_large_list(stored.type):
        lengths = stored.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
        offsets.append(np.concatenate(([0], np.cumsum(lengths))).astype(np.int64))
        stored = stored.flatten()
    return np.asarray(shapely.from_ragged_array(kind, _coordinates(stored), tuple(reversed(offsets)) or None))


def _coordinates(stored: pa.Array) -> np.ndarray:
    """Return x and y, float64 (n, 2); NaN where there is none."""
    import pyarrow.compute as pc
    from pyarrow import types

    if types.is_struct(stored.type):
        axes = [pc.struct_field(stored, name) for name in ("x", "y")]
    else:
        axes = [pc.list_element(stored, place) for place in (0, 1)]
    return np.column_stack([one.to_numpy(zero_copy_only=False).astype(np.float64) for one in axes])
