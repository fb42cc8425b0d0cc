"""The rungs as scikit-learn knows splitters: positions in, pairs of row numbers out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.errors import BadInput
from urbanbench.scoring.protocol import Protocol
from urbanbench.scoring.splits.make import make_splits
from urbanbench.scoring.targets import Targets

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from urbanbench.scoring.split import Split

__all__ = ["Splitter"]


@dataclass(frozen=True, eq=False)
class Splitter:
    """A rung of the ladder with scikit-learn's ``split`` and ``get_n_splits``.

    As in verde, `X` is where the samples lie, not what is known of them.

    Parameters
    ----------
    rung
        A split word: "random", "block", "buffered", "buffered:800", "knndm", "group", "city-out:singapore", …
    seeds
        One split each.
    fractions
        Shares of units in (train, validation, test); None: 60/20/20, or 50/25/25 for classes.
    block_size_m
        Side of the square blocks; None: from the range of `y`.
    domain
        Places (m, 2) where the label is to be predicted, in metres; for "knndm".
    with_validation
        Whether validation rows stay out of the training rows. They are their first part otherwise.

    Examples
    --------
    >>> xy = np.stack(np.divmod(np.arange(100), 10), axis=1) * 100.0
    >>> train, test = next(Splitter("block", block_size_m=200.0).split(xy, xy.sum(axis=1)))
    >>> len(train) + len(test)
    100
    """

    rung: str = "random"
    seeds: tuple[int, ...] = tuple(range(10))
    fractions: tuple[float, float, float] | None = None
    block_size_m: float | None = None
    domain: np.ndarray | None = None
    with_validation: bool = False

    def get_n_splits(
        self, X: ArrayLike | None = None, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> int:
        """Return the number of splits."""
        del X, y, groups
        return len(self.seeds)

    def split(
        self, X: ArrayLike, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield sorted rows (train, test) of each seed; a rung may leave rows out of both.

        Parameters
        ----------
        X
            Positions (n, 2), (easting, northing) in metres.
        y
            Numbers or class names (n,); decide block sizes and ranges, and classes are stratified. None counts as equal numbers.
        groups
            Area of each row (n,), for "group"; its city for "city-out".

        Raises
        ------
        BadInput
            Shapes that do not fit, or rows that the rung cannot split.
        """
        for one in self.sides(X, y, groups):
            train = one.train if self.with_validation else np.sort(np.concatenate([one.train, one.val]))
            yield train, one.test

    def sides(self, X: ArrayLike, y: ArrayLike | None = None, groups: ArrayLike | None = None) -> list[Split]:
        """Return all three sides of each seed; parameters as of `split`."""
        protocol = Protocol(
            self.rung, seeds=self.seeds, block_size_m=self.block_size_m, fractions=self.fractions
        )
        return make_splits(self._targets(np.asarray(X, dtype=np.float64), y, groups), protocol)

    def _targets(self, xy: np.ndarray, y: ArrayLike | None, groups: ArrayLike | None) -> Targets:
        values = np.zeros(len(xy)) if y is None else np.asarray(y)
        if values.ndim != 1:
            msg = f"Splitter got y of shape {values.shape}. Expected (n,): numbers or class names."
            raise BadInput(msg)
        named = values.dtype.kind not in "fiu"
        width = len(str(len(xy)))
        return Targets(
            ids=np.array([f"{row:0{width}d}" for row in range(len(xy))]),
            level="region",
            kind="classification" if named else "regression",
            values=np.array([str(one) for one in values], dtype=object) if named else values,
            classes=tuple(sorted({str(one) for one in values})) if named else (),
            unit="",
            xy=xy,
            groups=None if groups is None else np.asarray(groups),
            domain=self.domain,
        )
