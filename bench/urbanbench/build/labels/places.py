"""What labels are made for: regions in metres, and buildings with their tags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    import pyarrow as pa

__all__ = ["Places", "label_frame"]


@dataclass(frozen=True)
class Places:
    """The units of a city.

    Parameters
    ----------
    regions
        Index region_id, sorted; geometry in longitude and latitude.
    crs
        The city's CRS.
    buildings
        `id` and `tags`, sorted by id; None where there are none.
    """

    regions: gpd.GeoDataFrame
    crs: str
    buildings: pa.Table | None = None

    @cached_property
    def metric(self) -> gpd.GeoDataFrame:
        """The regions in the city's CRS."""
        return self.regions.to_crs(self.crs)

    @cached_property
    def area_km2(self) -> np.ndarray:
        """Area of each region in km2, float64 (r,)."""
        return np.asarray(self.metric.area.to_numpy() / 1e6)

    @property
    def tags(self) -> list[dict[str, str]]:
        """The tags of each building."""
        return [] if self.buildings is None else [dict(one) for one in self.buildings["tags"].to_pylist()]

    def ids(self, level: str) -> list[str]:
        """Return the ids of a level's units."""
        if level == "region":
            return [str(one) for one in self.regions.index]
        return [] if self.buildings is None else [str(one) for one in self.buildings["id"].to_pylist()]


def label_frame(ids: Sequence[str], **columns: Any) -> pd.DataFrame:
    """Return a frame indexed by unit id; `value` is required."""
    import pandas as pd

    return pd.DataFrame(columns, index=pd.Index(list(ids), dtype=object))
