"""Where units lie, asked once for all rows of a city and task."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from urbanbench.judging.spatial import SpatialJudge
from urbanbench.result import RunResult

__all__ = ["Ground", "Places"]

Places = Callable[[RunResult], Mapping[str, tuple[float, float]] | None]
"""From a row to the position (easting, northing) in metres of each of its units; None where its city is not at hand."""


class Ground:
    """Positions of units and the judges made of them, each made once.

    Parameters
    ----------
    places
        Where units lie.
    """

    def __init__(self, places: Places) -> None:
        self._places = places
        self._known: dict[tuple[str, ...], Mapping[str, tuple[float, float]] | None] = {}
        self._judges: dict[bytes, SpatialJudge | None] = {}

    def positions(self, row: RunResult, units: np.ndarray) -> np.ndarray | None:
        """Return the positions (u, 2) in metres of a row's units; None where they, or some of them, are not known."""
        key = (row.cell.city, row.cell.task, str(row.provenance.get("targets_digest")))
        if key not in self._known:
            self._known[key] = self._places(row)
        known = self._known[key]
        if known is None or any(unit not in known for unit in units.tolist()):
            return None
        return np.array([known[unit] for unit in units.tolist()], dtype=np.float64)

    def judge(self, row: RunResult, units: np.ndarray) -> SpatialJudge | None:
        """Return the judge of a row's units; None where positions are not known or fewer than five differ."""
        xy = self.positions(row, units)
        if xy is None:
            return None
        key = xy.tobytes()
        if key not in self._judges:
            try:
                self._judges[key] = SpatialJudge(xy)
            except ValueError:
                self._judges[key] = None
        return self._judges[key]
