"""The training loop all learned models share: batches of anchors, warm-up and linear decay, early stop, a log of every loss."""

from __future__ import annotations

from pathlib import Path

from urbanbench.toolkit.training.loop import run_stages
from urbanbench.toolkit.training.objective import Objective
from urbanbench.toolkit.training.repeatable import seeded_torch, take_rows
from urbanbench.toolkit.training.schedule import Schedule, StageLog
from urbanbench.toolkit.training.stage import Stage
from urbanbench.toolkit.training.weighing import Equal

__all__ = ["Objective", "seeded_torch", "take_rows", "train_stage"]


def train_stage(
    objective: Objective,
    schedule: Schedule,
    *,
    seed: int,
    device: str = "cpu",
    checkpoint: Path | None = None,
) -> StageLog:
    """Train an objective until its schedule ends or its held-out loss stops falling; the best weights stay.

    Parameters
    ----------
    objective
        What to train.
    schedule
        How.
    seed
        Seed of batches, samples and dropout.
    device
        Where the objective's modules are.
    checkpoint
        Safetensors file that is written at every check, on a GPU at most every minute. A call with the same objective, schedule, seed and first weights goes on from
        it to the same bits on the CPU as one that was never stopped, and returns at once where the stage was finished. The caller
        removes it. None: where `urbanbench.toolkit.training.checkpoint.checkpoints_in` says, if it does.

    Raises
    ------
    BadInput
        Fewer than 4 anchors, or a loss that is not finite.
    """
    stage = Stage(objective, schedule, seed=seed)
    planned = stage.per_epoch * schedule.epochs
    total = min(planned, schedule.max_steps or planned)
    [log] = run_stages(
        [stage], schedule, Equal(), total=total, seed=seed, device=device, checkpoint=checkpoint
    )
    return log
