"""Merges: the same city with its regions as they are, merged into larger ones, and at further granularities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from urbanbench.board.columns import heading, metric_title, unit_of
from urbanbench.board.layout import Column, Entry, Line, Table
from urbanbench.board.numbers import Score
from urbanbench.board.rows import read_row
from urbanbench.counted import counted
from urbanbench.experiments.kinds.base import Choice, Experiment
from urbanbench.experiments.kinds.charts import stem
from urbanbench.experiments.kinds.comparison import READING
from urbanbench.experiments.kinds.contender import Contender, Place, chosen_rows, places
from urbanbench.experiments.kinds.ranks import (
    RANKS_READING,
    Ranks,
    rank_figure,
    rank_table,
    tau_table,
)
from urbanbench.experiments.kinds.report import Report, Section
from urbanbench.experiments.kinds.scales import MERGED, make_scale, scale_folder, scale_title
from urbanbench.experiments.kinds.score_table import metrics_of, score_entry
from urbanbench.experiments.kinds.shelf import Shelf
from urbanbench.experiments.kinds.standing import Standing, floor_of, stand
from urbanbench.inputs import FULL
from urbanbench.registry import plain_name
from urbanbench.result import RunResult, RunSpec

__all__ = ["Merge"]

_FEWEST_RANKED = 3
"""Fewer rows have no order worth a tau."""


@dataclass(frozen=True, kw_only=True)
class Merge(Experiment):
    """What larger regions cost each model.

    Parameters
    ----------
    contenders
        The rows, where no models are chosen.
    seed
        Order in which regions are merged.
    metrics
        Metrics of a table without any score.
    error
        Metric of the relative change.
    scales
        Further granularities beside "merged" at which ranks are compared, by the city's name; "" for all other cities. See
        `urbanbench.experiments.kinds.scales`.
    """

    contenders: tuple[Contender, ...]
    seed: int = 0
    metrics: tuple[str, ...] = ("r2", "rmse", "mae")
    error: str = "rmse"
    scales: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    any_model: bool = True

    def prepare(self, choice: Choice) -> None:
        """Make every city's other granularities, unless they are there and the city has not changed since."""
        for city in choice.cities:
            for scale in (MERGED, *self._further(city)):
                make_scale(city, scale, self.seed)

    def specs(self, choice: Choice) -> list[RunSpec]:
        """Return a cell per row and place of the city as it is, of its merged form, and of further granularities."""
        every = [
            (place, *(_at(place, scale) for scale in (MERGED, *self._further(place.city))))
            for place in places(choice)
        ]
        pairs = product(chosen_rows(choice, self.contenders), every)
        return [spec for row, pair in pairs for one in pair for spec in row.trainings(choice, one)]

    def show(self, results: Sequence[RunResult], choice: Choice) -> Report:
        """Return a section per place: every row on both forms of the city, and the relative change of the error."""
        shelf = Shelf(results)
        sections = tuple(self._section(shelf, choice, place) for place in places(choice))
        stable = [self._ranks(shelf, choice, place) for place in places(choice) if self._further(place.city)]
        return Report(
            self.name,
            self.heading,
            self.question,
            (*sections, *stable),
            (*self.notes, *([RANKS_READING] if stable else []), *READING[:2], *shelf.notes),
        )

    def _further(self, city: str) -> tuple[str, ...]:
        return self.scales.get(plain_name("city", city), self.scales.get("", ()))

    def _ranks(self, shelf: Shelf, choice: Choice, place: Place) -> Section:
        """Return how stable the order of rows and floors is over all granularities of a place."""
        forms = {"as is": place} | {
            scale_title(scale): _at(place, scale) for scale in (MERGED, *self._further(place.city))
        }
        found = {name: self._scores(shelf, choice, one) for name, one in forms.items()}
        found = {name: rows for name, rows in found.items() if any(score.whole for score in rows.values())}
        title = f"{place.city_name} · {place.task} · {place.split} · stability of ranks"
        ranks = Ranks.of(found, self.metrics[0])
        if len(ranks.rows) < _FEWEST_RANKED or len(ranks.scales) < 2:
            return Section(
                title,
                warnings=(
                    f"{counted(len(ranks.rows), 'row')} with scores at all of {len(ranks.scales)} granularities: too few to rank.",
                ),
            )
        name = stem(self.name, place.city_name, place.task, place.split, place.head, "ranks")
        caption = f"{place.city_name}, {place.task}, {place.split}: ranks over granularities"
        facts = (f"{counted(len(ranks.rows), 'row')}, head {place.head}, {heading(self.metrics[0])}",)
        return Section(
            title, facts, (tau_table(ranks), rank_table(ranks)), (rank_figure(name, caption, ranks),)
        )

    def _scores(self, shelf: Shelf, choice: Choice, place: Place) -> dict[str, Score]:
        """Return the main metric of every row with scores, and of every floor under the place's head or its own."""
        metric = self.metrics[0]
        rows = {
            one.label: one.score(metric)
            for one in (stand(row, shelf, choice, place) for row in chosen_rows(choice, self.contenders))
            if one.scored is not None
        }
        floors = [
            read_row(one.to_dict())
            for one in shelf.floors(place.city_name, place.task, place.split, choice.seeds)
        ]
        for one in floors:
            if one.head in {place.head, "mean", "knn"} and one.spec["inputs"] == FULL:
                rows.setdefault(one.name, one.score(metric))
        return rows

    def _section(self, shelf: Shelf, choice: Choice, place: Place) -> Section:
        pairs = [
            (stand(row, shelf, choice, place), stand(row, shelf, choice, _at(place, MERGED)))
            for row in chosen_rows(choice, self.contenders)
        ]
        every = [one for pair in pairs for one in pair]
        metrics = metrics_of(every, self.metrics)
        before, after = (_floor_standing([pair[side] for pair in pairs]) for side in (0, 1))
        lines = [self._line("model", one.label, one, other, metrics) for one, other in pairs]
        if before.row is not None or after.row is not None:
            lines.append(self._line("floor", "best floor of each (same inputs)", before, after, metrics))
        title = f"{place.city_name} · {place.task} · {place.split}" + (
            f" · {place.head}" if len(choice.heads) > 1 else ""
        )
        return Section(
            title,
            _facts(every),
            (Table("Regions as they are and merged", self._columns(every, metrics), tuple(lines)),),
        )

    def _columns(self, every: Sequence[Standing], metrics: Sequence[str]) -> tuple[Column, ...]:
        unit = next((str(one.scored.task.get("unit") or "") for one in every if one.scored is not None), "")
        scores = [
            Column(f"{heading(metric)}, {form}", number=True, unit=unit_of(metric, unit))
            for metric in metrics
            for form in ("as is", "merged")
        ]
        change = Column(f"{metric_title(self.error)} merged against as is", number=True)
        return (Column("row"), *scores, change, Column("note", brief=False, prose=True))

    def _line(self, kind: str, label: str, before: Standing, after: Standing, metrics: Sequence[str]) -> Line:
        numbers = [score_entry(one.score(metric)) for metric in metrics for one in (before, after)]
        for place, one in enumerate((before, after)):
            numbers[place] = Entry(one.word) if one.word else numbers[place]
        said = [
            f"{form}: {'; '.join(one.remarks)}"
            for form, one in (("as is", before), ("merged", after))
            if one.remarks
        ]
        kind = "unscored" if before.word and after.word else kind
        return Line(
            kind, (Entry(label), *numbers, self._change(before, after), Entry(" | ".join(said))), tuple(said)
        )

    def _change(self, before: Standing, after: Standing) -> Entry:
        old, new = before.score(self.error), after.score(self.error)
        if not old.finite or not new.finite or not old.mean:
            return Entry()
        change = new.mean / old.mean - 1
        return Entry(f"{100 * change:+.1f} %", value=change)


def _at(place: Place, scale: str) -> Place:
    return replace(place, city=str(scale_folder(place.city, scale)))


def _floor_standing(standings: Sequence[Standing]) -> Standing:
    floor = floor_of(standings)
    return Standing(
        "", floor, "" if floor is not None else "none", (floor.name,) if floor is not None else ()
    )


def _facts(every: Sequence[Standing]) -> tuple[str, ...]:
    counts = {str(one.scored.spec["city"]): one.scored.n_units for one in every if one.scored is not None}
    return tuple(f"{city}: {count} units" for city, count in counts.items())
