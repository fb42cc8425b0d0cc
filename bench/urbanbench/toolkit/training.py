"""The training loop all learned models share: batches of anchors, warm-up and linear decay, early stop, a log of every loss."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from urbanbench.errors import BadInput
from urbanbench.progress import tracking
from urbanbench.seeds import generator, integer_seed
from urbanbench.toolkit.schedule import Schedule, StageLog, learning_rate_factor

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Objective", "seeded_torch", "take_rows", "train_stage"]


class Objective(Protocol):
    """One contrastive objective: what it samples, what it trains and its loss."""

    name: str
    n_anchors: int

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """Return what this stage trains, as groups for the optimiser: ``{"params": [...], "lr": ...}``."""

    def modules(self) -> Sequence[nn.Module]:
        """Return the modules that this stage trains, to be switched between training and evaluation."""

    def loss(self, anchors: np.ndarray, rng: np.random.Generator) -> Tensor:
        """Return the loss of a batch of anchors, int64 (b,), whose other samples are drawn with `rng`."""


@contextmanager
def seeded_torch(seed: int, *purpose: str | int, device: str = "cpu") -> Iterator[None]:
    """Give torch's own random state a seed inside the block and put the old state back after it.

    Layers draw their first weights and dropout from that state and take no generator.
    """
    import torch

    devices = [torch.device(device)] if device.startswith("cuda") else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(integer_seed(seed, *purpose))
        yield


def take_rows(vectors: Tensor, rows: Tensor) -> Tensor:
    """Return ``vectors[rows]`` with a gradient that is the same bits every time.

    The gradient of plain indexing adds the rows that are taken more than once in any order where there are several threads.

    Parameters
    ----------
    vectors
        (n, dim).
    rows
        int64 of any shape; the result has that shape and dim behind it.
    """
    import torch.nn.functional as F  # noqa: N812  # the library's own customary name

    return F.embedding(rows, vectors)


def train_stage(objective: Objective, schedule: Schedule, *, seed: int, device: str = "cpu") -> StageLog:
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

    Raises
    ------
    BadInput
        Fewer than 4 anchors, or a loss that is not finite.
    """
    import torch

    training, held_out = _split(objective, schedule, seed)
    batch = min(schedule.batch, len(training))
    small = min(batch, len(held_out))
    per_epoch = max(1, len(training) // batch)
    total = min(per_epoch * schedule.epochs, schedule.max_steps or per_epoch * schedule.epochs)
    stage = StageLog(objective.name, batch, small, planned_steps=total)
    groups = [dict(group) for group in objective.parameter_groups()]
    optimiser = torch.optim.Adam(groups)
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: learning_rate_factor(min(step, total - 1), total, schedule.warmup)
    )
    keeper = _BestWeights(group["params"] for group in groups)
    began = time.perf_counter()
    every = max(1, total // schedule.checks)
    with (
        seeded_torch(seed, objective.name, "train", device=device),
        tracking(f"train {objective.name}", total) as bar,
    ):
        keeper.judge(stage, 0, _held_out_loss(objective, held_out, small, seed))
        for step, anchors in enumerate(_batches(training, batch, total, seed, objective.name), start=1):
            loss = _step(objective, anchors, generator(seed, objective.name, "sample", step), optimiser)
            scheduler.step()
            stage.steps.append(_finite(loss, objective.name, step))
            bar.advance(note=f"loss {loss:.3f} of chance {stage.chance:.3f}")
            if step % every == 0 or step == total:
                keeper.judge(stage, step, _held_out_loss(objective, held_out, small, seed))
                if keeper.stale >= schedule.patience:
                    break
    keeper.restore()
    stage.seconds = time.perf_counter() - began
    return stage


class _BestWeights:
    """Keeps a copy of the weights with the lowest held-out loss."""

    def __init__(self, groups: Iterable[Iterable[Tensor]]) -> None:
        self.parameters = [one for group in groups for one in group]
        self.copies = [one.detach().clone() for one in self.parameters]
        self.stale = 0

    def judge(self, stage: StageLog, step: int, loss: float) -> None:
        better = not stage.checks or loss < stage.best
        stage.checks.append((step, loss))
        self.stale = 0 if better else self.stale + 1
        if better:
            stage.best_step = step
            self.copies = [one.detach().clone() for one in self.parameters]

    def restore(self) -> None:
        for parameter, copy in zip(self.parameters, self.copies, strict=True):
            parameter.data.copy_(copy)


def _split(objective: Objective, schedule: Schedule, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw the held-out anchors: the share asked for, at least one batch where that leaves most anchors for training."""
    n = objective.n_anchors
    if n < 4:
        msg = f"Stage {objective.name!r} has {n} anchors. Expected at least 4. Leave the stage out with --set stages=, or give the model more data."
        raise BadInput(msg)
    count = max(2, min(max(round(n * schedule.held_out), schedule.batch), n // 5))
    order = generator(seed, objective.name, "held-out").permutation(n)
    return np.sort(order[count:]), np.sort(order[:count])


def _batches(anchors: np.ndarray, batch: int, total: int, seed: int, name: str) -> Iterator[np.ndarray]:
    """Give `total` batches of equal size; every pass is a new permutation."""
    given, epoch = 0, 0
    while given < total:
        order = generator(seed, name, "order", epoch).permutation(anchors)
        for start in range(0, len(order) - batch + 1, batch):
            if given == total:
                return
            yield order[start : start + batch]
            given += 1
        epoch += 1


def _step(objective: Objective, anchors: np.ndarray, rng: np.random.Generator, optimiser: Any) -> float:
    for module in objective.modules():
        module.train()
    optimiser.zero_grad(set_to_none=True)
    loss = objective.loss(anchors, rng)
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
    optimiser.step()
    return float(loss.detach())


def _held_out_loss(objective: Objective, anchors: np.ndarray, batch: int, seed: int) -> float:
    """Mean loss over the held-out anchors in batches of the training size, always with the same samples."""
    import torch

    for module in objective.modules():
        module.eval()
    with torch.no_grad():
        losses = [
            float(
                objective.loss(
                    anchors[start : start + batch], generator(seed, objective.name, "check", start)
                )
            )
            for start in range(0, len(anchors) - batch + 1, batch)
        ]
    return float(np.mean(losses))


def _finite(loss: float, name: str, step: int) -> float:
    if not np.isfinite(loss):
        msg = f"Stage {name!r} has loss {loss} at step {step}. Expected a finite number. A smaller learning rate may mend it."
        raise BadInput(msg)
    return loss
