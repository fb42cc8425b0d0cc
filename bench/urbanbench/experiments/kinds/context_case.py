"""Case study of spatial context: the same POI texts in different surroundings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from textwrap import shorten
from typing import TYPE_CHECKING

from urbanbench.board.layout import Column, Entry, Line, Table
from urbanbench.board.numbers import plain_number
from urbanbench.errors import UrbanbenchError
from urbanbench.experiments.kinds.base import Choice, Experiment
from urbanbench.experiments.kinds.charts import stem
from urbanbench.experiments.kinds.contender import Contender, Place, cells, places
from urbanbench.experiments.kinds.gaps import Gaps, gap_figure, gaps_of
from urbanbench.experiments.kinds.held_out import (
    NO_PREDICTIONS,
    HeldOut,
    nothing_to_show,
    read_held_out,
    wilson,
)
from urbanbench.experiments.kinds.report import Figure, Report, Section
from urbanbench.experiments.kinds.score_table import facts_of
from urbanbench.experiments.kinds.shelf import Shelf
from urbanbench.experiments.kinds.standing import Standing, stand
from urbanbench.experiments.kinds.twins import Twins, find_twins
from urbanbench.registry import open_city
from urbanbench.result import RunResult, RunSpec

if TYPE_CHECKING:
    from urbanbench.city.city import City

__all__ = ["ContextCase"]

_TEXTS_SHOWN, _SIGNS_SHOWN = 3, 60


@dataclass(frozen=True, eq=False)
class _Answers:
    """What one row predicts; `held_out` is None where `word` says why."""

    standing: Standing
    held_out: HeldOut | None
    word: str = ""


@dataclass(frozen=True, kw_only=True)
class ContextCase(Experiment):
    """Pairs of regions whose POIs say the same and whose labels differ.

    Parameters
    ----------
    contenders
        The rows.
    shown
        Number of pairs of each rule shown one by one.
    """

    contenders: tuple[Contender, ...]
    shown: int = 2

    def specs(self, choice: Choice) -> list[RunSpec]:
        """Return one cell per place and row."""
        return cells(self.contenders, places(choice), choice)

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
        return Report(self.name, self.heading, self.question, tuple(sections), self.notes)

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
            (rule, one.standing.label): gaps_of(rule.pairs, one.held_out)
            for rule in twins
            for one in answers
            if one.held_out is not None
        }
        if not found:
            words = {one.standing.label: one.word for one in answers}
            said = nothing_to_show("No pair", words, self.name, choice, place.city)
            return Section(title, facts, warnings=(said,))
        unit = next(str(one.standing.row.task.get("unit") or "") for one in answers if one.standing.row)
        picked = {rule: self._picked(gaps) for (rule, _), gaps in found.items() if len(gaps)}
        pairs = _pair_table(picked, answers, city, texts, unit)
        figures: tuple[Figure, ...] = ()
        if picked:
            rule = next(iter(picked))
            told = f"{place.city_name}, {place.split}: {rule.rule}"
            name = stem(self.name, place.city_name, place.task, place.split)
            shown = {label: gaps for (one, label), gaps in found.items() if one is rule}
            figures = (gap_figure(name, told, picked[rule][0], shown, unit),)
        return Section(title, facts, (pairs, _all_table(twins, answers, found, unit)), figures)

    def _picked(self, gaps: Gaps) -> list[tuple[str, str]]:
        """Take the pairs with the largest gap; no region twice."""
        picked: list[tuple[str, str]] = []
        for pair in gaps.widest():
            if len(picked) < self.shown and not {name for one in picked for name in one} & set(pair):
                picked.append(pair)
        return picked

    def _answers(self, row: Contender, shelf: Shelf, choice: Choice, place: Place) -> _Answers:
        standing = stand(row, shelf, choice, place)
        if standing.word:
            return _Answers(standing, None, standing.word)
        result = shelf.find(row.spec(choice, place))
        if result is None or (result.task.get("kind"), result.task.get("level")) != ("regression", "region"):
            return _Answers(standing, None, "not a number of regions")
        frame = read_held_out(result)
        if frame is None:
            return _Answers(standing, None, NO_PREDICTIONS)
        return _Answers(standing, HeldOut.of(frame))


def _pair_table(
    picked: Mapping[Twins, Sequence[tuple[str, str]]],
    answers: Sequence[_Answers],
    city: City,
    texts: Mapping[str, tuple[str, ...]],
    unit: str,
) -> Table:
    names = [Column("rule"), Column("pair"), Column("region"), Column("POIs", prose=True)]
    titles = ["truth", *(one.standing.label for one in answers)]
    columns = (*names, *(Column(title, number=True, unit=unit) for title in titles))
    known = next(one.held_out for one in answers if one.held_out is not None)
    lines = []
    for rule, pairs in picked.items():
        for number, name in ((number, name) for number, pair in enumerate(pairs, 1) for name in pair):
            title, truth = str(city.regions.loc[name, "name"]), float(known.true[name])
            about = Entry(title if title == name else f"{title} ({name})")
            words = (Entry(rule.rule), Entry(str(number)), about, Entry(_told(texts[name])))
            numbers = [_number(one, name) for one in answers]
            lines.append(Line("model", (*words, Entry(plain_number(truth), value=truth), *numbers)))
    return Table("Pairs with the largest gaps", columns, tuple(lines))


def _told(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _TEXTS_SHOWN} more" if len(texts) > _TEXTS_SHOWN else ""
    return "; ".join(shorten(text, _SIGNS_SHOWN, placeholder=" …") for text in texts[:_TEXTS_SHOWN]) + more


def _number(one: _Answers, region: str) -> Entry:
    if one.held_out is None:
        return Entry(one.word)
    value = one.held_out.mean(region)
    return Entry(plain_number(value), value=value)


def _all_table(
    twins: Sequence[Twins],
    answers: Sequence[_Answers],
    found: Mapping[tuple[Twins, str], Gaps],
    unit: str,
) -> Table:
    columns = (
        Column("rule"),
        Column("row"),
        Column("pairs", number=True),
        Column("regions", number=True),
        Column("ordered rightly", number=True),
        Column("95 % interval"),
        Column("gap found", number=True),
        Column("MAE of these regions", number=True, unit=unit),
        Column("pairs tested together", number=True),
        Column("of these ordered rightly", number=True),
        Column("its 95 % interval"),
    )
    lines = []
    for rule, one in product(twins, answers):
        gaps = found.get((rule, one.standing.label), Gaps.none())
        head = (Entry(rule.rule), Entry(one.standing.label))
        if len(gaps):
            lines.append(Line("model", (*head, *_numbers(gaps), *_together(rule, one))))
        elif rule.pairs:
            lines.append(Line("unscored", (*head, Entry(one.word or "0"), *[Entry()] * 8)))
    lines += [_without_pairs(rule) for rule in twins if not rule.pairs]
    return Table("All pairs", columns, tuple(lines))


def _without_pairs(rule: Twins) -> Line:
    return Line("unscored", (Entry(rule.rule), Entry("no such pair"), *[Entry()] * 9))


def _numbers(gaps: Gaps) -> list[Entry]:
    return [
        Entry(str(len(gaps)), value=float(len(gaps))),
        Entry(str(gaps.regions), value=float(gaps.regions)),
        *_order(gaps),
        Entry(f"{100 * gaps.found:.0f} %", value=gaps.found),
        Entry(plain_number(gaps.error), value=gaps.error),
    ]


def _together(rule: Twins, one: _Answers) -> list[Entry]:
    """Return the order of the pairs whose regions one seed tested together."""
    gaps = gaps_of(rule.pairs, one.held_out, together=True) if one.held_out is not None else Gaps.none()
    return [Entry(str(len(gaps)), value=float(len(gaps))), *_order(gaps)]


def _order(gaps: Gaps) -> list[Entry]:
    """Return the share of pairs ordered rightly and its interval."""
    if not len(gaps):
        return [Entry(), Entry()]
    share = gaps.right / len(gaps)
    low, high = wilson(gaps.right, len(gaps))
    return [Entry(f"{100 * share:.0f} %", value=share), Entry(f"{100 * low:.0f} to {100 * high:.0f} %")]
