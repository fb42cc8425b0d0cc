"""Attribution: how much of the distance between counting and a model each change on the way makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from urbanbench.board.columns import metric_title, unit_of
from urbanbench.board.numbers import Score
from urbanbench.experiments.kinds.base import Choice, Experiment
from urbanbench.experiments.kinds.charts import panels_of_dots, stem
from urbanbench.experiments.kinds.contender import Contender, Place, cells, places
from urbanbench.experiments.kinds.ladder import HEAD, Climbed, Ladder, climb, distinct_rows
from urbanbench.experiments.kinds.report import Figure, Report, Section
from urbanbench.experiments.kinds.score_table import DELTA, ScoreTable, facts_of, metrics_of
from urbanbench.experiments.kinds.shelf import Shelf
from urbanbench.experiments.kinds.standing import Standing, stand
from urbanbench.experiments.kinds.step_tables import ContributionTable, aside_table
from urbanbench.registry import plain_name
from urbanbench.result import RunResult, RunSpec

__all__ = ["Attribution"]

READING = (
    "A step is the row it leads to minus the row it comes from, seed by seed on the same splits: mean \N{PLUS-MINUS SIGN} sample standard deviation over seeds (a spread over splits, not a standard error), and of how many seeds the difference has the sign of the mean.",
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
    yardstick
        Word of a step whose upper row every model is held against in a column of its own, and what that row is called.
    best_head
        Head of the step `HEAD`.
    metrics
        Metrics of a table without any score.
    """

    ladders: tuple[Ladder, ...]
    asides: tuple[Ladder, ...] = ()
    further: tuple[Contender, ...] = ()
    steps: Mapping[str, str] = field(default_factory=dict)
    yardstick: tuple[str, str] = ("", "")
    best_head: str = "select"
    metrics: tuple[str, ...] = ("r2", "rmse", "mae")

    def specs(self, choice: Choice) -> list[RunSpec]:
        """Return one cell per place and row, and the models' in the best head."""
        best = [replace(place, head=self.best_head) for place in places(choice)]
        tops = [one.rows[-1] for one in self.ladders]
        asked = [*cells(self._rows, places(choice), choice), *cells(tops, best, choice)]
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
        notes = (*told, *self.notes, *READING, *shelf.notes)
        return Report(self.name, self.title, self.question, tuple(sections), notes)

    @property
    def _rows(self) -> list[Contender]:
        return distinct_rows([*self.ladders, *self.asides], self.further)

    @property
    def _words(self) -> list[str]:
        return [word for word in self.steps if word != HEAD]

    def _standings(self, shelf: Shelf, choice: Choice, place: Place) -> list[Standing]:
        return [stand(row, shelf, choice, place) for row in self._rows]

    def _section(self, shelf: Shelf, choice: Choice, place: Place) -> Section:
        found = self._standings(shelf, choice, place)
        metrics = metrics_of(found, self.metrics)
        unit = next((str(one.scored.task.get("unit") or "") for one in found if one.scored is not None), "")
        unit = unit_of(metrics[0], unit)
        climbed = self._climbed(shelf, choice, place, metrics[0])
        beside = [climb(one, shelf, choice, place, metric=metrics[0]) for one in self.asides]
        tables = (
            ContributionTable(climbed, self._words, metrics[0], unit, self.yardstick).build(),
            aside_table(beside, metrics[0], unit),
            ScoreTable("Rows", [(one, "") for one in found], metrics).build(),
        )
        head = f" · {place.head}" if len(choice.heads) > 1 else ""
        title = f"{place.city_name} · {place.task} · {place.split}{head}"
        return Section(title, facts_of(found), tuple(table for table in tables if table.lines))

    def _climbed(self, shelf: Shelf, choice: Choice, place: Place, metric: str) -> list[Climbed]:
        return [climb(one, shelf, choice, place, metric=metric, head=self.best_head) for one in self.ladders]

    def _figure(self, shelf: Shelf, choice: Choice, city: str, task: str, head: str) -> Figure | None:
        by_place = [Place(city, task, split, head) for split in choice.splits]
        every = [one for place in by_place for one in self._standings(shelf, choice, place)]
        metric = metrics_of(every, self.metrics)[0]
        climbed = {place.split: self._climbed(shelf, choice, place, metric) for place in by_place}
        words = [*self._words, "whole", *([HEAD] if head != self.best_head else [])]
        panels = {
            ladder.label: {
                split: [_score(found[place], word) for word in words] for split, found in climbed.items()
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


def _score(one: Climbed, word: str) -> Score:
    """Return the differences of a step or of the whole ladder; empty where it has none."""
    step = one.whole if word == "whole" else one.step(word)
    return Score(()) if step is None else step.score


def _any_score(series: Iterable[Sequence[Score]]) -> bool:
    return any(one.finite for scores in series for one in scores)
