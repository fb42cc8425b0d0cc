"""What a graph is asked to be: the distances, numbers and seed of everything that is built."""

from __future__ import annotations

from dataclasses import dataclass

from urbanbench.errors import BadInput

__all__ = ["GraphPlan"]


@dataclass(frozen=True)
class GraphPlan:
    """Numbers of a graph; those of the UGE paper's code where it tells them.

    Parameters
    ----------
    foot_ways
        Whether cycleways, footways and steps are streets.
    near_m, near_most
        A POI or image is near its nearest POIs and images: so many, and none farther, metres.
    area_m, area_most
        A POI or image is near so many areas, and none farther, metres; inside one the distance is 0.
    nearest_m
        The nearest street of a POI or image is no farther, metres.
    bounds_m, bounds_share
        A street bounds an area where the part of it between two crossings runs along the area's edge for this share of its
        length, not farther from it than this, metres.
    hops, most_nodes
        A sub-graph holds what is so many edges from its image, and no more nodes than this.
    cell_m, most_in_cell
        Of the images in one square cell only the first so many, by id, have a sub-graph; about an S2 cell of level 18.
    paths, shortest, longest, reach_m, alike
        Paths of an image, at most; their hops; how far from it they lead, metres; the share of common edges from which on
        two paths are the same.
    context_m
        What lies in a sub-graph beyond the first hop, and what a caption counts, is no farther from the image, metres.
    seed
        Draws the paths.
    """

    foot_ways: bool = False
    near_m: float = 150.0
    near_most: int = 6
    area_m: float = 50.0
    area_most: int = 3
    nearest_m: float = 100.0
    bounds_m: float = 10.0
    bounds_share: float = 0.3
    hops: int = 3
    most_nodes: int = 500
    cell_m: float = 36.0
    most_in_cell: int = 6
    paths: int = 8
    shortest: int = 3
    longest: int = 8
    reach_m: float = 1500.0
    alike: float = 0.8
    context_m: float = 700.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("near_m", "area_m", "nearest_m", "bounds_m", "cell_m", "reach_m", "context_m"):
            self._check(name, getattr(self, name) > 0, "a distance above 0 m")
        for name in ("near_most", "area_most", "hops", "most_nodes", "most_in_cell", "shortest"):
            self._check(name, getattr(self, name) >= 1, "a whole number from 1 on")
        self._check("paths", self.paths >= 0, "a whole number from 0 on")
        self._check("longest", self.longest >= self.shortest, f"at least shortest, {self.shortest}")
        self._check("bounds_share", 0 < self.bounds_share <= 1, "a share above 0, at most 1")
        self._check("alike", 0 < self.alike <= 1, "a share above 0, at most 1")

    def _check(self, name: str, fits: bool, expected: str) -> None:
        if not fits:
            msg = f"{name} of a graph got {getattr(self, name)!r}. Expected {expected}."
            raise BadInput(msg)
