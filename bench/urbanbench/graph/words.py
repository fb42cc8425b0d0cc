"""Nodes and edges in words: what a node is, what a step says, and what both would give away."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.errors import UnknownName
from urbanbench.graph.bearings import direction_of
from urbanbench.graph.hiding import LEAKS
from urbanbench.graph.tables import KINDS, RELATIONS

if TYPE_CHECKING:
    from urbanbench.graph.tables import Graph

__all__ = ["fact", "gives_away", "sentence", "tell", "told_steps", "what"]

_SAID = {
    ("near", False): "which is near it",
    ("near", True): "which is near it",
    ("nearest", False): "its nearest street",
    ("nearest", True): "whose nearest street it is",
    ("bounds", False): "along whose edge it runs",
    ("bounds", True): "which runs along its edge",
    ("intersects", False): "which meets it",
    ("intersects", True): "which meets it",
    ("on_same_street", False): "the next crossing on one street",
    ("on_same_street", True): "the next crossing on one street",
}
"""What a step says of where it leads, by relation and whether it goes against the edge."""


def what(graph: Graph, row: int) -> str:
    """Say what a node is, by kind and category alone.

    Returns
    -------
    str
        Such as "a cafe", "an area (park)", "a street (residential)", "a crossing of 4 arms", "the place of the picture".
    """
    kind, category = KINDS[graph.nodes.kind[row]], str(graph.nodes.category[row])
    if kind == "image":
        return "a place with a picture"
    if kind in {"area", "street"}:
        return (
            f"{_article(kind)} {kind} ({category})"
            if category not in {"", kind}
            else f"{_article(kind)} {kind}"
        )
    return f"{_article(category)} {category}"


def gives_away(graph: Graph, row: int) -> dict[str, Any]:
    """Return what a node would give away, by words of `LEAKS`; what it does not have is left out."""
    nodes = graph.nodes
    found: dict[str, Any] = {
        "name": str(nodes.name[row]),
        "coordinates": nodes.lonlat[row].tolist(),
        "street": str(nodes.street[row]),
        "district": str(nodes.district[row]),
    }
    return {key: value for key, value in found.items() if value}


def fact(graph: Graph, step: int) -> dict[str, Any]:
    """Return what one step along an edge says.

    Returns
    -------
    dict
        head, tail (ids), relation, distance_m, bearing (degrees, from head to tail; None where both are one place), direction (one of eight
        words), head_is and tail_is (`what`), against (whether the step goes against the edge), `text` of these alone, and
        `gives_away`: for words of `LEAKS` a pair of what head and tail would.
    """
    edges = graph.edges
    edge, against = divmod(int(step), 2)
    ends = (int(edges.source[edge]), int(edges.target[edge]))
    head, tail = ends[::-1] if against else ends
    bearing = float(edges.bearing[edge])
    if against:
        bearing = round((bearing + 180.0) % 360.0, 1) % 360.0
    away = (gives_away(graph, head), gives_away(graph, tail))
    found: dict[str, Any] = {
        "head": str(graph.nodes.ids[head]),
        "relation": RELATIONS[edges.relation[edge]],
        "tail": str(graph.nodes.ids[tail]),
        "against": bool(against),
        "distance_m": float(edges.distance_m[edge]),
        "bearing": None if np.isnan(bearing) else bearing,
        "direction": direction_of(bearing),
        "head_is": what(graph, head),
        "tail_is": what(graph, tail),
    }
    found["text"] = tell(found)
    found["gives_away"] = {
        key: [one.get(key) for one in away] for key in LEAKS if any(key in one for one in away)
    }
    return found


def told_steps(graph: Graph, steps: np.ndarray) -> dict[str, Any]:
    """Return a path: its `text`, and the triples it is made of."""
    triples = [fact(graph, step) for step in steps.tolist()]
    return {"text": " ".join(sentence(one["text"]) for one in triples), "triples": triples}


def tell(triple: Mapping[str, Any], show: Collection[str] = ()) -> str:
    """Write a triple in words.

    Parameters
    ----------
    triple
        As `fact` gives it, or what `urbanbench.graph.hiding.without` left of it.
    show
        Words of `LEAKS` that may be told, where the triple still has them; none when left out.

    Raises
    ------
    UnknownName
        No such word.
    """
    for word in show:
        if word not in LEAKS:
            raise UnknownName("part that gives away", word, LEAKS)
    away = {key: value for key, value in triple.get("gives_away", {}).items() if key in show}
    head, tail = (
        _end(triple[f"{end}_is"], {key: value[k] for key, value in away.items() if value[k]})
        for k, end in enumerate(("head", "tail"))
    )
    return f"from {head} {_way(triple, tail)}, {_SAID[triple['relation'], triple['against']]}"


def _end(is_what: str, away: Mapping[str, Any]) -> str:
    name, street = away.get("name", ""), away.get("street", "")
    parts = [
        f" named {name}" if name else "",
        f" at {street}" if street and street != name else "",
        f" in {away['district']}" if "district" in away else "",
        f" ({away['coordinates'][1]:.6f}, {away['coordinates'][0]:.6f})" if "coordinates" in away else "",
    ]
    return is_what + "".join(parts)


def _way(triple: Mapping[str, Any], tail: str) -> str:
    """Say how far it is from the head to the tail, and in which direction."""
    metres, direction = triple["distance_m"], triple["direction"]
    if metres > 0:
        return f"{f'{metres:.0f}' if metres >= 1 else 'less than 1'} m {direction} to {tail}"
    if not direction:
        return f"0 m to {tail}"
    shaped = triple["tail"].startswith(("area/", "street/"))
    return f"0 m to {tail} " + (
        f"with its middle to the {direction}" if shaped else f"{direction} of its middle"
    )


def sentence(text: str) -> str:
    """Return words as a sentence: a capital first, a full stop last."""
    return f"{text[0].upper()}{text[1:]}."


def _article(word: str) -> str:
    return "an" if word[:1].lower() in "aeiou" else "a"
