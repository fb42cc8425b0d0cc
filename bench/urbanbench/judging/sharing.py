"""What the splits of one set of units share, which makes their scores alike."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from urbanbench.scoring.split import same_test_units
from urbanbench.scoring.splits import rung_name

__all__ = ["Sharing", "may_repeat", "repeated", "sharing_of", "tests_the_same", "whole_neighbourhoods"]

_WHOLE = {"block", "buffered", "group", "knndm"}
"""Splits, whatever their argument, that differ from seed to seed by whole neighbourhoods."""
_ONE_CITY, _DEALT = "city-out", "group"
_PIECES = 25
"""Blocks that hold units under the block split, at least (`urbanbench.scoring.block_size.resolve_block_size`)."""


@dataclass(frozen=True)
class Sharing:
    """How splits hang together.

    Parameters
    ----------
    ratio
        Units tested over units not tested, n2 / n1 of Nadeau and Bengio (2003), where all that are not tested train. Validation units are among
        them: of means over test parts of one fixed set of units it is exactly the variance that all splits share over that between splits.
    pieces
        Number of pieces that test parts are put together from: blocks, or infinite for single units.
    """

    ratio: float
    pieces: float = math.inf

    def freedom(self, splits: int) -> float:
        """Degrees of freedom of the variance over some number of splits.

        It scatters for the number of splits (J - 1), and because these pieces stand for all there might be (B - 1): relative variances add up.
        """
        return float(1.0 / (1.0 / (splits - 1) + 1.0 / (self.pieces - 1)))


def whole_neighbourhoods(split: str) -> bool:
    """Tell whether splits of a name hold out whole neighbourhoods, and not single units drawn from everywhere."""
    return rung_name(split) in _WHOLE


def tests_the_same(split: str, facts: Iterable[Mapping[str, object]]) -> bool:
    """Tell whether every seed tests the same units, a whole city or those of a file of splits, so that scores of seeds differ by heads, shots and training units alone.

    They then say nothing of how other units, or another city, would come out: only a test over the units themselves does.

    Parameters
    ----------
    split
        Name of the split.
    facts
        What the splits say of themselves, as results have it in `split_facts`.
    """
    return rung_name(split) == _ONE_CITY or same_test_units(facts)


def may_repeat(split: str) -> bool:
    """Tell whether seeds of a split may test the same units again: where few groups are dealt out whole."""
    return rung_name(split) == _DEALT


def repeated(tested: Sequence[np.ndarray]) -> bool:
    """Tell whether fewer than half of the splits, given by their test units, are different ones."""
    return 2 * len({rows.tobytes() for rows in tested}) < len(tested)


def sharing_of(split: str, n_train: object, n_val: object, n_test: object) -> Sharing:
    """Return what splits share.

    Parameters
    ----------
    split
        Their name.
    n_train, n_val, n_test
        Units on each side, of all splits together or one number a split.
    """
    train, val, test = (
        float(np.mean(np.asarray(count, dtype=np.float64))) for count in (n_train, n_val, n_test)
    )
    return Sharing(test / (train + val), _PIECES if whole_neighbourhoods(split) else math.inf)
