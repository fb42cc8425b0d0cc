"""A folder of UGData: the graph, a sub-graph for every image, paths and captions; written whole or not at all."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.city.credits import credit_of
from urbanbench.city.folder.new_folder import check_new, new_folder
from urbanbench.city.folder.paths import path_fault
from urbanbench.errors import BadInput, DataCorrupt, DataMissing
from urbanbench.graph.around import anchors, edges_within, sub_graph
from urbanbench.graph.build import build_graph
from urbanbench.graph.captions import context_captions, file_captions, model_captions, read_captions
from urbanbench.graph.drawing import draw_sub_graph
from urbanbench.graph.faults import graph_faults, path_faults, sub_graph_faults
from urbanbench.graph.node_link import as_line, read_graph, write_graph
from urbanbench.graph.plan import GraphPlan
from urbanbench.graph.tables import KINDS, RELATIONS, Graph
from urbanbench.graph.walks import walk_from
from urbanbench.graph.words import told_steps
from urbanbench.hashing import sha256_of

if TYPE_CHECKING:
    from urbanbench.city.city import City

__all__ = ["Wanted", "open_graph", "read_records", "write_folder"]

FORMAT = 1
RECORDS = ("subgraphs", "paths", "captions")
"""Files of one record a line."""


@dataclass(frozen=True)
class Wanted:
    """What is written beside the usual.

    Parameters
    ----------
    captions
        A table of captions, None for none.
    captioner
        A folder with an image-to-text model, None for none.
    device
        Where the model computes.
    drawn
        The id of the node whose sub-graph is drawn, such as "image/v1"; "" for the first image, or for the POI or street nearest
        to the middle.
    """

    captions: Path | None = None
    captioner: Path | None = None
    device: str = "cpu"
    drawn: str = ""


def write_folder(city: City, folder: Path, plan: GraphPlan, wanted: Wanted) -> dict[str, Any]:
    """Build, check and write the UGData of a city.

    Returns
    -------
    dict
        What ugdata.json says: counts, numbers, files.

    Raises
    ------
    RunRefused, BadInput, DataMissing, ExtraMissing
        The city has nothing to join; the folder is there; what is wanted is not.
    """
    check_new(folder, option="-o")
    written = None if wanted.captions is None else read_captions(wanted.captions)
    graph = build_graph(city, plan)
    drawn = _drawn_row(graph, wanted.drawn)
    faults = graph_faults(graph)
    rows = anchors(graph, plan)
    with new_folder(folder, option="-o") as part:
        write_graph(part / "graph.json", graph)
        faults += _write_sub_graphs(part / "subgraphs.jsonl", graph, rows, plan)
        many_paths, path_wrong = _write_paths(part / "paths.jsonl", graph, rows, plan)
        sources = [context_captions(graph, rows, plan)]
        if written is not None and wanted.captions is not None:
            sources.append(file_captions(graph, rows, written, plan, source=f"file {wanted.captions.name}"))
        if wanted.captioner is not None:
            sources.append(model_captions(city, graph, rows, wanted.captioner, plan, device=wanted.device))
        captions = _write_captions(part / "captions.jsonl", sources)
        draw_sub_graph(graph, sub_graph(graph, drawn, plan), part / "subgraph.png", _credits(city))
        faults += path_wrong
        if faults:
            msg = f"The graph of {city.name!r} is not sound: {' '.join(faults[:5])} Expected every rule kept. Mend: report it with the city."
            raise BadInput(msg)
        told = _told(city, graph, plan, part)
        told["counts"] |= {"subgraphs": len(rows), "paths": many_paths, "captions": dict(captions)}
        (part / "ugdata.json").write_text(
            json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    return told


def open_graph(folder: Path) -> Graph:
    """Read the graph of a folder.

    Raises
    ------
    DataMissing, DataCorrupt
        No such folder or file; another layout.
    """
    return read_graph(_inside(folder, "graph.json"))


def read_records(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    """Read one of the files of `RECORDS`, a record at a time.

    Raises
    ------
    DataMissing, DataCorrupt
        No such folder or file; a line that is no object.
    """
    path = _inside(folder, f"{name}.jsonl")
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            try:
                record = json.loads(line.decode("utf-8"))
            except (ValueError, RecursionError):
                record = None
            if not isinstance(record, dict):
                msg = f"{path.name}: expected an object a line, found none in line {number}. Build it anew."
                raise DataCorrupt(msg)
            yield record


def _inside(folder: Path, file: str) -> Path:
    fault = path_fault(folder, file)
    if fault:
        msg = f"No {file} in {str(folder)!r} (found {fault}). Expected a folder that `urbanbench data graph CITY -o FOLDER` wrote."
        raise DataMissing(msg)
    return folder / file


def _write_sub_graphs(path: Path, graph: Graph, rows: np.ndarray, plan: GraphPlan) -> list[str]:
    """Write a line for every image: the positions of its nodes and edges in graph.json, and the nodes' hops; return faults."""
    faults = []
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        for row in rows.tolist():
            around = sub_graph(graph, row, plan)
            faults += sub_graph_faults(graph, around, plan)
            record = {
                "image": _city_id(graph, row),
                "nodes": around.rows.tolist(),
                "hops": around.hops.tolist(),
                "edges": edges_within(graph, around.rows).tolist(),
            }
            stream.write(f"{as_line(record)}\n")
    return faults


def _write_paths(path: Path, graph: Graph, rows: np.ndarray, plan: GraphPlan) -> tuple[int, list[str]]:
    faults: list[str] = []
    many = 0
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        for row, walks in zip(rows.tolist(), walk_from(graph, rows, plan), strict=True):
            faults += path_faults(graph, row, walks, plan)
            many += len(walks)
            for walk in walks:
                record = {"image": _city_id(graph, row), **told_steps(graph, walk)}
                stream.write(f"{as_line(record)}\n")
    return many, faults


def _write_captions(path: Path, sources: list[Iterable[dict[str, Any]]]) -> Counter[str]:
    """Write captions of all sources; count them by source."""
    many: Counter[str] = Counter()
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        for source in sources:
            for record in source:
                many[record["from"]] += 1
                stream.write(f"{as_line(record)}\n")
    return many


def _drawn_row(graph: Graph, wanted: str) -> int:
    """Return the row of the node whose sub-graph is drawn."""
    nodes = graph.nodes
    if wanted:
        found = np.flatnonzero(nodes.ids == wanted)
        if not len(found):
            msg = f"--draw got {wanted!r}, which is no node. Expected a kind and an id, such as {nodes.ids[0]!r}."
            raise BadInput(msg)
        return int(found[0])
    if len(nodes.rows("image")):
        return int(nodes.rows("image")[0])
    rows = nodes.rows("poi") if len(nodes.rows("poi")) else nodes.rows("street")
    middle = np.median(nodes.xy[rows], axis=0)
    return int(rows[np.argmin(np.hypot(*(nodes.xy[rows] - middle).T))])


def _told(city: City, graph: Graph, plan: GraphPlan, part: Path) -> dict[str, Any]:
    nodes = np.bincount(graph.nodes.kind, minlength=len(KINDS)).tolist()
    edges = np.bincount(graph.edges.relation, minlength=len(RELATIONS)).tolist()
    used = [name for name in ("pois", "roads", "landuse", "street_views") if name in city.layers]
    return {
        "format": FORMAT,
        "city": city.name,
        "crs": city.crs,
        "plan": asdict(plan),
        "counts": {
            "nodes": dict(zip(KINDS, nodes, strict=True)),
            "edges": dict(zip(RELATIONS, edges, strict=True)),
        },
        "layers": {
            name: {
                key: getattr(city.layers[name], key) for key in ("source", "date", "licence", "attribution")
            }
            for name in used
        },
        "files": {one.name: sha256_of(one) for one in sorted(part.iterdir()) if one.name != "ugdata.json"},
    }


def _credits(city: City) -> list[str]:
    return [
        credit_of(city.layers[name].attribution) or city.layers[name].source
        for name in ("pois", "roads", "landuse", "street_views")
        if name in city.layers
    ]


def _city_id(graph: Graph, row: int) -> str:
    return str(graph.nodes.ids[row]).partition("/")[2]
