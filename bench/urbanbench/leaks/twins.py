"""Twins: labelled units that are the same shape, parcel, building, picture or raster cell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.city.folder.format import DIRECTIONS, UNIT_LAYER
from urbanbench.leaks.finding import LEAK, WARNING, Finding
from urbanbench.leaks.sides import Splits, shared_units, tested_beside

if TYPE_CHECKING:
    from urbanbench.city.city import City
    from urbanbench.scoring.targets import Targets

__all__ = ["cell_findings", "place_findings", "twin_findings"]

_APART = "Mend: a column 'parcel' in the label's table keeps them on one side (no split cuts a parcel), or use --split block."
_NEIGHBOURS = 8
_LARGEST_CELL = 50
_FEWEST_PAIRS = 5
_MOSTLY = 0.5


def place_findings(targets: Targets, splits: Splits) -> list[Finding]:
    """Tell units at one and the same position that are tested and trained on; needs nothing but the targets."""
    names = _numbered(np.round(targets.xy, 2))
    return _both_sides(
        "same position", WARNING, "units lie at the position of another", names, targets, splits
    )


def twin_findings(city: City, targets: Targets, splits: Splits) -> list[Finding]:
    """Tell units with equal geometry, walls or pictures in common that stand on both sides of a split.

    Parameters
    ----------
    city, targets
        The city and the labelled units.
    splits
        Splits of them.
    """
    found: list[Finding] = []
    for check, severity, told, names in _kinds(city, targets):
        found += _both_sides(check, severity, told, names(), targets, splits)
    return found


_Kind = tuple[str, str, str, Callable[[], np.ndarray]]


def _kinds(city: City, targets: Targets) -> Iterator[_Kind]:
    layer = UNIT_LAYER[targets.level]
    shapes = getattr(city, layer).geometry.reindex(targets.ids).to_numpy()
    told = f"{targets.level}s have the geometry of another"
    yield "duplicate geometry", LEAK, told, lambda: _numbered_shapes(shapes)
    if targets.parcels is not None:
        parcels = np.asarray(targets.parcels)
        yield "same parcel", LEAK, "units stand on the parcel of another", lambda: _numbered(parcels)
    if targets.level == "building":
        yield (
            "shared wall",
            WARNING,
            "buildings touch another labelled one, so they may be parts of one",
            lambda: _touching(shapes),
        )
    if targets.level == "street_view":
        yield (
            "nearly the same picture",
            LEAK,
            "street views show nearly the picture of another",
            lambda: _same_pictures(city, targets),
        )
    if targets.level == "region" and "satellite" in city.layers:
        pictures = city.satellite["image"].reindex(targets.ids).to_numpy(dtype=object)
        yield (
            "same picture",
            LEAK,
            "regions have the overhead picture of another",
            lambda: _numbered_known(pictures),
        )


def cell_findings(targets: Targets, splits: Splits) -> list[Finding]:
    """Tell units that seem to take their value from one raster cell, and stand on both sides.

    Values that two to 50 units share to the last digit, where most pairs of sharers are among each other's eight nearest units, look like
    one cell of a grid read several times: chance, rounding and true zeros scatter equal values over the city.
    """
    names = _cells(targets)
    if shared_units(names) == 0:
        return []
    told = "units have exactly the value of a neighbour, as if read from one raster cell"
    return _both_sides("same raster cell", WARNING, told, names, targets, splits)


def _both_sides(
    check: str, severity: str, told: str, names: np.ndarray, targets: Targets, splits: Splits
) -> list[Finding]:
    """Return a finding where a split tests units beside their likes."""
    tested = {word: count for word, count in tested_beside(names, splits).items() if count > 0}
    if not tested:
        return []
    where = ", ".join(f"{word} {count:.1f}" for word, count in tested.items())
    said = f"{told}; test units a seed with such a training unit: {where}"
    return [Finding(severity, check, shared_units(names), len(targets), said, _APART)]


def _same_pictures(city: City, targets: Targets) -> np.ndarray:
    """Give street views numbers, the same to those whose pictures are nearly the same; -1 to those without a picture."""
    from urbanbench.city.alike import alike

    rows = city.street_views.reindex(targets.ids)
    sides = [one for one in ("image", *DIRECTIONS) if one in rows]
    names = np.full(len(rows), -1, dtype=np.int64)
    first = rows[sides].bfill(axis=1).iloc[:, 0] if sides else rows.index.to_series().map(lambda _: None)
    known = np.array([isinstance(one, str) for one in first], dtype=bool)
    names[known] = alike([city.path / str(one) for one in first[known]])
    return names


def _numbered(rows: np.ndarray) -> np.ndarray:
    return np.asarray(np.unique(rows, axis=0, return_inverse=True)[1].ravel())


def _numbered_known(words: np.ndarray) -> np.ndarray:
    """Give words numbers; -1 for those that are missing."""
    known = np.array([isinstance(one, str) for one in words])
    names = np.full(len(words), -1, dtype=np.int64)
    names[known] = _numbered(words[known].astype(str))
    return names


def _numbered_shapes(shapes: np.ndarray) -> np.ndarray:
    """Give shapes numbers by their corners to the centimetre, whatever corner they begin with."""
    import shapely

    return _numbered(
        np.asarray(shapely.to_wkb(shapely.normalize(shapely.set_precision(shapes, 0.01, mode="pointwise"))))
    )


def _touching(shapes: np.ndarray) -> np.ndarray:
    """Give numbers to the groups of shapes that touch each other, directly or through others."""
    import shapely
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    graph = coo_array((np.ones(len(one)), (one, other)), shape=(len(shapes), len(shapes)))
    return np.asarray(connected_components(graph, directed=False)[1])


def _cells(targets: Targets) -> np.ndarray:
    """Give numbers to the values that look like raster cells, int64 (n,); -1 for all other units."""
    from scipy.spatial import cKDTree

    names = np.full(len(targets), -1, dtype=np.int64)
    if targets.kind == "classification" or len(targets) <= _NEIGHBOURS:
        return names
    value = _numbered(targets.values)
    counts = np.bincount(value)
    shared = (counts > 1) & (counts <= _LARGEST_CELL)
    near = cKDTree(targets.xy).query(targets.xy, k=_NEIGHBOURS + 1)[1]
    rows = np.repeat(np.arange(len(targets)), _NEIGHBOURS + 1)
    pairs = np.unique(np.sort(np.column_stack([rows, near.ravel()]), axis=1), axis=0)
    pairs = pairs[(pairs[:, 0] < pairs[:, 1]) & (value[pairs[:, 0]] == value[pairs[:, 1]])]
    close = np.bincount(value[pairs[:, 0]], minlength=len(counts))
    possible = np.minimum(counts * (counts - 1) // 2, counts * _NEIGHBOURS // 2)
    if close[shared].sum() < _FEWEST_PAIRS or close[shared].sum() < _MOSTLY * possible[shared].sum():
        return names
    celled = shared & (close > 0)
    names[celled[value]] = value[celled[value]]
    return names
