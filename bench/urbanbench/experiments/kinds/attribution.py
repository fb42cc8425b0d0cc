"""Attribution: how much of the distance between counting and a model each change on the way makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from urbanbench.board.columns import metric_title, unit_of
from urbanbench.board.layout import Column, Entry, Line, Table
from urbanbench.board.numbers import Score
from urbanbench.experiments.kinds.base import Choice, Experiment
from urbanbench.experiments.kinds.charts import panels_of_dots, stem
from urbanbench.experiments.kinds.contender import Contender, Place, places
from urbanbench.experiments.kinds.ladder import HEAD, Climbed, Ladder, Step, agreeing, climb, distinct_rows
from urbanbench.experiments.kinds.report import Figure, Report, Section
from urbanbench.experiments.kinds.score_table import (
    DELTA,
    ScoreTable,
    facts_of,
    metrics_of,
    score_entry,
    signed,
)
from urbanbench.experiments.kinds.shelf import Shelf
from urbanbench.experiments.kinds.standing import stand
from urbanbench.registry import plain_name
from urbanbench.result import RunResult, RunSpec

__all__ = ["Attribution"]

READING = (
    "A step is the row above it minus the row below it, seed by seed on the same splits: mean \N{PLUS-MINUS SIGN} sample standard deviation over seeds (a spread over splits, not a standard error), and of how many seeds the difference has the sign of the mean.",
    "The steps of a line up to training add up to its whole difference; the head comes on top of it.",
    "An empty cell is a step that the model does not have; a word stands where a row is missing, and the note names that row.",
)


@dataclass(frozen=True, kw_only=True)
class Attribution(Experiment):
    """Ladders from counting to models, side by side.

    Parameters
    ----------
    ladders
        One per model, all from the same lowest row.
    asides
        Shorter ladders whose steps stand in a table of their own.
    further
        Rows that are shown beside those of the ladders.
    steps
        Words of the ladders' steps in the order of their columns, and what each is.
    best_head
        Head of the step `HEAD`.
    metrics
        Metrics of a table without any score.
    """

    ladders: tuple[Ladder, ...]
    asides: tuple[Ladder, ...] = ()
    further: tuple[Contender, ...] = ()
    steps: Mapping[str, str] = field(default_factory=dict)
    best_head: str = "select"
    metrics: tuple[str, ...] = ("r2", "rmse", "mae")

    def specs(self, choice: Choice) -> list[RunSpec]:
        """Return one cell per place and row, and the models' in the best head."""
        asked = [row.spec(choice, place) for place, row in product(places(choice), self._rows)]
        tops = [one.rows[-1] for one in self.ladders]
        asked += [row.spec(choice, self._best(place)) for place, row in product(places(choice), tops)]
        return list(dict.fromkeys(asked))

    def show(self, results: Sequence[RunResult], choice: Choice) -> Report:
        """Return a section per place, then the figures."""
        shelf = Shelf(results)
        sections = [self._section(shelf, choice, place) for place in places(choice)]
        triples = product(choice.cities, choice.tasks, choice.heads)
        figures = [one for words in triples if (one := self._figure(shelf, choice, *words)) is not None]
        if figures:
            sections.append(Section("Figures", figures=tuple(figures)))
        told = tuple(f"{word}: {text}" for word, text in self.steps.items())
        return Report(self.name, self.title, self.question, tuple(sections), (*told, *self.notes, *READING))

    @property
    def _rows(self) -> list[Contender]:
        return distinct_rows([*self.ladders, *self.asides], self.further)

    def _best(self, place: Place) -> Place:
        return Place(place.city, place.task, place.split, self.best_head)

    def _section(self, shelf: Shelf, choice: Choice, place: Place) -> Section:
        found = [stand(row, shelf, choice, place) for row in self._rows]
        metrics = metrics_of(found, self.metrics)
        climbed = self._climbed(self.ladders, shelf, choice, place, metrics[0])
        beside = self._climbed(self.asides, shelf, choice, place, metrics[0], head="")
        unit = next((str(one.scored.task.get("unit") or "") for one in found if one.scored is not None), "")
        unit = unit_of(metrics[0], unit)
        tables = (
            self._contributions(climbed, metrics[0], unit),
            _asides(beside, metrics[0], unit),
            ScoreTable("Rows", [(one, "") for one in found], metrics).build(),
        )
        head = f" · {place.head}" if len(choice.heads) > 1 else ""
        title = f"{place.city_name} · {place.task} · {place.split}{head}"
        return Section(title, facts_of(found), tuple(table for table in tables if table.lines))

    def _climbed(
        self,
        ladders: Sequence[Ladder],
        shelf: Shelf,
        choice: Choice,
        place: Place,
        metric: str,
        head: str | None = None,
    ) -> list[Climbed]:
        other = self.best_head if head is None else head
        return [climb(one, shelf, choice, place, metric=metric, head=other) for one in ladders]

    def _contributions(self, climbed: Sequence[Climbed], metric: str, unit: str) -> Table:
        title, delta = metric_title(metric), f"{DELTA} {metric_title(metric)}"
        lowest = self.ladders[0].rows[0].label
        columns = (
            Column("model"),
            Column(f"{title} of {lowest}", number=True, unit=unit),
            *(Column(f"{delta}: {word}", number=True, unit=unit) for word in self._words),
            Column(f"{title} of the model", number=True, unit=unit),
            Column(f"{delta}: whole", number=True, unit=unit),
            *([Column(f"{delta}: {HEAD}", number=True, unit=unit)] if _has_head(climbed) else []),
            Column("note", prose=True, brief=False),
        )
        lines = [self._line(one, metric, with_head=_has_head(climbed)) for one in climbed]
        return Table("What each step contributes", columns, tuple(lines))

    @property
    def _words(self) -> list[str]:
        return [word for word in self.steps if word != HEAD]

    def _line(self, one: Climbed, metric: str, *, with_head: bool) -> Line:
        words = [*self._words, *([HEAD] if with_head else [])]
        steps = {word: one.step(word) for word in words}
        entries = {word: Entry() if step is None else _entry(step) for word, step in steps.items()}
        said = _notes(one)
        ends = [
            Entry(end.word) if end.word else score_entry(end.score(metric))
            for end in (one.whole.below, one.whole.above)
        ]
        head = [entries.pop(HEAD)] if with_head else []
        kind = "model" if one.whole.score.finite else "unscored"
        cells = (
            Entry(one.label),
            ends[0],
            *entries.values(),
            ends[1],
            _entry(one.whole),
            *head,
            Entry("; ".join(said)),
        )
        return Line(kind, cells, tuple(said))

    def _figure(self, shelf: Shelf, choice: Choice, city: str, task: str, head: str) -> Figure | None:
        by_split = {}
        for split in choice.splits:
            place = Place(city, task, split, head)
            found = [stand(row, shelf, choice, place) for row in self._rows]
            metric = metrics_of(found, self.metrics)[0]
            by_split[split] = self._climbed(self.ladders, shelf, choice, place, metric)
        words = [*self._words, "whole", *([HEAD] if any(map(_has_head, by_split.values())) else [])]
        panels = {
            ladder.label: {
                split: [_score(climbed[place], word) for word in words] for split, climbed in by_split.items()
            }
            for place, ladder in enumerate(self.ladders)
        }
        panels = {label: series for label, series in panels.items() if _any_score(series.values())}
        if not panels:
            return None
        axis = f"{DELTA} {metric_title(metric)}"
        title = f"{self.title}, {plain_name('city', city)}, {task}, head {head}: {axis}"
        name = stem(self.name, plain_name("city", city), task, head)
        return panels_of_dots(name, title, axis, words, panels)


def _asides(climbed: Sequence[Climbed], metric: str, unit: str) -> Table:
    delta = f"{DELTA} {metric_title(metric)}"
    columns = (
        Column("step"), Column("from"), Column("to"), Column(delta, number=True, unit=unit), Column("note", prose=True, brief=False)
    )  # fmt: skip
    lines = [
        Line(
            "model" if step.score.finite else "unscored",
            (
                Entry(f"{one.label}: {step.word}"),
                Entry(step.below.label),
                Entry(step.above.label),
                _entry(step),
                Entry("; ".join(_missing(step))),
            ),
        )
        for one in climbed
        for step in one.steps
    ]
    return Table("Beside the models", columns, tuple(lines))


def _entry(step: Step) -> Entry:
    """Return a difference with its spread and how many seeds agree on its sign, or the word for a missing row."""
    if not step.score.finite:
        return Entry(step.missing[0].word if step.missing else "other seeds")
    told = signed(step.score)
    return Entry(f"{told.text} ({agreeing(step.score)} of {len(step.score.finite)})", value=told.value)


def _notes(one: Climbed) -> list[str]:
    """Name missing rows, and from where the training is taken where there is no untrained model."""
    said = list(dict.fromkeys(text for step in one.steps for text in _missing(step)))
    training = one.step("training")
    if training is not None and one.step("start") is None:
        said.append(f"training is taken from {training.below.label}: the model has no untrained row")
    return said


def _missing(step: Step) -> list[str]:
    return [f"missing: {one.label} ({one.word})" for one in step.missing]


def _has_head(climbed: Sequence[Climbed]) -> bool:
    return any(one.step(HEAD) is not None for one in climbed)


def _score(one: Climbed, word: str) -> Score:
    """Return the differences of a step or of the whole ladder; empty where it has none."""
    step = one.whole if word == "whole" else one.step(word)
    return Score(()) if step is None else step.score


def _any_score(series: Iterable[Sequence[Score]]) -> bool:
    return any(one.finite for scores in series for one in scores)
