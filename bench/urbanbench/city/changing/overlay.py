"""Overlays: which part of every old region lies in which new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from urbanbench.city.changing.merge_plan import Merging

__all__ = ["pieces_of", "pieces_of_merging", "polygons_only", "shared_values"]

_ALMOST_WHOLLY = 0.9
"""Share of a new region that an old one has to hold."""


def pieces_of(new: pd.Series, old: pd.Series) -> pd.DataFrame:
    """Cut the ground of old regions along new ones.

    Parameters
    ----------
    new, old
        Polygons by region_id, in one CRS in metres; those of a layer do not overlap.

    Returns
    -------
    DataFrame
        A row per piece, in the order of the new regions and then of the old: `new` and `old` (ids), `area` of the piece and `of`, the
        area of its old region, in m².
    """
    import pandas as pd
    import shapely

    ours, theirs = np.asarray(new), np.asarray(old)
    row, place = shapely.STRtree(theirs).query(ours, predicate="intersects")
    order = np.lexsort([place, row])
    row, place = row[order], place[order]
    area = shapely.area(shapely.intersection(ours[row], theirs[place]))
    kept = area > 0
    row, place = row[kept], place[kept]
    return pd.DataFrame(
        {
            "new": np.asarray(new.index, dtype=object)[row],
            "old": np.asarray(old.index, dtype=object)[place],
            "area": area[kept],
            "of": shapely.area(theirs)[place],
        }
    )


def pieces_of_merging(merging: Merging, area: pd.Series) -> pd.DataFrame:
    """Return whole old regions as pieces of the new ones; areas by region_id, in any unit."""
    import pandas as pd

    old = list(area.index)
    whole = area.to_numpy()
    return pd.DataFrame({"new": [merging.new_id[one] for one in old], "old": old, "area": whole, "of": whole})


def shared_values(pieces: pd.DataFrame) -> int:
    """Count new regions that lie almost wholly (nine tenths) in one old region which holds another such: they have one value between them."""
    share = pieces["area"] / pieces.groupby("new")["area"].transform("sum")
    inside = pieces[share >= _ALMOST_WHOLLY]
    count = inside.groupby("old")["new"].transform("size")
    return int((count > 1).sum())


def polygons_only(shapes: np.ndarray) -> np.ndarray:
    """Return shapes, object (n,), with the points and lines dropped that a cut or a mend may leave beside polygons."""
    import shapely

    made = shapes.copy()
    for row in np.flatnonzero(shapely.get_type_id(shapes) == shapely.GeometryType.GEOMETRYCOLLECTION):
        made[row] = shapely.union_all(
            [one for one in shapely.get_parts(shapes[row]) if shapely.area(one) > 0]
        )
    return made
