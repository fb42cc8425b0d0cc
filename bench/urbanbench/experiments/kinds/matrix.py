"""Matrices: many models on many tasks, in many cities or under many protocols, one main score a cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from urbanbench.board.columns import heading
from urbanbench.board.layout import Column, Entry, Line, Table
from urbanbench.board.leading import BEST, leading
from urbanbench.board.marks import BELOW, UNCONVERGED, above_floor, floor_above
from urbanbench.board.numbers import Score
from urbanbench.board.rows import Row
from urbanbench.board.used import saw_entry
from urbanbench.board.versions import OLDER, older_parts
from urbanbench.convergence import NO
from urbanbench.experiments.kinds.axes import AXES
from urbanbench.experiments.kinds.base import Choice, Experiment
from urbanbench.experiments.kinds.charts import panels_of_dots, stem
from urbanbench.experiments.kinds.contender import Contender, Place, cells, chosen_rows, places
from urbanbench.experiments.kinds.gained import GAINED, GAINED_READING, gained_table
from urbanbench.experiments.kinds.report import Figure, Report, Section
from urbanbench.experiments.kinds.score_table import score_entry
from urbanbench.experiments.kinds.shelf import Shelf
from urbanbench.experiments.kinds.standing import Standing, floor_of, stand
from urbanbench.inputs import FULL
from urbanbench.parity.papers import get_paper
from urbanbench.registry import load_task
from urbanbench.result import RunResult, RunSpec

__all__ = ["Matrix"]

READING = (
    "Every cell is the main score of its task: mean \N{PLUS-MINUS SIGN} sample standard deviation over seeds (a spread over splits, not a standard error). Higher is better in all columns.",
    "Bold are all rows of a column, floors included, that chance does not separate from the best one, which is underlined (corrected resampled t test, Holm); \N{BLACK DOWN-POINTING TRIANGLE} marks a row whose mean is below the best floor that sees no more than it, under the same head.",
    f"{UNCONVERGED} marks a score of a model whose training a cap had ended before it converged, {OLDER} one of an older head, split, task or model than the newest of its column.",
    "Columns have different units and scales: there is no average over them.",
    "A row that lacks a part of its model for want of data says so behind its name and is not counted among the learned models; nor is one of which nothing was trained, such as frozen features.",
)
SAW = "saw: which part of the POIs, footprints, street views and pictures a row used, in the first task for which that is recorded."
LACKING = "What stands in brackets behind a name is lacking in one city at least."

KNOWING = "Main scores of rows that know where they are"
LOWEST = -0.5
"""Where the axis of scores ends in figures: one row far below would leave the others no room."""


@dataclass(frozen=True, kw_only=True)
class Matrix(Experiment):
    """One table per city and split with a column per task, one per task with a column per city and split, or one per city and task with a column per split and paper's protocol; a row per model.

    Parameters
    ----------
    across
        What its columns are: "tasks", "cities" or "protocols".
    contenders
        The rows, in order.
    references
        Floors that stand below them with the same inputs and head.
    inputs
        What models that a reader chooses are offered.
    labels
        The tasks of cities that have few of them; other cities are asked for every task.
    protocols
        The papers' protocols that stand behind the splits across protocols, where they score a task of this kind.
    """

    across: Literal["tasks", "cities", "protocols"] = "tasks"
    contenders: tuple[Contender, ...]
    references: tuple[Contender, ...] = ()
    inputs: str = FULL
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    protocols: tuple[str, ...] = ()

    def specs(self, choice: Choice) -> list[RunSpec]:
        """Return one cell per row and place whose city has the label, as far as that is known."""
        learned, floors = self._rows(choice)
        return cells((*learned, *floors), self._places(choice), choice)

    def show(self, results: Sequence[RunResult], choice: Choice) -> Report:
        """Return a section per city, split and head, or per task and head; what has no score has no column."""
        shelf, every = Shelf(results), self._places(choice)
        groups: dict[tuple[str, ...], list[Place]] = {}
        for place in every:
            groups.setdefault(AXES[self.across].table(place), []).append(place)
        sections = [self._section(shelf, choice, where) for where in groups.values()]
        gained = any(table.title == GAINED for section in sections for table in section.tables)
        notes = (
            *self.notes,
            *READING,
            LACKING if self.across == "cities" else SAW,
            *([GAINED_READING] if gained else []),
            *shelf.notes,
        )
        shown = tuple(section for section in sections if section.tables)
        return Report(self.name, self.title, self.question, shown, notes)

    def _places(self, choice: Choice) -> list[Place]:
        ours = [
            place for place in places(choice) if place.task in self.labels.get(place.city_name, (place.task,))
        ]
        asked = dict.fromkeys((place.city, place.task) for place in ours)
        papers = [
            Place(city, task, name, "", protocol=name)
            for city, task in asked
            for name in self.protocols
            if _scores(name, task)
        ]
        return [*ours, *papers]

    def _rows(self, choice: Choice) -> tuple[tuple[Contender, ...], tuple[Contender, ...]]:
        """Return the rows asked for, and the floors below them that are not among these."""
        asked = chosen_rows(choice, self.contenders, self.inputs)
        labels = {row.label for row in asked}
        return asked, tuple(row for row in self.references if row.label not in labels)

    def _section(self, shelf: Shelf, choice: Choice, where: Sequence[Place]) -> Section:
        columns = [
            one for one in (_Question(at, *self._stand(shelf, choice, at)) for at in where) if one.main
        ]
        if not columns:
            return Section(where[0].task)
        learned, floors = ([row.label for row in rows] for rows in self._rows(choice))
        knowing = {label for label in (*learned, *floors) if _knows_place(label, columns)}
        if not knowing & set(learned) or self.across == "protocols":
            knowing = set()  # floors of coordinates need no table of their own, and some papers' heads tell every row where it is
        axis, first, seeds = AXES[self.across], columns[0], len(choice.seeds)
        headed = {axis.column(one.place, one.main): one for one in columns}
        tables = [
            _table(name, headed, list(filter(belongs, learned)), list(filter(belongs, floors)))
            for name, belongs in (
                ("Main scores", lambda one: one not in knowing),
                (KNOWING, knowing.__contains__),
            )
        ]
        if self.across != "protocols":  # of which our own alone scores a model beside a floor
            rows = {
                title: {label: row.scored for label, row in one.learned.items()}
                for title, one in headed.items()
            }
            tables.append(gained_table(rows, learned))
        shown = tuple(table for table in tables if table is not None)
        title, facts = axis.title(first.place, first.main), tuple(axis.facts(first.place, seeds))
        if self.across != "cities":
            return Section(title, facts, shown)
        figure = self._figure(columns, title, learned, floors)
        return Section(title, facts, tuple(table.without("saw") for table in shown), (figure,))

    def _figure(
        self, columns: Sequence[_Question], title: str, learned: Sequence[str], floors: Sequence[str]
    ) -> Figure:
        """Draw every row that has a score, a panel for each city and a series for each split."""
        main, where = columns[0].main, columns[0].place
        shown = [
            label
            for label in (*learned, *floors)
            if any(one.every[label].score(main).finite for one in columns)
        ]
        panels: dict[str, dict[str, list[Score]]] = {}
        for one in columns:
            scores = [one.every[label].score(main) for label in shown]
            panels.setdefault(one.place.city_name, {})[one.place.split] = scores
        return panels_of_dots(
            stem(self.name, where.task, where.head),
            title,
            heading(main),
            shown,
            panels,
            columns=len(panels),
            floors=sum(label in shown for label in floors),
            low=LOWEST,
        )

    def _stand(
        self, shelf: Shelf, choice: Choice, place: Place
    ) -> tuple[dict[str, Standing], dict[str, Standing]]:
        learned, floors = (
            {row.label: stand(row, shelf, choice, place) for row in rows} for rows in self._rows(choice)
        )
        return learned, floors


@dataclass(frozen=True, eq=False)
class _Question:
    """One column: how all rows stand at a place."""

    place: Place
    learned: Mapping[str, Standing]
    floors: Mapping[str, Standing]

    @property
    def every(self) -> dict[str, Standing]:
        return {**self.learned, **self.floors}

    @property
    def _scored(self) -> list[Row]:
        return [one.scored for one in self.every.values() if one.scored is not None]

    @property
    def main(self) -> str:
        """The main metric, "" where no row has scores."""
        return next((row.main_metric for row in self._scored), "")

    def entry(self, label: str, among: Sequence[str]) -> Entry:
        """Return a row's score with its marks, the best of some rows among them, or the word that says why there is none."""
        one = self.every[label]
        if one.scored is None:
            return Entry(one.word)
        score = one.score(self.main)
        below = label in self.learned and one.block is not None and floor_above(one.block, one.scored)
        marked = {
            UNCONVERGED: one.scored.converged == NO,
            OLDER: older_parts(one.scored, self._scored),
            BELOW: below,
        }
        marks = [mark for mark, holds in marked.items() if holds]
        made = score_entry(score, " ".join([score.text, *marks]) if marks else None)
        return Entry(made.text, self._leading(among).get(one.scored.run_id, ""), value=made.value)

    def _leading(self, among: Sequence[str]) -> Mapping[str, str]:
        """Mark the best of some rows; a row that stands alone is the best."""
        rows = [row for label in among if (row := self.every[label].scored) is not None]
        rows = [row for row in rows if row.score(self.main).whole]
        return leading(rows, self.main) if len(rows) > 1 else {row.run_id: BEST for row in rows}

    def above_floor(self, labels: Sequence[str]) -> Entry:
        """Count the learned rows that are not below the best floor of their inputs; rows that lack a part are not counted."""
        counts = [
            above_floor(one.block, [one.scored])
            for one in (self.learned[label] for label in labels)
            if one.scored is not None and one.block is not None
        ]
        known = [pair for pair in counts if pair is not None]
        above, counted = (sum(column) for column in zip(*known, strict=True)) if known else (0, 0)
        return Entry(f"{above} of {counted}" if counted else "")


def _table(
    name: str, questions: Mapping[str, _Question], learned: Sequence[str], floors: Sequence[str]
) -> Table | None:
    """Lay out some rows under the headings of `questions`; None where there are no rows."""
    shown, columns = [*learned, *floors], list(questions.values())
    if not shown:
        return None
    saw = {label: _saw(label, columns) for label in shown}
    kinds = ["model"] * len(learned) + ["floor"] * len(floors)
    lines = [
        Line(kind, (Entry(_title(label, columns)), saw[label], *(one.entry(label, shown) for one in columns)))
        for label, kind in zip(shown, kinds, strict=True)
    ]
    counts = [one.above_floor(learned) for one in columns]
    if any(entry.text for entry in counts):
        lines.append(Line("floor", (Entry("learned models not below their best floor"), Entry(), *counts)))
    lines.append(_best_floor(columns))
    heads = (
        Column("row"),
        Column("saw"),
        *(Column(title, number=True) for title in questions),
    )
    table = Table(name, heads, tuple(lines))
    return table if any(entry.tip for entry in saw.values()) else table.without("saw")


def _scores(protocol: str, task: str) -> bool:
    """Tell whether a paper's protocol says how such a task is scored."""
    card = load_task(task).card
    return get_paper(protocol).question(card.kind, card.level) is not None


def _standings(label: str, columns: Sequence[_Question]) -> list[Row]:
    return [row for one in columns if (row := one.every[label].scored) is not None]


def _title(label: str, columns: Sequence[_Question]) -> str:
    """Return a row's label with what it lacks in any of the columns."""
    lacks = dict.fromkeys(phrase for row in _standings(label, columns) for phrase in row.lacks)
    return f"{label} ({', '.join(lacks)})" if lacks else label


def _saw(label: str, columns: Sequence[_Question]) -> Entry:
    """Say how much a row used in the first task for which it is recorded."""
    rows = _standings(label, columns)
    row = next((one for one in rows if one.saw), rows[0] if rows else None)
    return Entry() if row is None else saw_entry(row)


def _knows_place(label: str, columns: Sequence[_Question]) -> bool:
    return any(row.knows_place for row in _standings(label, columns))


def _best_floor(columns: Sequence[_Question]) -> Line:
    entries = []
    for one in columns:
        floor = floor_of(list(one.every.values()))
        score = floor.score(one.main) if floor is not None else None
        entries.append(
            Entry("")
            if floor is None or score is None
            else score_entry(score, f"{score.text} ({floor.spec['model']})")
        )
    return Line("floor", (Entry("best floor of these inputs, same head"), Entry(), *entries))
