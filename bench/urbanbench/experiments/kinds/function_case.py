"""Case study of building functions: what models make of the same buildings, and where they disagree most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from urbanbench.board.layout import Column, Entry, Line, Table
from urbanbench.board.leading import BEST
from urbanbench.board.numbers import plain_number
from urbanbench.experiments.kinds.base import Choice, Experiment
from urbanbench.experiments.kinds.charts import stem
from urbanbench.experiments.kinds.class_odds import (
    SOFT_HEADS,
    class_odds,
    has_odds,
    load_odds,
    save_odds,
    votes,
)
from urbanbench.experiments.kinds.contender import Contender, Place, cells, places
from urbanbench.experiments.kinds.held_out import NO_PREDICTIONS, nothing_to_show, read_held_out
from urbanbench.experiments.kinds.opinions import Opinions, opinions_of, quarrels
from urbanbench.experiments.kinds.report import Figure, Report, Section
from urbanbench.experiments.kinds.score_table import facts_of
from urbanbench.experiments.kinds.shelf import Shelf, absence
from urbanbench.experiments.kinds.standing import Standing, stand
from urbanbench.result import RunResult, RunSpec

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure as Canvas

    from urbanbench.run.workbench import Workbench

__all__ = ["FunctionCase"]

_PROBABILITIES, _VOTES = "probability", "share of seeds"


@dataclass(frozen=True, kw_only=True)
class FunctionCase(Experiment):
    """Units of a classification as several models see them.

    Parameters
    ----------
    contenders
        The rows.
    shown
        Number of units shown one by one, each of another class.
    """

    contenders: tuple[Contender, ...]
    shown: int = 2

    def specs(self, choice: Choice) -> list[RunSpec]:
        """Return one cell per place and row."""
        return cells(self.contenders, places(choice), choice)

    def prepare(self, choice: Choice) -> None:
        """Keep the class probabilities of every cell whose head has them; the cells then find the vectors in the cache."""
        from urbanbench.run.workbench import Workbench

        bench = Workbench(choice.device)
        for spec in self.specs(choice):
            if spec.head in SOFT_HEADS and not absence(spec):
                _keep_odds(spec, bench, choice)

    def show(self, results: Sequence[RunResult], choice: Choice) -> Report:
        """Return a section per place: the most disputed units, all units in numbers, and who is right where two differ."""
        shelf = Shelf(results)
        sections = tuple(self._section(shelf, choice, place) for place in places(choice))
        return Report(self.name, self.heading, self.question, sections, self.notes)

    def _section(self, shelf: Shelf, choice: Choice, place: Place) -> Section:
        standings = {row.label: stand(row, shelf, choice, place) for row in self.contenders}
        title = f"{place.city_name} · {place.task} · {place.split}"
        found = {
            row.label: result
            for row in self.contenders
            if not standings[row.label].word and (result := shelf.find(row.spec(choice, place))) is not None
        }
        words, odds, measure = _odds(standings, found, choice)
        facts = (*facts_of(list(standings.values())), f"numbers: {measure}")
        opinions = opinions_of(odds) if odds else None
        if opinions is None or not opinions.units:
            said = nothing_to_show("No answers", words, self.name, choice, place.city)
            return Section(title, facts, warnings=(said,))
        rows = opinions.most_disputed(self.shown)
        tables = [_disputed(opinions, rows, measure), _all(opinions, words, measure)]
        if len(odds) > 1:
            tables.append(_quarrels(opinions))
        name = stem(self.name, place.city_name, place.task, place.split)
        told = f"{place.city_name}, {place.split}: the units that models disagree on most"
        return Section(title, facts, tuple(tables), (_figure(name, told, opinions, rows, measure),))


def _keep_odds(spec: RunSpec, bench: Workbench, choice: Choice) -> None:
    """Compute and keep one cell's probabilities; a cell that cannot be done says so itself when it is run."""
    from urbanbench.run.embedding import embed_city, key_of
    from urbanbench.run.order import resolve

    try:
        order, key = resolve(spec), key_of(spec, bench)
        targets = bench.targets(order)
        made_from = (key.digest, targets.digest())
        if targets.kind != "classification" or has_odds(choice.out, order.cell, made_from):
            return
        space, _ = embed_city(spec, bench)
        odds = class_odds(space, targets, order.protocol, device=bench.device)
    except Exception:  # noqa: BLE001 - the run of the same cell meets the same error and keeps it as its result
        return
    save_odds(choice.out, order.cell, odds, made_from)


def _odds(
    standings: Mapping[str, Standing], found: Mapping[str, RunResult], choice: Choice
) -> tuple[dict[str, str], dict[str, pd.DataFrame], str]:
    """Return why rows have no answers, the answers of the others, and what their numbers are; votes where one has no probabilities."""
    words = {label: one.word for label, one in standings.items() if one.word}
    kept = {label: one for label, one in found.items() if one.task.get("kind") == "classification"}
    words |= {label: "no classes" for label in found if label not in kept}
    soft = {label: load_odds(choice.out, result) for label, result in kept.items()}
    odds = {label: one for label, one in soft.items() if one is not None}
    if len(odds) == len(kept):
        return words, odds, _PROBABILITIES
    hard = {label: read_held_out(result) for label, result in kept.items()}
    odds = {label: votes(one) for label, one in hard.items() if one is not None}
    words |= {label: NO_PREDICTIONS for label in kept if label not in odds}
    return words, odds, _VOTES


def _disputed(opinions: Opinions, rows: Sequence[int], measure: str) -> Table:
    columns = (
        Column("unit"),
        Column("truth"),
        Column("row"),
        Column("first"),
        Column(f"its {measure}", number=True),
        Column("second"),
        Column(f"its {measure}", number=True),
        Column(f"{measure} of the truth", number=True),
    )
    lines = []
    for row, label in product(rows, opinions.shares):
        shares, truth = opinions.shares[label][row], opinions.truth[row]
        best = sorted(range(len(shares)), key=lambda place: (-shares[place], place))[:2]
        answers = [
            entry
            for place in best
            for entry in (
                Entry(opinions.classes[place], mark=BEST if place == truth else ""),
                _share(float(shares[place])),
            )
        ]
        head = (Entry(opinions.units[row]), Entry(opinions.classes[truth]), Entry(label))
        lines.append(Line("model", (*head, *answers, _share(float(shares[truth])))))
    return Table("The most disputed units; bold: the truth", columns, tuple(lines))


def _share(value: float) -> Entry:
    return Entry(f"{value:.2f}", value=value)


def _all(opinions: Opinions, words: Mapping[str, str], measure: str) -> Table:
    titles = ("first is right", "truth among two", f"mean {measure} of the truth", "log loss")
    columns = (Column("row"), Column("units", number=True), *(Column(one, number=True) for one in titles))
    lines = []
    for label in opinions.shares:
        numbers = [
            opinions.right(label).mean(),
            opinions.right(label, 2).mean(),
            opinions.of_truth(label).mean(),
        ]
        loss = opinions.log_loss(label) if measure == _PROBABILITIES else None
        entries = [Entry(f"{100 * one:.1f} %", value=float(one)) for one in numbers]
        size = Entry(str(len(opinions.units)), value=float(len(opinions.units)))
        lines.append(Line("model", (Entry(label), size, *entries, Entry(plain_number(loss), value=loss))))
    lines += [
        Line("unscored", (Entry(label), Entry(word), *[Entry()] * len(titles)))
        for label, word in words.items()
    ]
    return Table("All units", columns, tuple(lines))


def _quarrels(opinions: Opinions) -> Table:
    titles = ("only the one is right", "only the other is right", "both wrong, differently")
    columns = (
        Column("one"),
        Column("other"),
        *(Column(one, number=True) for one in titles),
        Column("p", number=True),
    )
    lines = []
    for found in quarrels(opinions):
        counts = (found.first, found.second, found.neither)
        entries = [Entry(str(count), value=float(count)) for count in counts]
        p_value = "< 0.0001" if found.p_value < 1e-4 else f"{found.p_value:.4f}"
        lines.append(
            Line(
                "model", (Entry(found.one), Entry(found.other), *entries, Entry(p_value, value=found.p_value))
            )
        )
    return Table("Where two rows differ", columns, tuple(lines))


def _figure(name: str, title: str, opinions: Opinions, rows: Sequence[int], measure: str) -> Figure:
    """Return one panel per unit: bars per class and model; the truth's name is marked."""

    def draw(canvas: Canvas) -> None:
        panels = canvas.subplots(1, len(rows), squeeze=False, sharey=True)[0]
        high = 0.8 / len(opinions.shares)
        for axes, row in zip(panels, rows, strict=True):
            for place, (label, shares) in enumerate(opinions.shares.items()):
                spots = [k + place * high for k in range(len(opinions.classes))]
                axes.barh(spots, shares[row], high, label=label if axes is panels[0] else None)
            axes.set(title=f"{opinions.units[row]}: {opinions.classes[opinions.truth[row]]}", xlabel=measure)
            axes.set_yticks([k + 0.4 - high / 2 for k in range(len(opinions.classes))], opinions.classes)
        panels[0].invert_yaxis()
        canvas.legend(loc="outside lower center", ncols=len(opinions.shares), fontsize="small")

    return Figure(name, title, draw, (9.0, 1.5 + 0.4 * len(opinions.classes)))
