"""Labels from rasters: exact zonal statistics, each cell counted by the share of it that lies in the region."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.build.files import known_crs
from urbanbench.build.labels.places import label_frame
from urbanbench.errors import BadInput, ExtraMissing

if TYPE_CHECKING:
    import pandas as pd

    from urbanbench.build.labels.places import Places
    from urbanbench.build.labels.wish import Wish
    from urbanbench.build.report import Report

__all__ = ["from_raster"]


def from_raster(wish: Wish, places: Places, report: Report) -> pd.DataFrame:
    """Take a statistic of a GeoTIFF's first band over each region.

    Cells without data do not count; regions of which cells with data cover less than ``wish.cover`` get no value.

    Returns
    -------
    DataFrame
        Index region_id; value.

    Raises
    ------
    ExtraMissing
        The packages rasterio and exactextract are not installed.
    BadInput
        The file is no GeoTIFF or names no CRS.
    """
    import shapely

    exact_extract, source_class, rasterio = _packages()
    part, path = f"labels/{wish.name}", wish.file
    with _opened(rasterio, path) as file:
        if file.crs is None and not wish.crs:
            msg = f"{path.name}: expected a GeoTIFF with a CRS, found none. Mend: {wish.ask_crs}"
            raise BadInput(msg)
        crs = file.crs if file.crs is not None else known_crs(path.name, wish.crs, wish.ask_crs)
        regions = places.regions.to_crs(crs)
        frame = regions[["geometry"]].assign(region_id=places.ids("region"))
        words = [f"value={wish.statistic}", "cells=count"]
        made = exact_extract(source_class(file), frame, words, include_cols=["region_id"], output="pandas")
        cell = abs(file.transform.determinant)
        report.add(part, "read", f"cells of {path.name}", count=file.width * file.height)
    covered = made["cells"].to_numpy(dtype=np.float64) * cell / shapely.area(regions.geometry.to_numpy())
    few = ~(covered >= max(wish.cover, 1e-9) * (1 - 1e-6))
    report.add(
        part,
        "dropped",
        f"cells with data cover less than {wish.cover:.0%} of the region",
        ids=places.regions.index[few],
    )
    values = made["value"].to_numpy()
    if wish.kind == "classification":
        values = np.array([_name(one, wish) for one in values], dtype=object)
    whole = label_frame(places.ids("region"), value=values)
    kept: pd.DataFrame = whole[~few]
    return kept


def _name(value: Any, wish: Wish) -> str:
    number = float(value)
    text = str(int(number)) if np.isfinite(number) and number.is_integer() else str(number)
    return wish.names.get(text, text)


def _opened(rasterio: Any, path: Path) -> Any:
    try:
        # By content alone a file of this name may be a VRT, which reads other files and addresses.
        return rasterio.open(path, driver="GTiff")
    except rasterio.errors.RasterioError as error:
        msg = f"{path.name}: expected a GeoTIFF, found a file that cannot be read ({str(error)[:120]})."
        raise BadInput(msg) from error


def _packages() -> tuple[Any, Any, Any]:
    try:
        import rasterio
        import rasterio.errors
        from exactextract import exact_extract
        from exactextract.raster import RasterioRasterSource
    except ImportError as error:
        msg = f"Labels from a raster need the packages rasterio and exactextract, of which one is not installed ({error.name}). Mend: pip install 'urbanbench[raster]'"
        raise ExtraMissing(msg) from error
    return exact_extract, RasterioRasterSource, rasterio
