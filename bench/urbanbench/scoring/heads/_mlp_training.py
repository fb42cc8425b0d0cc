"""Training of stacked perceptrons with early stopping per seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from urbanbench.scoring.heads._mlp_adam import Adam
from urbanbench.scoring.heads._mlp_batches import Batches, padded
from urbanbench.scoring.heads._mlp_net import Inputs, StackedMlp

__all__ = ["Fitted", "Schedule", "Wanted", "fit", "outputs_of"]

_MAX_GATHERED = 1 << 24


@dataclass(frozen=True)
class Schedule:
    """Optimiser and stopping; see `urbanbench.scoring.heads.mlp.MlpHead`."""

    learning_rate: float
    weight_decay: float
    max_epochs: int
    patience: int


@dataclass(frozen=True)
class Wanted:
    """What the networks should give.

    Parameters
    ----------
    values
        float32 (n, k): modelled values (k = 1), one-hot classes or shares; shared by all seeds.
    inverse, shift
        float32 (seeds, 1, k): standardised = value * inverse + shift; ones and zeros for classes and shares.
    soft
        True: softmax output and cross entropy. False: squared error.
    """

    values: torch.Tensor
    inverse: torch.Tensor
    shift: torch.Tensor
    soft: bool

    def slope(self, output: torch.Tensor, index: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Return the gradient of the weighted loss at the raw output (seeds, m, k), for rows `index` (seeds, m)."""
        if self.soft:
            return torch.softmax(output, dim=2).sub_(self._at(index)).mul_(weight)
        return (output - self._at(index)).mul_(weight).mul_(2)

    def loss(self, output: torch.Tensor, index: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Return the weighted loss per seed (seeds,)."""
        if self.soft:
            each = -(self._at(index) * torch.log_softmax(output, dim=2))
        else:
            each = (output - self._at(index)) ** 2
        return (each * weight).sum(dim=(1, 2))

    def keep(self, seeds: torch.Tensor) -> Wanted:
        """Return the wanted outputs of some of the seeds."""
        return Wanted(self.values, self.inverse[seeds], self.shift[seeds], self.soft)

    def _at(self, index: torch.Tensor) -> torch.Tensor:
        return torch.addcmul(self.shift, self.values[index], self.inverse)


@dataclass
class Fitted:
    """Networks of all seeds at their best epochs.

    Parameters
    ----------
    net
        The stacked networks.
    loss
        float64 (seeds,): lowest validation loss, on the standardised scale.
    best_epoch, epochs
        int64 (seeds,): epoch of that loss, counted from 1, and epochs trained.
    """

    net: StackedMlp
    loss: np.ndarray
    best_epoch: np.ndarray
    epochs: np.ndarray


@torch.no_grad()
def fit(
    net: StackedMlp,
    inputs: Inputs,
    wanted: Wanted,
    batches: Batches,
    val: Sequence[np.ndarray],
    schedule: Schedule,
) -> Fitted:
    """Train one network per seed, all at once.

    A seed that has not improved for `schedule.patience` epochs is taken out of the stack and the others go on without
    it, so no time is spent on finished seeds.

    Parameters
    ----------
    net
        First weights of all seeds; they are changed.
    inputs, wanted, batches
        What goes in, what should come out and in which order.
    val
        Validation rows per seed.
    schedule
        Optimiser and stopping.
    """
    seeds = len(val)
    best = Fitted(
        net.keep(torch.arange(seeds)), np.full(seeds, np.inf), np.zeros(seeds, int), np.zeros(seeds, int)
    )
    adam, active = Adam.of(net.layers, schedule.learning_rate, schedule.weight_decay), np.arange(seeds)
    stack = _Stack.of(net, inputs, wanted, batches, val, adam, active)
    for epoch in range(1, schedule.max_epochs + 1):
        stack.train_epoch(batches.shuffled(active.tolist()))
        _note(best, active, stack, epoch)
        going = epoch - best.best_epoch[active] < schedule.patience
        if not going.any():
            break
        if not going.all():
            active = active[going]
            stack = stack.keep(np.flatnonzero(going), batches, val, active)
    return best


def _note(best: Fitted, active: np.ndarray, stack: _Stack, epoch: int) -> None:
    """Keep loss and weights of the seeds that improved in this epoch."""
    loss = stack.validate()
    better = loss < best.loss[active]
    best.epochs[active] = epoch
    best.loss[active[better]] = loss[better]
    best.best_epoch[active[better]] = epoch
    if better.any():
        best.net.put(torch.from_numpy(active[better]), stack.net, torch.from_numpy(np.flatnonzero(better)))


@dataclass
class _Stack:
    """Everything of the seeds that still train."""

    net: StackedMlp
    inputs: Inputs
    wanted: Wanted
    adam: Adam
    weights: torch.Tensor
    val_index: torch.Tensor
    val_weight: torch.Tensor

    @classmethod
    def of(
        cls,
        net: StackedMlp,
        inputs: Inputs,
        wanted: Wanted,
        batches: Batches,
        val: Sequence[np.ndarray],
        adam: Adam,
        active: np.ndarray,
    ) -> _Stack:
        device = inputs.matrix.device
        weights = torch.from_numpy(batches.weights(active.tolist())).to(device)
        return cls(net, inputs, wanted, adam, weights, *padded([val[s] for s in active], device))

    def train_epoch(self, order: np.ndarray) -> None:
        index = torch.from_numpy(order).to(self.weights.device)
        for rows, weight in zip(index, self.weights, strict=True):
            x = self.inputs.gather(rows)
            outputs = self.net.forward(x)
            self.net.backward(x, outputs, self.wanted.slope(outputs[-1], rows, weight))
            self.adam.step(self.net.layers)

    def validate(self) -> np.ndarray:
        """Return the validation loss per seed, float64 (seeds,)."""
        total = torch.zeros(len(self.val_index), device=self.val_index.device)
        for part, output in _chunks(self.net, self.inputs, self.val_index):
            total += self.wanted.loss(output, self.val_index[:, part], self.val_weight[:, part])
        return total.double().cpu().numpy()

    def keep(
        self,
        places: np.ndarray,
        batches: Batches,
        val: Sequence[np.ndarray],
        active: np.ndarray,
    ) -> _Stack:
        """Return a stack of the seeds at some places, the optimiser's memory included."""
        chosen = torch.from_numpy(places).to(self.weights.device)
        parts = self.net.keep(chosen), self.inputs.keep(chosen), self.wanted.keep(chosen)
        return _Stack.of(*parts, batches, val, self.adam.keep(chosen), active)


def _chunks(net: StackedMlp, inputs: Inputs, index: torch.Tensor) -> list[tuple[slice, torch.Tensor]]:
    """Return the raw outputs for rows (seeds, m), in parts small enough to be gathered."""
    size = max(1, _MAX_GATHERED // (index.shape[0] * inputs.matrix.shape[1]))
    parts = [slice(start, start + size) for start in range(0, index.shape[1], size)]
    return [(part, net.forward(inputs.gather(index[:, part]))[-1]) for part in parts]


@torch.no_grad()
def outputs_of(net: StackedMlp, inputs: Inputs, rows: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the raw outputs float32 (m, k) of each seed's network for its rows."""
    index, _ = padded(rows, inputs.matrix.device)
    output = torch.cat([part for _, part in _chunks(net, inputs, index)], dim=1).cpu().numpy()
    return [output[k, : len(part)] for k, part in enumerate(rows)]
