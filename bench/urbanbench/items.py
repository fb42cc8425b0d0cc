"""Items of retrieval: what is asked and what is chosen from, as a model may see it; nothing here tells where a place lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from urbanbench.errors import BadInput, UnknownName
from urbanbench.hashing import array_digest, value_digest

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "LESSONS",
    "MODALITIES",
    "NODE_KINDS",
    "RELATIONS",
    "SIDES",
    "Exam",
    "Item",
    "Lesson",
    "LocalGraph",
]

MODALITIES = ("image", "text", "graph")
"""What an item may consist of; a model's card names in `embeds` those that it has a tower for."""

SIDES = ("query", "candidate")

LESSONS: Mapping[str, str] = {
    "caption": "a picture and its graph, and a sentence about what lies around it",
    "path": "a picture and its graph, and a way from it in words",
    "location": "a picture and its graph, and the words for where it is",
    "answer": "a picture and its graph with a question, and the answer",
}
"""What the two sides of a training pair are."""

NODE_KINDS = ("poi", "area", "street", "crossing", "image")
"""Kinds of nodes of a graph, by the number that `LocalGraph.kind` holds."""

RELATIONS = ("near", "nearest", "bounds", "intersects", "on_same_street")
"""Kinds of edges, by the number that `LocalGraph.relation` holds."""


@dataclass(frozen=True, eq=False)
class LocalGraph:
    """What lies around a picture: n nodes, the picture's own first, and m edges. Positions are offsets from the first node.

    Parameters
    ----------
    kind
        int8 (n,): positions in `NODE_KINDS`.
    text
        n texts: what a node is, in words that give nothing away which the task hides.
    offset_m
        float64 (n, 2): metres (east, north) from the first node.
    hops
        int64 (n,): edges from the first node.
    source, target
        int64 (m,): rows of nodes.
    relation
        int8 (m,): positions in `RELATIONS`.
    distance_m
        float64 (m,): between the shapes of both ends.
    bearing
        float64 (m,): degrees clockwise from grid north from source to target; NaN where the two are one place.
    """

    kind: np.ndarray
    text: tuple[str, ...]
    offset_m: np.ndarray
    hops: np.ndarray
    source: np.ndarray
    target: np.ndarray
    relation: np.ndarray
    distance_m: np.ndarray
    bearing: np.ndarray

    def __len__(self) -> int:
        return len(self.text)

    @cached_property
    def digest(self) -> str:
        """Hash of all that a model can read of it."""
        arrays = (
            self.kind,
            self.offset_m,
            self.hops,
            self.source,
            self.target,
            self.relation,
            self.distance_m,
            self.bearing,
        )
        return value_digest([list(self.text), *map(array_digest, arrays)])


@dataclass(frozen=True)
class Item:
    """A query, a candidate, or one side of a training pair. At least one of text, image and graph is there.

    Parameters
    ----------
    text
        A sentence; of a query that asks about a picture, the question.
    image
        Key of a street view: a key of `Exam.pictures`, or the view's id where the exam has none; its pictures are those of
        `ItemView.street_views`. "" for none.
    graph
        Key of a graph in `Exam.graphs`; "" for none.
    instruction
        What is wanted, in words, for models that read instructions ("Find the picture that shows this place."). The same for all queries of a task, so
        that who leaves it out loses nothing that tells queries apart.
    """

    text: str = ""
    image: str = ""
    graph: str = ""
    instruction: str = ""

    def __post_init__(self) -> None:
        if not self.modalities:
            msg = (
                "An item has neither text nor image nor graph. Expected one at least. Mend: Item(text='...')."
            )
            raise BadInput(msg)

    @property
    def modalities(self) -> tuple[str, ...]:
        """Words of `MODALITIES`: what it consists of."""
        return tuple(name for name in MODALITIES if getattr(self, name))


@dataclass(frozen=True)
class Lesson:
    """A training pair: two items that belong together, from the part of a city that no query and no candidate comes from.

    Parameters
    ----------
    kind
        A word of `LESSONS`.
    anchor
        The side that looks like the task's queries, or like its candidates where these are pictures: it has the picture.
    positive
        The other side.
    """

    kind: str
    anchor: Item
    positive: Item

    def __post_init__(self) -> None:
        if self.kind not in LESSONS:
            raise UnknownName("kind of lesson", self.kind, LESSONS)


@dataclass(frozen=True, eq=False)
class Exam:
    """All that a retrieval task shows a model: items to embed, graphs that they name, and pairs to learn from.

    Parameters
    ----------
    items
        Id to item; queries and candidates, with ids that tell nothing.
    sides
        Id to a word of `SIDES`.
    graphs
        Key to graph; of items and lessons.
    lessons
        Training pairs.
    pictures
        Key to id of a street view. Ids and names of files may tell where a picture was taken, so models see keys; with none, items name views by
        their ids.

    Raises
    ------
    BadInput
        An item without a side, or a graph or picture that is not there.
    """

    items: Mapping[str, Item]
    sides: Mapping[str, str]
    graphs: Mapping[str, LocalGraph] = field(default_factory=dict)
    lessons: tuple[Lesson, ...] = ()
    pictures: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, item in self.items.items():
            if self.sides.get(name) not in SIDES:
                msg = f"Item {name!r} has side {self.sides.get(name)!r}. Expected one of: {', '.join(SIDES)}."
                raise BadInput(msg)
            self._check_parts(item)
        for lesson in self.lessons:
            self._check_parts(lesson.anchor)
            self._check_parts(lesson.positive)

    def _check_parts(self, item: Item) -> None:
        if item.image and self.pictures and item.image not in self.pictures:
            msg = f"An item names picture {item.image!r}. Expected a key of the exam's {len(self.pictures)} pictures."
            raise BadInput(msg)
        if item.graph and item.graph not in self.graphs:
            msg = (
                f"An item names graph {item.graph!r}. Expected a key of the exam's {len(self.graphs)} graphs."
            )
            raise BadInput(msg)

    @cached_property
    def digest(self) -> str:
        """Hash of everything that can be seen of it, except the bytes of pictures."""
        return value_digest(
            {
                "items": [[name, self.sides[name], *_plain(item)] for name, item in self.items.items()],
                "graphs": {key: graph.digest for key, graph in self.graphs.items()},
                "lessons": [[one.kind, *_plain(one.anchor), *_plain(one.positive)] for one in self.lessons],
                "pictures": dict(self.pictures),
            }
        )


def _plain(item: Item) -> list[str]:
    return [item.text, item.image, item.graph, item.instruction]
