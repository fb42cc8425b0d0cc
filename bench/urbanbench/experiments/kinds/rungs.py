"""Split ladders: one model's score at each rung, and how much of the lowest rung's score is lost on the way."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from urbanbench.board.columns import heading, metric_title, unit_of
from urbanbench.board.layout import Column, Entry, Line, Table
from urbanbench.board.leading import leading
from urbanbench.board.rows import Row
from urbanbench.counted import counted
from urbanbench.experiments.kinds.base import Choice, Experiment
from urbanbench.experiments.kinds.charts import Panel, Trace, line_figure, stem
from urbanbench.experiments.kinds.contender import Contender, Place, cells, chosen_rows, places
from urbanbench.experiments.kinds.ranks import tau
from urbanbench.experiments.kinds.report import Figure, Report, Section
from urbanbench.experiments.kinds.score_table import metrics_of, score_entry
from urbanbench.experiments.kinds.shelf import Shelf
from urbanbench.experiments.kinds.standing import Standing, floor_of, stand
from urbanbench.result import RunResult, RunSpec

__all__ = ["GAP", "SplitLadder"]

GAP = "leakage gap"

_LEAST = 3
"""Fewer rows have no order worth a tau."""

_LOWEST, _WIDEST = -1.0, 2.0
"""Where panels of scores and of gaps end: a floor at -4 would leave the rest of a figure no room."""

READING = (
    "Rungs stand from filling gaps in a sampled city to a far district; what each holds out is in docs/protocol.md. A rung that the city or task does not allow is refused, and its note says why.",
    f"The {GAP} is the mean score at `random` minus that at the rung: what nearness to training units was worth. It holds everything that differs between the rungs, the number of training units too.",
    "Scores are mean \N{PLUS-MINUS SIGN} sample standard deviation over seeds (a spread over splits, not a standard error). The splits of two rungs are not paired, so a gap has no spread of its own.",
    "The order of rows at a rung is that of their mean scores. Kendall's tau is 1 where it is that of the first rung, 0 where it has nothing to do with it and -1 where it is the opposite; rows are those scored at both rungs.",
    "best floor: the best of the floors that see no more than the row, under the same head, at the same rung.",
    "Bold are the rows of a rung that chance does not separate from its best one, which is underlined, by the test of boards; nothing where seeds test the same units.",
)


@dataclass(frozen=True, kw_only=True)
class SplitLadder(Experiment):
    """A table and a figure for each model: its score at each rung, the gap to the first, and floors beside it.

    Parameters
    ----------
    contenders
        The models when none are chosen.
    references
        Floors drawn beside each model.
    labels
        The tasks of cities that have few of them; other cities are asked for every task.
    """

    contenders: tuple[Contender, ...]
    references: tuple[Contender, ...] = ()
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    any_model: bool = True

    def specs(self, choice: Choice) -> list[RunSpec]:
        """Return one cell per row, rung and place whose city has the label, as far as that is known."""
        return cells((*self._models(choice), *self._floors(choice)), self._places(choice), choice)

    def show(self, results: Sequence[RunResult], choice: Choice) -> Report:
        """Return a section per city, task and head: all models in two tables, then a table and a figure each."""
        shelf, every = Shelf(results), self._places(choice)
        sections = []
        for city, task, head in dict.fromkeys((one.city, one.task, one.head) for one in every):
            where = Place(city, task, "", head)
            sections += self._sections(shelf, choice, where)
        return Report(
            self.name, self.title, self.question, tuple(sections), (*self.notes, *READING, *shelf.notes)
        )

    def _models(self, choice: Choice) -> tuple[Contender, ...]:
        return chosen_rows(choice, self.contenders)

    def _floors(self, choice: Choice) -> tuple[Contender, ...]:
        shown = {one.model for one in self._models(choice)}
        return tuple(one for one in self.references if one.model not in shown)

    def _places(self, choice: Choice) -> list[Place]:
        return [one for one in places(choice) if one.task in self.labels.get(one.city_name, (one.task,))]

    def _sections(self, shelf: Shelf, choice: Choice, where: Place) -> list[Section]:
        climbed = {
            row.label: _Climb.of(row, shelf, choice, where)
            for row in (*self._models(choice), *self._floors(choice))
        }
        metric = next((one.metric for one in climbed.values() if one.metric), "")
        if not metric:
            return []
        title = f"{where.city_name} · {where.task} · {where.head}"
        models = [climbed[row.label] for row in self._models(choice)]
        floors = [climbed[row.label] for row in self._floors(choice)]
        overview = (
            _overview(models, floors, metric),
            _gaps(models, floors, metric),
            *_orders(models, floors, metric),
        )
        every = _figure_of_all(
            stem(self.name, where.city_name, where.task, where.head), title, models, floors, metric
        )
        sections = [Section(title, (*_facts(models), metric_title(metric)), overview, (every,))]
        for one in models:
            if one.metric:
                name = stem(self.name, where.city_name, where.task, where.head, one.label)
                figure = _figure(name, f"{one.label} · {title}", one, floors, metric)
                sections.append(Section(f"{one.label} · {title}", (), (_table(one),), (figure,)))
        return sections


@dataclass(frozen=True, eq=False)
class _Climb:
    """A row at every rung."""

    label: str
    at: Mapping[str, Standing]
    facts: Mapping[str, str]

    @classmethod
    def of(cls, row: Contender, shelf: Shelf, choice: Choice, where: Place) -> _Climb:
        found, facts = {}, {}
        for split in choice.splits:
            place = replace(where, split=split)
            found[split] = stand(row, shelf, choice, place)
            result = shelf.find(row.spec(choice, place)) if found[split].scored is not None else None
            facts[split] = "" if result is None else _rung_facts(result)
        return cls(row.label, found, facts)

    @property
    def scored(self) -> dict[str, Row]:
        """The rungs with scores."""
        return {split: one.scored for split, one in self.at.items() if one.scored is not None}

    @property
    def metric(self) -> str:
        """The main metric, "" without scores."""
        return next((row.main_metric for row in self.scored.values()), "")

    def gap(self, split: str, metric: str) -> float:
        """Return the mean score at the first rung minus that at another; NaN where one is missing."""
        first, other = (self.at[one].score(metric) for one in (next(iter(self.at)), split))
        return first.mean - other.mean if first.finite and other.finite else math.nan


def _rung_facts(result: RunResult) -> str:
    """Say what a rung did: block size, dead zone, distances, and units on each side."""
    told, said = result.evaluation, []
    if told.get("block_size_m"):
        said.append(f"blocks of {told['block_size_m']:.0f} m")
    facts = [dict(one) for one in told.get("split_facts", ())]
    if facts and "buffer_m" in facts[0]:
        said.append(f"dead zone {facts[0]['buffer_m']:.0f} m, {_mean(facts, 'left_out'):.0f} units left out")
    if facts and "wanted_m" in facts[0]:
        how = (
            "" if facts[0]["folds"] == "clusters" else "labels cover the places of prediction, so at random; "
        )
        said.append(
            f"{how}places {_mean(facts, 'wanted_m'):.0f} m from labels, test units {_mean(facts, 'got_m'):.0f} m from training"
        )
    return "; ".join(said)


def _mean(facts: Sequence[Mapping[str, object]], name: str) -> float:
    return sum(float(str(one[name])) for one in facts) / len(facts)


def _facts(models: Sequence[_Climb]) -> tuple[str, ...]:
    row = next((row for one in models for row in one.scored.values()), None)
    if row is None:
        return ()
    about = ", ".join(str(row.task[name]) for name in ("title", "unit") if row.task.get(name))
    return (about, f"{row.n_units} {row.task.get('level', 'unit')}s", counted(len(row.seeds), "seed"))


def _overview(models: Sequence[_Climb], floors: Sequence[_Climb], metric: str) -> Table:
    """Return every row's score at each rung; bold are those that chance does not separate from the best of the rung, as on a board."""
    every = [*models, *floors]
    marked = {
        split: leading([one.scored[split] for one in every if split in one.scored], metric)
        for split in every[0].at
    }

    def entry(one: _Climb, split: str) -> Entry:
        made = score_entry(one.at[split].score(metric))
        if made.value is None:
            return Entry(one.at[split].word)
        return Entry(made.text, marked[split].get(one.scored[split].run_id, ""), value=made.value)

    lines = [
        Line(kind, (Entry(one.label), *(entry(one, split) for split in one.at)))
        for kind, one in [*(("model", one) for one in models), *(("floor", one) for one in floors)]
    ]
    columns = (Column("row"), *(Column(split, number=True) for split in every[0].at))
    return Table("Score at each rung", columns, tuple(lines))


def _orders(models: Sequence[_Climb], floors: Sequence[_Climb], metric: str) -> tuple[Table, ...]:
    """Return how alike the order of rows at each rung is to that at the first; nothing where too few rows have an order."""
    first, *rungs = models[0].at

    def entry(rows: Sequence[_Climb], split: str) -> Entry:
        scores = [[one.at[rung].score(metric) for rung in (first, split)] for one in rows]
        both = [[low.mean, high.mean] for low, high in scores if low.finite and high.finite]
        if len(both) < _LEAST:
            return Entry()
        alike = tau(*zip(*both, strict=True))
        return Entry(f"{alike:.2f} ({len(both)} rows)", value=alike) if math.isfinite(alike) else Entry()

    lines = [
        Line("model", (Entry(name), *(entry(rows, split) for split in rungs)))
        for name, rows in (("models", models), ("models and floors", [*models, *floors]))
    ]
    if all(one.value is None for line in lines for one in line.entries):
        return ()
    columns = (Column("rows"), *(Column(split, number=True) for split in rungs))
    return (Table(f"Kendall's tau with the order at {first}", columns, tuple(lines)),)


def _gaps(models: Sequence[_Climb], floors: Sequence[_Climb], metric: str) -> Table:
    """Return what every row loses between the first rung and each other one."""
    rungs = list(models[0].at)[1:]
    lines = [
        Line(kind, (Entry(one.label), *(_gap_entry(one.gap(split, metric)) for split in rungs)))
        for kind, one in [*(("model", one) for one in models), *(("floor", one) for one in floors)]
    ]
    first = next(iter(models[0].at))
    columns = (Column("row"), *(Column(f"{first} \N{MINUS SIGN} {split}", number=True) for split in rungs))
    return Table(f"{GAP.capitalize()}", columns, tuple(lines))


def _gap_entry(gap: float) -> Entry:
    return Entry(f"{gap:+.3f}", value=gap) if math.isfinite(gap) else Entry()


def _table(one: _Climb) -> Table:
    """Return one row's rungs, a line each."""
    metrics = metrics_of(list(one.at.values()), ())
    unit = next((str(row.task.get("unit") or "") for row in one.scored.values()), "")
    lines = []
    for split, here in one.at.items():
        scores = [score_entry(here.score(metric)) for metric in metrics]
        scores[0] = Entry(here.word) if here.word else scores[0]
        sizes = " / ".join(map(_size, here.scored.sizes)) if here.scored is not None else ""
        said = [part for part in (one.facts[split], *here.remarks) if part]
        gap = _gap_entry(one.gap(split, metrics[0])) if split != next(iter(one.at)) else Entry()
        lines.append(
            Line(
                "unscored" if here.word else "model",
                (
                    Entry(split),
                    *scores,
                    gap,
                    _floor_entry(here, metrics[0]),
                    Entry(sizes),
                    Entry("; ".join(said)),
                ),
                tuple(said),
            )
        )
    columns = (
        Column("rung"),
        *(Column(heading(metric), number=True, unit=unit_of(metric, unit)) for metric in metrics),
        Column(GAP, number=True),
        Column("best floor"),
        Column("train / validation / test"),
        Column("note", brief=False, prose=True),
    )
    return Table(f"{one.label}: score at each rung", columns, tuple(lines))


def _size(counts: Sequence[int]) -> str:
    low, high = min(counts), max(counts)
    return str(low) if low == high else f"{low}\N{EN DASH}{high}"


def _floor_entry(here: Standing, metric: str) -> Entry:
    floor = floor_of([here]) if here.scored is not None and not here.scored.floor else None
    if floor is None:
        return Entry()
    return score_entry(floor.score(metric), f"{floor.score(metric).text} ({floor.spec['model']})")


def _figure(name: str, title: str, one: _Climb, floors: Sequence[_Climb], metric: str) -> Figure:
    """Return the score at each rung and the gap to the first, the model beside floors."""
    rungs = [
        split
        for place, split in enumerate(one.at)
        if not place or any(split in each.scored for each in (one, *floors))
    ]
    shown = [one, *(floor for floor in floors if floor.metric and floor.label != one.label)]
    scores = [_trace(climb, rungs, metric, spread=climb is one) for climb in shown]
    gaps = [_gap_trace(climb, rungs, metric) for climb in shown]
    panels = (
        _panel("score", metric, scores, rungs),
        Panel(
            GAP,
            "",
            f"{metric_title(metric)}: {rungs[0]} \N{MINUS SIGN} rung",
            gaps,
            level=(0.0, ""),
            names=rungs,
            high=_WIDEST if any(y < _LOWEST for trace in scores for y in trace.y) else None,
        ),
    )
    return replace(line_figure(name, title, panels, columns=2, one_legend=True), size=(10.0, 3.9))


def _figure_of_all(
    name: str, title: str, models: Sequence[_Climb], floors: Sequence[_Climb], metric: str
) -> Figure:
    """Return the score of every row at each rung, models in one panel and floors in another."""
    rungs = list(models[0].at)
    panels = [
        _panel(kind, metric, [_trace(one, rungs, metric, spread=False) for one in some if one.metric], rungs)
        for kind, some in (("models", models), ("floors", floors))
        if any(one.metric for one in some)
    ]
    return replace(line_figure(name, title, panels, columns=2, beside=True), size=(11.5, 4.2))


def _panel(title: str, metric: str, traces: Sequence[Trace], rungs: Sequence[str]) -> Panel:
    """Return the panel of scores at rungs; a score below `_LOWEST` leaves it, and the axis says so."""
    cut = f", cut at {_LOWEST:.0f}" if any(y < _LOWEST for trace in traces for y in trace.y) else ""
    return Panel(title, "", metric_title(metric) + cut, traces, names=rungs, low=_LOWEST)


def _trace(one: _Climb, rungs: Sequence[str], metric: str, *, spread: bool) -> Trace:
    points = [(at, one.at[split].score(metric)) for at, split in enumerate(rungs)]
    points = [(at, score) for at, score in points if score.finite]
    band = [0.0 if math.isnan(score.std) else score.std for _, score in points] if spread else []
    return Trace(one.label, [at for at, _ in points], [score.mean for _, score in points], band)


def _gap_trace(one: _Climb, rungs: Sequence[str], metric: str) -> Trace:
    points = [(at, one.gap(split, metric)) for at, split in enumerate(rungs)]
    points = [(at, gap) for at, gap in points if math.isfinite(gap)]
    return Trace(one.label, [at for at, _ in points], [gap for _, gap in points])
