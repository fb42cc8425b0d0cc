"""Questions that somebody wrote about the pictures of a city, made ready to be asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.asking.written_files import Record, Written, read_written
from urbanbench.city.folder.format import UNPLACED
from urbanbench.errors import RunRefused
from urbanbench.hashing import value_digest
from urbanbench.items import Exam, Item, Lesson
from urbanbench.scoring.retrieval.questions import Questions
from urbanbench.seeds import generator

if TYPE_CHECKING:
    from urbanbench.city.city import City

__all__ = ["written_questions"]

_FEW = 5
"""Answers to choose from with which nobody can miss hit@5."""

_MEND = "urbanbench data images FOLDER -o CITY makes a city of pictures; image_id become its view_id"


def written_questions(city: City, folder: Path | str, instruction: str = "") -> Questions:
    """Read the questions of a folder about the street views of a city.

    Ids are replaced by hashes, so that none tells an answer. A query that names its own candidates chooses among these; another among all
    candidates of the right one's group.

    Parameters
    ----------
    city
        Its street views are the pictures, named by view_id.
    folder
        With ``queries.jsonl``, ``candidates.jsonl`` and perhaps ``lessons.jsonl``.
    instruction
        What is wanted, for models that read instructions; the same for all queries.

    Raises
    ------
    DataMissing, BadInput
        As `urbanbench.asking.written_files.read_written`; a picture that the city does not have, that is learned from and asked about, or that
        is its own answer; a query without anything wrong to choose.
    RunRefused
        The city has no street views.
    """
    if "street_views" not in city.layers:
        msg = f"City {city.name!r} has no street views, which are the pictures of questions. Expected some. Mend: {_MEND}"
        raise RunRefused(msg)
    written = read_written(Path(folder))
    _check_pictures(city, written)
    return _Sheet(city, written, instruction).questions()


def _check_pictures(city: City, written: Written) -> None:
    known = set(city.street_views.index)
    asked = [*written.queries.values(), *written.candidates.values()]
    for one in (*asked, *written.lessons):
        if one["image"] and one["image"] not in known:
            found = f"image {one['image']!r} is no street view of {city.name!r}. Expected a view_id, such as {min(known)!r}."
            raise one.wrong(found, _MEND)
    shown = {one["image"]: one for one in asked if one["image"]}
    for one in written.lessons:
        other = shown.get(one["image"])
        if other is not None:
            found = f"picture {one['image']!r} is learned from here, and asked about in {other.file}, line {other.line}. Expected other pictures in lessons."
            raise one.wrong(found)
    for one in written.queries.values():
        if one["image"] and one["image"] == written.candidates[one["positive"]]["image"]:
            found = f"the query shows picture {one['image']!r}, which is its right answer. Expected another picture, or words."
            raise one.wrong(found)


@dataclass
class _Sheet:
    """What was written, while it becomes items."""

    city: City
    written: Written
    instruction: str
    _pictures: dict[str, str] = field(default_factory=dict)

    def questions(self) -> Questions:
        """Return the questions; candidates that a query names for itself are copies in a group of their own."""
        queries, chosen = self.written.queries, self._chosen
        asked = {name: self._name("q", name) for name in queries}
        pool = {key: self._name("c", *key) for key in chosen}
        items = {asked[name]: self._item(one, self.instruction) for name, one in queries.items()}
        items |= {pool[key]: self._item(one) for key, one in chosen.items()}
        right = [(self._group(one), one["positive"]) for one in queries.values()]
        lessons = self._lessons()
        query_xy, candidate_xy = self._places([chosen[key] for key in right], list(chosen.values()))
        return Questions(
            Exam(
                {name: items[name] for name in sorted(items)},
                {name: "query" if name[0] == "q" else "candidate" for name in sorted(items)},
                lessons=lessons,
                pictures=dict(sorted(self._pictures.items())),
            ),
            queries=tuple(asked.values()),
            positive=tuple(pool[key] for key in right),
            pool=tuple(pool.values()),
            likeness=tuple(one["likeness"] for one in chosen.values()),
            groups=tuple(group for group, _ in chosen),
            also_right={asked[name]: frozenset(some) for name in queries if (some := self._also(name, pool))},
            query_xy=query_xy,
            candidate_xy=candidate_xy,
            main_metric="hit@1" if self._fewest() <= _FEW else "hit@5",
        )

    def _group(self, query: Record) -> str:
        """Return what a query chooses from: its own candidates, or the group of the right one."""
        if query.lists["candidates"]:
            return f"query {query['id']}"
        return f"group {self.written.candidates[query['positive']]['group']}"

    @cached_property
    def _chosen(self) -> Mapping[tuple[str, str], Record]:
        """Return (group, id) to candidate, of all that a query may choose."""
        found: dict[tuple[str, str], Record] = {}
        candidates = self.written.candidates
        shared = {self._group(one) for one in self.written.queries.values() if not one.lists["candidates"]}
        for name, one in candidates.items():
            if f"group {one['group']}" in shared:
                found[f"group {one['group']}", name] = one
        for query in self.written.queries.values():
            found |= {(self._group(query), name): candidates[name] for name in query.lists["candidates"]}
        return found

    def _also(self, name: str, pool: Mapping[tuple[str, str], str]) -> list[str]:
        query = self.written.queries[name]
        keys = [(self._group(query), one) for one in query.lists["also_right"]]
        return [pool[key] for key in keys if key in pool]

    def _fewest(self) -> int:
        """Return the fewest different answers, the right one among them, that a query chooses from.

        Raises
        ------
        BadInput
            A query has nothing wrong to choose.
        """
        said: dict[str, dict[str, str]] = {}
        for (group, name), one in self._chosen.items():
            said.setdefault(group, {})[name] = one["text"] or f"picture {one['image']}"
        fewest = len(self._chosen)
        for query in self.written.queries.values():
            here = said[self._group(query)]
            right = {here[one] for one in (query["positive"], *query.lists["also_right"]) if one in here}
            wrong = set(here.values()) - right
            if not wrong:
                found = f"query {query['id']!r} has nothing wrong to choose: each of its {len(here)} candidates says what is right. Expected another answer among them."
                raise query.wrong(found)
            fewest = min(fewest, 1 + len(wrong))
        return fewest

    def _item(self, one: Record, instruction: str = "") -> Item:
        return Item(one["text"], self._picture(one["image"]), instruction=instruction)

    def _picture(self, view: str) -> str:
        if not view:
            return ""
        key = self._name("p", view)
        self._pictures[key] = view
        return key

    def _lessons(self) -> tuple[Lesson, ...]:
        made = [
            Lesson("answer", self._item(one, self.instruction), Item(one["answer"]))
            for one in self.written.lessons
        ]
        order = generator(0, "lessons", "written").permutation(len(made))
        return tuple(made[at] for at in order)

    def _places(
        self, right: Sequence[Record], chosen: Sequence[Record]
    ) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Return where right and all candidates that are pictures were taken, each (n, 2) in metres; None where that is not known."""
        if self.city.layers["street_views"].kind == UNPLACED or not any(one["image"] for one in chosen):
            return None, None
        points = self.city.street_views.geometry
        xy = dict(zip(points.index, zip(points.x.tolist(), points.y.tolist(), strict=True), strict=True))
        nowhere = (np.nan, np.nan)
        query, candidate = (
            np.array([xy.get(one["image"], nowhere) for one in some], dtype=np.float64)
            for some in (right, chosen)
        )
        return query, candidate

    def _name(self, letter: str, *key: str) -> str:
        """Return an id that tells nothing, and sorts in no telling order."""
        return letter + value_digest([self.city.name, "written", letter, *key])[:12]
