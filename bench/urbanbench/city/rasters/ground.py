"""Ground that lattices show: polygons brought to another CRS, and what of them a lattice leaves to the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from urbanbench.city.rasters.grids import Grid

__all__ = ["Shown", "area_in", "projected"]

_LONGEST_M = 500.0
"""Edges are cut to this length before they are brought to another CRS, where a straight line is no longer one: an edge of 500 m lies within
a centimetre of where it should."""
_SLIVER = 1e-6
"""Share of a polygon below which a rest is rounding."""


def projected(shapes: np.ndarray, crs: str, target: str) -> np.ndarray:
    """Bring polygons to another CRS.

    Parameters
    ----------
    shapes
        Shapely polygons (n,), or None for nothing.
    crs, target
        Their CRS, in metres or degrees, and the other.

    Returns
    -------
    numpy.ndarray
        object (n,); the same polygons where the two are one CRS, and an empty polygon where a place has no position in the other.
    """
    import shapely
    from pyproj import CRS, Transformer

    source, other = CRS.from_user_input(crs), CRS.from_user_input(target)
    if source.equals(other, ignore_axis_order=True):
        return shapes
    longest = _LONGEST_M / 111_000 if source.is_geographic else _LONGEST_M
    project = Transformer.from_crs(source, other, always_xy=True)
    cut = shapely.segmentize(shapes, longest)
    moved: np.ndarray = shapely.transform(
        cut, lambda xy: np.column_stack(project.transform(xy[:, 0], xy[:, 1]))
    )
    lost = ~np.isfinite(shapely.bounds(moved)).all(axis=1) & ~shapely.is_empty(shapes)
    return np.where(lost, shapely.Polygon(), moved)


def area_in(grids: Sequence[Grid], crs: str) -> Any:
    """Return the ground of the rasters of grids, in a CRS; None for no grid."""
    import shapely

    boxes = [
        projected(np.array([shapely.box(*one.head.box) for one in grid.rasters]), grid.crs, crs)
        for grid in grids
    ]
    return shapely.union_all(np.concatenate(boxes)) if boxes else None


class Shown:
    """Ground with data that a grid shows of those polygons that a later grid may show as well.

    Parameters
    ----------
    here, rest
        The polygons in the grid's CRS and in the city's.
    later
        Ground of the later grids, in the city's CRS; None for none.
    grid
        The grid.
    """

    def __init__(self, here: np.ndarray, rest: np.ndarray, later: Any, grid: Grid) -> None:
        import shapely

        self._here, self._grid = here, grid
        self._asked = (
            shapely.intersects(rest, later) if later is not None else np.zeros(len(here), dtype=bool)
        )
        self._parts: dict[int, list[Any]] = {int(row): [] for row in np.flatnonzero(self._asked)}

    def note(self, at: tuple[int, int], side: int, known: np.ndarray, rows: np.ndarray) -> None:
        """Remember which ground of a block has data, for the polygons (rows) that meet it."""
        asked = [int(row) for row in rows if self._asked[row]]
        if not asked or not known.any():
            return
        ground = self._ground(at, side, known.reshape(side, side))
        for row in asked:
            self._parts[row].append(ground)

    def _ground(self, at: tuple[int, int], side: int, known: np.ndarray) -> Any:
        """Return the pixels with data as one geometry, in the grid's CRS."""
        import shapely
        from rasterio.features import shapes

        found = [shapely.geometry.shape(one) for one, _ in shapes(known.astype(np.uint8), mask=known)]
        corner = (at[0] * side, at[1] * side)
        return shapely.transform(shapely.union_all(found), lambda xy: self._grid.positions(xy + corner))

    def rest(self, rest: np.ndarray, crs: str) -> np.ndarray:
        """Return what of the polygons is left for later grids, in the city's CRS; empty where nothing is."""
        import shapely

        left = np.full(len(rest), shapely.Polygon(), dtype=object)
        for row, parts in self._parts.items():
            if not parts:
                left[row] = rest[row]
                continue
            cut = shapely.difference(self._here[row], shapely.union_all(parts))
            if shapely.area(cut) > _SLIVER * shapely.area(self._here[row]):
                left[row] = projected(np.array([_polygons(cut)]), self._grid.crs, crs)[0]
        return left


def _polygons(shape: Any) -> Any:
    """Keep the polygons of what a cut leaves; it may leave lines and points as well."""
    import shapely

    parts = shapely.get_parts(shape)
    return shapely.union_all(parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON])
