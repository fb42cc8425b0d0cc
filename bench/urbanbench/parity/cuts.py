"""Splits as papers make them: contiguous folds in the order of ids, random shares, and scikit-learn's shuffled split with published seeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.errors import RunRefused
from urbanbench.scoring.split import Split
from urbanbench.seeds import generator

if TYPE_CHECKING:
    from urbanbench.scoring.targets import Targets

__all__ = ["Folds", "Shares", "Shuffled"]


@dataclass(frozen=True)
class Folds:
    """Contiguous folds of targets as they stand, which a task gives in the order of their ids, as scikit-learn's ``KFold`` cuts them when it does not shuffle.

    Parameters
    ----------
    count
        Number of folds; the first ones are one unit longer where they cannot be equal.
    """

    count: int

    @property
    def words(self) -> str:
        """Say the split in a line."""
        return f"{self.count} contiguous folds in the order of unit ids"

    def folds(self, targets: Targets, seed: int, name: str) -> list[Split]:
        """Return one split per fold, without validation rows; nothing in it is random.

        Raises
        ------
        RunRefused
            Fewer units than folds.
        """
        del seed
        if len(targets) < self.count:
            msg = f"Protocol {name!r} cuts {self.count} folds. The label has {len(targets)} units."
            raise RunRefused(msg)
        rows = np.arange(len(targets))
        none = rows[:0]
        return [Split(np.setdiff1d(rows, test), none, test) for test in np.array_split(rows, self.count)]


@dataclass(frozen=True)
class Shares:
    """Random shares of the units.

    Parameters
    ----------
    train, val
        Parts for training and validation; the rest is for testing.
    of
        All parts.
    whole_parts
        Cut the units into `of` equal parts first, so that what is left over goes to the test side.
    by_class
        Cut each class on its own.
    """

    train: int
    val: int
    of: int
    whole_parts: bool = False
    by_class: bool = False

    @property
    def words(self) -> str:
        """Say the split in a line."""
        shares = [self.train, self.val, self.of - self.train - self.val]
        shown = "/".join(f"{100 * share / self.of:g}" for share in shares if share)
        return f"random {shown}{' within each class' if self.by_class else ''}"

    def folds(self, targets: Targets, seed: int, name: str) -> list[Split]:
        """Return the repeat's one split.

        Raises
        ------
        RunRefused
            Too few units to give each side one.
        """
        rng = generator(seed, "protocol", name, "split")
        groups = (
            [np.flatnonzero(targets.codes == code) for code in range(len(targets.classes))]
            if self.by_class
            else [np.arange(len(targets))]
        )
        sides = [self._cut(rng.permutation(group)) for group in groups]
        train, val, test = (np.concatenate(parts) for parts in zip(*sides, strict=True))
        if not len(train) or not len(test) or (self.val and not len(val)):
            got = f"{len(train)}/{len(val)}/{len(test)}"
            msg = f"Protocol {name!r} leaves a side of its split empty ({got} of {len(targets)} units). Expected units on each side."
            raise RunRefused(msg)
        return [Split(train, val, test)]

    def _cut(self, rows: np.ndarray) -> list[np.ndarray]:
        ends = (self.train, self.train + self.val)
        if self.whole_parts:
            at = [len(rows) // self.of * end for end in ends]
        else:
            at = [len(rows) * end // self.of for end in ends]
        return np.split(rows, at)


@dataclass(frozen=True)
class Shuffled:
    """The very units that scikit-learn's ``train_test_split`` draws with a published ``random_state``, in the order drawn; no validation side.

    Parameters
    ----------
    test
        Share of the units on the test side, rounded up to whole units.
    first
        ``random_state`` of the first repeat; each further repeat has the next number.
    """

    test: float
    first: int = 0

    @property
    def words(self) -> str:
        """Say the split in a line."""
        return f"random {100 * (1 - self.test):g}/{100 * self.test:g} as scikit-learn draws it with random_state {self.first}, {self.first + 1}, …"

    def folds(self, targets: Targets, seed: int, name: str) -> list[Split]:
        """Return the repeat's one split.

        Raises
        ------
        RunRefused
            Fewer than two units.
        """
        from sklearn.model_selection import train_test_split

        if len(targets) < 2:
            msg = f"Protocol {name!r} needs units on both sides. Expected at least 2, got {len(targets)}."
            raise RunRefused(msg)
        rows = np.arange(len(targets))
        train, test = train_test_split(rows, test_size=self.test, random_state=self.first + seed)
        return [Split(train, rows[:0], test)]
