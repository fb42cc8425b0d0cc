"""Sweeps: one model, one parameter changed at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from urbanbench.board.columns import metric_title
from urbanbench.experiments.kinds.base import Choice, Experiment
from urbanbench.experiments.kinds.charts import Panel, Trace, line_figure, stem
from urbanbench.experiments.kinds.comparison import READING
from urbanbench.experiments.kinds.contender import Contender, Place, cells, places
from urbanbench.experiments.kinds.report import Figure, Report, Section
from urbanbench.experiments.kinds.score_table import ScoreTable, facts_of, metrics_of
from urbanbench.experiments.kinds.shelf import Shelf, absence, cell_of
from urbanbench.experiments.kinds.standing import Standing, floor_of, stand
from urbanbench.result import RunResult, RunSpec

__all__ = ["Knob", "Sweep"]

_DEFAULT = " (default)"


@dataclass(frozen=True)
class Knob:
    """A parameter and the values it takes.

    Parameters
    ----------
    name
        Parameter of the model.
    title
        What it is, with its unit.
    values
        As the command line writes them, in increasing order.
    """

    name: str
    title: str
    values: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Sweep(Experiment):
    """How a model's score depends on single parameters.

    Parameters
    ----------
    contender
        The model; all parameters but one keep its values.
    knobs
        The parameters.
    metrics
        Metrics of a table without any score.
    """

    contender: Contender
    knobs: tuple[Knob, ...]
    metrics: tuple[str, ...] = ("r2", "rmse", "mae")

    def specs(self, choice: Choice) -> list[RunSpec]:
        """Return the unchanged model and one cell per value at each place; equal cells are told apart by nothing."""
        rows = [self.contender, *(row for knob in self.knobs for row in self._rows(knob))]
        return cells(rows, places(choice), choice)

    def show(self, results: Sequence[RunResult], choice: Choice) -> Report:
        """Return a section per place with a table per parameter, and a figure per city and task."""
        shelf = Shelf(results)
        sections = [self._section(shelf, choice, place) for place in places(choice)]
        triples = product(choice.cities, choice.tasks, choice.heads)
        figures = [one for words in triples if (one := self._figure(shelf, choice, *words)) is not None]
        if figures:
            sections.append(Section("Figures", figures=tuple(figures)))
        notes = (*self.notes, *READING[:3], *shelf.notes)
        return Report(self.name, self.heading, self.question, tuple(sections), notes)

    def _rows(self, knob: Knob) -> list[Contender]:
        return [self.contender.changed(value, **{knob.name: value}) for value in knob.values]

    def _section(self, shelf: Shelf, choice: Choice, place: Place) -> Section:
        base = stand(self.contender, shelf, choice, place)
        tables, every = [], [base]
        for knob in self.knobs:
            rows = self._standings(knob, shelf, choice, place)
            every += rows
            metrics = metrics_of([base, *rows], self.metrics)
            default = next((one for one in rows if one.label.endswith(_DEFAULT)), None)
            pairs = [(one, "") for one in (rows if default is not None else (base, *rows))]
            tables.append(
                ScoreTable(f"{knob.title} ({knob.name})", pairs, metrics, (default or base, "")).build()
            )
        head = f" · {place.head}" if len(choice.heads) > 1 else ""
        title = f"{place.city_name} · {place.task} · {place.split}{head}"
        return Section(title, facts_of(every), tuple(tables))

    def _standings(self, knob: Knob, shelf: Shelf, choice: Choice, place: Place) -> list[Standing]:
        """Look up a parameter's values; the one that the unchanged model has is marked."""
        own = _identity(self.contender.spec(choice, place))
        found = []
        for row in self._rows(knob):
            same = own and _identity(row.spec(choice, place)) == own
            label = f"{row.label}{_DEFAULT}" if same else row.label
            found.append(stand(row.changed(label), shelf, choice, place))
        return found

    def _figure(self, shelf: Shelf, choice: Choice, city: str, task: str, head: str) -> Figure | None:
        panels, seen = [], False
        base = [
            stand(self.contender, shelf, choice, Place(city, task, split, head)) for split in choice.splits
        ]
        for knob in self.knobs:
            rows = {
                split: self._standings(knob, shelf, choice, Place(city, task, split, head))
                for split in choice.splits
            }
            metric = metrics_of([*base, *(one for listed in rows.values() for one in listed)], self.metrics)[
                0
            ]
            traces = [_trace(split, listed, metric) for split, listed in rows.items()]
            seen = seen or any(trace.x for trace in traces)
            floor = floor_of([*base[:1], *rows[choice.splits[0]]])
            level = None if floor is None else (floor.score(metric).mean, f"best floor, {choice.splits[0]}")
            panels.append(
                Panel(knob.title, knob.name, metric_title(metric), traces, level, names=knob.values)
            )
        place = Place(city, task, choice.splits[0], head)
        name = stem(self.name, place.city_name, task, head if len(choice.heads) > 1 else "")
        return line_figure(name, f"{self.title}, {place.city_name}, {task}", panels) if seen else None


def _identity(spec: RunSpec) -> str:
    return "" if absence(spec) else cell_of(spec).run_id


def _trace(label: str, rows: Sequence[Standing], metric: str) -> Trace:
    """Return a split's line over the values that have scores; values stand at equal distances."""
    points = [(place, one.score(metric)) for place, one in enumerate(rows) if one.score(metric).finite]
    spread = [0.0 if math.isnan(score.std) else score.std for _, score in points]
    return Trace(label, [place for place, _ in points], [score.mean for _, score in points], spread)
