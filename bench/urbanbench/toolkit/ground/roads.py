"""Roads by the values of their tag `highway`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from urbanbench.city.folder.tags import tag_table

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = ["FOOT_ROADS", "without_classes"]

FOOT_ROADS = frozenset({"cycleway", "footway", "steps"})
"""Ways that give POIs no road context."""


def without_classes(roads: gpd.GeoDataFrame, classes: frozenset[str]) -> np.ndarray:
    """Return which roads have none of these values of `highway`, bool (n,)."""
    tags = tag_table(roads["tags"]).with_key("highway")
    kept = np.ones(len(roads), dtype=bool)
    kept[tags.rows[np.isin(tags.value.astype(str), sorted(classes))]] = False
    return kept
