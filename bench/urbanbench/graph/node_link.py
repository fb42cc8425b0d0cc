"""A graph as node-link JSON, one node or edge a line: written and read in bounded memory, and by anything else that reads JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from urbanbench.errors import DataCorrupt
from urbanbench.graph.tables import KINDS, RELATIONS, Edges, Graph, Nodes
from urbanbench.graph.words import gives_away, what

if TYPE_CHECKING:
    from urbanbench.graph.around import Around

__all__ = ["as_line", "edge_record", "node_record", "read_graph", "sub_graph_record", "write_graph"]

_TURN, _END = '],"edges":[', "]}"
_LONGEST_LINE = 1 << 20


def as_line(record: Any) -> str:
    """Write a record as JSON on one line."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def node_record(graph: Graph, row: int) -> dict[str, Any]:
    """Return a node as it stands in a file: id, kind, category, text, gives_away; of images pictures, and heading where it is known."""
    nodes = graph.nodes
    record: dict[str, Any] = {
        "id": nodes.ids[row],
        "kind": KINDS[nodes.kind[row]],
        "category": nodes.category[row],
        "text": what(graph, row),
        "gives_away": gives_away(graph, row),
    }
    if row in nodes.pictures:
        record["pictures"] = list(nodes.pictures[row])
    if row in nodes.heading:
        record["heading"] = nodes.heading[row]
    return record


def edge_record(graph: Graph, row: int) -> dict[str, Any]:
    """Return an edge as it stands in a file: source, target, key (the relation), distance_m, bearing (None where both are one place)."""
    edges, ids = graph.edges, graph.nodes.ids
    bearing = float(edges.bearing[row])
    return {
        "source": ids[edges.source[row]],
        "target": ids[edges.target[row]],
        "key": RELATIONS[edges.relation[row]],
        "distance_m": float(edges.distance_m[row]),
        "bearing": None if np.isnan(bearing) else bearing,
    }


def sub_graph_record(graph: Graph, around: Around, edges: np.ndarray) -> dict[str, Any]:
    """Return a sub-graph as a node-link object of its own; its nodes have `hops`."""
    nodes = [
        {**node_record(graph, row), "hops": hops}
        for row, hops in zip(around.rows.tolist(), around.hops.tolist(), strict=True)
    ]
    told = {**_told(graph), "around": graph.nodes.ids[around.rows[0]]}
    return {
        "directed": True,
        "multigraph": True,
        "graph": told,
        "nodes": nodes,
        "edges": [edge_record(graph, row) for row in edges.tolist()],
    }


def write_graph(path: Path, graph: Graph) -> None:
    """Write a graph. The same graph gives the same bytes."""
    head = {"directed": True, "multigraph": True, "graph": _told(graph), "nodes": []}
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(f"{as_line(head).removesuffix(_END)}\n")
        _write_items(stream, (node_record(graph, row) for row in range(len(graph.nodes))))
        stream.write(f"{_TURN}\n")
        _write_items(stream, (edge_record(graph, row) for row in range(len(graph.edges))))
        stream.write(f"{_END}\n")


def read_graph(path: Path) -> Graph:
    """Read a graph that `write_graph` wrote; coordinates in metres are computed anew from longitude and latitude.

    Raises
    ------
    DataCorrupt
        Another layout, or nodes and edges that do not fit together.
    """
    with path.open(encoding="utf-8", newline="\n") as stream:
        try:
            return _read(path, _numbered(path, stream))
        except UnicodeDecodeError as error:
            raise _corrupt(path, "bytes that are not UTF-8") from error


def _read(path: Path, lines: Iterator[tuple[int, str]]) -> Graph:
    _, head = next(lines, (1, ""))
    told = _parsed(path, 1, head + _END).get("graph")
    if not isinstance(told, dict):
        raise _corrupt(path, "no object 'graph' with city and crs in line 1")
    city, crs = (str(told.get(key, "")) for key in ("city", "crs"))
    nodes = _nodes(path, _items(path, lines, _TURN), crs)
    return Graph(city, crs, nodes, _edges(path, _items(path, lines, _END), nodes))


def _told(graph: Graph) -> dict[str, str]:
    return {"city": graph.city, "crs": graph.crs}


def _write_items(stream: IO[str], records: Iterable[dict[str, Any]]) -> None:
    comma = ""
    for record in records:
        stream.write(f"{comma}{as_line(record)}")
        comma = ",\n"
    stream.write("\n" if comma else "")


def _numbered(path: Path, stream: IO[str]) -> Iterator[tuple[int, str]]:
    number = 0
    while line := stream.readline(_LONGEST_LINE):
        number += 1
        if len(line) == _LONGEST_LINE:
            raise _corrupt(path, f"more than {_LONGEST_LINE} letters in line {number}")
        yield number, line.rstrip("\n")


def _items(path: Path, lines: Iterator[tuple[int, str]], end: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in lines:
        if line == end:
            return
        yield number, _parsed(path, number, line.removesuffix(","))
    raise _corrupt(path, f"its end where {end!r} should stand")


def _parsed(path: Path, number: int, text: str) -> dict[str, Any]:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _corrupt(path, f"no JSON object in line {number}") from error
    if not isinstance(record, dict):
        raise _corrupt(path, f"no JSON object in line {number}")
    return record


def _nodes(path: Path, items: Iterator[tuple[int, dict[str, Any]]], crs: str) -> Nodes:
    ids, kind, lonlat = [], [], []
    texts: dict[str, list[str]] = {key: [] for key in ("category", "name", "street", "district")}
    pictures: dict[int, tuple[str, ...]] = {}
    heading: dict[int, float] = {}
    for number, record in items:
        try:
            away = record["gives_away"]
            lon, lat = away["coordinates"]
            ids.append(str(record["id"]))
            kind.append(KINDS.index(record["kind"]))
            lonlat.append((_finite(lon), _finite(lat)))
            texts["category"].append(str(record["category"]))
            for key in ("name", "street", "district"):
                texts[key].append(str(away.get(key, "")))
            if "pictures" in record:
                pictures[len(ids) - 1] = tuple(str(one) for one in record["pictures"])
            if "heading" in record:
                heading[len(ids) - 1] = _finite(record["heading"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _corrupt(path, f"a node without what it needs in line {number}") from error
    if len(set(ids)) < len(ids):
        raise _corrupt(path, "an id of a node twice")
    places = np.array(lonlat, dtype=np.float64).reshape(-1, 2)
    columns = {key: np.array(some, dtype=object) for key, some in texts.items()}
    return Nodes(
        ids=np.array(ids, dtype=object),
        kind=np.array(kind, dtype=np.int8),
        xy=_projected(path, places, crs),
        lonlat=places,
        pictures=pictures,
        heading=heading,
        **columns,
    )


def _edges(path: Path, items: Iterator[tuple[int, dict[str, Any]]], nodes: Nodes) -> Edges:
    row = {one: k for k, one in enumerate(nodes.ids)}
    parts: list[np.ndarray] = [np.empty((0, 5))]
    while some := list(islice(items, 100_000)):
        parts.append(np.array([_edge(path, number, record, row) for number, record in some]))
    relation, source, target, distance, bearing = np.concatenate(parts).T
    return Edges(
        relation.astype(np.int8),
        source.astype(np.int64),
        target.astype(np.int64),
        distance.copy(),
        bearing.copy(),
    )


def _edge(
    path: Path, number: int, record: dict[str, Any], row: dict[str, int]
) -> tuple[float, float, float, float, float]:
    for end in ("source", "target"):
        if isinstance(record.get(end), str) and record[end] not in row:
            raise _corrupt(path, f"an edge whose {end} {record[end][:40]!r} is no node in line {number}")
    try:
        bearing = record["bearing"]
        return (
            RELATIONS.index(record["key"]),
            row[record["source"]],
            row[record["target"]],
            _finite(record["distance_m"]),
            float("nan") if bearing is None else _finite(bearing),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _corrupt(path, f"an edge without what it needs in line {number}") from error


def _finite(value: Any) -> float:
    """Return a number; ValueError for one that is none, or is not finite."""
    number = float(value)
    if not np.isfinite(number):
        raise ValueError(value)
    return number


def _projected(path: Path, lonlat: np.ndarray, crs: str) -> np.ndarray:
    from pyproj import Transformer
    from pyproj.exceptions import CRSError

    try:
        change = Transformer.from_crs(4326, crs, always_xy=True)
    except CRSError as error:
        raise _corrupt(path, f"no known CRS ({crs[:40]!r})") from error
    return np.column_stack(change.transform(*lonlat.T)) if len(lonlat) else np.empty((0, 2))


def _corrupt(path: Path, found: str) -> DataCorrupt:
    return DataCorrupt(
        f"{path.name}: expected a graph as `data graph` writes it, a node or edge a line, found {found}. Build it anew."
    )
