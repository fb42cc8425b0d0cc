"""The training loop all learned models share: batches of anchors, warm-up, a rate that falls at plateaus, an end when the loss has stopped falling."""

from __future__ import annotations

from pathlib import Path

from urbanbench.toolkit.training.loop import run_stages
from urbanbench.toolkit.training.objective import Objective
from urbanbench.toolkit.training.repeatable import seeded_torch, take_rows
from urbanbench.toolkit.training.schedule import Schedule
from urbanbench.toolkit.training.stage import Stage
from urbanbench.toolkit.training.stage_log import StageLog
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
    """Train an objective until its held-out loss has stopped falling, or a cap of its schedule ends it; the best weights stay.

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
    total = schedule.most_steps(stage.per_epoch)
    [log] = run_stages(
        [stage], schedule, Equal(), total=total, seed=seed, device=device, checkpoint=checkpoint
    )
    return log
