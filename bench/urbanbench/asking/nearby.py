"""What a graph tells about a picture's surroundings: questions of four forms, each with an answer that can be measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.graph.bearings import bearing_between, direction_of
from urbanbench.graph.tables import kind_code, relation_code

if TYPE_CHECKING:
    from urbanbench.asking.ground import Ground

__all__ = ["FORMS", "Asked", "asked_of"]

CLEAR_M = 10.0
"""A nearest place is so much nearer than the next one that would be another answer, metres."""

STEP_M = 25.0
"""Distances are told in steps of so many metres."""

UNSURE_M, UNSURE_DEG = 2.5, 2.5
"""Nothing is asked whose distance or direction lies so near to the border of two answers that both are nearly right."""

NEAR_M, FAR_M = 150.0, 400.0
"""How far the nearest place may be, and how far a landmark, metres."""


@dataclass(frozen=True)
class Asked:
    """A question about a picture, and its answer.

    Parameters
    ----------
    form
        A word of `FORMS`.
    question, answer
        In words.
    likeness
        What makes answers hard to tell apart; see `Questions.likeness`.
    """

    form: str
    question: str
    answer: str
    likeness: str


@dataclass(frozen=True, eq=False)
class _Places:
    """POIs of the map around a picture, the nearest first.

    Attributes
    ----------
    rows
        Rows of the graph.
    away, offset
        Metres from the picture, (n,) and (n, 2).
    words
        What they are.
    shown
        Whether the picture's own graph holds them: what is asked for has to stand there.
    """

    rows: np.ndarray
    away: np.ndarray
    offset: np.ndarray
    words: list[str]
    shown: np.ndarray

    def nearest(self, word: str) -> int | None:
        """Return the place of a kind that is clearly the nearest on the map, if there is one and the graph shows it."""
        at = [k for k, one in enumerate(self.words) if one == word]
        clear = len(at) == 1 or self.away[at[1]] - self.away[at[0]] >= CLEAR_M
        return at[0] if clear and self.shown[at[0]] else None


def asked_of(ground: Ground, k: int, draw: np.random.Generator) -> Iterator[Asked]:
    """Ask one question of each form about picture k, where its answer is clear."""
    places = _places(ground, k)
    for make in FORMS.values():
        found = make(ground, k, places, draw)
        if found is not None:
            yield found


def _places(ground: Ground, k: int) -> _Places:
    nodes = ground.graph.nodes
    rows = ground.pois_within(k, FAR_M + CLEAR_M)
    offset = nodes.xy[rows] - ground.xy[k]
    away = np.hypot(*offset.T)
    order = np.lexsort((rows, away))
    rows = rows[order]
    return _Places(
        rows,
        away[order],
        offset[order],
        [ground.words[row] for row in rows.tolist()],
        np.isin(rows, ground.around(k).rows),
    )


def _nearest_place(ground: Ground, _k: int, places: _Places, _draw: np.random.Generator) -> Asked | None:
    """Ask of which kind the nearest place is."""
    if not len(places.rows) or places.away[0] > NEAR_M or not places.shown[0]:
        return None
    other = next((at for at, word in enumerate(places.words) if word != places.words[0]), None)
    if other is not None and places.away[other] - places.away[0] < CLEAR_M:
        return None
    word = places.words[0]
    return Asked(
        "nearest-place",
        "What kind of place is nearest to the picture?",
        word,
        ground.how_common(int(places.rows[0])),
    )


def _nearest_street(ground: Ground, k: int, _places: _Places, _draw: np.random.Generator) -> Asked | None:
    """Ask of which class the nearest street is, and where it has its nearest crossing."""
    graph, row = ground.graph, int(ground.rows[k])
    street = _joined(ground, row, "nearest", "street")
    crossings = _joined(ground, int(street[0]), "intersects", "crossing") if len(street) else street
    if not len(crossings):
        return None
    offset = graph.nodes.xy[crossings] - ground.xy[k]
    away = np.hypot(*offset.T)
    first, *others = np.argsort(away, kind="stable").tolist()
    near_enough = STEP_M <= away[first] <= FAR_M and crossings[first] in ground.around(k).rows
    if not near_enough or (others and away[others[0]] - away[first] < CLEAR_M) or _unsure(offset[first]):
        return None
    word, side = ground.words[int(street[0])], _side(offset[first])
    return Asked(
        "nearest-street",
        "Which kind of street is nearest to the picture, and how far and in which direction is its nearest crossing?",
        f"{word}, with a crossing {_metres(float(away[first]))} to the {side}",
        side,
    )


def _joined(ground: Ground, row: int, relation: str, kind: str) -> np.ndarray:
    """Return the nodes of a kind that a relation joins with a node, rows of the graph, int64."""
    graph = ground.graph
    steps, _ = graph.steps.take(np.array([row]))
    to = graph.step_to[steps]
    fits = (graph.edges.relation[steps // 2] == relation_code(relation)) & (
        graph.nodes.kind[to] == kind_code(kind)
    )
    return np.asarray(to[fits])


def _distance(_ground: Ground, _k: int, places: _Places, draw: np.random.Generator) -> Asked | None:
    """Ask how far two kinds of places are from one another."""
    near = sorted({word for word, away in zip(places.words, places.away, strict=True) if away <= FAR_M})
    order = [near[at] for at in draw.permutation(len(near))]
    ends = [(word, at) for word in order if (at := places.nearest(word)) is not None][:2]
    if len(ends) < 2:
        return None
    (one, first), (other, second) = ends
    metres = float(np.hypot(*(places.offset[first] - places.offset[second])))
    if _between_steps(metres):
        return None
    question = (
        f"Of the places nearest to the picture, how far is it from the {_kind(one)} to the {_kind(other)}?"
    )
    return Asked("distance", question, _metres(metres), f"{metres // (4 * STEP_M):.0f}")


def _landmark(_ground: Ground, _k: int, places: _Places, draw: np.random.Generator) -> Asked | None:
    """Ask how far the nearest place of a kind is, and in which direction."""
    near = {word for word, away in zip(places.words, places.away, strict=True) if STEP_M <= away <= FAR_M}
    order = [sorted(near)[at] for at in draw.permutation(len(near))]
    for word in order:
        at = places.nearest(word)
        if at is None or not STEP_M <= places.away[at] <= FAR_M or _unsure(places.offset[at]):
            continue
        side = _side(places.offset[at])
        question = f"How far from the picture is the nearest {_kind(word)}, and in which direction?"
        return Asked("landmark", question, f"{_metres(float(places.away[at]))} to the {side}", side)
    return None


FORMS: dict[str, Callable[[Ground, int, _Places, np.random.Generator], Asked | None]] = {
    "nearest-place": _nearest_place,
    "nearest-street": _nearest_street,
    "distance": _distance,
    "landmark": _landmark,
}
"""Forms of questions; each has answers of its own to choose from."""


def _unsure(offset: np.ndarray) -> bool:
    """Tell whether another distance or direction would nearly be right."""
    bearing = np.degrees(np.arctan2(*offset.tolist())) % 45.0
    return bool(abs(bearing - 22.5) < UNSURE_DEG) or _between_steps(float(np.hypot(*offset)))


def _between_steps(metres: float) -> bool:
    return abs(metres % STEP_M - STEP_M / 2) < UNSURE_M


def _side(offset: np.ndarray) -> str:
    return direction_of(float(bearing_between(np.zeros((1, 2)), offset[None])[0]))


def _metres(away: float) -> str:
    near = round(away / STEP_M) * STEP_M
    return f"about {near:.0f} m" if near else f"less than {STEP_M / 2:g} m"


def _kind(word: str) -> str:
    """Turn "a cafe" into "cafe"."""
    return word.partition(" ")[2]
