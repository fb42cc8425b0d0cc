"""Rung `block`: whole square blocks, as wide as the label is like itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.scoring.allotment import allot_whole
from urbanbench.scoring.block_size import resolve_block_size
from urbanbench.scoring.split import PIECES
from urbanbench.scoring.splits.atoms import class_counts, fractions_of, parcel_centres
from urbanbench.scoring.splits.contract import Cut, Facts, Rung, SplitInfo

if TYPE_CHECKING:
    from urbanbench.scoring.protocol import Protocol
    from urbanbench.scoring.targets import Targets

__all__ = ["Blocks", "block_of_units", "drawn_blocks", "pieces_told"]


class Blocks(Rung):
    """A district that nobody has sampled."""

    info = SplitInfo(
        "block",
        "Whole square blocks, as wide as the label's autocorrelation range: a new district.",
        blocks=True,
    )

    def __init__(self, targets: Targets, protocol: Protocol, argument: str = "") -> None:
        """Settle the side of the blocks."""
        del argument
        self._targets, self._protocol = targets, protocol
        self._size_m = resolve_block_size(targets, protocol)
        self._fractions = fractions_of(targets, protocol)

    def cut(self, seed: int) -> Cut:
        """Draw the corner of the grid and allot its blocks."""
        rng = self.generator(seed)
        atoms = drawn_blocks(self._targets, self._size_m, rng)
        side = allot_whole(class_counts(self._targets, atoms), self._fractions, rng)[atoms]
        return Cut(side, atoms, pieces_told(atoms, self._protocol))


def block_of_units(targets: Targets, size_m: float, origin_m: Sequence[float]) -> np.ndarray:
    """Return the block number int64 (n,) of each unit.

    Parameters
    ----------
    targets
        Units with positions; those of one parcel all lie in the block of their mean position.
    size_m
        Side of the square blocks in metres.
    origin_m
        (easting, northing) of a block corner in metres.
    """
    xy = parcel_centres(targets)
    cells = np.floor((xy - np.asarray(origin_m)) / size_m).astype(np.int64)
    return np.asarray(np.unique(cells, axis=0, return_inverse=True)[1].ravel())


def drawn_blocks(targets: Targets, size_m: float, rng: np.random.Generator) -> np.ndarray:
    """Return the blocks of a seed's grid, whose corner is the first that its generator draws."""
    return block_of_units(targets, size_m, targets.xy.min(axis=0) - rng.uniform(0.0, size_m, size=2))


def pieces_told(atoms: np.ndarray, protocol: Protocol) -> Facts:
    """Tell how many blocks hold units, where a protocol names their size; else they are enough (`resolve_block_size`)."""
    return {} if protocol.block_size_m is None else {PIECES: int(atoms.max()) + 1}
