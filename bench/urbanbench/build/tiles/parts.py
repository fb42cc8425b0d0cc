"""Parts of buildings, which tiles draw over the building they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

    from urbanbench.build.report import Report

__all__ = ["without_parts"]

_MOST_COVERED = 0.5


def without_parts(buildings: pa.Table, report: Report) -> pa.Table:
    """Drop parts of which a whole building covers more than half.

    A part says so (``building:part``), or lies in an outline that says that its parts are drawn (``openmaptiles:hide_3d``). A part in no building
    stays: it is all there is.

    Parameters
    ----------
    buildings
        `id`, `tags`, `wkb`.
    report
        Told what was dropped.
    """
    import pyarrow as pa
    import shapely

    tags = [dict(one) for one in buildings["tags"].to_pylist()]
    said = np.array(["building:part" in one for one in tags], dtype=bool)
    outline = np.array(["openmaptiles:hide_3d" in one for one in tags], dtype=bool)
    shapes = shapely.from_wkb(buildings["wkb"].to_numpy())
    inner = np.flatnonzero(said | (~outline & outline.any()))
    if not len(inner):
        return buildings
    part, whole = shapely.STRtree(shapes).query(shapes[inner], predicate="intersects")
    part = inner[part]
    pairs = (part != whole) & np.where(said[part], ~said[whole], outline[whole])
    part, whole = part[pairs], whole[pairs]
    share = shapely.area(shapely.intersection(shapes[part], shapes[whole])) / shapely.area(shapes[part])
    dropped = np.zeros(len(shapes), dtype=bool)
    dropped[part[share > _MOST_COVERED]] = True
    report.add(
        "buildings", "dropped", "parts of a building that is there as a whole", count=int(dropped.sum())
    )
    return buildings.filter(pa.array(~dropped))
