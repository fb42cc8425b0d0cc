"""Putting questions together: items get ids that tell nothing, texts lose what they may not tell, and nothing stands in a telling order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.errors import RunRefused
from urbanbench.hashing import value_digest
from urbanbench.items import Exam, Item, Lesson
from urbanbench.scoring.retrieval.questions import HARD_M, Questions
from urbanbench.seeds import generator

if TYPE_CHECKING:
    from urbanbench.asking.ground import Ground

__all__ = ["FEWEST_CANDIDATES", "Sheet"]

FEWEST_CANDIDATES = 20
"""A set of answers with fewer is not asked about: it would not fill the smaller candidate set."""

_NOWHERE = (np.nan, np.nan)


@dataclass
class _Choice:
    item: Item
    answer: str
    likeness: str
    group: str
    xy: tuple[float, float]


@dataclass
class _Query:
    item: Item
    positive: str
    xy: tuple[float, float]
    also_right: frozenset[str]


@dataclass
class Sheet:
    """Questions about a city while they are written. Keys are the writer's own; nobody sees them.

    Parameters
    ----------
    ground
        The city.
    task
        Name of the task, for its ids and refusals.
    instruction
        What is wanted, for models that read instructions; the same for all queries.
    hard_m
        Wrong candidates within so many metres are hard.
    """

    ground: Ground
    task: str
    instruction: str
    hard_m: float = HARD_M
    _choices: dict[str, _Choice] = field(default_factory=dict)
    _queries: dict[str, _Query] = field(default_factory=dict)
    _graphs: dict[str, int] = field(default_factory=dict)
    _pictures: dict[str, str] = field(default_factory=dict)

    def picture(self, k: int, text: str = "") -> Item:
        """Return picture k with its graph, where it is known where it was taken, and perhaps with a question about it."""
        ground = self.ground
        graph = self._name("g", str(k)) if ground.placed and len(ground.around(k).rows) > 1 else ""
        if graph:
            self._graphs[graph] = k
        image = self._name("p", ground.view_ids[k])
        self._pictures[image] = ground.view_ids[k]
        return Item(text=text, image=image, graph=graph)

    def candidate(
        self,
        key: str,
        item: Item,
        *,
        answer: str = "",
        likeness: str = "",
        group: str = "",
        xy: np.ndarray | None = None,
    ) -> None:
        """Write a candidate; `answer`, `likeness` and `group` as in `Questions`, its text being the answer where none is given."""
        place = _NOWHERE if xy is None else (float(xy[0]), float(xy[1]))
        self._choices.setdefault(key, _Choice(item, answer or item.text or key, likeness, group, place))

    def query(
        self,
        key: str,
        item: Item,
        positive: str,
        *,
        xy: np.ndarray | None = None,
        also_right: frozenset[str] = frozenset(),
    ) -> None:
        """Write a query whose right candidate has the key `positive`."""
        place = _NOWHERE if xy is None else (float(xy[0]), float(xy[1]))
        self._queries[key] = _Query(item, positive, place, also_right)

    def finish(self, lessons: list[Lesson]) -> Questions:
        """Return the questions, without sets of answers that are too small.

        Raises
        ------
        RunRefused
            No set of answers is large enough.
        """
        choices = self._large_enough()
        queries = {key: one for key, one in self._queries.items() if one.positive in choices}
        if not queries:
            msg = f"City {self.ground.city.name!r} gives {len(self._choices)} answers to {len(self._queries)} questions of {self.task}, in no set as many as {FEWEST_CANDIDATES}. Expected that many to choose from. Mend: a larger city, or one with more street views."
            raise RunRefused(msg)
        asked = {self._name("q", key): self._plain(one.item) for key, one in queries.items()}
        chosen = {self._name("c", key): one.item for key, one in choices.items()}
        exam = self._exam(asked, chosen, lessons)
        return Questions(
            exam=exam,
            queries=tuple(asked),
            positive=tuple(self._name("c", one.positive) for one in queries.values()),
            pool=tuple(chosen),
            answers=tuple(one.answer for one in choices.values()),
            likeness=tuple(one.likeness for one in choices.values()),
            groups=tuple(one.group for one in choices.values()),
            also_right=self._also_right(queries, choices),
            query_xy=np.array([one.xy for one in queries.values()]),
            candidate_xy=np.array([one.xy for one in choices.values()]),
            hard_m=self.hard_m,
        )

    def _large_enough(self) -> dict[str, _Choice]:
        answers: dict[str, set[str]] = {}
        for one in self._choices.values():
            answers.setdefault(one.group, set()).add(one.answer)
        return {
            key: one for key, one in self._choices.items() if len(answers[one.group]) >= FEWEST_CANDIDATES
        }

    def _also_right(
        self, queries: Mapping[str, _Query], choices: Mapping[str, _Choice]
    ) -> dict[str, frozenset[str]]:
        named = {
            self._name("q", key): frozenset(self._name("c", other) for other in one.also_right & set(choices))
            for key, one in queries.items()
            if one.also_right
        }
        return {name: some for name, some in named.items() if some}

    def _exam(self, asked: dict[str, Item], chosen: dict[str, Item], lessons: list[Lesson]) -> Exam:
        plain = [self._lesson(one) for one in lessons]
        order = generator(0, "lessons", self.task).permutation(len(plain))
        items = {**asked, **chosen}
        used = {item.graph for item in items.values()}
        used |= {item.graph for one in plain for item in (one.anchor, one.positive)}
        return Exam(
            items={name: items[name] for name in sorted(items)},
            sides={name: "query" if name in asked else "candidate" for name in sorted(items)},
            graphs={name: self.ground.local(k) for name, k in sorted(self._graphs.items()) if name in used},
            lessons=tuple(plain[at] for at in order),
            pictures=dict(sorted(self._pictures.items())),
        )

    def _plain(self, item: Item) -> Item:
        """Return what asks, with the instruction, and without what it may not tell."""
        return replace(item, text=self.ground.secrets.veil(item.text), instruction=self.instruction)

    def _lesson(self, lesson: Lesson) -> Lesson:
        """Put the task's instruction where a query has it: with the words, where queries are words, else with a picture that has no other."""
        veil = self.ground.secrets.veil
        anchor = replace(lesson.anchor, text=veil(lesson.anchor.text))
        if any(one.item.image for one in self._queries.values()):
            wanted = anchor.instruction or self.instruction
            return replace(lesson, anchor=replace(anchor, instruction=wanted))
        asking = replace(lesson.positive, text=veil(lesson.positive.text), instruction=self.instruction)
        return replace(lesson, anchor=replace(anchor, instruction=""), positive=asking)

    def _name(self, letter: str, key: str) -> str:
        """Return an id that tells nothing of the key, and sorts in no telling order."""
        return letter + value_digest([self.ground.city.name, self.task, letter, key])[:12]
