"""How a stage of training is planned and what it leaves behind: schedule, learning rate and the log of losses."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log

from urbanbench.errors import BadInput

__all__ = ["Schedule", "StageLog", "learning_rate_factor"]


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
        Share of the anchors kept away from training, on which the stage is judged.
    checks
        How often the held-out loss is computed, evenly spread over the steps.
    patience
        Checks without a better held-out loss before the stage ends.
    """

    batch: int = 256
    epochs: int = 5
    max_steps: int | None = None
    warmup: float = 0.05
    held_out: float = 0.05
    checks: int = 10
    patience: int = 3

    def __post_init__(self) -> None:
        if self.batch < 2 or self.epochs < 1 or self.checks < 1 or not 0 < self.held_out < 1:
            msg = f"Schedule {self} is impossible. Expected batch >= 2, epochs >= 1, checks >= 1 and held_out in (0, 1)."
            raise BadInput(msg)


@dataclass
class StageLog:
    """What happened in a stage.

    Parameters
    ----------
    name
        The objective.
    batch
        Candidates per training step.
    held_out_batch
        Candidates per batch of a check; smaller where few anchors are held out.
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
    """

    name: str
    batch: int
    held_out_batch: int
    steps: list[float] = field(default_factory=list)
    checks: list[tuple[int, float]] = field(default_factory=list)
    best_step: int = 0
    planned_steps: int = 0
    seconds: float = 0.0

    @property
    def chance(self) -> float:
        """Training loss of vectors that tell nothing: ln(batch)."""
        return log(self.batch)

    @property
    def held_out_chance(self) -> float:
        """Held-out loss of vectors that tell nothing: ln(held_out_batch)."""
        return log(self.held_out_batch)

    @property
    def best(self) -> float:
        """Lowest held-out loss."""
        return min(loss for _, loss in self.checks)


def learning_rate_factor(step: int, total: int, warmup: float) -> float:
    """Return the share of the full learning rate at a step (0 … total - 1): rising over the warm-up, then falling linearly to 0.

    Examples
    --------
    >>> [learning_rate_factor(step, 10, 0.2) for step in (0, 1, 2, 9)]
    [0.5, 1.0, 1.0, 0.125]
    """
    rising = max(1, round(total * warmup))
    if step < rising:
        return (step + 1) / rising
    return (total - step) / (total - rising)
