"""The training loop of one objective or of several: steps, checks, checkpoints, and the end of each fit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from urbanbench.progress import tracking
from urbanbench.toolkit.kept.reading import was_read
from urbanbench.toolkit.training.checkpoint import checkpoint_for
from urbanbench.toolkit.training.distributed import process
from urbanbench.toolkit.training.fit import Fit
from urbanbench.toolkit.training.repeatable import seeded_torch
from urbanbench.toolkit.training.stage_log import record

if TYPE_CHECKING:
    from urbanbench.toolkit.training.schedule import Schedule
    from urbanbench.toolkit.training.stage import Stage
    from urbanbench.toolkit.training.stage_log import StageLog
    from urbanbench.toolkit.training.weighing import Weighing

__all__ = ["run_stages"]


def run_stages(
    stages: Sequence[Stage],
    schedule: Schedule,
    weighing: Weighing,
    *,
    total: int,
    seed: int,
    device: str,
    checkpoint: Path | None,
) -> list[StageLog]:
    """Train stages at once, one batch of each per step, until the sum of their held-out losses has stopped falling or a cap ends them.

    Parameters
    ----------
    stages
        One or several.
    schedule
        How.
    weighing
        How their losses become one.
    total
        Most steps.
    seed
        Seed of dropout.
    device
        Where the objectives' modules are.
    checkpoint
        File to go on from and to write as `checkpoint_for` says; None: where `checkpoints_in` says, if it does.

    Returns
    -------
    list[StageLog]
        One per stage. The weights with the lowest sum of held-out losses are in place, or those of the last fit where the schedule has one.
    """
    fit = Fit(stages, schedule, weighing, total=total, device=device, seed=seed)
    name = fit.name
    kept = checkpoint_for(name, checkpoint, device)
    identity = fit.identity() if kept.path is not None else {}
    streams = ("train", process()) if process() else ("train",)
    most = 2 * total if schedule.refit else total
    try:
        with seeded_torch(seed, name, *streams, device=device), tracking(f"train {name}", most) as bar:
            found = kept.load(identity)
            if found is not None:
                spent = fit.load(*found)
                was_read(f"checkpoint {name}", f"steps of {name} before a stop", spent)
                bar.advance(fit.state.step)
            else:
                fit.check()
            while not fit.state.done:
                if not fit.ends:
                    bar.advance(note=fit.take_step())
                    if fit.at_check:
                        fit.check()
                if fit.ends:
                    fit.end_fit()
                if fit.state.done or kept.due(at_check=fit.at_check):
                    kept.save(fit.state.to_tensors(), fit.facts(), identity)
    finally:
        kept.settle()
    for log in fit.logs:
        log.seconds = fit.seconds
        record(log)
    return fit.logs
