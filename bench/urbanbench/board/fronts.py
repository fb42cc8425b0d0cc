"""Score against cost: which rows of a question no other beats in both, machine by machine."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from urbanbench.board.blocks import Group, make_groups
from urbanbench.board.columns import direction
from urbanbench.board.costs import Costs, costs_of, machine
from urbanbench.board.labels import group_title, row_label
from urbanbench.board.rows import Row, read_rows
from urbanbench.board.trainings import joined
from urbanbench.board.versions import of_another_question

__all__ = ["Front", "Priced", "fronts_of", "on_front"]


@dataclass(frozen=True, eq=False)
class Priced:
    """A row with what it cost.

    Parameters
    ----------
    row, label
        The row, and what it is called beside the others.
    costs
        What it cost.
    best
        Whether no other row of the machine scores as high for less time, or higher for as much.
    best_learned
        Whether none does of those that are no floors; False of a floor.
    """

    row: Row
    label: str
    costs: Costs
    best: bool
    best_learned: bool

    @property
    def full_label(self) -> str:
        """The label with the inputs on offer where they were restricted, and with the head."""
        asked = str(self.row.spec.get("inputs") or "full")
        return " · ".join([self.label, *([asked] if asked != "full" else []), self.row.head])


@dataclass(frozen=True, eq=False)
class Front:
    """Rows of one question and one machine, the cheapest first.

    Parameters
    ----------
    title, machine, metric
        What was asked, where it was computed, and the metric that ranks.
    rows
        All rows with a score and a time.
    """

    title: str
    machine: str
    metric: str
    rows: tuple[Priced, ...]

    @property
    def best(self) -> tuple[Priced, ...]:
        """The rows of the front."""
        return tuple(one for one in self.rows if one.best)

    @property
    def best_learned(self) -> tuple[Priced, ...]:
        """The rows of the front of learned and frozen models, without the floors."""
        return tuple(one for one in self.rows if one.best_learned)


def on_front(points: Sequence[tuple[float, float]]) -> list[bool]:
    """Tell of every (cost, gain) whether no other costs as little and gains more, or costs less and gains as much.

    Examples
    --------
    >>> on_front([(1, 0.2), (2, 0.5), (3, 0.4), (2, 0.3)])
    [True, True, False, False]
    """
    told = [False] * len(points)
    highest, at = -math.inf, math.inf
    for k in sorted(range(len(points)), key=lambda k: (points[k][0], -points[k][1])):
        cost, gain = points[k]
        told[k] = gain > highest or (gain == highest and cost == at)
        if gain > highest:
            highest, at = gain, cost
    return told


def fronts_of(results: Sequence[Mapping[str, Any]]) -> list[Front]:
    """Return a front for every city, task, split and machine of results; several trainings of a model are one row.

    Rows without a machine, a time or a finite score are left out. One that read kept parts of unknown cost stands in `rows` and is never on
    the front, for its time is too small; nor is one that answers an older question than the newest row of its machine, for its score is of that.

    Parameters
    ----------
    results
        Result files' contents, as `urbanbench.board.render` takes them.
    """
    return [front for group in make_groups(read_rows(results)) for front in _fronts(group)]


def _fronts(group: Group) -> list[Front]:
    rows = [
        row
        for row in joined([row for row in group.rows if row.ok])
        if math.isfinite(row.main) and machine(row)
    ]
    found = []
    for place in dict.fromkeys(machine(row) for row in rows):
        own = [row for row in rows if machine(row) == place and costs_of(row).seconds is not None]
        if own:
            found.append(Front(group_title(group), place, own[0].main_metric, _priced(own)))
    return found


def _priced(rows: Sequence[Row]) -> tuple[Priced, ...]:
    costs = {row.run_id: costs_of(row) for row in rows}
    known = [row for row in rows if costs[row.run_id].complete and not of_another_question(row, rows)]
    best, learned = _best(known, costs), _best([row for row in known if not row.floor], costs)
    priced = [
        Priced(
            row,
            row_label(row, _same_setting(row, rows)),
            costs[row.run_id],
            row.run_id in best,
            row.run_id in learned,
        )
        for row in rows
    ]
    return tuple(sorted(priced, key=lambda one: (one.costs.seconds or 0.0, one.full_label)))


def _best(rows: Sequence[Row], costs: Mapping[str, Costs]) -> set[str]:
    """Return the runs of a front."""
    sign = (direction(rows[0].main_metric) or 1) if rows else 1
    told = on_front([(costs[row.run_id].seconds or 0.0, sign * row.main) for row in rows])
    return {row.run_id for row, best in zip(rows, told, strict=True) if best}


def _same_setting(row: Row, rows: Sequence[Row]) -> list[Row]:
    """Return rows that were asked for with the same inputs, from which a name has to tell a row; inputs stand beside it."""
    return [one for one in rows if one.spec.get("inputs") == row.spec.get("inputs")]
