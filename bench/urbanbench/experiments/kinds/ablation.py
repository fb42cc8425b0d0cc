"""Ablation: what a model's score loses with each input that is hidden from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from urbanbench.board.columns import heading, metric_title
from urbanbench.board.layout import Column, Entry, Line, Table
from urbanbench.board.numbers import Score
from urbanbench.card import ModelCard
from urbanbench.errors import UrbanbenchError
from urbanbench.experiments.kinds.base import Choice, Experiment
from urbanbench.experiments.kinds.charts import stem
from urbanbench.experiments.kinds.contender import Contender, Place, cells, chosen_rows, places
from urbanbench.experiments.kinds.heat import heat_figure
from urbanbench.experiments.kinds.report import Report, Section
from urbanbench.experiments.kinds.score_table import DELTA, facts_of, score_entry, signed
from urbanbench.experiments.kinds.shelf import Shelf
from urbanbench.experiments.kinds.standing import NOT_RUN, Standing, difference, stand
from urbanbench.inputs import INPUTS, LAYER_OF, format_inputs
from urbanbench.registry import face_of, open_city
from urbanbench.result import RunResult, RunSpec

__all__ = ["Ablation"]

NEEDED, ABSENT = "needed", "none here"
READING = (
    f"{DELTA}: the score without an input minus the score with all, seed by seed on the same splits; mean \N{PLUS-MINUS SIGN} sample standard deviation (a spread over splits, not a standard error). Below 0 the model loses by its absence.",
    "An input is hidden by the view, as --inputs does, and the model is trained anew without it.",
    f"{NEEDED}: the model cannot do without it. {ABSENT}: the city has none, or the task withholds it. Empty: the model does not take it.",
)


@dataclass(frozen=True, kw_only=True)
class Ablation(Experiment):
    """A matrix per place: a row per model, a column per input left out.

    Parameters
    ----------
    contenders
        The rows, where no models are chosen.
    """

    contenders: tuple[Contender, ...]
    any_model: bool = True
    floors: bool = False

    def specs(self, choice: Choice) -> list[RunSpec]:
        """Return each model with all inputs, and without each that it can do without."""
        rows = chosen_rows(choice, self.contenders)
        every = [one for row in rows for one in (row, *(_without(row, name) for name in _removable(row)))]
        return cells(every, places(choice), choice)

    def fitting(self, specs: Sequence[RunSpec]) -> list[RunSpec]:
        """Leave out cells that hide an input which their city lacks: they are the row with all inputs once more."""
        return [spec for spec in specs if _hides_something(spec)]

    def show(self, results: Sequence[RunResult], choice: Choice) -> Report:
        """Return a section per place, with the matrix as a table and as a figure."""
        shelf, rows = Shelf(results), chosen_rows(choice, self.contenders)
        sections = [self._section(shelf, choice, place, rows) for place in places(choice)]
        return Report(self.name, self.title, self.question, tuple(sections), (*self.notes, *READING))

    def _section(self, shelf: Shelf, choice: Choice, place: Place, rows: Sequence[Contender]) -> Section:
        found = [_look_up(row, shelf, choice, place) for row in rows]
        head = f" · {place.head}" if len(choice.heads) > 1 else ""
        title = f"{place.city_name} · {place.task} · {place.split}{head}"
        scored = [one for one in found if one.full.scored is not None]
        absent = [one.full.label for one in found if one.full.scored is None]
        warnings = (f"Without scores here: {', '.join(absent)}.",) if absent else ()
        if not scored:
            return Section(title, warnings=warnings)
        metric = scored[0].metric
        names = [name for name in INPUTS if any(one.score(name).finite or one.word(name) for one in scored)]
        figure = heat_figure(
            stem(self.name, place.city_name, place.task, place.split, place.head),
            f"{self.title}, {place.city_name}, {place.task}, {place.split}",
            f"{DELTA} {metric_title(metric)}",
            [one.full.label for one in scored],
            [name.replace("_", " ") for name in names],
            [[one.score(name) for name in names] for one in scored],
        )
        figures = (figure,) if any(one.score(name).finite for one in scored for name in names) else ()
        return Section(
            title, facts_of([one.full for one in scored]), (_table(scored, names, metric),), figures, warnings
        )


@dataclass(frozen=True, eq=False)
class _Row:
    """A model with all its inputs, and without each of them."""

    contender: Contender
    full: Standing
    without: dict[str, Standing]

    @property
    def metric(self) -> str:
        return self.full.scored.main_metric if self.full.scored is not None else ""

    def score(self, name: str) -> Score:
        """Return what is lost without an input; empty where that is not known."""
        if name not in self.without or self.word(name):
            return Score(())
        return difference(self.without[name], self.full, self.metric)

    def word(self, name: str) -> str:
        """Return why there is no number; "" where there is one, or where the model does not take the input."""
        card = _card(self.contender)
        if card is None or name not in card.inputs or self.full.scored is None:
            return ""
        if name not in self.full.scored.offered:
            return ABSENT
        if name in card.needs:
            return NEEDED
        return self.without[name].word if name in self.without else NOT_RUN


def _look_up(row: Contender, shelf: Shelf, choice: Choice, place: Place) -> _Row:
    full = stand(row, shelf, choice, place)
    without = {name: stand(_without(row, name), shelf, choice, place) for name in _removable(row)}
    return _Row(row, full, without)


def _table(rows: Iterable[_Row], names: Sequence[str], metric: str) -> Table:
    columns = (
        Column("model"),
        Column(f"{heading(metric)} with all", number=True),
        *(Column(f"{DELTA} without {name.replace('_', ' ')}", number=True) for name in names),
    )
    lines = tuple(
        Line(
            "model",
            (
                Entry(row.full.title),
                score_entry(row.full.score(metric)),
                *(_entry(row, name) for name in names),
            ),
        )
        for row in rows
    )
    return Table(f"{metric_title(metric)} lost without an input", columns, lines)


def _entry(row: _Row, name: str) -> Entry:
    score = row.score(name)
    return signed(score) if score.finite else Entry(row.word(name))


def _card(row: Contender) -> ModelCard | None:
    try:
        card: ModelCard = face_of("model", row.model).card
    except UrbanbenchError:  # no such model here
        return None
    return card


def _removable(row: Contender) -> list[str]:
    """Return the inputs that a model can do without, in the order of all inputs; none where it has no other."""
    card = _card(row)
    if card is None or len(card.inputs) < 2:
        return []
    return [name for name in INPUTS if name in card.inputs and name not in card.needs]


def _without(row: Contender, name: str) -> Contender:
    card = _card(row)
    rest = sorted((card.inputs if card is not None else frozenset()) - {name})
    return replace(row, label=f"{row.label} without {name}", inputs=format_inputs(rest))


def _hides_something(spec: RunSpec) -> bool:
    """Tell whether a city has what a cell hides from its model; a city that cannot be opened yet counts as having it."""
    hidden = face_of("model", spec.model).card.inputs - set(spec.inputs.split(","))
    if spec.inputs == "full" or not hidden:
        return True
    try:
        layers = open_city(spec.city).layers
    except UrbanbenchError:
        return True
    return any(name not in LAYER_OF or LAYER_OF[name] in layers for name in hidden)
