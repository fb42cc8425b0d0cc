"""Regions that overlap: what lies in both would count for the first alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from urbanbench.city.folder.format import Row, row_fault

__all__ = ["OVERLAP_M2", "OVERLAP_SHARE", "overlap_faults"]

OVERLAP_SHARE = 0.01
"""Share of the smaller region that may lie in another: borders drawn twice differ by slivers (up to 0.00002 in cities looked at)."""

OVERLAP_M2 = 10.0
"""An overlap of fewer square metres is rounding, unless it is half of a region: 1e-6 degrees move a border by 0.1 m."""

_AT_ONCE = 256
"""Regions whose neighbours are looked at together."""

_ENOUGH = 1000
"""Pairs after which no more are looked for."""


def overlap_faults(file: str, regions: Any) -> list[str]:
    """Tell regions that overlap beyond slivers, regions given twice among them.

    Parameters
    ----------
    file
        The regions' file, for sentences.
    regions
        Frame without faults of geometry, in the city's CRS.
    """
    pairs, shares = _overlaps(np.asarray(regions.geometry))
    if not len(pairs):
        return []
    ids = regions.index.to_numpy()
    rows: list[object] = [
        Row(f"{ids[one]!r} and {ids[other]!r}: {share:.0%}")
        for (one, other), share in zip(pairs, shares, strict=True)
    ]
    more = " or more" if len(pairs) >= _ENOUGH else ""
    return [
        row_fault(
            file,
            "geometry",
            rows,
            expected=f"regions that share at most {OVERLAP_SHARE:.0%} of the smaller one",
            found=f"pairs that overlap{more}",
            mend="Remove regions given twice and cut the others, or write \"overlapping\": true under 'regions' in city.json: then what lies in several counts for the first id.",
        )
    ]


def _overlaps(regions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of rows, int64 (p, 2), that overlap beyond slivers, and the share of the smaller region, float64 (p,)."""
    import shapely

    tree, area = shapely.STRtree(regions), shapely.area(regions)
    pairs, shares = [np.empty((0, 2), dtype=np.int64)], [np.empty(0)]
    found = 0
    for start in range(0, len(regions), _AT_ONCE):
        one, other = tree.query(regions[start : start + _AT_ONCE], predicate="intersects")
        one = one + start
        one, other = one[one < other], other[one < other]
        for part in range(0, len(one), _ENOUGH * 10):
            a, b = one[part : part + _ENOUGH * 10], other[part : part + _ENOUGH * 10]
            common = _common_area(regions[a], regions[b])
            share = common / np.minimum(area[a], area[b])
            bad = (share > OVERLAP_SHARE) & ((common > OVERLAP_M2) | (share > 0.5))
            pairs.append(np.column_stack([a[bad], b[bad]]))
            shares.append(share[bad])
            found += int(bad.sum())
            if found >= _ENOUGH:
                return np.concatenate(pairs)[:_ENOUGH], np.concatenate(shares)[:_ENOUGH]
    return np.concatenate(pairs), np.concatenate(shares)


def _common_area(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the ground that pairs of regions share, float64 (p,); borders that a projection has crossed are mended first."""
    import shapely

    try:
        return np.asarray(shapely.area(shapely.intersection(one, other)))
    except shapely.errors.GEOSException:
        mended = [shapely.make_valid(some) for some in (one, other)]
        return np.asarray(shapely.area(shapely.intersection(*mended, grid_size=1e-4)))
