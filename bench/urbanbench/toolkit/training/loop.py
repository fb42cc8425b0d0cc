"""The training loop of one objective or of several: steps, checks on held-out anchors, checkpoints, early stop."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.progress import tracking
from urbanbench.toolkit.kept.reading import was_read
from urbanbench.toolkit.training.checkpoint import checkpoint_for
from urbanbench.toolkit.training.distributed import (
    agreed,
    average_gradients,
    process,
    processes,
    same_everywhere,
)
from urbanbench.toolkit.training.repeatable import seeded_torch
from urbanbench.toolkit.training.schedule import Schedule, StageLog, learning_rate_factor, record
from urbanbench.toolkit.training.state import TrainingState
from urbanbench.toolkit.training.transfer import runs_behind

if TYPE_CHECKING:
    from torch import nn

    from urbanbench.toolkit.training.stage import Stage
    from urbanbench.toolkit.training.weighing import Weighing

__all__ = ["run_stages"]

READ_EVERY_S = 2.0
"""Seconds between two readings of the losses where the device would have to be waited for."""


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
    """Train stages at once, one batch of each per step, until the schedule ends or their held-out losses stop falling.

    Parameters
    ----------
    stages
        One or several.
    schedule
        How.
    weighing
        How their losses become one.
    total
        Steps to plan for.
    seed
        Seed of dropout.
    device
        Where the objectives' modules are.
    checkpoint
        File to go on from and to write as `checkpoint_for` says; None: where `checkpoints_in` says, if it does.

    Returns
    -------
    list[StageLog]
        One per stage. The weights with the lowest sum of held-out losses are in place.
    """
    loop = _Loop(stages, schedule, weighing, total=total, device=device)
    name = "+".join(stage.log.name for stage in stages)
    began = time.perf_counter()
    kept = checkpoint_for(name, checkpoint, device)
    identity = loop.identity(seed) if kept.path is not None else {}
    streams = ("train", process()) if process() else ("train",)
    try:
        with seeded_torch(seed, name, *streams, device=device), tracking(f"train {name}", total) as bar:
            found = kept.load(identity)
            if found is not None:
                spent = loop.load(*found)
                began -= spent
                was_read(f"checkpoint {name}", f"steps of {name} before a stop", spent)
                bar.advance(loop.state.step)
            else:
                loop.check()
            while loop.goes_on:
                bar.advance(note=loop.take_step())
                if loop.at_check:
                    loop.check()
                if loop.goes_on and kept.due(at_check=loop.at_check):
                    kept.save(loop.state.to_tensors(), loop.facts(time.perf_counter() - began), identity)
        if not loop.state.done:
            loop.state.restore_best()
            kept.save(loop.state.to_tensors(), loop.facts(time.perf_counter() - began), identity)
    finally:
        kept.settle()
    for log in loop.logs:
        log.seconds = time.perf_counter() - began
        record(log)
    return loop.logs


class _Loop:
    """Stages and the state of their training."""

    def __init__(
        self, stages: Sequence[Stage], schedule: Schedule, weighing: Weighing, *, total: int, device: str
    ) -> None:
        self.stages, self.schedule, self.weighing = stages, schedule, weighing
        self.total, self.device = total, device
        self.logs = [stage.log for stage in stages]
        for log in self.logs:
            log.planned_steps = total
        self.every = max(1, total // schedule.checks)
        self._unread_since = time.monotonic()
        self.state = TrainingState(_groups(stages, weighing), _modules(stages), device)

    @property
    def goes_on(self) -> bool:
        state = self.state
        return not state.done and state.step < self.total and state.stale < self.schedule.patience

    @property
    def at_check(self) -> bool:
        return self.state.step % self.every == 0 or self.state.step == self.total

    def take_step(self) -> str:
        """Take an optimiser step and return a word about it."""
        state = self.state
        step = state.step + 1
        for module in state.modules:
            module.train()
        state.optimiser.zero_grad(set_to_none=True)
        with self.precision():
            losses = [stage.loss(step) for stage in self.stages]
        if runs_behind(self.device) and step < self.total:
            for stage in self.stages:
                stage.expect(step + 1)
        total = self.weighing.total(losses, self.logs)
        total.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
        average_gradients(state.parameters)
        if self.schedule.max_norm is not None:
            state.limit_gradients(self.schedule.max_norm)
        state.set_rate(self.rate(step - 1))
        state.optimiser.step()
        state.step = step
        for stage, loss in zip(self.stages, losses, strict=True):
            stage.took(loss, step)
        if self.at_check or self.reads_now:
            self.read_losses()
        return ", ".join(
            f"loss {log.steps[-1]:.3f} of chance {log.chance:.3f}" for log in self.logs if log.steps
        )

    @property
    def reads_now(self) -> bool:
        """Whether the losses are read between checks: always where that costs nothing, else from time to time."""
        return not runs_behind(self.device) or time.monotonic() - self._unread_since >= READ_EVERY_S

    def read_losses(self) -> None:
        """Bring the losses of the latest steps to the host."""
        for stage in self.stages:
            stage.read()
        self._unread_since = time.monotonic()

    def rate(self, step: int) -> float:
        """Return the share of the full learning rate at a step, from 0."""
        plan = self.schedule
        return learning_rate_factor(
            step, self.total, plan.warmup, plan.decay, every=plan.decay_every, factor=plan.decay_factor
        )

    def check(self) -> None:
        """Compute the held-out losses and judge the weights by their sum."""
        import torch

        same_everywhere(self.state.weights)
        for module in self.state.modules:
            module.eval()
        with torch.no_grad(), self.precision():
            losses = [agreed(stage.held_out_loss()) for stage in self.stages]
        self.state.judge(sum(losses[1:], losses[0]))
        for log, loss in zip(self.logs, losses, strict=True):
            log.checks.append((self.state.step, loss))
            log.best_step = self.state.best_step

    def precision(self) -> AbstractContextManager[Any]:
        """Return the context in which losses are computed; it changes nothing in float32."""
        import torch

        kind = torch.device(self.device).type
        wanted = self.schedule.precision
        if wanted == "bfloat16" or (wanted == "auto" and kind == "cuda"):
            return torch.autocast(kind, dtype=torch.bfloat16)
        return nullcontext()

    def identity(self, seed: int) -> dict[str, Any]:
        """Name all that must be equal for a checkpoint to fit."""
        import torch

        return {
            "objective": [log.name for log in self.logs],
            "number of anchors": [stage.objective.n_anchors for stage in self.stages],
            "schedule": asdict(self.schedule),
            "weighing": self.weighing.name,
            "seed": seed,
            "device": torch.device(self.device).type,
            "number of processes": processes(),
            "torch version": torch.__version__,
            "learning rates": self.state.rates,
            "shapes of weights": self.state.shapes(),
            "weights to start from": self.state.digest(),
        }

    def facts(self, seconds: float) -> dict[str, Any]:
        """Return what a checkpoint keeps beside the tensors."""
        self.read_losses()
        return {
            "counters": self.state.counters(),
            "logs": [asdict(log) for log in self.logs],
            "seconds": seconds,
        }

    def load(self, tensors: dict[str, Any], facts: dict[str, Any]) -> float:
        """Take over a checkpoint and return the seconds that were spent before it."""
        self.state.load(tensors, facts["counters"])
        for log, stored in zip(self.logs, facts["logs"], strict=True):
            stored["checks"] = [(step, loss) for step, loss in stored["checks"]]
            vars(log).update(stored)
        return float(facts["seconds"])


def _groups(stages: Sequence[Stage], weighing: Weighing) -> list[dict[str, Any]]:
    """Collect the stages' parameter groups; a parameter of several stages stays in its first group."""
    seen: set[int] = set()
    groups = []
    for stage in stages:
        for group in stage.objective.parameter_groups():
            own = [one for one in group["params"] if id(one) not in seen]
            seen.update(map(id, own))
            groups += [dict(group) | {"params": own}] if own else []
    extra = list(weighing.parameters())
    return (
        [*groups, {"params": extra, "lr": max(group.get("lr", 1e-3) for group in groups)}]
        if extra
        else groups
    )


def _modules(stages: Iterable[Stage]) -> list[nn.Module]:
    return list({id(one): one for stage in stages for one in stage.objective.modules()}.values())
