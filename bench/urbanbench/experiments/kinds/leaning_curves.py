"""Curves of a row over labels and over dimensions, as tables and as a figure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from urbanbench.board.columns import metric_title
from urbanbench.board.layout import Column, Entry, Line, Table
from urbanbench.board.numbers import Score
from urbanbench.experiments.kinds.charts import Panel, Trace, line_figure, stem
from urbanbench.experiments.kinds.contender import Place
from urbanbench.experiments.kinds.probed import Leaned
from urbanbench.experiments.kinds.report import Figure
from urbanbench.experiments.kinds.score_table import score_entry
from urbanbench.scoring.probes.catalogue import PCA, PROJECTION, SHARES

__all__ = ["CURVES", "Curve", "curve_figure", "curve_table"]

_LOW, _HIGH = -0.25, 1.0
"""Scores below are not drawn: a head that has seen two units may be as wrong as it likes. None lies above, though a band may."""

Step = Mapping[str, Any]


@dataclass(frozen=True)
class Curve:
    """A probe that gives a score for each of several steps.

    Parameters
    ----------
    probe
        Its name.
    title, panel, x_label
        Of its table, of its panel and of the axis.
    key
        What tells a step.
    """

    probe: str
    title: str
    panel: str
    x_label: str
    key: str

    @property
    def whole(self) -> str:
        """What the last step of every row is called, whatever its number."""
        return "" if self.key == "share" else "all"

    def text(self, number: float) -> str:
        """Write a step.

        Examples
        --------
        >>> CURVES[0].text(0.05), CURVES[1].text(16)
        ('5 %', '16')
        """
        return f"{100 * number:.3g} %" if self.key == "share" else f"{number:.0f}"


CURVES = (
    Curve(
        SHARES,
        "Label efficiency: score by the share of the labels",
        "labels",
        "share of the labels (learning and choosing)",
        "share",
    ),
    Curve(
        PCA,
        "Dimensions: score by the number of principal components",
        "principal components",
        "first components",
        "dims",
    ),
    Curve(
        PROJECTION,
        "Dimensions: score by the number of random directions",
        "random directions",
        "directions",
        "dims",
    ),
)


def curve_table(curve: Curve, found: Sequence[Leaned]) -> Table:
    """Lay out a curve: a row per model, a column per step; the last step of a row has a column of its own where rows differ in it."""
    rows = [(one, steps) for one in found if (steps := one.steps(curve.probe))]
    numbers = sorted(
        {step[curve.key] for _, steps in rows for step in (steps[:-1] if curve.whole else steps)}
    )
    columns = [Column("row"), *(Column(curve.text(one), number=True) for one in numbers)]
    columns += [Column(curve.whole, number=True), Column("dimensions", number=True)] if curve.whole else []
    lines = tuple(_line(curve, one, steps, numbers) for one, steps in rows)
    return Table(curve.title, tuple(columns), lines)


def _line(curve: Curve, one: Leaned, steps: Sequence[Step], numbers: Sequence[float]) -> Line:
    at = {step[curve.key]: score_entry(_score(one, step)) for step in steps}
    last = steps[-1]
    if curve.whole:
        del at[last[curve.key]]
    entries = [Entry(one.standing.title), *(at.get(number, Entry()) for number in numbers)]
    if curve.whole:
        dims = float(last[curve.key])
        entries += [score_entry(_score(one, last)), Entry(curve.text(dims), value=dims)]
    floor = one.standing.scored is not None and one.standing.scored.floor
    return Line("floor" if floor else "model", tuple(entries))


def _score(one: Leaned, step: Step) -> Score:
    return Score(tuple(step["scores"].get(one.metric, ())))


def curve_figure(experiment: str, place: Place, found: Sequence[Leaned]) -> Figure:
    """Draw the curves of all rows, a panel for each kind of curve."""
    metric = next((one.metric for one in found if one.metric), "")
    panels = [_panel(curve, found, metric) for curve in CURVES]
    title = f"{place.city_name}, {place.task}, {place.split}, {place.head}: score by labels and by dimensions; bands are standard deviations over splits"
    name = stem(experiment, place.city_name, place.task, place.split, place.head)
    return line_figure(name, title, [one for one in panels if one.traces], one_legend=True)


def _panel(curve: Curve, found: Sequence[Leaned], metric: str) -> Panel:
    where = _share_place if curve.key == "share" else _dims_place
    numbers = sorted({step[curve.key] for one in found for step in one.steps(curve.probe)})
    shown = numbers if curve.key == "share" else _powers(numbers)
    traces = [_trace(curve, one, lambda number: where(number, numbers)) for one in found]
    drawn = [trace for trace in traces if trace.x]
    ticks = [curve.text(one) for one in shown]
    score = metric_title(metric)
    return Panel(curve.panel, curve.x_label, score, drawn, names=ticks, low=_LOW, high=_HIGH)


def _trace(curve: Curve, one: Leaned, where: Callable[[float], float]) -> Trace:
    points = [(where(step[curve.key]), _score(one, step)) for step in one.steps(curve.probe)]
    known = [(x, score) for x, score in points if score.finite]
    spread = [0.0 if math.isnan(score.std) else score.std for _, score in known]
    return Trace(one.standing.label, [x for x, _ in known], [score.mean for _, score in known], spread)


def _share_place(number: float, numbers: Sequence[float]) -> float:
    """Shares stand at equal distances."""
    return float(numbers.index(number))


def _dims_place(number: float, numbers: Sequence[float]) -> float:
    """Dimensions stand on a scale of powers of two, 2 at 0."""
    del numbers
    return math.log2(max(number, 1)) - 1


def _powers(numbers: Sequence[float]) -> list[float]:
    most = max(numbers, default=2)
    return [2.0**power for power in range(1, max(2, math.ceil(math.log2(most)) + 1))]
