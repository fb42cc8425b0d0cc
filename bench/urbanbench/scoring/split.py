"""Split: the three sides of one seed, the contract between those who cut and those who fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

__all__ = ["PIECES", "PREFIX", "SAME_TEST_UNITS", "TEST_SIDE", "Split", "is_split_file", "same_test_units"]

PREFIX = "file:"
"""Begins the word of a split that is a file: before its path in what is asked, before its name in what is kept."""


SAME_TEST_UNITS = "same_test_units"
"""Fact of each split of a file whose seeds all test the same units."""
TEST_SIDE = "test_side"
"""Fact of a split that deals groups out whole: a short hash of its test units, by which seeds that test the same ones are known."""
PIECES = "pieces"
"""Fact of a split that holds out whole neighbourhoods and may have few of them: how many there are, groups or blocks of a size that was asked for."""


def same_test_units(facts: Iterable[Mapping[str, object]]) -> bool:
    """Tell from what a result's splits say of themselves whether a file of splits tests the same units on every seed."""
    return any(bool(one.get(SAME_TEST_UNITS)) for one in facts)


def is_split_file(word: str) -> bool:
    """Tell whether a split word means a file."""
    return word.startswith(PREFIX)


@dataclass(frozen=True, eq=False)
class Split:
    """Row numbers of the three sides, each sorted and disjoint; complete, unless the split leaves units out on purpose.

    Parameters
    ----------
    train, val, test
        int64 arrays of rows of the targets.
    facts
        What the split says of itself, JSON-like: the width of a dead zone, how well distances are matched; {} for most.
    """

    train: np.ndarray
    val: np.ndarray
    test: np.ndarray
    facts: Mapping[str, float | int | str] = field(default_factory=dict)

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Units for training, validation and test."""
        return len(self.train), len(self.val), len(self.test)
