"""Means and spreads of an embedding raster over polygons: each pixel weighs by the share of it that lies in the polygon.

Polygons are brought to the raster's CRS; the raster is never resampled. Blocks of a lattice are read one after another, so a large raster
needs no more memory than a small one, and the sums do not depend on where its files begin and end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from urbanbench.city.folder.format import RasterInfo
from urbanbench.city.rasters.cells import covered_cells
from urbanbench.city.rasters.grids import Grid, block_side
from urbanbench.city.rasters.ground import Shown, area_in, projected
from urbanbench.city.rasters.mosaic import read_block
from urbanbench.city.rasters.opening import OpenFiles
from urbanbench.progress import tracking

__all__ = ["LEAST_SHARE", "Zonal", "zonal_statistics"]

LEAST_SHARE = 1e-6
"""Share of a polygon below which pixels with data count as none: two borders that touch are not exact."""


@dataclass(frozen=True)
class Zonal:
    """Statistics of n polygons.

    Parameters
    ----------
    mean
        float64 (n, bands): mean of the values, weighted by covered area; 0 where there are none.
    spread
        float64 (n, bands): standard deviation of the values with the same weights; 0 where there are none.
    share
        float64 (n,): share of the polygon's area that lies under pixels with data.
    """

    mean: np.ndarray
    spread: np.ndarray
    share: np.ndarray


def zonal_statistics(
    folder: Path, info: RasterInfo, grids: Sequence[Grid], shapes: np.ndarray, crs: str, *, spread: bool
) -> Zonal:
    """Sum a layer of rasters up over polygons.

    Where rasters of one lattice overlap, the first with data for a pixel counts. Where lattices overlap, as those of two UTM zones do, a
    later one counts for the ground alone that earlier ones do not show.

    Parameters
    ----------
    folder, info
        The city folder, and what city.json says of the layer.
    grids
        The layer's rasters by lattice.
    shapes
        Shapely polygons (n,).
    crs
        Their CRS.
    spread
        Whether `spread` is wanted; it costs about as much as the mean.

    Raises
    ------
    FaultyRaster
        Pixels that cannot be read, or hold numbers that no embedding has.
    """
    sums = _Sums(len(shapes), grids[0].rasters[0].head.bands, spread=spread)
    rest = shapes
    with OpenFiles(folder) as files:
        for place, grid in enumerate(grids):
            later = area_in(grids[place + 1 :], crs)
            here = projected(rest, crs, grid.crs)
            shown = Shown(here, rest, later, grid)
            whole = projected(shapes, crs, grid.crs) if rest is not shapes else here
            _add_grid(sums, files, info, grid, here, whole, shown)
            rest = shown.rest(rest, crs)
    return sums.result()


class _Sums:
    """Weights, means and squared deviations of polygons, added up part by part without loss (Chan, Golub and LeVeque 1983)."""

    def __init__(self, n: int, bands: int, *, spread: bool) -> None:
        self.weight = np.zeros(n)
        self.mean = np.zeros((n, bands))
        self.square = np.zeros((n, bands)) if spread else None

    def add(self, row: int, weights: np.ndarray, values: np.ndarray) -> None:
        """Add values (c, bands) with weights (c,) to a polygon."""
        weight = weights.sum()
        mean = weights @ values / weight
        total = self.weight[row] + weight
        away = mean - self.mean[row]
        if self.square is not None:
            self.square[row] += weights @ (values - mean) ** 2 + away**2 * (self.weight[row] * weight / total)
        self.mean[row] += away * (weight / total)
        self.weight[row] = total

    def result(self) -> Zonal:
        """Return what was added up."""
        bare = self.weight < LEAST_SHARE
        mean = np.where(bare[:, None], 0.0, self.mean)
        square = np.zeros_like(mean) if self.square is None else self.square
        with np.errstate(invalid="ignore", divide="ignore"):
            spread = np.where(bare[:, None], 0.0, np.sqrt(square / self.weight[:, None]))
        return Zonal(mean, spread, np.where(bare, 0.0, np.minimum(self.weight, 1.0)))


def _add_grid(
    sums: _Sums,
    files: OpenFiles,
    info: RasterInfo,
    grid: Grid,
    here: np.ndarray,
    whole: np.ndarray,
    shown: Shown,
) -> None:
    """Add what a grid shows of polygons, given in its CRS; weights are shares of the whole polygon."""
    import shapely

    pixels = shapely.transform(here, grid.pixels)
    some = np.isfinite(shapely.bounds(pixels)).all(axis=1)
    if not some.any():
        return
    area = shapely.area(shapely.transform(whole, grid.pixels))
    tree = shapely.STRtree(np.where(some, pixels, None))
    side = block_side(grid.rasters[0].head.bands)
    blocks = list(grid.blocks(side, shapely.total_bounds(pixels[some])))
    with tracking("read the embedding raster", len(blocks)) as bar:
        for at in blocks:
            bar.advance()
            rows = np.sort(tree.query(_square(at, side)))
            if not len(rows):
                continue
            block = read_block(files, info, grid, at, side)
            for row, cells, shares in covered_cells(_in_block(pixels[rows], at, side), side):
                known = block.known[cells]
                if known.any():
                    weights = shares[known] / area[rows[row]]
                    sums.add(rows[row], weights, block.values[cells[known]])
            shown.note(at, side, block.known, rows)


def _square(at: tuple[int, int], side: int) -> Any:
    import shapely

    return shapely.box(at[0] * side, at[1] * side, (at[0] + 1) * side, (at[1] + 1) * side)


def _in_block(pixels: np.ndarray, at: tuple[int, int], side: int) -> np.ndarray:
    """Move polygons of a lattice, whose rows count southwards, to a block's own south-western corner."""
    import shapely

    corner = (at[0] * side, (at[1] + 1) * side)
    moved: np.ndarray = shapely.transform(pixels, lambda xy: (xy - corner) * (1, -1))
    return moved
