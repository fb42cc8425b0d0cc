"""What the splits of one set of units share, which makes their scores alike."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from urbanbench.judging.basis import whole_neighbourhoods
from urbanbench.scoring.split import PIECES

__all__ = ["Sharing", "sharing_of"]

_PIECES = 25
"""Blocks that hold units under the block split, at least (`urbanbench.scoring.block_size.resolve_block_size`)."""
_FEWEST = 3
"""Pieces of which a split has a side for training, validation and test each."""


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


def sharing_of(
    split: str, n_train: object, n_val: object, n_test: object, facts: Sequence[Mapping[str, object]] = ()
) -> Sharing:
    """Return what splits share.

    Parameters
    ----------
    split
        Their name.
    n_train, n_val, n_test
        Units on each side, of all splits together or one number a split.
    facts
        What the splits say of themselves: those that may have fewer pieces than a block split has tell how many.
    """
    train, val, test = (
        float(np.mean(np.asarray(count, dtype=np.float64))) for count in (n_train, n_val, n_test)
    )
    return Sharing(test / (train + val), _pieces(facts) if whole_neighbourhoods(split) else math.inf)


def _pieces(facts: Sequence[Mapping[str, object]]) -> float:
    told = [float(one[PIECES]) for one in facts if isinstance(one.get(PIECES), int | float)]  # type: ignore[arg-type]
    return float(np.clip(np.mean(told), _FEWEST, _PIECES)) if told else _PIECES
