"""When a stage has stopped falling: the rule that lowers the learning rate at a plateau and ends training at the last one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from urbanbench.toolkit.training.schedule import Schedule

__all__ = ["Plateau", "rate_factor", "settled"]


@dataclass
class Plateau:
    """What the rule remembers between two checks; the numbers go into checkpoints.

    Progress is measured from `mark`, the loss at the last check that counted as progress, so many small gains add up to one that counts.

    Parameters
    ----------
    mark
        Held-out loss at the last progress; None before the first check.
    stale
        Checks since then.
    falls
        Steps after which the learning rate fell.
    reached
        Whether the loss stood still at the lowest rate too: the stage has converged.
    """

    mark: float | None = None
    stale: int = 0
    falls: list[int] = field(default_factory=list)
    reached: bool = False

    def look(self, loss: float, step: int, plan: Schedule, *, floor: int = 0) -> None:
        """Take note of a check after `step` steps; before the floor neither does the rate fall nor training end."""
        if self.mark is None or loss < self.mark - plan.min_gain * abs(self.mark):
            self.mark, self.stale = loss, 0
            return
        self.stale += 1
        if self.stale < plan.patience or step < floor:
            return
        if len(self.falls) < plan.max_falls:
            self.falls.append(step)
            self.stale = 0
        else:
            self.reached = True

    def told(self) -> dict[str, Any]:
        """Return the numbers, JSON-like."""
        return asdict(self)

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Plateau:
        """Return what `told` told of."""
        return cls(**told)


def rate_factor(step: int, warmup: int, falls: Sequence[int], factor: float) -> float:
    """Return the share of the full learning rate at a step (from 0): rising over the warm-up, then lower after every fall.

    Examples
    --------
    >>> [rate_factor(step, 2, [4, 6], 0.5) for step in (0, 1, 3, 4, 5, 6)]
    [0.5, 1.0, 1.0, 0.5, 0.5, 0.25]
    """
    if step < warmup:
        return (step + 1) / warmup
    return factor ** sum(one <= step for one in falls)


def settled(losses: Sequence[float], patience: int = 2, min_gain: float = 0.01) -> bool:
    """Tell of a training that ended by itself whether its held-out losses had stopped falling by then.

    Parameters
    ----------
    losses
        In order, the first before training.
    patience, min_gain
        As in `Schedule`, of epochs that are few: the last `patience` losses are all no lower than the best before them by that share.

    Examples
    --------
    >>> settled([4.0, 2.0, 1.0, 1.0, 1.0], 2, 0.01), settled([4.0, 2.0, 1.0, 0.9, 0.8], 2, 0.01)
    (True, False)
    """
    before, last = losses[:-patience], losses[-patience:]
    if not before:
        return False
    best = min(before)
    return min(last) >= best - min_gain * abs(best)
