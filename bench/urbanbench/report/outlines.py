"""Regions and main roads of a city as few whole numbers: simplified, on a grid, each corner told by its step from the one before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from urbanbench.city.city import City

__all__ = ["Grid", "main_roads", "outlines"]

_CELLS = 2400
"""Cells of the grid along the longer side: a region's outline is right to a few metres in a city of ten kilometres."""
_ROAD_CORNERS = 9_000
"""Corners of all roads together; smaller roads are left out first."""
_RANKS = (("motorway", "trunk"), ("primary",), ("secondary",), ("tertiary",))
"""Main roads, the largest first."""


class Grid:
    """Whole numbers for positions: columns to the east, lines to the south, as screens count.

    Parameters
    ----------
    bounds
        (west, south, east, north) in metres.
    """

    def __init__(self, bounds: np.ndarray) -> None:
        west, south, east, north = (float(one) for one in bounds)
        self.west, self.north = west, north
        self.metres = max(east - west, north - south, 1.0) / _CELLS
        self.size = [round((east - west) / self.metres), round((north - south) / self.metres)]

    def cells(self, xy: np.ndarray) -> np.ndarray:
        """Return the cells (n, 2) of positions (n, 2) in metres."""
        return np.rint(np.column_stack([xy[:, 0] - self.west, self.north - xy[:, 1]]) / self.metres).astype(
            np.int64
        )

    def steps(self, xy: np.ndarray) -> list[int]:
        """Write a line: its first cell, then steps, without corners that fall into the same cell."""
        cells = self.cells(xy)
        moved = np.diff(cells, axis=0, prepend=[[0, 0]])
        kept = np.asarray(moved.any(axis=1))
        kept[0] = True
        return [int(one) for one in moved[kept].ravel()]


def outlines(city: City) -> dict[str, Any]:
    """Return the regions of a city: ids, names, and rings for each, an outer one and its holes one after another.

    Borders that regions share are simplified together, so that no gaps open between them; holes turn the other way than outer rings.
    """
    import shapely

    frame = city.regions
    grid = Grid(frame.total_bounds)
    shapes = _simplified(np.asarray(frame.geometry), 1.2 * grid.metres)
    return {
        "ids": [str(one) for one in frame.index],
        "names": [str(one) for one in frame["name"]] if "name" in frame else [],
        "size": grid.size,
        "metres": grid.metres,
        "rings": [
            [
                grid.steps(shapely.get_coordinates(ring))
                for part in shapely.get_parts(shape)
                for ring in (part.exterior, *part.interiors)
            ]
            for shape in shapes
        ],
    }


def _simplified(shapes: np.ndarray, tolerance: float) -> np.ndarray:
    import shapely

    try:
        made = shapely.coverage_simplify(shapes, tolerance)
    except shapely.errors.GEOSException:
        made = shapely.simplify(shapes, tolerance)
    lost = shapely.is_empty(made) | ~np.isin(shapely.get_type_id(made), (3, 6))
    return np.asarray(shapely.orient_polygons(np.where(lost, shapes, made)))


def main_roads(city: City) -> list[list[int]]:
    """Return the main roads of a city on the grid of its regions, the largest kinds first, as many as a small map can show; [] without a road layer."""
    import shapely

    if "roads" not in city.layers or not len(city.roads):
        return []
    grid = Grid(city.regions.total_bounds)
    kinds = np.array([dict(tags).get("highway", "").removesuffix("_link") for tags in city.roads["tags"]])
    shapes, corners = np.asarray(city.roads.geometry), 0
    found: list[list[int]] = []
    for rank in _RANKS:
        chosen = shapes[np.isin(kinds, rank)]
        merged = shapely.get_parts(shapely.line_merge(shapely.union_all(chosen))) if len(chosen) else []
        lines = [
            grid.steps(shapely.get_coordinates(one)) for one in shapely.simplify(merged, 2.5 * grid.metres)
        ]
        lines = [one for one in lines if len(one) > 2]
        corners += sum(map(len, lines)) // 2
        if found and corners > _ROAD_CORNERS:
            break
        found += lines
    return found
