"""One objective in training: which anchors are held out, the batch of every step, its losses and their log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.errors import BadInput
from urbanbench.seeds import generator
from urbanbench.toolkit.training.distributed import processes
from urbanbench.toolkit.training.schedule import Schedule
from urbanbench.toolkit.training.stage_log import StageLog
from urbanbench.toolkit.training.transfer import numbers

if TYPE_CHECKING:
    from torch import Tensor

    from urbanbench.toolkit.training.objective import Objective

__all__ = ["Stage"]


class Stage:
    """An objective with its split and batches, all of which follow from the seed and the step.

    Parameters
    ----------
    objective
        What to train.
    schedule
        How.
    seed
        Seed of the split, of batches and of samples.

    Raises
    ------
    BadInput
        Fewer than 4 anchors, or fewer in a batch than there are processes.
    """

    def __init__(self, objective: Objective, schedule: Schedule, *, seed: int) -> None:
        self.objective, self.seed = objective, seed
        self.training, self.held_out = _split(objective, schedule, seed)
        batch = _shared(min(schedule.batch, len(self.training)), objective.name)
        small = _shared(min(batch, len(self.held_out)), objective.name)
        self.log = StageLog(objective.name, batch, small, anchors=len(self.training))
        self.per_epoch = max(1, len(self.training) // batch)
        self.refits = False
        self._order: tuple[int, np.ndarray] = (-1, self.training)
        self._unread: list[tuple[int, Tensor]] = []

    def batch(self, step: int) -> np.ndarray:
        """Return the anchors of a step (from 1), int64 (batch,); every pass over the anchors is a new permutation."""
        epoch, place = divmod(step - 1, self.per_epoch)
        if self._order[0] != epoch:
            drawn = generator(self.seed, self.objective.name, "order", epoch).permutation(self.training)
            self._order = (epoch, drawn)
        return self._order[1][place * self.log.batch : (place + 1) * self.log.batch]

    @property
    def keeps_apart(self) -> bool:
        """Whether there are anchors that are not trained on."""
        return len(self.training) < self.objective.n_anchors

    @property
    def losses(self) -> list[float]:
        """Training losses of this fit, to which `read` adds."""
        return self.log.refit if self.refits else self.log.steps

    def take_all(self) -> None:
        """Begin anew with all anchors, the held-out ones among them, in batches of the same size."""
        self.refits, self.training = True, np.arange(self.objective.n_anchors)
        self.per_epoch = max(1, len(self.training) // self.log.batch)
        self._order = (-1, self.training)

    def loss(self, step: int) -> Tensor:
        """Return the training loss of a step, with gradients."""
        anchors = self.batch(step)
        loss = self.objective.loss(anchors, generator(self.seed, self.objective.name, "sample", step))
        self.log.own_chance = _own_chance(self.objective)
        return loss

    def expect(self, step: int) -> None:
        """Tell the objective, where it wants to know, what a step will sample: it fetches that while the device still works."""
        told = getattr(self.objective, "expect", None)
        if told is not None:
            told(self.batch(step), generator(self.seed, self.objective.name, "sample", step))

    def held_out_loss(self) -> float:
        """Return the mean loss over the held-out anchors in batches of the training size, always with the same samples."""
        batch, losses, chances = self.log.held_out_batch, [], []
        for start in range(0, len(self.held_out) - batch + 1, batch):
            rng = generator(self.seed, self.objective.name, "check", start)
            losses.append(self.objective.loss(self.held_out[start : start + batch], rng))
            chances.append(_own_chance(self.objective))
        known = [one for one in chances if one is not None]
        self.log.own_held_out_chance = float(np.mean(known)) if known else None
        return float(np.mean(numbers(losses)))

    def took(self, loss: Tensor, step: int) -> None:
        """Take note of the training loss of a step; it stays where it is until `read`."""
        self._unread.append((step, loss.detach()))

    def read(self) -> None:
        """Log the losses of the steps since the last reading, brought to the host in one copy.

        Raises
        ------
        BadInput
            A loss is not finite.
        """
        steps, self._unread = self._unread, []
        for (step, _), loss in zip(steps, numbers([one for _, one in steps]), strict=True):
            if not np.isfinite(loss):
                msg = f"Stage {self.log.name!r} has loss {loss} at step {step}. Expected a finite number. A smaller learning rate may mend it."
                raise BadInput(msg)
            self.losses.append(loss)


def _own_chance(objective: Any) -> float | None:
    """Return what the objective says of its last loss, where its candidates are not the anchors of the batch."""
    own = getattr(objective, "chance", None)
    return None if own is None else float(own)


def _split(objective: Objective, schedule: Schedule, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw the held-out anchors: the share asked for, at least one batch where that leaves most anchors for training.

    Of a share of 0 all anchors are both. An objective whose anchors are not independent says itself which are held out.
    """
    n = objective.n_anchors
    if n < 4:
        msg = f"Stage {objective.name!r} has {n} anchors. Expected at least 4. Leave the stage out with --set stages=, or give the model more data."
        raise BadInput(msg)
    own = getattr(objective, "held_out", None)
    if own is not None:
        return np.setdiff1d(np.arange(n), own), np.unique(own)
    if not schedule.held_out:
        return np.arange(n), np.arange(n)
    count = max(2, min(max(round(n * schedule.held_out), schedule.batch), n // 5))
    order = generator(seed, objective.name, "held-out").permutation(n)
    return np.sort(order[count:]), np.sort(order[:count])


def _shared(batch: int, name: str) -> int:
    """Round a batch down to a multiple of the number of processes."""
    several = processes()
    if batch < several:
        msg = f"Stage {name!r} has batches of {batch} anchors for {several} processes. Expected at least one each. Start fewer processes."
        raise BadInput(msg)
    return batch - batch % several
