"""Witness: what a row's predictions say, unit by unit, asked for when a table is judged by units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from urbanbench.errors import DataMissing
from urbanbench.judging.answers import Answers
from urbanbench.judging.evidence import read_answers
from urbanbench.judging.ground import Ground
from urbanbench.judging.spatial import SpatialJudge
from urbanbench.result import RunResult

__all__ = ["Witness", "rows_told"]


@dataclass(frozen=True, eq=False)
class Witness:
    """A row's predictions and its units' places, read when they are wanted and once for each metric.

    Parameters
    ----------
    row
        Whose predictions are read.
    ground
        Where units lie; one for all rows, which share its judges.
    """

    row: RunResult
    ground: Ground
    _read: dict[str, Answers | None] = field(default_factory=dict, init=False, repr=False)

    def answers(self, metric: str) -> Answers | None:
        """Return what the row answered, as a metric's sums; None where its predictions are not there.

        Raises
        ------
        BadInput
            Predictions that do not give the row's scores.
        """
        if metric not in self._read:
            try:
                self._read[metric] = read_answers(self.row, metric)
            except DataMissing:
                self._read[metric] = None
        return self._read[metric]

    def places(self, answers: Answers) -> SpatialJudge | None:
        """Return the judge of the units' positions; None where they are not known."""
        return self.ground.judge(self.row, answers.units)


def rows_told(results: Sequence[RunResult], ground: Ground | None) -> list[dict[str, Any]]:
    """Return what rows of a board are read from, with a witness each where the board is judged by units.

    Parameters
    ----------
    results
        As `urbanbench.result_folders.load_results` gives them.
    ground
        Where units lie; None for a board that is judged by scores alone.
    """
    return [
        one.to_dict() | {"own": one.own} | ({} if ground is None else {"witness": Witness(one, ground)})
        for one in results
    ]
