"""Contexts: the texts of the POIs at a road (or around a place), with a text that says there is none among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from urbanbench.city.folder.tags import tag_table
from urbanbench.errors import RunRefused
from urbanbench.toolkit.ground.neighbours import Groups, groups_near_lines, groups_of_nearest
from urbanbench.toolkit.ground.roads import FOOT_ROADS, without_classes
from urbanbench.toolkit.texts.place_texts import EMPTY_TEXT

if TYPE_CHECKING:
    import geopandas as gpd

    from urbanbench.city.view import View
    from urbanbench.toolkit.ground.places import Places

__all__ = [
    "context_texts",
    "grouping_in",
    "roads_with_context",
    "route_counts",
    "row_of_no_poi",
    "text_contexts",
]

KNN_RADIUS_M = 1000.0
"""How far a POI's neighbours may lie where they stand in for a road."""


def grouping_in(view: View, grouping: str) -> str:
    """Return "road" or "knn": what a `grouping` word means in a view; "auto" is by road where there is a road that counts.

    Raises
    ------
    RunRefused
        ``grouping="road"`` and the view has no roads.
    """
    if grouping == "road" and not view.has("road"):
        msg = f"CityFM was asked to group POIs by road, but roads cannot be seen in {view.city_name!r} (inputs {', '.join(sorted(view.inputs))}). Mend: allow the input road, or --set grouping=knn"
        raise RunRefused(msg)
    if grouping == "auto":
        return "road" if view.has("road") and roads_with_context(view.roads).any() else "knn"
    return grouping


def text_contexts(
    view: View, places: Places, *, grouping: str, radius_m: float, nearest: int, empty: bool
) -> Groups:
    """Return the contexts of all roads, or of all POIs with their nearest others where there are no roads.

    Parameters
    ----------
    view, places
        The city.
    grouping
        "auto", "road" or "knn".
    radius_m
        How far from a road its POIs lie, metres.
    nearest
        Other POIs of a context with "knn".
    empty
        Whether roads without a POI have a context, which then is the text that says so.

    Returns
    -------
    Groups
        Members are rows of ``places.texts``, the last of each group `row_of_no_poi`.
    """
    if grouping_in(view, grouping) == "knn":
        groups = groups_of_nearest(places.xy, k=nearest, radius_m=KNN_RADIUS_M)
    else:
        roads = view.roads
        lines = np.asarray(roads.geometry)[roads_with_context(roads)]
        groups = groups_near_lines(places.xy, lines, radius_m=radius_m)
    return context_texts(groups if empty else groups.at_least(1), places)


def context_texts(groups: Groups, places: Places) -> Groups:
    """Turn groups of POIs into groups of their texts, each with `row_of_no_poi` at its end."""
    start = groups.start + np.arange(len(groups.start))
    member = np.full(start[-1], row_of_no_poi(places), dtype=np.int64)
    rank = np.arange(len(groups.member)) + np.repeat(np.arange(len(groups)), groups.sizes)
    member[rank] = places.text[groups.member]
    return Groups(start, member)


def row_of_no_poi(places: Places) -> int:
    """Return the row of `EMPTY_TEXT` among the distinct texts: the text of a place without any POI."""
    return places.texts.index(EMPTY_TEXT)


def roads_with_context(roads: gpd.GeoDataFrame) -> np.ndarray:
    """Return which roads are none of `FOOT_ROADS`, bool (n,)."""
    return without_classes(roads, FOOT_ROADS)


def route_counts(roads: gpd.GeoDataFrame) -> np.ndarray:
    """Return how many bus routes use each road, int64 (n,); 0 where nothing is said.

    The tag `bus_routes` states the number; without it, `route_ref` lists the routes, separated by semicolons.
    """
    tags, counts = tag_table(roads["tags"]), np.zeros(len(roads), dtype=np.int64)
    listed = tags.with_key("route_ref")
    counts[listed.rows] = [len({part.strip() for part in str(one).split(";")} - {""}) for one in listed.value]
    stated = tags.with_key("bus_routes")
    counts[stated.rows] = [int(one) if str(one).isdecimal() else 0 for one in stated.value]
    return counts
