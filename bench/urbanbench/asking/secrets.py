"""What no query, no graph and no lesson may tell: names, streets and districts of a city, and coordinates; found in texts and taken out."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from urbanbench.graph.hiding import LEAKS, mentions, without
from urbanbench.graph.mentioning import folded, letters_of
from urbanbench.graph.tables import kind_code

if TYPE_CHECKING:
    from urbanbench.graph.tables import Graph
    from urbanbench.items import Exam

__all__ = ["Secrets", "told_secrets"]

_COORDINATES = re.compile(r"-?\d{1,3}\.\d{4,}|\d{6,7}\.\d")
"""Degrees with four digits or more behind the point, and metres of a projected CRS with a digit behind it."""

_KEY = 4
"""Letters by whose first ones names are looked up, so that a text is not compared with every name of a city."""


class Secrets:
    """The names that a city's graph knows, of all places and not of the answer alone: a neighbour's name tells where a place is as well.

    A name of a POI that is a category too, such as "School", tells nothing and is no secret. Names of streets and districts always are.

    Parameters
    ----------
    graph
        The whole graph of the city.
    """

    def __init__(self, graph: Graph) -> None:
        nodes = graph.nodes
        streets = {str(one) for one in nodes.name[nodes.kind == kind_code("street")]}
        words = {"street": streets, "district": {str(one) for one in nodes.district}}
        known = streets | words["district"] | {str(one).lower() for one in nodes.category}
        crossings = nodes.kind == kind_code("crossing")  # named after the streets that meet
        words["name"] = {str(one) for one in nodes.name[~crossings] if str(one).lower() not in known} - known
        self._by_letters: dict[str, list[tuple[str, str]]] = {}
        for kind, some in words.items():
            for one in sorted(some):
                self._by_letters.setdefault(folded(one)[:_KEY], []).append((kind, one))

    def found(self, text: str) -> dict[str, list[str]]:
        """Return the secrets that a text tells, by kind: words of `urbanbench.graph.hiding.LEAKS`."""
        signs, words = letters_of(text).signs, dict[str, list[str]]()
        keys = {signs[at : at + many] for at in range(len(signs)) for many in range(1, _KEY + 1)}
        for key in keys & self._by_letters.keys():
            for kind, one in self._by_letters[key]:
                if folded(one) in signs:
                    words.setdefault(kind, []).append(one)
        told = mentions(text, words)
        numbers = sorted(set(_COORDINATES.findall(text)))
        return {**told, "coordinates": numbers} if numbers else told

    def veil(self, text: str) -> str:
        """Return a text with "[street]" and so on in place of what it may not tell."""
        told = self.found(text)
        if not told:
            return text
        plain = without({"text": text, "mentions": told})
        return _COORDINATES.sub("[coordinates]", str(plain["text"]))


def told_secrets(exam: Exam, secrets: Secrets, kinds: Collection[str] = LEAKS) -> list[str]:
    """Return what the side with the pictures tells that it may not: queries, graphs and the first side of lessons.

    Candidates that are texts may name places: that is what they are there for.

    Parameters
    ----------
    exam, secrets
        What is shown, and what the city's names are.
    kinds
        Words of `LEAKS` that may not be told.

    Returns
    -------
    list of str
        One sentence for each text that tells something; [] where none does.
    """
    texts = list(_texts(exam))
    return [
        f"{where} tells {kind} {', '.join(map(repr, some))}: {text!r}"
        for where, text in texts
        for kind, some in secrets.found(text).items()
        if kind in kinds
    ]


def _texts(exam: Exam) -> Iterator[tuple[str, str]]:
    for name, item in exam.items.items():
        if exam.sides[name] == "query":
            yield f"query {name}", item.text
            yield f"instruction of query {name}", item.instruction
    for lesson in exam.lessons:
        yield f"a lesson ({lesson.kind})", lesson.anchor.text
        if lesson.kind in {"caption", "path"}:
            yield f"what a lesson ({lesson.kind}) says", lesson.positive.text
    for text in sorted({text for graph in exam.graphs.values() for text in graph.text}):
        yield "a graph", text
