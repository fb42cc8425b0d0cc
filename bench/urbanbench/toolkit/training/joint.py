"""Training several objectives at once, instead of one stage after the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from urbanbench.errors import BadInput
from urbanbench.toolkit.training.loop import run_stages
from urbanbench.toolkit.training.schedule import Schedule
from urbanbench.toolkit.training.stage import Stage
from urbanbench.toolkit.training.stage_log import StageLog
from urbanbench.toolkit.training.weighing import weighing_named

if TYPE_CHECKING:
    from urbanbench.toolkit.training.objective import Objective

__all__ = ["train_joint"]


def train_joint(
    objectives: Sequence[Objective],
    schedule: Schedule,
    *,
    weights: str = "equal",
    seed: int,
    device: str = "cpu",
    checkpoint: Path | None = None,
) -> list[StageLog]:
    """Train objectives together: every step takes one batch of each and one optimiser step on the sum of their weighted losses.

    Batches, samples and held-out anchors are those that `train_stage` would take. An epoch is a pass over the anchors of the largest
    objective; the others begin anew meanwhile.

    Parameters
    ----------
    objectives
        At least one; names differ. A parameter that several train has the learning rate of the first of them.
    schedule
        How. The stop and the best weights are judged by the plain sum of the held-out losses.
    weights
        "equal"; "uncertainty" (Kendall, Gal and Cipolla 2018) or "dwa" (Liu, Johns and Davison 2019), see
        `urbanbench.toolkit.training.weighing`.
    seed
        Seed of batches, samples and dropout.
    device
        Where the objectives' modules are.
    checkpoint
        As in `urbanbench.toolkit.training.train_stage`.

    Returns
    -------
    list[StageLog]
        One per objective, in order; all have the same steps, `best_step` and `seconds`, which are those of the whole.

    Raises
    ------
    UnknownName
        No such weights.
    BadInput
        No objectives, two of one name, fewer than 4 anchors, or a loss that is not finite.
    """
    names = [objective.name for objective in objectives]
    if not names or len(set(names)) < len(names):
        msg = f"Joint training got the objectives {names}. Expected at least one, each name once."
        raise BadInput(msg)
    stages = [Stage(objective, schedule, seed=seed) for objective in objectives]
    total = schedule.most_steps(max(stage.per_epoch for stage in stages))
    weighing = weighing_named(weights, count=len(stages), span=schedule.check_every, device=device)
    return run_stages(
        stages, schedule, weighing, total=total, seed=seed, device=device, checkpoint=checkpoint
    )
