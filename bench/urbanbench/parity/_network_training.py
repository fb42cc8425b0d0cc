"""Training of the papers' perceptrons."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch

from urbanbench.parity.forms import largest, natural_form
from urbanbench.scoring.metrics import compute_metrics
from urbanbench.seeds import generator, torch_generator

if TYPE_CHECKING:
    from urbanbench.parity.recipe import Recipe
    from urbanbench.scoring.split import Split
    from urbanbench.scoring.targets import Targets

__all__ = ["Perceptron", "trained"]

_SLOW = 0.999
_ACTIVATIONS: dict[str, type[torch.nn.Module]] = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}


class Perceptron(torch.nn.Module):
    """The perceptron of a `Recipe` of given widths, its weights drawn as PyTorch draws those of ``Linear``, but from a generator of its own."""

    def __init__(
        self,
        head: Recipe,
        width: int,
        beside: int,
        outputs: int,
        first: torch.Generator,
        halves: tuple[slice, slice] | None = None,
    ) -> None:
        super().__init__()
        self.halves = halves
        if halves is not None:
            half = halves[0].stop - halves[0].start
            self.gate, width = _linear(2 * half, half, first), 2 * half
        self.entry = torch.nn.Sequential()
        if head.entry:
            self.entry = torch.nn.Sequential(_linear(width, head.entry, first), torch.nn.ReLU())
        sizes = [(head.entry or width) + beside, *head.hidden]
        layers: list[torch.nn.Module] = []
        for before, after in pairwise(sizes):
            norm = [torch.nn.BatchNorm1d(after)] if head.batch_norm else []
            layers += [_linear(before, after, first), *norm, _ACTIVATIONS[head.activation]()]
        self.layers = torch.nn.Sequential(*layers, _linear(sizes[-1], outputs, first))

    def forward(self, vectors: torch.Tensor, beside: torch.Tensor) -> torch.Tensor:
        """Return outputs (m, k) of vectors (m, width) with what stands beside them (m, beside)."""
        if self.halves is not None:
            large, small = (vectors[:, half] for half in self.halves)
            share = torch.sigmoid(self.gate(torch.cat([large, small], dim=1)))
            vectors = torch.cat([large, share * large + (1 - share) * small], dim=1)
        outputs: torch.Tensor = self.layers(torch.cat([self.entry(vectors), beside], dim=1))
        return outputs


def _linear(before: int, after: int, first: torch.Generator) -> torch.nn.Linear:
    layer: torch.nn.Linear = torch.nn.utils.skip_init(torch.nn.Linear, before, after)  # type: ignore[no-untyped-call]
    reach = before**-0.5
    for part in (layer.weight, layer.bias):
        torch.nn.init.uniform_(part, -reach, reach, generator=first)
    return layer


def trained(
    head: Recipe,
    vectors: np.ndarray,
    beside: np.ndarray,
    targets: Targets,
    split: Split,
    *,
    halves: tuple[slice, slice] | None = None,
    seed: int,
    name: str,
    device: str,
) -> tuple[np.ndarray, int]:
    """Train and return the outputs of all rows, float64 (n, k), and the epoch they are from, counted from 1.

    `halves` are the columns of two halves of the vectors that are gated first.

    Where no epoch has a validation score that is a number, the last one counts.
    """
    first = torch_generator(seed, "protocol", name, "weights")
    outputs = len(targets.classes) or 1
    net = Perceptron(head, vectors.shape[1], beside.shape[1], outputs, first, halves).to(device)
    data = _Data.of(vectors, beside, targets, device)
    adam = torch.optim.Adam(net.parameters(), lr=head.learning_rate)
    rates, order = _rates(head, len(split.train)), generator(seed, "protocol", name, "order")
    best, chosen, kept = -np.inf, head.epochs, np.empty(0)
    for epoch in range(1, head.epochs + 1):
        for rows in _batches(head, split.train, order):
            _step(net, adam, next(rates), data, torch.from_numpy(rows).to(device))
        seen = data.outputs(net)
        score = _validation_score(seen[split.val], targets, split)
        if score > best:
            best, chosen, kept = score, epoch, seen
    return (kept, chosen) if np.isfinite(best) else (seen, head.epochs)


@dataclass(frozen=True, eq=False)
class _Data:
    """All rows on the device: vectors and what stands beside them, what is wanted, and the loss."""

    inputs: tuple[torch.Tensor, torch.Tensor]
    wanted: torch.Tensor
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

    @classmethod
    def of(cls, vectors: np.ndarray, beside: np.ndarray, targets: Targets, device: str) -> _Data:
        both = [torch.from_numpy(part.astype(np.float32)).to(device) for part in (vectors, beside)]
        return cls((both[0], both[1]), _wanted(targets).to(device), _LOSSES[targets.kind])

    def outputs(self, net: Perceptron) -> np.ndarray:
        """Return the outputs of all rows, float64 (n, k)."""
        net.eval()
        with torch.no_grad():
            return np.asarray(net(*self.inputs).cpu().numpy(), dtype=np.float64)


def _step(net: Perceptron, adam: torch.optim.Adam, rate: float, data: _Data, rows: torch.Tensor) -> None:
    net.train()
    adam.param_groups[0]["lr"] = rate
    adam.zero_grad()
    loss = data.loss(net(*(part[rows] for part in data.inputs)), data.wanted[rows])
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
    adam.step()


def _wanted(targets: Targets) -> torch.Tensor:
    if targets.kind == "classification":
        return torch.from_numpy(targets.codes)
    if targets.kind == "composition":
        return torch.from_numpy(targets.values.astype(np.float32))
    return torch.from_numpy((targets.values / largest(targets)).astype(np.float32))


def _rmse(outputs: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.mse_loss(outputs[:, 0], wanted).sqrt()


def _divergence(outputs: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.kl_div(outputs.log_softmax(dim=1), wanted, reduction="batchmean")


_LOSSES: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "regression": _rmse,
    "classification": torch.nn.functional.cross_entropy,
    "composition": _divergence,
}


def _validation_score(outputs: np.ndarray, targets: Targets, split: Split) -> float:
    """Return minus the RMSE, macro F1, or minus the KL divergence of the validation rows."""
    if targets.kind == "composition":
        shares = torch.from_numpy(targets.values[split.val])
        return -float(_divergence(torch.from_numpy(outputs), shares))
    predicted = natural_form(outputs, targets)
    scores = compute_metrics(targets.kind, targets.values[split.val], predicted, targets.classes)
    return scores["f1_macro"] if targets.kind == "classification" else -scores["rmse"]


def _batches(head: Recipe, train: np.ndarray, order: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield the rows of each batch; a last batch of one row joins the one before where it would have to be normalised."""
    rows = order.permutation(train) if head.shuffled else train
    starts = list(range(0, len(rows), head.batch))
    if head.batch_norm and len(starts) > 1 and len(rows) - starts[-1] == 1:
        starts.pop()
    for start, end in pairwise([*starts, len(rows)]):
        yield rows[start:end]


def _rates(head: Recipe, n_train: int) -> Iterator[float]:
    """Yield the learning rate of every step; the linear one counts full batches only, so it is 0 for the last few steps."""
    per_epoch = len(list(_batches(head, np.arange(n_train), np.random.default_rng(0))))
    planned = max(n_train // head.batch, 1) * head.epochs
    for step in range(per_epoch * head.epochs):
        factor = {
            "none": 1.0,
            "linear": max(0.0, (planned - step) / planned),
            "slow": _SLOW ** (step // per_epoch),
        }[head.decay]
        yield head.learning_rate * factor
