"""Bus routes: which route relations use a way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from urbanbench.build.osm.kinds import BUS_ROUTES
from urbanbench.build.osm.source import osmium_package, told_damage

__all__ = ["BusRoutes", "read_routes"]


@dataclass
class BusRoutes:
    """Bus routes by way.

    Parameters
    ----------
    refs
        Number of a way to the `ref` of every route relation that uses it; "" for a relation without one.
    relations
        How many route relations there are.
    """

    refs: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    relations: int = 0

    def tags(self, way: int, tags: Mapping[str, str]) -> dict[str, str]:
        """Return a road's tags with `bus_routes`, the number of route relations, and `route_ref`, their distinct refs.

        What the road says itself stays. Ways that no relation uses keep their tags as they are.
        """
        found = self.refs.get(way)
        if not found:
            return dict(tags)
        named = sorted({one for one in found if one})
        made = {"bus_routes": str(len(found)), **({"route_ref": ";".join(named)} if named else {})}
        return {**dict(tags), **{key: value for key, value in made.items() if key not in tags}}


def read_routes(path: Path) -> BusRoutes:
    """Read the route relations of buses; a way that stands twice in one relation counts once.

    Raises
    ------
    BadInput
        The file is damaged.
    """
    osmium = osmium_package()
    routes = BusRoutes()
    wanted = osmium.filter.TagFilter(*(("route", value) for value in sorted(BUS_ROUTES)))
    with told_damage(path):
        for relation in osmium.FileProcessor(str(path), osmium.osm.RELATION).with_filter(wanted):
            if relation.tags.get("type") == "route":
                _add(routes, relation)
    return routes


def _add(routes: BusRoutes, relation: Any) -> None:
    ref = relation.tags.get("ref", "").strip()
    routes.relations += 1
    for way in {member.ref for member in relation.members if member.type == "w"}:
        routes.refs[way].append(ref.replace(";", ","))
