"""How the losses of objectives that are trained together become one."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp
from typing import TYPE_CHECKING, Protocol

from urbanbench.errors import UnknownName

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["WEIGHINGS", "DynamicAverage", "Equal", "Uncertainty", "Weighing", "weighing_named"]

WEIGHINGS = ("equal", "uncertainty", "dwa")
DWA_TEMPERATURE = 2.0


class Weighing(Protocol):
    """Weighs the losses of one step."""

    name: str

    def parameters(self) -> Sequence[nn.Parameter]:
        """Return what is trained along."""

    def total(self, losses: Sequence[Tensor], before: Sequence[Sequence[float]]) -> Tensor:
        """Return one loss of the objectives' losses at this step; `before` has those of each objective at the steps before."""


class Equal:
    """The sum."""

    name = "equal"

    def parameters(self) -> Sequence[nn.Parameter]:
        """Nothing is trained."""
        return ()

    def total(self, losses: Sequence[Tensor], before: Sequence[Sequence[float]]) -> Tensor:
        """Return the sum of the losses."""
        del before
        return _sum(losses)


class Uncertainty:
    """``exp(-s) L + s / 2`` with a trained log-variance s per objective, 0 at first (Kendall, Gal and Cipolla 2018, Eq. 10).

    Parameters
    ----------
    count
        Number of objectives.
    device
        Where the losses are.
    """

    name = "uncertainty"

    def __init__(self, count: int, device: str) -> None:
        import torch

        self.log_variance = torch.nn.Parameter(torch.zeros(count, device=device))

    def parameters(self) -> Sequence[nn.Parameter]:
        """Return the log-variances, (objectives,)."""
        return (self.log_variance,)

    def total(self, losses: Sequence[Tensor], before: Sequence[Sequence[float]]) -> Tensor:
        """Return the sum of losses, each divided by its variance, and of the standard deviations' logarithms."""
        del before
        return _sum([(-s).exp() * loss + s / 2 for loss, s in zip(losses, self.log_variance, strict=True)])


class DynamicAverage:
    """Objectives that fall slowly weigh more (dynamic weight averaging; Liu, Johns and Davison 2019, Eq. 7).

    The paper compares the mean losses of two epochs. Objectives of different size have no common epoch, so two spans of equally many
    steps stand for them.

    Parameters
    ----------
    span
        Steps in a span; the weights change after each. 1 in the first two spans.
    """

    name = "dwa"

    def __init__(self, span: int) -> None:
        self.span = span

    def parameters(self) -> Sequence[nn.Parameter]:
        """Nothing is trained."""
        return ()

    def total(self, losses: Sequence[Tensor], before: Sequence[Sequence[float]]) -> Tensor:
        """Return the weighted sum."""
        weights = self.weights(before)
        return _sum([weight * loss for weight, loss in zip(weights, losses, strict=True)])

    def weights(self, steps: Sequence[Sequence[float]]) -> list[float]:
        """Return the weights after some steps, one per objective, their sum the number of objectives."""
        spans = len(steps[0]) // self.span
        if spans < 2:
            return [1.0] * len(steps)
        end = spans * self.span
        ratios = [
            sum(one[end - self.span : end]) / max(sum(one[end - 2 * self.span : end - self.span]), 1e-12)
            for one in steps
        ]
        powers = [exp(ratio / DWA_TEMPERATURE) for ratio in ratios]
        return [len(steps) * power / sum(powers) for power in powers]


def weighing_named(name: str, *, count: int, span: int, device: str) -> Weighing:
    """Return the weighing of a name, for `count` objectives.

    Raises
    ------
    UnknownName
        No such weighing.
    """
    if name not in WEIGHINGS:
        raise UnknownName("weighing", name, WEIGHINGS)
    if name == "uncertainty":
        return Uncertainty(count, device)
    return DynamicAverage(span) if name == "dwa" else Equal()


def _sum(losses: Sequence[Tensor]) -> Tensor:
    total = losses[0]
    for one in losses[1:]:
        total = total + one
    return total
