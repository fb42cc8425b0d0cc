"""Regions between a smallest and a largest area."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from urbanbench.errors import BadInput

if TYPE_CHECKING:
    import geopandas as gpd

    from urbanbench.build.report import Report

__all__ = ["within_sizes"]


def within_sizes(
    regions: gpd.GeoDataFrame, crs: str, least_km2: float, most_km2: float, report: Report
) -> gpd.GeoDataFrame:
    """Keep the regions whose area in the city's CRS is within bounds, in km2, and make what is stored valid.

    Raises
    ------
    BadInput
        None is left.
    """
    km2 = regions.geometry.to_crs(crs).area.to_numpy() / 1e6
    small, large = km2 < least_km2, km2 > most_km2
    report.add("regions", "dropped", f"smaller than {least_km2:g} km2", ids=regions.index[small])
    report.add("regions", "dropped", f"larger than {most_km2:g} km2", ids=regions.index[large])
    kept = ~(small | large)
    if not kept.any():
        middle = float(np.median(km2))
        msg = f"None of {len(km2)} regions is between {least_km2:g} and {most_km2:g} km2; half of them are below {middle:.4g}. Expected one at least. Mend: --min-area and --max-area"
        raise BadInput(msg)
    return regions[kept]
