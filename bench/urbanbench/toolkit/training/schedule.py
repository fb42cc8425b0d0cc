"""How a stage of training is planned and what it leaves behind: schedule, learning rate, the log of losses and their record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from math import ceil, log, nan
from typing import Any

from urbanbench.errors import BadInput

__all__ = ["DECAYS", "PRECISIONS", "Schedule", "StageLog", "learning_rate_factor", "record", "recording"]

PRECISIONS = ("auto", "float32", "bfloat16")
DECAYS = ("linear", "constant", "step")
CURVE_POINTS = 50


@dataclass(frozen=True)
class Schedule:
    """How long and how fast a stage trains.

    Parameters
    ----------
    batch
        Anchors per step, which are also the candidates of the loss.
    epochs
        Most passes over the anchors.
    max_steps
        Most optimiser steps; None for no limit but `epochs`.
    warmup
        Share of the steps over which the learning rate rises from 0.
    held_out
        Share of the anchors kept away from training, on which the stage is judged; 0 where training and judging both take all
        anchors, as for objectives over one whole graph.
    checks
        How often the held-out loss is computed, evenly spread over the steps.
    patience
        Checks without a better held-out loss before the stage ends.
    precision
        "float32"; "bfloat16", in which matrix products are taken while weights stay float32; "auto" for bfloat16 on a GPU and
        float32 on the CPU.
    decay
        What the learning rate does after the warm-up: "linear" falls to 0, "constant" stays, "step" falls at equal distances.
    decay_every, decay_factor
        Of "step": the distance as a share of all steps, and what the rate is multiplied by each time.
    max_norm
        Longer gradients (norm over all parameters) are scaled down to this; None leaves them.
    """

    batch: int = 256
    epochs: int = 5
    max_steps: int | None = None
    warmup: float = 0.05
    held_out: float = 0.05
    checks: int = 10
    patience: int = 3
    precision: str = "auto"
    decay: str = "linear"
    max_norm: float | None = None
    decay_every: float = 0.5
    decay_factor: float = 0.7

    def __post_init__(self) -> None:
        if self.batch < 2 or self.epochs < 1 or self.checks < 1 or not 0 <= self.held_out < 1:
            msg = f"Schedule {self} is impossible. Expected batch >= 2, epochs >= 1, checks >= 1 and held_out in [0, 1)."
            raise BadInput(msg)
        if self.max_norm is not None and not self.max_norm > 0:
            msg = f"Schedule has max_norm {self.max_norm}. Expected a number above 0, or None for no limit."
            raise BadInput(msg)
        if self.decay not in DECAYS:
            msg = f"Schedule has decay {self.decay!r}. Expected one of: {', '.join(DECAYS)}."
            raise BadInput(msg)
        if not (self.decay_every > 0 and 0 < self.decay_factor <= 1):
            msg = f"Schedule has decay_every {self.decay_every} and decay_factor {self.decay_factor}. Expected a share above 0 and a factor in (0, 1]."
            raise BadInput(msg)
        if self.precision not in PRECISIONS:
            msg = f"Schedule has precision {self.precision!r}. Expected one of: {', '.join(PRECISIONS)}."
            raise BadInput(msg)


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
        Steps the learning rate was planned for.
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
    seconds: float = 0.0
    own_chance: float | None = None
    own_held_out_chance: float | None = None
    skipped: str = ""

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


def _binned(losses: list[float], points: int) -> list[list[float]]:
    """Average neighbouring losses so that at most `points` (last step of the bin, mean loss) pairs are left."""
    width = max(1, ceil(len(losses) / points))
    bins = [losses[start : start + width] for start in range(0, len(losses), width)]
    return [[min((k + 1) * width, len(losses)), sum(one) / len(one)] for k, one in enumerate(bins)]


def learning_rate_factor(
    step: int, total: int, warmup: float, decay: str = "linear", *, every: float = 0.5, factor: float = 0.7
) -> float:
    """Return the share of the full learning rate at a step (0 … total - 1): rising over the warm-up, then as `decay` says.

    Examples
    --------
    >>> [learning_rate_factor(step, 10, 0.2) for step in (0, 1, 2, 9)]
    [0.5, 1.0, 1.0, 0.125]
    >>> [learning_rate_factor(step, 10, 0.2, "constant") for step in (0, 1, 9)]
    [0.5, 1.0, 1.0]
    >>> [learning_rate_factor(step, 10, 0.0, "step", every=0.4, factor=0.5) for step in (0, 3, 4, 8)]
    [1.0, 1.0, 0.5, 0.25]
    """
    rising = max(1, round(total * warmup))
    if step < rising:
        return (step + 1) / rising
    if decay == "constant":
        return 1.0
    if decay == "step":
        return factor ** int(step / (every * total) + 1e-9)
    return (total - step) / (total - rising)


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
