"""How a stage of training is planned: batches, caps, checks, and when its loss has stopped falling."""

from __future__ import annotations

from dataclasses import dataclass

from urbanbench.errors import BadInput

__all__ = ["PRECISIONS", "Schedule"]

PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True)
class Schedule:
    """How long and how fast a stage trains: until its held-out loss has stopped falling, and no clock ends it before.

    After a warm-up the learning rate stays until `patience` checks brought no gain that counts; then it falls. When that happens after the
    last fall, the stage has converged. The caps are there to be generous: a stage that one of them ends has not converged, and says so.

    Parameters
    ----------
    batch
        Anchors per step, which are also the candidates of the loss.
    epochs, max_steps
        Most passes over the anchors and most optimiser steps; None for no such limit, but not both.
    max_seconds
        Longest wall time, judged at checks; None for none. What it ends depends on the machine.
    min_steps, min_epochs
        Floor: neither does the rate fall nor the stage end at a plateau before so many steps and passes.
    warmup
        Steps over which the learning rate rises from 0.
    held_out
        Share of the anchors kept away from training, on which the stage is judged; 0 where training and judging both take all
        anchors, as for objectives over one whole graph.
    check_every
        Steps between two checks of the held-out loss.
    patience
        Checks without a gain that counts before the rate falls, and after the last fall before the stage ends.
    min_gain
        Smallest gain that counts, as a share of the loss at the last one that did; above what a check varies by itself.
    max_falls, fall_factor
        How often the rate falls, and what it is multiplied by each time.
    refit
        Whether the stage, once its best step is known, is trained again from its first weights on all anchors, the held-out ones among
        them, for as many steps with the same rates: for anchors such as regions, which are few and are read out afterwards.
    precision
        "float32"; "bfloat16", in which matrix products are taken while weights stay float32; "auto" for bfloat16 on a GPU and
        float32 on the CPU.
    max_norm
        Longer gradients (norm over all parameters) are scaled down to this; None leaves them.
    """

    batch: int = 256
    epochs: int | None = None
    max_steps: int | None = 20_000
    max_seconds: float | None = None
    min_steps: int = 0
    min_epochs: int = 0
    warmup: int = 50
    held_out: float = 0.05
    check_every: int = 50
    patience: int = 6
    min_gain: float = 1e-3
    max_falls: int = 2
    fall_factor: float = 0.3
    refit: bool = False
    precision: str = "auto"
    max_norm: float | None = None

    def __post_init__(self) -> None:
        wrong = [name for name, sound in _sound(self).items() if not sound]
        if wrong:
            found = ", ".join(f"{name} {getattr(self, name)}" for name in wrong)
            expected = ", ".join(f"{name} {_EXPECTED[name]}" for name in wrong)
            msg = f"Schedule has {found}. Expected {expected}."
            raise BadInput(msg)
        if self.epochs is None and self.max_steps is None:
            msg = "Schedule has neither epochs nor max_steps. Expected a cap, however generous. For example max_steps=20000"
            raise BadInput(msg)

    def least_steps(self, per_epoch: int) -> int:
        """Return the floor in steps, for anchors that make so many batches; the warm-up is a part of it."""
        return max(self.min_steps, self.min_epochs * per_epoch, self.warmup)

    def most_steps(self, per_epoch: int) -> int:
        """Return the cap in steps, for anchors that make so many batches."""
        caps = [self.max_steps, None if self.epochs is None else self.epochs * per_epoch]
        return min(one for one in caps if one is not None)


_EXPECTED = {
    "batch": ">= 2",
    "epochs": ">= 1 or None",
    "max_steps": ">= 1 or None",
    "max_seconds": "above 0 or None",
    "min_steps": ">= 0",
    "min_epochs": ">= 0",
    "warmup": ">= 0",
    "held_out": "in [0, 1)",
    "check_every": ">= 1",
    "patience": ">= 1",
    "min_gain": "in [0, 1)",
    "max_falls": ">= 0",
    "fall_factor": "in (0, 1]",
    "max_norm": "above 0 or None",
    "precision": f"one of: {', '.join(PRECISIONS)}",
}


def _sound(plan: Schedule) -> dict[str, bool]:
    """Tell of every number of a schedule whether it is possible."""
    return {
        "batch": plan.batch >= 2,
        "epochs": plan.epochs is None or plan.epochs >= 1,
        "max_steps": plan.max_steps is None or plan.max_steps >= 1,
        "max_seconds": plan.max_seconds is None or plan.max_seconds > 0,
        "min_steps": plan.min_steps >= 0,
        "min_epochs": plan.min_epochs >= 0,
        "warmup": plan.warmup >= 0,
        "held_out": 0 <= plan.held_out < 1,
        "check_every": plan.check_every >= 1,
        "patience": plan.patience >= 1,
        "min_gain": 0 <= plan.min_gain < 1,
        "max_falls": plan.max_falls >= 0,
        "fall_factor": 0 < plan.fall_factor <= 1,
        "max_norm": plan.max_norm is None or plan.max_norm > 0,
        "precision": plan.precision in PRECISIONS,
    }
