"""Which POIs belong together: those at one road, else the nearest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from urbanbench.errors import RunRefused, UnknownName
from urbanbench.models._urbanmfm.roads import has_drivable
from urbanbench.toolkit.ground.neighbours import Groups, groups_near_lines, groups_of_nearest
from urbanbench.toolkit.ground.roads import FOOT_ROADS, without_classes

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.toolkit.ground.places import Places

GROUPINGS = ("auto", "road", "knn")


def road_groups(
    view: View, places: Places, *, grouping: str, radius_m: float, nearest: int, max_dist_m: float
) -> Groups:
    """Group POIs by the road they lie at, or with their nearest neighbours where there is none or none may be seen.

    Raises
    ------
    RunRefused
        ``grouping="road"`` and the view has no roads.
    """
    if grouping_in(view, grouping) == "knn":
        return groups_of_nearest(places.xy, k=nearest, radius_m=max_dist_m).at_least(2)
    roads = view.roads
    lines = np.asarray(roads.geometry)[without_classes(roads, FOOT_ROADS)]
    return groups_near_lines(places.xy, lines, radius_m=radius_m).at_least(2)


def grouping_in(view: View, grouping: str) -> str:
    """Return "road" or "knn": what a `grouping` word means in a view.

    "auto" reads the roads once, see `has_drivable`; a layer without any road for cars tells nothing about which POIs belong
    together.
    """
    if grouping not in GROUPINGS:
        raise UnknownName("grouping", grouping, GROUPINGS)
    if grouping == "road" and not view.has("road"):
        msg = f"UrbanMFM was asked to group POIs by road, but roads cannot be seen in {view.city_name!r} (inputs {', '.join(sorted(view.inputs))}). Mend: allow the input road, or --set grouping=knn"
        raise RunRefused(msg)
    if grouping == "auto":
        return "road" if has_drivable(view) else "knn"
    return grouping
