"""Report: what a build read, kept, dropped and mended, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

__all__ = ["Report"]

_SHOWN = 5
"""Ids named in a line; the record keeps as many as this and the count."""


@dataclass
class _Line:
    part: str
    deed: str
    why: str
    count: int = 0
    ids: list[str] = field(default_factory=list)


@dataclass
class Report:
    """What happened to the rows of each part of a city while it was built, in the order it happened.

    Examples
    --------
    >>> report = Report()
    >>> report.add("roads", "dropped", "fewer than two known nodes", ids=["w7"])
    >>> report.add("roads", "kept", "within 200 m of a region", count=3)
    >>> report.text()
    ['roads: dropped 1: fewer than two known nodes (w7)', 'roads: kept 3: within 200 m of a region']
    """

    _lines: dict[tuple[str, str, str], _Line] = field(default_factory=dict)

    def add(
        self, part: str, deed: str, why: str, *, count: int | None = None, ids: Iterable[object] = ()
    ) -> None:
        """Count rows of a part; equal part, deed and reason add up.

        Parameters
        ----------
        part
            Table or file: "roads", "regions", "labels/income".
        deed
            "read", "kept", "dropped" or "mended".
        why
            The reason, as the end of a sentence.
        count
            How many rows; the number of `ids` when left out. Nothing is written down for 0.
        ids
            Which rows.
        """
        named = [str(one) for one in ids]
        many = len(named) if count is None else count
        if many:
            line = self._lines.setdefault((part, deed, why), _Line(part, deed, why))
            line.count += many
            line.ids += named[: _SHOWN - len(line.ids)] if len(line.ids) < _SHOWN else []

    def text(self, part: str = "", deed: str = "") -> list[str]:
        """Return one line per part, deed and reason; only those of a part or of a deed where one is named."""
        return [
            f"{one.part}: {one.deed} {one.count:,}: {one.why}{self._named(one)}"
            for one in self._lines.values()
            if part in {"", one.part} and deed in {"", one.deed}
        ]

    @staticmethod
    def _named(line: _Line) -> str:
        if not line.ids:
            return ""
        return f" ({', '.join(line.ids)}{', …' if line.count > len(line.ids) else ''})"

    def records(self) -> list[dict[str, object]]:
        """Return the same for machines."""
        return [
            {"part": one.part, "deed": one.deed, "why": one.why, "count": one.count, "ids": list(one.ids)}
            for one in self._lines.values()
        ]
