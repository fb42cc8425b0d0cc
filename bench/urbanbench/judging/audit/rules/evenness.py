"""Spreads over repeats that are the same share of the mean in every row."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence

from urbanbench.judging.audit.finding import NOTE, Finding, Rule, place
from urbanbench.judging.audit.table import Line, Table
from urbanbench.judging.audit.words import meaning

__all__ = ["RULES"]

_ENOUGH_LINES = 6
_ASSUMED_REPEATS = 10
_SELDOM = 0.01


def _even(table: Table) -> Iterator[Finding]:
    groups: dict[tuple[str, str], list[Line]] = {}
    for line in table.lines:
        groups.setdefault((line.task, line.test), []).append(line)
    shares = {group: _shares(lines) for group, lines in groups.items()}
    for (task, test), own in shares.items():
        for metric, values in own.items():
            repeats = groups[task, test][0].repeats or _ASSUMED_REPEATS
            cities = {line.city for line in groups[task, test]}
            if (
                len(cities) < 2
                or len(values) < _ENOUGH_LINES
                or repeats < 3
                or _chance(values, repeats) > _SELDOM
            ):
                continue
            others = [
                one
                for group, found in shares.items()
                if group[0] == task and group[1] != test
                for one in found.get(metric, ())
            ]
            told = (
                f"the spread of {meaning(metric).title} is {min(values):.3f} to {max(values):.3f} of the mean in all {len(values)} rows; "
                f"spreads of {repeats} repeats scatter by {1 / math.sqrt(2 * (repeats - 1)):.0%} by chance alone"
            )
            told += f"; elsewhere in the table {min(others):.3f} to {max(others):.3f}" if others else ""
            numbers = (
                ("lowest", min(values)),
                ("highest", max(values)),
                ("chance", _chance(values, repeats)),
            )
            yield Finding("even-spreads", NOTE, place((task, "", test)), told, (), numbers)


def _shares(lines: Sequence[Line]) -> Mapping[str, list[float]]:
    """Return error metric to spread over mean of every line that has a spread."""
    found: dict[str, list[float]] = {}
    for line in lines:
        for name, one in line.measures.items():
            if (
                meaning(name).follows_unit
                and one.sd
                and one.sd.value > 0
                and one.mean.value > 0
                and not one.values
            ):
                found.setdefault(name, []).append(one.sd.value / one.mean.value)
    return found


def _chance(values: Sequence[float], repeats: int) -> float:
    """Return how often independent rows with one true share of spread would scatter so little.

    The log of a sample standard deviation of n normal numbers has a variance of about 1 / (2 (n - 1)).
    """
    from scipy.stats import chi2

    logs = [math.log(one) for one in values]
    return float(chi2.cdf(statistics.variance(logs) * (len(logs) - 1) * 2 * (repeats - 1), len(logs) - 1))


RULES = (
    Rule(
        "even-spreads",
        "Measured spreads scatter themselves; ones that are a fixed share of the mean look set, not measured. Rows of one city share their splits and scatter less; asked of tables of several cities only.",
        _even,
    ),
)
