"""Overture's segments as roads: cut at connectors."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

import numpy as np

from urbanbench.build.map.splitting import Run
from urbanbench.build.overture.words import field_of, names_of, scoped, text_of

__all__ = ["SEGMENT_COLUMNS", "Connectors", "segment_tags"]

SEGMENT_COLUMNS = (
    *(
        "id",
        "names",
        "subtype",
        "class",
        "subclass",
        "connectors",
        "connector_ids",
        "road_surface",
        "road_flags",
    ),
    *("speed_limits", "access_restrictions", "width_rules", "routes", "sources"),
)

_ROADS: Mapping[str, dict[str, str]] = {
    "unknown": {"highway": "road"},
    "sidewalk": {"highway": "footway", "footway": "sidewalk"},
    "crosswalk": {"highway": "footway", "footway": "crossing"},
    "parking_aisle": {"highway": "service", "service": "parking_aisle"},
    "driveway": {"highway": "service", "service": "driveway"},
    "alley": {"highway": "service", "service": "alley"},
    "cycle_crossing": {"highway": "cycleway", "cycleway": "crossing"},
}
"""Classes and subclasses that are no values of `highway`; all others are."""

_SAME_M = 0.5
"""A connector this near to a corner is the corner: places along a segment are rounded."""

_DEGREE_M = 111_320.0
_LINKS = frozenset({"motorway", "trunk", "primary", "secondary", "tertiary"})


def segment_tags(row: Mapping[str, Any]) -> dict[str, str] | str:
    """Return a road's tags, or why it is left out."""
    subtype = text_of(row.get("subtype"))
    if subtype and subtype != "road":
        return f"{subtype}: no road"
    kind, finer = text_of(row.get("class")) or "unknown", text_of(row.get("subclass"))
    flags = {text_of(one) for rule in scoped(row.get("road_flags")) for one in rule.get("values") or ()}
    tags = dict(_ROADS.get(finer) or _ROADS.get(kind) or {"highway": kind})
    if (finer == "link" or "is_link" in flags) and kind in _LINKS:
        tags["highway"] = f"{kind}_link"
    if "is_under_construction" in flags:
        tags = {"highway": "construction", "construction": tags["highway"]}
    tags |= names_of(row)
    tags |= {key: "yes" for key in ("bridge", "tunnel", "covered") if f"is_{key}" in flags}
    tags["surface"] = next((text_of(one.get("value")) for one in scoped(row.get("road_surface"))), "")
    tags["width"] = next((text_of(one.get("value")) for one in scoped(row.get("width_rules"))), "")
    tags["maxspeed"] = next(filter(None, map(_speed, scoped(row.get("speed_limits")))), "")
    tags["oneway"] = _oneway(row)
    tags["ref"] = ";".join(
        dict.fromkeys(filter(None, (text_of(one.get("ref")) for one in row.get("routes") or ())))
    )
    return {key: value for key, value in tags.items() if value and value != "unknown"}


def _speed(rule: Mapping[str, Any]) -> str:
    if any((rule.get("when") or {}).values()):
        return ""
    speed, unit = text_of(field_of(rule, "max_speed", "value")), text_of(field_of(rule, "max_speed", "unit"))
    return f"{speed} mph" if speed and unit == "mph" else speed


def _oneway(row: Mapping[str, Any]) -> str:
    """Tell by a rule that forbids one direction to everybody."""
    for rule in scoped(row.get("access_restrictions")):
        when = {key: value for key, value in (rule.get("when") or {}).items() if value}
        if rule.get("access_type") == "denied" and set(when) == {"heading"}:
            return "yes" if when["heading"] == "backward" else "-1"
    return ""


class Connectors:
    """Numbers the nodes of segments: a connector has one number for all of them, other corners have their own."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}
        self._fresh = count()

    def _number(self, connector: str) -> int:
        if connector not in self._known:
            self._known[connector] = next(self._fresh)
        return self._known[connector]

    def run(self, row: Mapping[str, Any], corners: np.ndarray) -> Run:
        """Return a segment's nodes.

        Parameters
        ----------
        row
            `connectors` with their places along the segment, from 0 to 1. Releases before 2024-11 do not tell the places; there, segments meet
            where they have a corner in common.
        corners
            Longitude and latitude (n, 2).
        """
        told = [one for one in row.get("connectors") or () if one.get("at") is not None]
        if not told:
            nodes = [self._number(f"{lon:.7f} {lat:.7f}") for lon, lat in corners.tolist()]
            return [(node, lon, lat) for node, (lon, lat) in zip(nodes, corners.tolist(), strict=True)]
        along, length_m = _course(corners)
        found: list[tuple[float, int | None]] = [(share, None) for share in along.tolist()]
        for connector in told:
            at = min(max(float(connector["at"]), 0.0), 1.0)
            near = int(np.abs(along - at).argmin())
            number = self._number(text_of(connector.get("connector_id")))
            if abs(along[near] - at) * length_m <= _SAME_M and found[near][1] is None:
                found[near] = (float(along[near]), number)
            else:
                found.append((at, number))
        found.sort(key=lambda one: one[0])
        lon, lat = (np.interp([share for share, _ in found], along, corners[:, k]).tolist() for k in (0, 1))
        nodes = [next(self._fresh) if number is None else number for _, number in found]
        return list(zip(nodes, lon, lat, strict=True))


def _course(corners: np.ndarray) -> tuple[np.ndarray, float]:
    """Return where corners lie along a line, as shares of its length, and the length in metres."""
    across = np.diff(corners, axis=0) * [np.cos(np.radians(corners[:, 1].mean())), 1.0]
    lengths = np.concatenate([[0.0], np.cumsum(np.hypot(*across.T))])
    return lengths / max(float(lengths[-1]), 1e-12), float(lengths[-1]) * _DEGREE_M
