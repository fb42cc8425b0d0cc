"""What a task keeps from every model because it would give the answer away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from urbanbench.city.folder.tags import drop_key, empty_rows

__all__ = ["withhold_from_buildings", "withhold_from_pois"]

_LANDUSE_KEY = "landuse"


def withhold_from_pois(pois: Any, withholds: Sequence[str], target_polygons: np.ndarray) -> Any:
    """Remove what is withheld from a frame of POIs.

    Parameters
    ----------
    pois
        The city's POIs.
    withholds
        Words of `urbanbench.card.WITHHOLDABLE`. "landuse" removes tags with the key `landuse`; "target_building" removes
        POIs inside or on the border of a target's polygon.
    target_polygons
        Shapely polygons (t,) of the target buildings.

    Returns
    -------
    GeoDataFrame
        A new frame; the one given stays as it is.
    """
    kept = pois.copy(deep=False)
    if "target_building" in withholds and len(target_polygons):
        kept = kept[~_covered(np.asarray(pois.geometry), target_polygons)]
    if "landuse" in withholds:
        kept["tags"] = drop_key(kept["tags"], _LANDUSE_KEY)
    return kept


def withhold_from_buildings(buildings: Any, withholds: Sequence[str], target_ids: Sequence[str]) -> Any:
    """Remove what is withheld from a frame of buildings: `landuse` tags, and all tags of target buildings."""
    kept = buildings.copy(deep=False)
    if "target_building" in withholds:
        kept["tags"] = empty_rows(kept["tags"], kept.index.isin(target_ids))
    if "landuse" in withholds:
        kept["tags"] = drop_key(kept["tags"], _LANDUSE_KEY)
    return kept


def _covered(points: np.ndarray, polygons: np.ndarray) -> np.ndarray:
    import shapely

    inside = shapely.STRtree(points).query(polygons, predicate="intersects")[1]
    covered = np.zeros(len(points), dtype=bool)
    covered[inside] = True
    return covered
