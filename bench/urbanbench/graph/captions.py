"""Spatial context captions: what lies around an image, by template, from a file, or as a model in a folder says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.errors import BadInput
from urbanbench.graph.around import sub_graph
from urbanbench.graph.hiding import mentions
from urbanbench.graph.tables import KINDS, kind_code, relation_code
from urbanbench.graph.words import fact, gives_away, sentence, tell

if TYPE_CHECKING:
    from urbanbench.city.city import City
    from urbanbench.graph.plan import GraphPlan
    from urbanbench.graph.tables import Graph

__all__ = ["context_captions", "file_captions", "model_captions", "read_captions"]

_MOST_KINDS, _MOST_FACTS = 6, 6
_COUNTED = {"poi": "place", "area": "area", "street": "street", "crossing": "crossing"}


def context_captions(graph: Graph, rows: np.ndarray, plan: GraphPlan) -> Iterable[dict[str, Any]]:
    """Write a caption for every image from its sub-graph, without names, coordinates, streets and districts.

    Yields
    ------
    dict
        image (id), from ("template"), text, facts (triples of the image's own edges), gives_away (of the image).
    """
    for row in rows.tolist():
        facts = [fact(graph, step) for step in _own_steps(graph, row)]
        sentences = [_counted(graph, row, plan), *(sentence(tell(one)) for one in facts)]
        yield {
            "image": _image_id(graph, row),
            "from": "template",
            "text": " ".join(filter(None, sentences)),
            "facts": facts,
            "gives_away": gives_away(graph, row),
        }


def read_captions(path: Path) -> dict[str, str]:
    """Read a file of captions: a CSV, TSV or Parquet table with the columns `view_id` and `caption`, one row a street view.

    Raises
    ------
    DataMissing, BadInput
        No such file; no such table; a view twice, a caption that is no text.
    """
    from urbanbench.build.files import read_table, there

    table = read_table(there(path, "captions"), "captions")
    lacking = [name for name in ("view_id", "caption") if name not in table]
    if lacking:
        msg = f"{path.name}: expected columns view_id and caption, found {', '.join(map(str, table.columns))}. Rename them."
        raise BadInput(msg)
    ids, texts = table["view_id"].astype(str), table["caption"]
    twice = ids[ids.duplicated()].unique()
    if len(twice):
        msg = f"{path.name}: expected one row a view, found {len(twice)} views twice ({', '.join(twice[:3])}). Leave one row of each."
        raise BadInput(msg)
    wrong = [
        one for one, text in zip(ids, texts, strict=True) if not isinstance(text, str) or not text.strip()
    ]
    if wrong:
        msg = f"{path.name}: expected a text in every row, found none for {len(wrong)} views ({', '.join(wrong[:3])}). Write it, or leave the row out."
        raise BadInput(msg)
    return dict(zip(ids, (text.strip() for text in texts), strict=True))


def file_captions(
    graph: Graph, rows: np.ndarray, written: Mapping[str, str], plan: GraphPlan, *, source: str
) -> Iterable[dict[str, Any]]:
    """Give images the sentences that somebody wrote; images without one have no caption.

    Parameters
    ----------
    graph, rows, plan
        The graph, and the rows of images.
    written
        Sentences by view_id.
    source
        What the captions are from, such as "file captions.csv".

    Yields
    ------
    dict
        image, from, text, mentions (what of the names around occurs in it), gives_away.

    Raises
    ------
    BadInput
        No image of the graph has a sentence.
    """
    known = {_image_id(graph, row): row for row in rows.tolist()}
    if rows.size and not known.keys() & written.keys():
        msg = f"Captions of {source} name no image of the graph (first: {', '.join(list(written)[:3]) or 'none'}). Expected view_id such as {', '.join(list(known)[:3])}."
        raise BadInput(msg)
    for one, row in known.items():
        if one in written:
            yield _foreign(graph, row, written[one], source, plan)


def model_captions(
    city: City, graph: Graph, rows: np.ndarray, folder: Path, plan: GraphPlan, *, device: str = "cpu"
) -> Iterable[dict[str, Any]]:
    """Let an image-to-text model write of the first picture of every image; pictures that cannot be opened have no caption.

    Parameters
    ----------
    city, graph, rows, plan
        The city with the pictures, its graph, and the rows of images.
    folder
        A model in the form of transformers, with safetensors; nothing is fetched, and no code of the folder is run.
    device
        Where it computes.

    Yields
    ------
    dict
        As `file_captions`; `from` names the folder with the digest of its content, the model's class and its number of weights.

    Raises
    ------
    ExtraMissing
        The folder holds no such model.
    """
    from urbanbench.city.pictures import FaultyPicture, open_picture
    from urbanbench.graph.image_to_text import load_captioner

    captioner = load_captioner(folder, device=device)
    for row in rows.tolist():
        paths = graph.nodes.pictures.get(row, ())
        if not paths:
            continue
        try:
            picture = open_picture(city.path / paths[0])
        except FaultyPicture:
            continue
        yield {**_foreign(graph, row, captioner.say(picture), captioner.used, plan), "picture": paths[0]}


def _foreign(graph: Graph, row: int, text: str, source: str, plan: GraphPlan) -> dict[str, Any]:
    around = sub_graph(graph, row, plan).rows
    nodes = graph.nodes
    words = {
        key: {str(one) for one in getattr(nodes, key)[around]} - {""}
        for key in ("street", "district", "name")
    }
    words["street"] |= {str(nodes.name[one]) for one in around if nodes.kind[one] == kind_code("street")}
    words["name"] -= words["street"] | words["district"]
    own = gives_away(graph, row)
    return {
        "image": _image_id(graph, row),
        "from": source,
        "text": text,
        "mentions": mentions(text, words),
        "gives_away": own,
    }


def _counted(graph: Graph, row: int, plan: GraphPlan) -> str:
    """Count what the sub-graph holds within reach, and name the commonest categories of places."""
    rows = sub_graph(graph, row, plan).rows[1:]
    nodes = graph.nodes
    away = np.hypot(*(nodes.xy[rows] - nodes.xy[row]).T)
    rows = rows[away <= plan.context_m]
    many = Counter(KINDS[code] for code in nodes.kind[rows].tolist())
    told = [
        f"{many[kind]} {word}{'' if many[kind] == 1 else 's'}"
        for kind, word in _COUNTED.items()
        if many[kind]
    ]
    if not told:
        return ""
    places = Counter(nodes.category[rows[nodes.kind[rows] == kind_code("poi")]].tolist())
    common = sorted(places.items(), key=lambda one: (-one[1], one[0]))[:_MOST_KINDS]
    kinds = f" (most often {', '.join(f'{word} {n}' for word, n in common)})" if common else ""
    return f"Around the picture, within {plan.context_m:.0f} m: {', '.join(told)}{kinds}."


def _own_steps(graph: Graph, row: int) -> list[int]:
    """Choose what a caption tells of an image's own edges: its street, its areas, then the places nearest to it."""
    steps, _ = graph.steps.take(np.array([row]))
    edges = steps // 2
    to = graph.nodes.kind[graph.step_to[steps]]
    street = graph.edges.relation[edges] == relation_code("nearest")
    group = np.where(street, 0, np.where(to == kind_code("area"), 1, 2))
    shown = to != kind_code("image")
    order = np.lexsort((steps, graph.edges.distance_m[edges], group))
    return [int(steps[k]) for k in order if shown[k]][:_MOST_FACTS]


def _image_id(graph: Graph, row: int) -> str:
    return str(graph.nodes.ids[row]).partition("/")[2]
