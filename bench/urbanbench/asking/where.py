"""Words for where a place is: the texts that geolocation chooses from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.graph.bearings import bearing_between, direction_of
from urbanbench.graph.tables import kind_code, relation_code
from urbanbench.graph.words import what

if TYPE_CHECKING:
    from urbanbench.asking.ground import Ground

__all__ = ["location_texts", "quarters", "seen_from_above"]

_NUMBER = re.compile(r"\d{4,}")
_LONGEST = 300
_WIDE_M = 5000.0


def location_texts(ground: Ground) -> list[str]:
    """Write for every picture where it was taken.

    A text has, of what the city's folder gives: the name of the nearest street and its class; the area that the place lies in or at; the region
    by name, unless that is a number; how far and in which direction the middle of the city is, in steps of half a kilometre or of a whole one; and what
    the region looks like from above, where there are captions.

    Returns
    -------
    list of str
        One for each of the n pictures; pictures at one place have the same.
    """
    streets, areas = _streets(ground), _areas(ground)
    regions, sides = _regions(ground), quarters(ground)
    above = seen_from_above(ground)
    return [
        _sentence([street, area, region, quarter], seen)
        for street, area, region, quarter, seen in zip(streets, areas, regions, sides, above, strict=True)
    ]


def seen_from_above(ground: Ground) -> list[str]:
    """Return for every picture what the captions of its region say, cut after whole sentences; "" where there are none."""
    city = ground.city
    if "captions" not in city.layers:
        return [""] * len(ground)
    told = city.captions.groupby("region_id", sort=False)["caption"].agg(list).to_dict()
    regions = city.street_views.loc[list(ground.view_ids), "region_id"]
    return [_cut(told.get(one, [])) for one in regions]


def _cut(sentences: list[str]) -> str:
    text = ""
    for one in sentences:
        longer = f"{text} {one.strip().rstrip('.')}.".strip()
        if len(longer) > _LONGEST and text:
            break
        text = longer
    return text


def _sentence(parts: list[str], seen: str) -> str:
    told = ", ".join(one for one in parts if one)
    whole = f"{told[:1].upper()}{told[1:]}." if told else ""
    return f"{whole} From above: {seen}".strip() if seen else whole


def _streets(ground: Ground) -> list[str]:
    """Name the nearest street of each picture, with its class."""
    graph = ground.graph
    edges = graph.edges
    nearest = edges.relation == relation_code("nearest")
    street_of = dict(zip(edges.source[nearest].tolist(), edges.target[nearest].tolist(), strict=True))
    found = []
    for row in ground.rows.tolist():
        street = street_of.get(row)
        name = "" if street is None else str(graph.nodes.name[street])
        is_what = "" if street is None else what(graph, street)
        found.append(f"{name}, {is_what}" if name else is_what)
    return found


def _areas(ground: Ground) -> list[str]:
    """Say in or at which area each picture was taken, the nearest first; regions that stand in for areas are left out."""
    if "landuse" not in ground.city.layers:
        return [""] * len(ground)
    graph = ground.graph
    edges = graph.edges
    here = (edges.relation == relation_code("near")) & (graph.nodes.kind[edges.target] == kind_code("area"))
    best: dict[int, tuple[float, int]] = {}
    for source, target, away in zip(
        edges.source[here].tolist(), edges.target[here].tolist(), edges.distance_m[here].tolist(), strict=True
    ):
        best[source] = min(best.get(source, (np.inf, -1)), (away, target))
    found = []
    for row in ground.rows.tolist():
        away, area = best.get(row, (np.inf, -1))
        found.append("" if area < 0 else f"{'in' if away == 0 else 'beside'} {what(graph, area)}")
    return found


def _regions(ground: Ground) -> list[str]:
    """Name the region of each picture; names with long numbers in them are ids, and no name."""
    names = [str(one) for one in ground.graph.nodes.district[ground.rows]]
    return ["" if not one or _NUMBER.search(one) else f"in {one}" for one in names]


def quarters(ground: Ground) -> list[str]:
    """Say how far from the middle of the city each picture was taken, and in which direction."""
    centres = ground.city.regions.geometry.centroid
    middle = np.array([centres.x.mean(), centres.y.mean()])
    wide = float(np.hypot(centres.x - middle[0], centres.y - middle[1]).max())
    step = 0.5 if wide < _WIDE_M else 1.0
    away = np.hypot(*(ground.xy - middle).T) / 1000
    bearings = bearing_between(np.broadcast_to(middle, ground.xy.shape), ground.xy)
    found = []
    for km, bearing in zip(away.tolist(), bearings.tolist(), strict=True):
        near = round(km / step) * step
        found.append(
            f"about {near:g} km {direction_of(bearing)} of the middle of the city"
            if near
            else "in the middle of the city"
        )
    return found
