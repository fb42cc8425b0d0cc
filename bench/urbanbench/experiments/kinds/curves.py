"""Curves: the losses of differently trained variants of one model, objective by objective."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from urbanbench.board.layout import Column, Entry, Line, Table
from urbanbench.board.numbers import plain_number
from urbanbench.experiments.kinds.base import Choice, Experiment
from urbanbench.experiments.kinds.charts import Panel, Trace, line_figure, stem
from urbanbench.experiments.kinds.contender import Contender, Place, cells, places
from urbanbench.experiments.kinds.report import Figure, Report, Section
from urbanbench.experiments.kinds.score_table import ScoreTable, facts_of, metrics_of
from urbanbench.experiments.kinds.shelf import Shelf
from urbanbench.experiments.kinds.standing import Standing, stand
from urbanbench.experiments.kinds.training_log import StageRecord, stages_of
from urbanbench.result import RunResult, RunSpec

__all__ = ["Curves"]

_COLUMNS = (
    Column("objective"),
    Column("trained"),
    Column("loss at chance", number=True),
    Column("final loss", number=True),
    Column("steps", number=True),
    Column("step of the final loss", number=True),
    Column("step within 10 % of it", number=True),
    Column("seconds", number=True),
    Column("seconds to within 10 %", number=True),
)
_READING = (
    "Losses are held out, or means over training steps for an objective too small to hold anything out; the final loss is the lowest.",
    "Within 10 %: the first loss measured that is at most 1.1 times the final one of the same run; an objective whose loss falls by less than that in all is there from the start.",
    "Seconds of a stage count from its own start; in joint training every objective runs through all of it, so its seconds are those of all.",
)

Records = Mapping[str, Sequence[StageRecord]]


@dataclass(frozen=True, kw_only=True)
class Curves(Experiment):
    """How losses fall under different ways of training.

    Parameters
    ----------
    contenders
        The ways of training.
    metrics
        Metrics of a table without any score.
    """

    contenders: tuple[Contender, ...]
    metrics: tuple[str, ...] = ("r2", "rmse", "mae")

    def specs(self, choice: Choice) -> list[RunSpec]:
        """Return one cell per place and way of training."""
        return cells(self.contenders, places(choice), choice)

    def show(self, results: Sequence[RunResult], choice: Choice) -> Report:
        """Return losses per city, and the scores that the variants reach."""
        shelf = Shelf(results)
        losses = [self._losses(shelf, choice, city) for city in choice.cities]
        scores = [self._scores(shelf, choice, place) for place in places(choice)]
        notes = (*self.notes, *_READING, *shelf.notes)
        return Report(self.name, self.heading, self.question, (*losses, *scores), notes)

    def _losses(self, shelf: Shelf, choice: Choice, city: str) -> Section:
        """Return an objective's losses in all variants; every cell of a city shares its training, so the first one with a log is read."""
        records = {row.label: self._records(row, shelf, choice, city) for row in self.contenders}
        name = Place(city, "", "", "").city_name
        missing = [label for label, stages in records.items() if not stages]
        warnings = (f"No training log of: {', '.join(missing)}.",) if missing else ()
        lines = _lines(records)
        tables = (Table("Losses", _COLUMNS, tuple(lines)),) if lines else ()
        figures = (self._figure(name, records),) if lines else ()
        return Section(f"{name} · training", (), tables, figures, warnings)

    def _records(self, row: Contender, shelf: Shelf, choice: Choice, city: str) -> list[StageRecord]:
        found = [shelf.find(row.spec(choice, place)) for place in places(choice) if place.city == city]
        logs = [stages_of(result) for result in found if result is not None]
        return next((log for log in logs if log), [])

    def _figure(self, city: str, records: Records) -> Figure:
        panels = [_panel(name, records) for name in _objectives(records)]
        return line_figure(
            stem(self.name, city, "losses"),
            f"{self.title}, {city}: held-out loss over time",
            panels,
            one_measure=False,
        )

    def _scores(self, shelf: Shelf, choice: Choice, place: Place) -> Section:
        found: list[Standing] = [stand(row, shelf, choice, place) for row in self.contenders]
        table = ScoreTable(
            "Scores", [(one, "") for one in found], metrics_of(found, self.metrics), (found[0], "")
        ).build()
        head = f" · {place.head}" if len(choice.heads) > 1 else ""
        return Section(f"{place.city_name} · {place.task} · {place.split}{head}", facts_of(found), (table,))


def _objectives(records: Records) -> list[str]:
    return list(dict.fromkeys(stage.name for stages in records.values() for stage in stages))


def _lines(records: Records) -> list[Line]:
    return [
        Line("model", (Entry(name), Entry(label), *_numbers(stage)))
        for name in _objectives(records)
        for label, stages in records.items()
        for stage in stages
        if stage.name == name
    ]


def _numbers(stage: StageRecord) -> list[Entry]:
    near = stage.near_step
    return [
        *(_loss(one) for one in (stage.chance, stage.final)),
        *(
            Entry(plain_number(one), value=one if math.isfinite(one) else None)
            for one in (stage.steps, stage.final_step, near, stage.seconds, stage.seconds_at(near))
        ),
    ]


def _loss(value: float) -> Entry:
    return Entry(f"{value:.3f}", value=value) if math.isfinite(value) else Entry()


def _panel(name: str, records: Records) -> Panel:
    traces, chance = [], math.nan
    for label, stages in records.items():
        for stage in stages:
            if stage.name == name:
                seconds = [stage.seconds_at(step) for step, _ in stage.watched]
                traces.append(Trace(label, seconds, [loss for _, loss in stage.watched], marked=False))
                chance = stage.chance
    level = (chance, "chance") if math.isfinite(chance) else None
    return Panel(name, "seconds", "loss", traces, level)
