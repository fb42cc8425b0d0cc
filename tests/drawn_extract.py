"""Hand-made OpenStreetMap extracts, written as XML or as PBF."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

BOX = (9.0, 48.0, 9.01, 48.01)
"""(west, south, east, north) of the hamlet, about 740 m by 1110 m."""


@dataclass
class Drawing:
    """Objects of an extract, drawn one by one; numbers are given in order."""

    nodes: list = field(default_factory=list)
    ways: list = field(default_factory=list)
    relations: list = field(default_factory=list)

    def node(self, lon: float, lat: float, **tags: str) -> int:
        self.nodes.append((len(self.nodes) + 1, lon, lat, _plain(tags)))
        return len(self.nodes)

    def path(self, places: Sequence[tuple[float, float]]) -> list[int]:
        return [self.node(*place) for place in places]

    def way(self, nodes: Sequence[int], **tags: str) -> int:
        self.ways.append((len(self.ways) + 1, list(nodes), _plain(tags)))
        return len(self.ways)

    def ring(self, places: Sequence[tuple[float, float]], **tags: str) -> int:
        nodes = self.path(places)
        return self.way([*nodes, nodes[0]], **tags)

    def square(self, west: float, south: float, side: float, **tags: str) -> int:
        return self.ring(corners(west, south, side), **tags)

    def relation(self, members: Sequence[tuple[str, int, str]], **tags: str) -> int:
        self.relations.append((len(self.relations) + 1, list(members), _plain(tags)))
        return len(self.relations)

    def xml(self, path: Path, *, box: Sequence[float] | None = BOX) -> Path:
        lines = ["<?xml version='1.0' encoding='UTF-8'?>", '<osm version="0.6">']
        if box is not None:
            west, south, east, north = box
            lines.append(f'<bounds minlon="{west}" minlat="{south}" maxlon="{east}" maxlat="{north}"/>')
        for number, lon, lat, tags in self.nodes:
            lines += [
                f'<node id="{number}" lon="{lon:.7f}" lat="{lat:.7f}" version="1">',
                *_xml(tags),
                "</node>",
            ]
        for number, nodes, tags in self.ways:
            refs = [f'<nd ref="{one}"/>' for one in nodes]
            lines += [f'<way id="{number}" version="1">', *refs, *_xml(tags), "</way>"]
        names = {"n": "node", "w": "way", "r": "relation"}
        for number, members, tags in self.relations:
            parts = [
                f'<member type="{names[kind]}" ref="{ref}" role="{role}"/>' for kind, ref, role in members
            ]
            lines += [f'<relation id="{number}" version="1">', *parts, *_xml(tags), "</relation>"]
        path.write_text("\n".join([*lines, "</osm>"]), encoding="utf-8")
        return path

    def pbf(self, path: Path, *, box: Sequence[float] | None = BOX) -> Path:
        import osmium
        from osmium.osm.mutable import Node, Relation, Way

        header = osmium.io.Header()
        if box is not None:
            header.add_box(osmium.osm.Box(*box))
        with osmium.SimpleWriter(str(path), header=header) as writer:
            for number, lon, lat, tags in self.nodes:
                writer.add_node(Node(id=number, location=(lon, lat), tags=tags, version=1))
            for number, nodes, tags in self.ways:
                writer.add_way(Way(id=number, nodes=nodes, tags=tags, version=1))
            for number, members, tags in self.relations:
                writer.add_relation(Relation(id=number, members=members, tags=tags, version=1))
        return path


def corners(west: float, south: float, side: float) -> list[tuple[float, float]]:
    return [(west, south), (west + side, south), (west + side, south + side), (west, south + side)]


def _plain(tags: dict[str, str]) -> dict[str, str]:
    """``building__levels`` stands for ``building:levels``."""
    return {key.replace("__", ":"): value for key, value in tags.items()}


def _xml(tags: dict[str, str]) -> list[str]:
    from xml.sax.saxutils import quoteattr

    return [f"<tag k={quoteattr(key)} v={quoteattr(value)}/>" for key, value in tags.items()]


def draw_hamlet() -> Drawing:
    """Sixteen streets' crossings, buildings with types, a park with a pond, a school, a bus line."""
    drawing = Drawing()
    streets = {}
    for row in range(4):
        for column in range(4):
            streets[row, column] = drawing.node(9.001 + 0.0025 * column, 48.001 + 0.0025 * row)
    lines = [
        drawing.way([streets[k, j] for j in range(4)], highway="residential", name=f"Row {k}")
        for k in range(4)
    ]
    lines += [drawing.way([streets[j, k] for j in range(4)], highway="tertiary") for k in range(4)]
    for k in range(24):
        kind = ("apartments", "retail")[k % 2]
        row, column = divmod(k, 6)
        drawing.square(
            9.0015 + 0.0012 * column,
            48.0015 + 0.0022 * row,
            0.0004,
            building=kind,
            building__levels=str(1 + k % 3),
        )
    outer = drawing.square(9.0036, 48.0062, 0.0018)
    inner = drawing.square(9.0042, 48.0068, 0.0004, natural="water")
    drawing.relation(
        [("w", outer, "outer"), ("w", inner, "inner")], type="multipolygon", leisure="park", name="Green"
    )
    drawing.square(9.0062, 48.0036, 0.0012, amenity="school", name="School")
    drawing.node(9.002, 48.002, amenity="cafe", name="Luna", cuisine="coffee_shop")
    drawing.node(9.0045, 48.002, shop="books")
    drawing.node(9.005, 48.005, source="survey")
    drawing.relation([("w", lines[0], ""), ("w", lines[5], "")], type="route", route="bus", ref="7")
    return drawing
