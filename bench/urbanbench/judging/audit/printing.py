"""An audit as text for a terminal, as Markdown, and as JSON."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from urbanbench.counted import counted
from urbanbench.judging.audit.claims import RULE
from urbanbench.judging.audit.finding import SEVERITIES, Finding
from urbanbench.judging.audit.rules import RULES
from urbanbench.judging.audit.table import Table

__all__ = ["document", "markdown", "text"]

WIDTH = 100
_WHY = {rule.name: rule.why for rule in reversed((*RULES, RULE)) if rule.why}
_SHOWN_ROWS = 6


def text(table: Table, findings: Sequence[Finding]) -> str:
    """Write an audit for a terminal, at most 100 columns wide."""
    lines = [*_wrapped(f"{table.source}: {_size(table)}"), *_told_columns(table), ""]
    for (severity, rule), members in _grouped(findings):
        lines += [f"{severity.upper()}  {rule}", *_wrapped(_WHY[rule], "  ")]
        for one in members:
            lines += _wrapped(f"{one.about}: {one.says}{_rows(one)}", "    ", "  - ")
        lines.append("")
    return "\n".join([*lines, _counts(findings)])


def markdown(table: Table, findings: Sequence[Finding]) -> str:
    """Write an audit as a Markdown page."""
    lines = [f"# Audit of {table.source}", "", f"{_size(table)}. {_counts(findings)}.", ""]
    lines += [
        "| column | read as |",
        "| --- | --- |",
        *(f"| {_bars(head)} | {_bars(role)} |" for head, role in table.read),
        "",
    ]
    for severity in SEVERITIES:
        groups = [(rule, members) for (found, rule), members in _grouped(findings) if found == severity]
        if groups:
            lines += [f"## {severity.capitalize()}", ""]
        for rule, members in groups:
            lines += [
                f"**{rule}.** {_WHY[rule]}",
                "",
                *(f"- {one.about}: {one.says}{_rows(one)}" for one in members),
                "",
            ]
    return "\n".join(lines).rstrip() + "\n"


def document(table: Table, findings: Sequence[Finding]) -> dict[str, Any]:
    """Return an audit as JSON has it."""
    return {
        "source": table.source,
        "lines": len(table.lines),
        "numbers": sum(len(line.measures) for line in table.lines),
        "read": [{"column": head, "as": role} for head, role in table.read],
        "counts": {severity: sum(one.severity == severity for one in findings) for severity in SEVERITIES},
        "why": {rule: _WHY[rule] for rule in dict.fromkeys(one.rule for one in findings)},
        "findings": [one.to_dict() for one in findings],
    }


def _size(table: Table) -> str:
    numbers = sum(len(line.measures) for line in table.lines)
    models = len({line.model for line in table.lines})
    parts = [
        counted(numbers, "number"),
        counted(len(table.lines), "row"),
        counted(models, "model"),
        counted(len({line.question for line in table.lines}), "question"),
    ]
    return ", ".join(
        [*parts, *([f"{counted(len(table.facts), 'number')} of no model"] if table.facts else [])]
    )


def _told_columns(table: Table) -> list[str]:
    return _wrapped("read " + ", ".join(f"{head!r} as {role}" for head, role in table.read), "  ")


def _grouped(findings: Sequence[Finding]) -> Iterator[tuple[tuple[str, str], list[Finding]]]:
    groups: dict[tuple[str, str], list[Finding]] = {}
    for one in findings:
        groups.setdefault((one.severity, one.rule), []).append(one)
    yield from groups.items()


def _rows(one: Finding) -> str:
    if not one.rows:
        return ""
    shown = "; ".join(one.rows[:_SHOWN_ROWS])
    return f" [{shown}{'; …' if len(one.rows) > _SHOWN_ROWS else ''}]"


def _counts(findings: Sequence[Finding]) -> str:
    counts = Counter(one.severity for one in findings)
    return f"{counted(len(findings), 'finding')}: " + ", ".join(
        f"{counts[severity]} {severity}" for severity in SEVERITIES
    )


def _wrapped(line: str, indent: str = "", first: str | None = None) -> list[str]:
    return textwrap.wrap(
        line,
        WIDTH,
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_long_words=True,
        break_on_hyphens=False,
    )


def _bars(cell: str) -> str:
    return cell.replace("|", "\\|")
