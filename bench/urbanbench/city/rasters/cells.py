"""Which pixels of a block a polygon covers, and how much of each, exactly."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

__all__ = ["covered_cells"]

_MOST_CELLS = 4_000_000
"""Pixels that polygons asked for together may cover."""


def covered_cells(shapes: np.ndarray, side: int) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Cut polygons into the pixels of a block.

    Parameters
    ----------
    shapes
        Shapely polygons (n,) in pixels of the block: x eastwards in [0, side], y northwards from its southern edge.
    side
        Pixels per side.

    Yields
    ------
    row
        Of the polygon; polygons that cover no pixel do not come up.
    cells
        int64 (c,): pixels row by row from the north-western one.
    shares
        float64 (c,): share of each pixel that the polygon covers, (0, 1].
    """
    import shapely

    bounds = np.clip(shapely.bounds(shapes), 0, side)
    size = np.maximum((bounds[:, 2] - bounds[:, 0] + 2) * (bounds[:, 3] - bounds[:, 1] + 2), 1)
    part = (np.cumsum(size) // _MOST_CELLS).astype(np.int64)
    for rows in np.split(np.arange(len(shapes)), np.flatnonzero(np.diff(part)) + 1):
        if len(rows):
            yield from _cells(shapes, rows, side)


def _cells(shapes: np.ndarray, rows: np.ndarray, side: int) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    from exactextract import exact_extract
    from exactextract.raster import NumPyRasterSource

    source = NumPyRasterSource(np.zeros((side, side), dtype=np.uint8), 0, 0, side, side)
    found = exact_extract(
        source, _shapes_class()(shapes, rows), ["cell_id", "coverage"], include_cols=["row"], output="pandas"
    )
    for row, cells, shares in zip(found["row"], found["cell_id"], found["coverage"], strict=True):
        some = shares > 0
        if some.any():
            yield int(row), cells[some], shares[some]


@cache
def _shapes_class() -> Any:
    """Make the class by which exactextract reads shapely polygons; its own go by way of GeoJSON text."""
    import shapely
    from exactextract.feature import Feature, FeatureSource

    class Shape(Feature):  # type: ignore[misc]
        """One polygon and its row."""

        def __init__(self, row: int, wkb: bytes) -> None:
            super().__init__()
            self.row, self.wkb = row, wkb

        def geometry(self) -> bytes:
            return self.wkb

        def get(self, _name: str) -> int:
            return self.row

        def fields(self) -> list[str]:
            return ["row"]

    class Shapes(FeatureSource):  # type: ignore[misc]
        """Polygons by their rows."""

        def __init__(self, shapes: np.ndarray, rows: np.ndarray) -> None:
            super().__init__()
            self.rows, self.wkbs = rows.tolist(), shapely.to_wkb(shapes[rows]).tolist()

        def count(self) -> int:
            return len(self.rows)

        def __iter__(self) -> Iterator[Shape]:
            return map(Shape, self.rows, self.wkbs)

        def srs_wkt(self) -> None:
            return None

    return Shapes
