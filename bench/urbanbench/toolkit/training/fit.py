"""Stages in training: a fit judged on held-out anchors until their loss has stopped falling, then perhaps a last one on all anchors."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from urbanbench.seeds import integer_seed
from urbanbench.toolkit.training.distributed import (
    agreed,
    average_gradients,
    process,
    processes,
    same_everywhere,
)
from urbanbench.toolkit.training.heap import give_back
from urbanbench.toolkit.training.plateau import rate_factor
from urbanbench.toolkit.training.schedule import Schedule
from urbanbench.toolkit.training.stage_log import CAP, PLATEAU, TIME
from urbanbench.toolkit.training.state import TrainingState
from urbanbench.toolkit.training.transfer import runs_behind

if TYPE_CHECKING:
    from torch import nn

    from urbanbench.toolkit.training.stage import Stage
    from urbanbench.toolkit.training.weighing import Weighing

__all__ = ["Fit"]

READ_EVERY_S = 2.0
"""Seconds between two readings of the losses where the device would have to be waited for."""

GIVE_BACK_EVERY_S = 300.0
"""Seconds between two times that memory which steps have freed is given back: to ask for gigabytes of it again takes seconds in a virtual machine."""


class Fit:
    """Stages and the state of their training: a fit judged on held-out anchors, then perhaps a last one on all."""

    def __init__(
        self,
        stages: Sequence[Stage],
        schedule: Schedule,
        weighing: Weighing,
        *,
        total: int,
        device: str,
        seed: int,
    ) -> None:
        self.stages, self.schedule, self.weighing = stages, schedule, weighing
        self.total, self.device, self.seed = total, device, seed
        self.floor = schedule.least_steps(max(stage.per_epoch for stage in stages))
        self.logs = [stage.log for stage in stages]
        self.name = "+".join(log.name for log in self.logs)
        for log in self.logs:
            log.planned_steps = total
        self._began, self._out_of_time = time.perf_counter(), False
        self._unread_since = self._gave_back = time.monotonic()
        groups, modules = _groups(stages, weighing), _modules(stages)
        self.state = TrainingState(groups, modules, device, refits=schedule.refit)

    @property
    def seconds(self) -> float:
        """Wall time of the stages so far, that before a stop included."""
        return time.perf_counter() - self._began

    @property
    def last_step(self) -> int:
        """Most steps of the present fit."""
        return self.state.refit_steps if self.state.refitting else self.total

    @property
    def ends(self) -> bool:
        """Whether the present fit takes no further step."""
        state = self.state
        stopped = not state.refitting and (state.plateau.reached or self._out_of_time)
        return state.done or stopped or state.step >= self.last_step

    @property
    def at_check(self) -> bool:
        """Whether the held-out loss is due after the present step."""
        return self.state.step % self.schedule.check_every == 0 or self.state.step == self.last_step

    def end_fit(self) -> None:
        """End the present fit: put the best weights in place, or begin the last fit on all anchors; end that one as it is."""
        self.read_losses()
        if self.state.refitting:
            self.state.done = True
            return
        reached = self.state.plateau.reached
        for log in self.logs:
            log.ended = PLATEAU if reached else TIME if self._out_of_time else CAP
            log.converged = reached
        if self.schedule.refit and any(stage.keeps_apart for stage in self.stages):
            self.state.begin_again()
            self.begin_refit()
        else:
            self.state.restore_best()

    def begin_refit(self) -> None:
        """Give the stages all anchors, and dropout a random state that does not depend on how long the first fit went on."""
        import torch

        for stage in self.stages:
            stage.take_all()
        streams = (process(),) if process() else ()
        torch.manual_seed(integer_seed(self.seed, self.name, "refit", *streams))

    def take_step(self) -> str:
        """Take an optimiser step and return a word about it."""
        state = self.state
        step = state.step + 1
        for module in state.modules:
            module.train()
        state.optimiser.zero_grad(set_to_none=True)
        with self.precision():
            losses = [stage.loss(step) for stage in self.stages]
        if runs_behind(self.device) and step < self.last_step:
            for stage in self.stages:
                stage.expect(step + 1)
        total = self.weighing.total(losses, [stage.losses for stage in self.stages])
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
        if time.monotonic() - self._gave_back >= GIVE_BACK_EVERY_S:
            give_back()
            self._gave_back = time.monotonic()
        return ", ".join(
            f"loss {stage.losses[-1]:.3f} of chance {stage.log.chance:.3f}"
            for stage in self.stages
            if stage.losses
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
        return rate_factor(step, plan.warmup, self.state.plateau.falls, plan.fall_factor)

    def check(self) -> None:
        """Compute the held-out losses and judge the weights by their sum; the last fit is judged by nothing."""
        import torch

        same_everywhere(self.state.weights)
        if self.state.refitting:
            return
        for module in self.state.modules:
            module.eval()
        with torch.no_grad(), self.precision():
            losses = [agreed(stage.held_out_loss()) for stage in self.stages]
        whole, state = sum(losses[1:], losses[0]), self.state
        state.keep_if_best(whole)
        state.plateau.look(whole, state.step, self.schedule, floor=self.floor)
        for log, loss in zip(self.logs, losses, strict=True):
            log.checks.append((state.step, loss))
            log.best_step, log.falls = state.best_step, list(state.plateau.falls)
        most = self.schedule.max_seconds
        self._out_of_time = most is not None and bool(agreed(float(self.seconds >= most)))

    def precision(self) -> AbstractContextManager[Any]:
        """Return the context in which losses are computed; it changes nothing in float32."""
        import torch

        kind = torch.device(self.device).type
        wanted = self.schedule.precision
        if wanted == "bfloat16" or (wanted == "auto" and kind == "cuda"):
            return torch.autocast(kind, dtype=torch.bfloat16)
        return nullcontext()

    def identity(self) -> dict[str, Any]:
        """Name all that must be equal for a checkpoint to fit."""
        import torch

        return {
            "objective": [log.name for log in self.logs],
            "number of anchors": [stage.objective.n_anchors for stage in self.stages],
            "schedule": asdict(self.schedule),
            "weighing": self.weighing.name,
            "seed": self.seed,
            "device": torch.device(self.device).type,
            "number of processes": processes(),
            "torch version": torch.__version__,
            "learning rates": self.state.rates,
            "shapes of weights": self.state.shapes(),
            "weights to start from": self.state.digest(),
        }

    def facts(self) -> dict[str, Any]:
        """Return what a checkpoint keeps beside the tensors."""
        self.read_losses()
        return {
            "counters": self.state.counters(),
            "logs": [asdict(log) for log in self.logs],
            "seconds": self.seconds,
        }

    def load(self, tensors: dict[str, Any], facts: dict[str, Any]) -> float:
        """Take over a checkpoint and return the seconds that were spent before it."""
        for log, stored in zip(self.logs, facts["logs"], strict=True):
            stored["checks"] = [(step, loss) for step, loss in stored["checks"]]
            vars(log).update(stored)
        if facts["counters"]["refitting"]:
            self.begin_refit()
        self.state.load(tensors, facts["counters"])
        self._began -= float(facts["seconds"])
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
