"""Polygons out of whatever geometry a file holds."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["ground_km2", "polygons_of"]

_EQUAL_AREA = "EPSG:6933"


def ground_km2(shapes: np.ndarray) -> np.ndarray:
    """Return the ground that shapes in longitude and latitude cover, float64 (n,), in km2: degrees have no area.

    Examples
    --------
    >>> import shapely
    >>> ground_km2(np.array([shapely.box(0, 0, 1, 1), shapely.box(0, 60, 1, 61)])).round().tolist()
    [12308.0, 6123.0]
    """
    import shapely
    from pyproj import Transformer

    to_plane = Transformer.from_crs("EPSG:4326", _EQUAL_AREA, always_xy=True)
    placed = shapely.transform(shapes, lambda xy: np.column_stack(to_plane.transform(xy[:, 0], xy[:, 1])))
    return np.asarray(shapely.area(placed) / 1e6)


def polygons_of(shape: Any) -> Any:
    """Return the polygons of a geometry as one Polygon or MultiPolygon in two dimensions; None where it has none.

    Examples
    --------
    >>> import shapely
    >>> mixed = shapely.GeometryCollection([shapely.Point(0, 0), shapely.box(0, 0, 1, 1)])
    >>> polygons_of(mixed).wkt, polygons_of(shapely.Point(0, 0))
    ('POLYGON ((1 0, 1 1, 0 1, 0 0, 1 0))', None)
    """
    import shapely

    if shape is None or shapely.is_empty(shape):
        return None
    flat = shapely.force_2d(shape)
    valid = flat if shapely.is_valid(flat) else shapely.make_valid(flat)
    if valid.geom_type in {"Polygon", "MultiPolygon"}:
        return valid
    parts = [
        part
        for one in shapely.get_parts(valid)
        for part in shapely.get_parts(one)
        if part.geom_type == "Polygon" and part.area > 0
    ]
    return shapely.union_all(parts) if parts else None
