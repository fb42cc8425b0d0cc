"""Differences between the two regions of pairs: true ones beside predicted ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.experiments.kinds.report import Figure
from urbanbench.figures.style import COLOURS, SOFT

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

    from urbanbench.experiments.kinds.held_out import HeldOut

__all__ = ["Gaps", "gap_figure", "gaps_of"]


@dataclass(frozen=True, eq=False)
class Gaps:
    """True and predicted values of the pairs that can be judged: both regions tested, labels not equal.

    Parameters
    ----------
    pairs
        Region ids.
    true, predicted
        float64 (m, 2), in the order of the pairs.
    """

    pairs: tuple[tuple[str, str], ...]
    true: np.ndarray
    predicted: np.ndarray

    def __len__(self) -> int:
        return len(self.pairs)

    @classmethod
    def none(cls) -> Gaps:
        """No pair at all."""
        return cls((), np.empty((0, 2)), np.empty((0, 2)))

    @property
    def regions(self) -> int:
        """Number of different regions."""
        return len({name for pair in self.pairs for name in pair})

    @property
    def right(self) -> float:
        """Pairs whose larger region is predicted larger; equal predictions count as half."""
        product = self._steps(self.true) * self._steps(self.predicted)
        return float((product > 0).sum() + 0.5 * (product == 0).sum())

    @property
    def found(self) -> float:
        """Share of the gaps that is predicted: slope through the origin of predicted over true differences; 1 is all, 0 none."""
        true, predicted = self._steps(self.true), self._steps(self.predicted)
        return float((true * predicted).sum() / (true**2).sum())

    @property
    def error(self) -> float:
        """Mean absolute error over the different regions, in the target's unit."""
        names = [name for pair in self.pairs for name in pair]
        first = [names.index(name) for name in dict.fromkeys(names)]
        return float(np.abs(self.predicted - self.true).ravel()[first].mean())

    def widest(self) -> list[tuple[str, str]]:
        """Return the pairs, largest true gap first, each with its smaller region first; ties by id."""
        ordered = [
            pair if low <= high else (pair[1], pair[0])
            for pair, (low, high) in zip(self.pairs, self.true.tolist(), strict=True)
        ]
        width = np.abs(self._steps(self.true))
        return [pair for _, pair in sorted(zip((-width).tolist(), ordered, strict=True))]

    @staticmethod
    def _steps(values: np.ndarray) -> np.ndarray:
        return np.asarray(values[:, 1] - values[:, 0])

    def of(self, pair: tuple[str, str]) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return (true, predicted) values of a pair of `widest`, in its order."""
        turned = pair not in self.pairs
        row = self.pairs.index((pair[1], pair[0]) if turned else pair)
        true, predicted = self.true[row].tolist(), self.predicted[row].tolist()
        if turned:
            true, predicted = true[::-1], predicted[::-1]
        return (true[0], true[1]), (predicted[0], predicted[1])


def gaps_of(pairs: Sequence[tuple[str, str]], held_out: HeldOut, *, together: bool = False) -> Gaps:
    """Look pairs up in predictions; pairs with a region that was never tested, or with equal labels, are left out.

    Parameters
    ----------
    pairs
        Region ids.
    held_out
        Predictions by region and seed; the mean over seeds counts.
    together
        Count only the seeds that tested both regions of a pair: the same head then answered for both, so equal vectors give equal
        answers. Pairs without such a seed are left out.
    """
    true = held_out.true.to_dict()
    both = [pair for pair in pairs if pair[0] in true and pair[1] in true and true[pair[0]] != true[pair[1]]]
    if not both:
        return Gaps.none()
    sides = [held_out.predicted.loc[[pair[side] for pair in both]].to_numpy(np.float64) for side in (0, 1)]
    tested = [~np.isnan(side) for side in sides]
    if together:
        tested = [tested[0] & tested[1]] * 2
    count = np.stack([some.sum(axis=1) for some in tested], axis=1)
    total = np.stack(
        [np.where(some, side, 0.0).sum(axis=1) for some, side in zip(tested, sides, strict=True)], axis=1
    )
    kept = np.asarray((count > 0).all(axis=1))
    chosen = tuple(pair for pair, keep in zip(both, kept.tolist(), strict=True) if keep)
    values = np.array([[true[one], true[other]] for one, other in chosen], dtype=np.float64).reshape(-1, 2)
    return Gaps(chosen, values, total[kept] / count[kept])


def gap_figure(name: str, title: str, pair: tuple[str, str], rows: Mapping[str, Gaps], unit: str) -> Figure:
    """Return the pair as bars, truth first, beside the predicted over the true gap of all pairs.

    Parameters
    ----------
    name, title
        Of the figure.
    pair
        A pair of `Gaps.widest`.
    rows
        Label to gaps of the same pairs.
    unit
        Unit of the values.
    """

    def draw(canvas: Canvas) -> None:
        left, right = canvas.subplots(1, 2)
        bars = {"truth": next(iter(rows.values())).of(pair)[0]}
        bars |= {label: gaps.of(pair)[1] for label, gaps in rows.items()}
        width = 0.8 / len(bars)
        for place, (label, values) in enumerate(bars.items()):
            colour = "#444444" if place == 0 else COLOURS[(place - 1) % len(COLOURS)]
            left.bar([0 + place * width, 1 + place * width], values, width, color=colour, label=label)
        left.set_xticks([0.4 - width / 2, 1.4 - width / 2], list(pair))
        left.set(title="the widest gap", ylabel=unit)
        canvas.legend(loc="outside lower center", ncols=len(bars), fontsize="small")
        for place, gaps in enumerate(rows.values()):
            steps = [part[:, 1] - part[:, 0] for part in (gaps.true, gaps.predicted)]
            upward = np.where(steps[0] < 0, -1.0, 1.0)
            colour = COLOURS[place % len(COLOURS)]
            right.scatter(steps[0] * upward, steps[1] * upward, s=9, color=colour, alpha=0.7)
        right.axhline(0.0, color=SOFT, linewidth=1)
        right.set(title="all pairs", xlabel=f"true gap ({unit})", ylabel="predicted gap")

    return Figure(name, title, draw, (9.0, 3.6))
