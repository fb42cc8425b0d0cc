"""What an audit says: one finding at a time, with how bad it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from urbanbench.judging.audit.table import Question, Table

__all__ = ["IMPOSSIBLE", "NOTE", "SEVERITIES", "SUSPICIOUS", "Finding", "Rule", "place"]

IMPOSSIBLE, SUSPICIOUS, NOTE = "impossible", "suspicious", "note"
SEVERITIES = (IMPOSSIBLE, SUSPICIOUS, NOTE)
"""No data can give it; hardly without a mistake or different test units; true, and to be known by who reads the table."""


@dataclass(frozen=True)
class Finding:
    """One statement.

    Parameters
    ----------
    rule
        Name of the rule.
    severity
        One of `SEVERITIES`.
    about
        Whom it concerns: task, city, test set, model.
    says
        What is found, with its numbers.
    rows
        Where they stand in the file.
    numbers
        The numbers for machines.
    """

    rule: str
    severity: str
    about: str
    says: str
    rows: tuple[str, ...] = ()
    numbers: tuple[tuple[str, float], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as JSON has it."""
        return {
            "rule": self.rule,
            "severity": self.severity,
            "about": self.about,
            "says": self.says,
            "rows": list(self.rows),
            "numbers": dict(self.numbers),
        }


@dataclass(frozen=True)
class Rule:
    """A rule.

    Parameters
    ----------
    name
        As findings name it.
    why
        Why what it finds matters, in a sentence or two.
    find
        Gives findings of a table.
    """

    name: str
    why: str
    find: Callable[[Table], Iterator[Finding]]


def place(question: Question) -> str:
    """Write a question: "popdensity, Singapore, table III".

    Examples
    --------
    >>> place(("gdp", "", "random"))
    'gdp, random'
    """
    return ", ".join(part for part in question if part) or "table"
