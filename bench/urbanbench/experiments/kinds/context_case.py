"""Case study of spatial context: the same POI texts in different surroundings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from urbanbench.board.layout import Column, Entry, Line, Table
from urbanbench.errors import UrbanbenchError
from urbanbench.experiments.kinds.base import Choice, Experiment
from urbanbench.experiments.kinds.charts import stem
from urbanbench.experiments.kinds.contender import Contender, Place, places
from urbanbench.experiments.kinds.gaps import Gaps, gap_figure, gaps_of
from urbanbench.experiments.kinds.held_out import NO_PREDICTIONS, held_out_means, wilson
from urbanbench.experiments.kinds.report import Figure, Report, Section
from urbanbench.experiments.kinds.score_table import facts_of
from urbanbench.experiments.kinds.shelf import Shelf
from urbanbench.experiments.kinds.standing import Standing, stand
from urbanbench.experiments.kinds.twins import Twins, find_twins
from urbanbench.registry import open_city
from urbanbench.result import RunResult, RunSpec

if TYPE_CHECKING:
    import pandas as pd

    from urbanbench.city.city import City

__all__ = ["ContextCase"]

_TEXTS_SHOWN = 3


@dataclass(frozen=True, eq=False)
class _Answers:
    """What one row predicts; `means` is None where `word` says why."""

    standing: Standing
    means: pd.DataFrame | None
    word: str = ""


@dataclass(frozen=True, kw_only=True)
class ContextCase(Experiment):
    """Pairs of regions whose POIs say the same and whose labels differ.

    Parameters
    ----------
    contenders
        The rows.
    shown
        Number of pairs shown one by one.
    """

    contenders: tuple[Contender, ...]
    shown: int = 3

    def specs(self, choice: Choice) -> list[RunSpec]:
        """Return one cell per place and row."""
        return [row.spec(choice, place) for place, row in product(places(choice), self.contenders)]

    def show(self, results: Sequence[RunResult], choice: Choice) -> Report:
        """Return a section per place: the pairs with the largest gaps one by one, and all pairs in numbers."""
        shelf = Shelf(results)
        sections = []
        for city in choice.cities:
            here = [place for place in places(choice) if place.city == city]
            try:
                opened = open_city(city)
                twins, texts = find_twins(opened)
            except UrbanbenchError as error:
                sections.append(Section(here[0].city_name, warnings=(str(error),)))
                continue
            sections += [self._section(shelf, choice, place, opened, twins, texts) for place in here]
        return Report(self.name, f"{self.title} ({self.item})", self.question, tuple(sections), self.notes)

    def _section(
        self,
        shelf: Shelf,
        choice: Choice,
        place: Place,
        city: City,
        twins: Sequence[Twins],
        texts: Mapping[str, tuple[str, ...]],
    ) -> Section:
        answers = [self._answers(row, shelf, choice, place) for row in self.contenders]
        title = f"{place.city_name} · {place.task} · {place.split}"
        facts = facts_of([one.standing for one in answers])
        found = {
            (rule, one.standing.label): gaps_of(rule.pairs, one.means)
            for rule in twins
            for one in answers
            if one.means is not None
        }
        if not found:
            said = ", ".join(f"{one.standing.label}: {one.word}" for one in answers)
            return Section(title, facts, warnings=(f"No pair can be shown ({said}).",))
        unit = next(str(one.standing.row.task.get("unit") or "") for one in answers if one.standing.row)
        rule, picked = _picked(found, self.shown)
        pairs = _pair_table(rule, picked, answers, city, texts, unit)
        figures: tuple[Figure, ...] = ()
        if picked:
            told = f"{place.city_name}, {place.split}: {rule.rule}"
            name = stem(self.name, place.city_name, place.task, place.split)
            shown = {label: gaps for (one, label), gaps in found.items() if one is rule}
            figures = (gap_figure(name, told, picked[0], shown, unit),)
        return Section(title, facts, (pairs, _all_table(twins, answers, found, unit)), figures)

    def _answers(self, row: Contender, shelf: Shelf, choice: Choice, place: Place) -> _Answers:
        standing = stand(row, shelf, choice, place)
        if standing.word:
            return _Answers(standing, None, standing.word)
        result = shelf.find(row.spec(choice, place))
        if result is None or (result.task.get("kind"), result.task.get("level")) != ("regression", "region"):
            return _Answers(standing, None, "not a number of regions")
        means = held_out_means(choice.out, result)
        return _Answers(standing, means, NO_PREDICTIONS if means is None else "")


def _picked(found: Mapping[tuple[Twins, str], Gaps], shown: int) -> tuple[Twins, list[tuple[str, str]]]:
    """Take the strictest rule with pairs, and of its pairs those with the largest gap; no region twice."""
    rule, gaps = next(
        ((rule, gaps) for (rule, _), gaps in found.items() if len(gaps)),
        (next(iter(found))[0], Gaps.none()),
    )
    picked: list[tuple[str, str]] = []
    for pair in gaps.widest():
        if len(picked) < shown and not {name for one in picked for name in one} & set(pair):
            picked.append(pair)
    return rule, picked


def _pair_table(
    rule: Twins,
    picked: Sequence[tuple[str, str]],
    answers: Sequence[_Answers],
    city: City,
    texts: Mapping[str, tuple[str, ...]],
    unit: str,
) -> Table:
    columns = [
        Column("pair"),
        Column("region"),
        Column("POIs", prose=True),
        Column("truth", number=True, unit=unit),
    ]
    columns += [Column(one.standing.label, number=True, unit=unit) for one in answers]
    lines = []
    for number, pair in enumerate(picked, 1):
        for name in pair:
            title = str(city.regions.loc[name, "name"])
            about = Entry(title if title == name else f"{title} ({name})")
            numbers = [_number(one, name, "predicted") for one in answers]
            truth = next(_number(one, name, "true") for one in answers if one.means is not None)
            lines.append(
                Line("model", (Entry(str(number)), about, Entry(_told(texts[name])), truth, *numbers))
            )
    return Table(f"Largest gaps among pairs with {rule.rule}", tuple(columns), tuple(lines))


def _told(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _TEXTS_SHOWN} more" if len(texts) > _TEXTS_SHOWN else ""
    return "; ".join(texts[:_TEXTS_SHOWN]) + more


def _number(one: _Answers, region: str, column: str) -> Entry:
    if one.means is None:
        return Entry(one.word)
    value = float(one.means.loc[region, column])
    return Entry(f"{value:.3g}", value=value)


def _all_table(
    twins: Sequence[Twins],
    answers: Sequence[_Answers],
    found: Mapping[tuple[Twins, str], Gaps],
    unit: str,
) -> Table:
    columns = (
        Column("pairs with"),
        Column("row"),
        Column("pairs", number=True),
        Column("regions", number=True),
        Column("ordered rightly", number=True),
        Column("95 % interval"),
        Column("gap found", number=True),
        Column("MAE of these regions", number=True, unit=unit),
    )
    lines = []
    for rule, one in product(twins, answers):
        gaps = found.get((rule, one.standing.label))
        head = (Entry(rule.rule), Entry(one.standing.label))
        if gaps is None:
            lines.append(Line("unscored", (*head, Entry(one.word), *[Entry()] * 5)))
        elif not len(gaps):
            lines.append(Line("unscored", (*head, Entry("0", value=0.0), *[Entry()] * 5)))
        else:
            lines.append(Line("model", (*head, *_numbers(gaps))))
    return Table("All pairs", columns, tuple(lines))


def _numbers(gaps: Gaps) -> list[Entry]:
    share, found, error = gaps.right / len(gaps), gaps.found, gaps.error
    low, high = wilson(gaps.right, len(gaps))
    return [
        Entry(str(len(gaps)), value=float(len(gaps))),
        Entry(str(gaps.regions), value=float(gaps.regions)),
        Entry(f"{100 * share:.0f} %", value=share),
        Entry(f"{100 * low:.0f} to {100 * high:.0f} %"),
        Entry(f"{100 * found:.0f} %", value=found),
        Entry(f"{error:.3g}", value=error),
    ]
