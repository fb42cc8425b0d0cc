"""Training logs of results: losses over steps and seconds, and when an objective is near its final loss."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from urbanbench.result import RunResult

__all__ = ["NEAR", "StageRecord", "stages_of"]

NEAR = 1.1
"""An objective is near its end once its loss is at most 10 % above the final one."""


@dataclass(frozen=True)
class StageRecord:
    """What one objective logged.

    Parameters
    ----------
    name
        The objective.
    steps, seconds
        Steps done, and their time, without those of a last fit on all anchors.
    chance
        What the watched loss would be for vectors that tell nothing; NaN where it is not known.
    checks
        (step, held-out loss) pairs in order of steps.
    curve
        (step, training loss) pairs, means over bins of steps.
    """

    name: str
    steps: int
    seconds: float
    chance: float
    checks: tuple[tuple[float, float], ...]
    curve: tuple[tuple[float, float], ...]

    @property
    def watched(self) -> tuple[tuple[float, float], ...]:
        """The held-out losses; the training losses where there was nothing to hold out."""
        return self.checks or self.curve

    @property
    def final(self) -> float:
        """Lowest watched loss, whose weights are kept; NaN without any."""
        return min((loss for _, loss in self.watched), default=math.nan)

    @property
    def final_step(self) -> float:
        """Step of the final loss."""
        return next((step for step, loss in self.watched if loss == self.final), math.nan)

    @property
    def near_step(self) -> float:
        """First watched step with a loss of at most `NEAR` times the final one; NaN without any."""
        return next((step for step, loss in self.watched if loss <= NEAR * self.final), math.nan)

    def seconds_at(self, step: float) -> float:
        """Return the time of a step, all steps taken as equally long."""
        return self.seconds * step / self.steps if self.steps else math.nan


def stages_of(result: RunResult) -> list[StageRecord]:
    """Return a result's training records in order; [] for models that log none."""
    return [_read(one) for one in getattr(result, "training", None) or [] if not one.get("skipped")]


def _read(record: Mapping[str, Any]) -> StageRecord:
    checks, steps = _pairs(record.get("checks")), int(record["steps"])
    share = steps / max(steps + int(record.get("refit_steps") or 0), 1)
    # Held-out batches are smaller where few anchors are held out, and with them the number of candidates.
    chance = record.get("held_out_chance" if checks else "chance")
    return StageRecord(
        str(record["name"]),
        steps,
        float(record["seconds"]) * (share or 1.0),
        math.nan if chance is None else float(chance),
        checks,
        _pairs(record.get("curve")),
    )


def _pairs(listed: Any) -> tuple[tuple[float, float], ...]:
    finite = [(step, loss) for step, loss in listed or () if loss is not None and math.isfinite(loss)]
    return tuple((float(step), float(loss)) for step, loss in finite)
