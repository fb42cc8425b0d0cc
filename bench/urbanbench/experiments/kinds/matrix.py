"""Matrices: many models on many tasks, one main score a cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from urbanbench.board.columns import heading
from urbanbench.board.layout import Column, Entry, Line, Table
from urbanbench.board.marks import BELOW, UNCONVERGED, floor_above
from urbanbench.convergence import NO
from urbanbench.experiments.kinds.base import Choice, Experiment
from urbanbench.experiments.kinds.contender import Contender, Place, places
from urbanbench.experiments.kinds.report import Report, Section
from urbanbench.experiments.kinds.score_table import score_entry
from urbanbench.experiments.kinds.shelf import Shelf
from urbanbench.experiments.kinds.standing import Standing, floor_of, stand
from urbanbench.result import RunResult, RunSpec

__all__ = ["Matrix"]

READING = (
    "Every cell is the main score of its task: mean \N{PLUS-MINUS SIGN} sample standard deviation over seeds (a spread over splits, not a standard error). Higher is better in all columns.",
    "Bold is the best of a column, floors included; \N{BLACK DOWN-POINTING TRIANGLE} marks a row whose mean is below the best floor that sees no more than it, under the same head.",
    f"{UNCONVERGED} marks a score of a model whose training a cap had ended before it converged.",
    "Columns have different units and scales: there is no average over them.",
)


@dataclass(frozen=True, kw_only=True)
class Matrix(Experiment):
    """One table per city and split: a row per model, a column per task.

    Parameters
    ----------
    contenders
        The rows, in order.
    references
        Floors that stand below them with the same inputs and head.
    labels
        The tasks of cities that have few of them; other cities are asked for every task.
    """

    contenders: tuple[Contender, ...]
    references: tuple[Contender, ...] = ()
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def specs(self, choice: Choice) -> list[RunSpec]:
        """Return one cell per row and place whose city has the label, as far as that is known."""
        rows = (*self.contenders, *self.references)
        return [row.spec(choice, place) for place, row in product(self._places(choice), rows)]

    def show(self, results: Sequence[RunResult], choice: Choice) -> Report:
        """Return a section per city, split and head; tasks without any score have no column."""
        shelf, every = Shelf(results), self._places(choice)
        groups = dict.fromkeys((place.city, place.split, place.head) for place in every)
        sections = [
            self._section(shelf, choice, [one for one in every if (one.city, one.split, one.head) == group])
            for group in groups
        ]
        return Report(
            self.name,
            self.title,
            self.question,
            tuple(section for section in sections if section.tables),
            (*self.notes, *READING),
        )

    def _places(self, choice: Choice) -> list[Place]:
        return [
            place for place in places(choice) if place.task in self.labels.get(place.city_name, (place.task,))
        ]

    def _section(self, shelf: Shelf, choice: Choice, where: Sequence[Place]) -> Section:
        title = f"{where[0].city_name} · {where[0].split}"
        columns = [
            one for one in (_Task(place, *self._stand(shelf, choice, place)) for place in where) if one.main
        ]
        if not columns:
            return Section(title)
        lines = [
            *(self._line(row.label, columns, "model") for row in self.contenders),
            *(self._line(row.label, columns, "floor") for row in self.references),
            _best_floor(columns),
        ]
        heads = (
            Column("row"),
            *(Column(f"{one.place.task} {heading(one.main)}", number=True) for one in columns),
        )
        facts = (f"head {where[0].head}", f"{len(choice.seeds)} seeds")
        return Section(title, facts, (Table("Main scores", heads, tuple(lines)),))

    def _stand(
        self, shelf: Shelf, choice: Choice, place: Place
    ) -> tuple[dict[str, Standing], dict[str, Standing]]:
        learned, floors = (
            {row.label: stand(row, shelf, choice, place) for row in rows}
            for rows in (self.contenders, self.references)
        )
        return learned, floors

    def _line(self, label: str, columns: Sequence[_Task], kind: str) -> Line:
        return Line(kind, (Entry(label), *(one.entry(label) for one in columns)))


@dataclass(frozen=True, eq=False)
class _Task:
    """One column: how all rows stand at a place."""

    place: Place
    learned: Mapping[str, Standing]
    floors: Mapping[str, Standing]

    @property
    def every(self) -> dict[str, Standing]:
        return {**self.learned, **self.floors}

    @property
    def main(self) -> str:
        """The main metric, "" where no row has scores."""
        return next((one.scored.main_metric for one in self.every.values() if one.scored is not None), "")

    def entry(self, label: str) -> Entry:
        """Return a row's score with its marks, or the word that says why there is none."""
        one = self.every[label]
        if one.scored is None:
            return Entry(one.word)
        score = one.score(self.main)
        means = [other.score(self.main).mean for other in self.every.values() if other.score(self.main).whole]
        below = label in self.learned and one.block is not None and floor_above(one.block, one.scored)
        marked = {UNCONVERGED: one.scored.converged == NO, BELOW: below}
        marks = [mark for mark, holds in marked.items() if holds]
        made = score_entry(score, " ".join([score.text, *marks]) if marks else None)
        return Entry(made.text, "best" if score.whole and score.mean == max(means) else "", value=made.value)


def _best_floor(columns: Sequence[_Task]) -> Line:
    entries = []
    for one in columns:
        floor = floor_of(list(one.every.values()))
        score = floor.score(one.main) if floor is not None else None
        entries.append(
            Entry("")
            if floor is None or score is None
            else score_entry(score, f"{score.text} ({floor.spec['model']})")
        )
    return Line("floor", (Entry("best floor of these inputs, same head"), *entries))
