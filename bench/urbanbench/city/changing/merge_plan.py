"""Which neighbouring regions are merged into one: drawn from a seed, the same for every layer and label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.errors import BadInput
from urbanbench.seeds import generator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Merging", "grouping_of", "merging_of", "shared_borders"]

_TOUCH_M = 1.0
"""Regions nearer than this touch: borders drawn twice seldom agree to the last digit."""
_LEAST_BORDER_M = 10.0
"""A shorter shared border is a corner, over which regions are not merged."""


@dataclass(frozen=True)
class Merging:
    """Groups of regions that become one region each.

    Parameters
    ----------
    groups
        Region ids, those of a group in file order and groups in the order of their first region; every region stands in one group.
    names
        Ids of the new regions; () for the ids of the parts joined by "+".

    Raises
    ------
    BadInput
        Two groups would get the same id.
    """

    groups: tuple[tuple[str, ...], ...]
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(set(self.ids)) < len(self.groups):
            msg = "Two merged regions would get the same id. Expected region ids that stay different when joined by '+'. Mend: give the regions ids without '+'."
            raise BadInput(msg)

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the new regions: their names, else the ids of the parts joined by "+"; a region that stays alone then keeps its id."""
        return self.names or tuple("+".join(group) for group in self.groups)

    @cached_property
    def new_id(self) -> Mapping[str, str]:
        """New id of each old region."""
        return {one: name for name, group in zip(self.ids, self.groups, strict=True) for one in group}

    def merged(self) -> Iterator[tuple[int, str, tuple[str, ...]]]:
        """Give (row, new id, parts) of the new regions that have two or more parts."""
        for row, group in enumerate(self.groups):
            if len(group) > 1:
                yield row, self.ids[row], group


def grouping_of(group: Mapping[str, str | None]) -> Merging:
    """Merge all regions of a group into one that has the group's name; a region without a group stays alone.

    Parameters
    ----------
    group
        Group of every region, by region_id in file order; None for none.

    Raises
    ------
    BadInput
        A group has the name of a region that stays alone.
    """
    members: dict[str, list[str]] = {}
    for region, name in group.items():
        members.setdefault(region if name is None else name, []).append(region)
    taken = sorted(one for one, name in group.items() if name is None and members[one] != [one])
    if taken:
        msg = f"A group has the id of a region that is in no group ({taken[0]!r}). Expected names that differ. Mend: give the group another name."
        raise BadInput(msg)
    return Merging(tuple(map(tuple, members.values())), tuple(members))


def merging_of(regions: Any, seed: int) -> Merging:
    """Draw which regions are merged.

    Regions are visited in random order. Each that is still free takes one or two (a fair coin) of its free neighbours, those with the
    longest shared border first; a region whose neighbours are all taken stays alone.

    Parameters
    ----------
    regions
        Frame of regions in a projected CRS, as `City.regions`.
    seed
        Seed of the order and of the coins.
    """
    rng = generator(seed, "merge", "regions")
    borders = shared_borders(np.asarray(regions.geometry))
    group_of = np.full(len(regions), -1)
    for row in rng.permutation(len(regions)):
        wanted = int(rng.integers(1, 3))
        if group_of[row] >= 0:
            continue
        free = [other for other in borders[row] if group_of[other] < 0]
        group_of[[row, *free[:wanted]]] = row
    members: dict[int, list[str]] = {}
    for name, group in zip(regions.index, group_of.tolist(), strict=True):
        members.setdefault(group, []).append(name)
    return Merging(tuple(map(tuple, members.values())))


def shared_borders(shapes: np.ndarray) -> Sequence[Sequence[int]]:
    """Give for each region the rows of its neighbours, longest shared border first, ties in file order.

    Parameters
    ----------
    shapes
        Polygons (n,) in metres. The shared border of two is the part of one's outline that lies within 1 m of the other; neighbours
        share 10 m of it or more.
    """
    import shapely

    shapely.prepare(shapes)
    left, right = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=_TOUCH_M)
    left, right = left[left < right], right[left < right]
    near = shapely.buffer(shapes[right], _TOUCH_M)
    length = shapely.length(shapely.intersection(shapely.boundary(shapes[left]), near))
    found: list[list[tuple[float, int]]] = [[] for _ in shapes]
    for a, b, metres in zip(left.tolist(), right.tolist(), length.tolist(), strict=True):
        if metres >= _LEAST_BORDER_M:
            found[a].append((-metres, b))
            found[b].append((-metres, a))
    return [[other for _, other in sorted(some)] for some in found]
