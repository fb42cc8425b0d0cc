"""What was mended in one table, with the ids of the rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from urbanbench.build.report import Report

__all__ = ["Deeds"]


@dataclass
class Deeds:
    """Deeds on the rows of a table, counted first and named when its ids are known.

    Parameters
    ----------
    part
        Name of the table, such as "pois" or "labels/income".
    """

    part: str
    _rows: list[tuple[str, str, np.ndarray]] = field(default_factory=list)
    _others: list[tuple[str, list[str]]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self._rows or self._others)

    def rows(self, why: str, rows: np.ndarray, *, deed: str = "mended") -> None:
        """Note rows, int64 (m,), as they are numbered in the file; nothing is noted for none."""
        if len(rows):
            self._rows.append((deed, why, rows))

    def add(self, why: str, names: Iterable[str]) -> None:
        """Note what is no row, such as columns."""
        named = list(names)
        if named:
            self._others.append((why, named))

    def tell(self, report: Report, ids: Sequence[object]) -> None:
        """Write everything into a report.

        Parameters
        ----------
        report
            The report.
        ids
            Ids of the rows of the file, () where they have none.
        """
        for why, names in self._others:
            report.add(self.part, "mended", why, ids=names)
        for deed, why, rows in self._rows:
            named = (
                [ids[row] for row in rows[:_NAMED]] if len(ids) else [f"row {row}" for row in rows[:_NAMED]]
            )
            report.add(self.part, deed, why, count=len(rows), ids=[str(one) for one in named])


_NAMED = 5
"""Rows that are named."""
