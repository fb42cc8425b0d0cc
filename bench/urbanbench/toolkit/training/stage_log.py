"""What a stage of training leaves behind: the log of its losses, how it ended, and the record a result keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from math import ceil, isfinite, log, nan
from typing import Any, Self

__all__ = ["CAP", "EPOCHS", "PLATEAU", "TIME", "StageLog", "record", "recording"]

CURVE_POINTS = 50
PLATEAU, CAP, TIME, EPOCHS = "plateau", "cap", "time", "epochs"
"""What ended a stage: its loss stood still, its most steps, its most seconds, or the fixed number of epochs of another library."""


@dataclass
class StageLog:
    """What happened in a stage.

    Parameters
    ----------
    name
        The objective.
    batch
        Anchors per training step.
    held_out_batch
        Anchors per batch of a check; smaller where few are held out.
    steps
        Training loss of every step.
    checks
        (step, held-out loss) pairs, the first before any training.
    best_step
        Step whose weights were kept.
    planned_steps
        Most steps it could have taken.
    anchors
        Anchors it was trained on.
    falls
        Steps after which the learning rate fell.
    ended
        "plateau", "cap", "time" or "epochs"; empty where nobody said.
    converged
        Whether its held-out loss had stopped falling; None where that was not judged.
    epochs
        Passes over the data where another library counts them; else 0.
    judged
        What the checks are and how convergence was judged by them, where it was not by the loop's own rule.
    refit
        Training loss of every step of the last fit on all anchors; empty where there was none.
    seconds
        Wall time of the stage.
    own_chance, own_held_out_chance
        What the objective itself says of vectors that tell nothing, where their loss is not ln(anchors); else None.
    skipped
        Why the stage was not trained; empty where it was.
    """

    name: str
    batch: int
    held_out_batch: int
    steps: list[float] = field(default_factory=list)
    checks: list[tuple[int, float]] = field(default_factory=list)
    best_step: int = 0
    planned_steps: int = 0
    anchors: int = 0
    falls: list[int] = field(default_factory=list)
    ended: str = ""
    converged: bool | None = None
    epochs: int = 0
    judged: str = ""
    refit: list[float] = field(default_factory=list)
    seconds: float = 0.0
    own_chance: float | None = None
    own_held_out_chance: float | None = None
    skipped: str = ""

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Self:
        """Make a log of the fields that `dataclasses.asdict` gave and JSON kept."""
        return cls(**dict(fields) | {"checks": [(int(step), float(loss)) for step, loss in fields["checks"]]})

    @property
    def chance(self) -> float:
        """Training loss of vectors that tell nothing: what the objective says, else ln(batch)."""
        return _chance(self.own_chance, self.batch)

    @property
    def held_out_chance(self) -> float:
        """Held-out loss of vectors that tell nothing: what the objective says, else ln(held_out_batch)."""
        return _chance(self.own_held_out_chance, self.held_out_batch)

    @property
    def best(self) -> float:
        """Lowest held-out loss; NaN without checks."""
        return min((loss for _, loss in self.checks), default=nan)

    @property
    def passes(self) -> float:
        """How often the anchors were seen; NaN where their number is not known."""
        return len(self.steps) * self.batch / self.anchors if self.anchors else float(self.epochs or nan)

    @property
    def last_over_chance(self) -> float:
        """Last held-out loss as a share of that of vectors that tell nothing; NaN without checks or such a number."""
        chance = self.held_out_chance
        return self.checks[-1][1] / chance if self.checks and chance > 0 else nan

    def to_record(self) -> dict[str, Any]:
        """Return what a result keeps of the stage, JSON-like; the losses of all steps as means of at most 50 bins."""
        if self.skipped:
            return {"name": self.name, "skipped": self.skipped}
        return {
            "name": self.name,
            "batch": self.batch,
            "steps": len(self.steps),
            "planned_steps": self.planned_steps,
            "best_step": self.best_step,
            "anchors": self.anchors,
            "passes": _known(self.passes),
            "falls": list(self.falls),
            "ended": self.ended,
            "converged": self.converged,
            **({"judged": self.judged} if self.judged else {}),
            "refit_steps": len(self.refit),
            "last_over_chance": _known(self.last_over_chance),
            "chance": self.chance,
            "held_out_chance": self.held_out_chance,
            "first_check": self.checks[0][1] if self.checks else None,
            "best": self.best if self.checks else None,
            "seconds": round(self.seconds, 3),
            "checks": [[step, loss] for step, loss in self.checks],
            "curve": _binned(self.steps, CURVE_POINTS),
        }


def _chance(own: float | None, candidates: int) -> float:
    if own is not None:
        return own
    return log(candidates) if candidates else nan


def _known(number: float) -> float | None:
    return round(number, 4) if isfinite(number) else None


def _binned(losses: list[float], points: int) -> list[list[float]]:
    """Average neighbouring losses so that at most `points` (last step of the bin, mean loss) pairs are left."""
    width = max(1, ceil(len(losses) / points))
    bins = [losses[start : start + width] for start in range(0, len(losses), width)]
    return [[min((k + 1) * width, len(losses)), sum(one) / len(one)] for k, one in enumerate(bins)]


_recorded: ContextVar[list[StageLog] | None] = ContextVar("recorded stages", default=None)


@contextmanager
def recording() -> Iterator[list[StageLog]]:
    """Collect the logs of all stages that are trained inside the block, in order.

    Examples
    --------
    >>> with recording() as stages:
    ...     record(StageLog("poi", 0, 0, skipped="no POIs"))
    >>> [stage.name for stage in stages]
    ['poi']
    """
    stages: list[StageLog] = []
    token = _recorded.set(stages)
    try:
        yield stages
    finally:
        _recorded.reset(token)


def record(stage: StageLog) -> None:
    """Add a finished or skipped stage to the record, if one is kept; the training functions do it themselves."""
    stages = _recorded.get()
    if stages is not None:
        stages.append(stage)
