"""Rung `buffered`: one patch of blocks is tested, and nothing that lies within the label's range of it trains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from urbanbench.errors import BadInput
from urbanbench.scoring.allotment import allot_whole
from urbanbench.scoring.block_size import autocorrelation_range_m, resolve_block_size
from urbanbench.scoring.splits.atoms import class_counts, fractions_of, numbered, whole_parcels
from urbanbench.scoring.splits.blocks import drawn_blocks, pieces_told
from urbanbench.scoring.splits.contract import LEAST_TRAIN, LEFT_OUT, TEST, TRAIN, VAL, Cut, Rung, SplitInfo

if TYPE_CHECKING:
    from urbanbench.scoring.protocol import Protocol
    from urbanbench.scoring.targets import Targets

__all__ = ["Buffered"]


class Buffered(Rung):
    """A district far from everything that was sampled.

    The blocks are those of the rung `block`. A seed draws one of them, and those next to it join it until the patch holds the wanted
    share of units: the test side. Units of other blocks that lie within the buffer of a test unit are left out, with their parcels; the
    rest trains and chooses, in whole blocks. One patch and not scattered blocks, because their dead zones would cover the whole city.
    Between training and validation there is no dead zone. The patch grows around the first block drawn that leaves enough units.

    The buffer is the label's autocorrelation range, or the metres behind the colon: ``buffered:800`` (dead zones: Roberts et al. 2017,
    Ecography 40:913; Le Rest et al. 2014, Global Ecology and Biogeography 23:811).
    """

    info = SplitInfo(
        "buffered",
        "A patch of whole blocks, and no training unit within the label's range of it (buffered:METRES for another width): a far district.",
        argument="METRES",
        blocks=True,
    )
    least_train = LEAST_TRAIN

    def __init__(self, targets: Targets, protocol: Protocol, argument: str = "") -> None:
        """Settle the side of the blocks and the width of the dead zone."""
        self._targets, self._protocol = targets, protocol
        self._size_m = resolve_block_size(targets, protocol)
        self._buffer_m = float(argument) if argument else autocorrelation_range_m(targets)
        self._fractions = fractions_of(targets, protocol)
        self._seeds = protocol.seeds

    def cut(self, seed: int) -> Cut:
        """Draw the grid and the patch, leave the dead zone out, and allot the other blocks."""
        try:
            return self._cut(seed, self._buffer_m)
        except _TooFewError as few:
            raise BadInput(self._refusal(few.most)) from None

    def _cut(self, seed: int, buffer_m: float) -> Cut:
        rng = self.generator(seed)
        atoms = drawn_blocks(self._targets, self._size_m, rng)
        side, free = self._tested(atoms, rng, buffer_m)
        rest = self._targets.rows(free)
        blocks = numbered(atoms[free])
        train, val, _ = self._fractions
        shares = (train / (train + val), val / (train + val), 0.0)
        side[free] = allot_whole(class_counts(rest, blocks), shares, rng)[blocks]
        told = {"buffer_m": buffer_m, "left_out": int((side == LEFT_OUT).sum())}
        return Cut(side, atoms, told | dict(pieces_told(atoms, self._protocol)))

    def _refusal(self, most: int) -> str:
        """Say that the zone is too wide, and which narrower one would do, where one does."""
        metres = self._narrower()
        mend = (
            f"name a narrower zone, for example --split buffered:{metres}"
            if metres
            else "use --split block, or a label of more units"
        )
        return (
            f"Split 'buffered' leaves at most {most} training units: its dead zone of {self._buffer_m:.0f} m is wide for this city. "
            f"Expected at least {LEAST_TRAIN}. Mend: {mend}."
        )

    def _narrower(self) -> int | None:
        """Return a width in metres that leaves enough with every seed: a quarter, or halves of it down to a metre; None where none does."""
        width = self._buffer_m / 4
        while width >= 1:
            metres = _rounded(width)
            if all(self._leaves_enough(seed, metres) for seed in self._seeds):
                return metres
            width /= 2
        return None

    def _leaves_enough(self, seed: int, buffer_m: float) -> bool:
        try:
            side = self._cut(seed, buffer_m).side
        except _TooFewError:
            return False
        return bool((side == TRAIN).sum() >= LEAST_TRAIN and (side == VAL).any() and (side == TEST).any())

    def _tested(
        self, atoms: np.ndarray, rng: np.random.Generator, buffer_m: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return sides int64 (n,), test or left out, of the first patch that leaves enough units, and the rows of these."""
        order, most = rng.permutation(atoms.max() + 1), 0
        share = self._fractions[0] / (self._fractions[0] + self._fractions[1])
        for start in order:
            test = self._patch(atoms, start)
            free = np.flatnonzero(~test & ~self._near(test, buffer_m))
            most = max(most, int(len(free) * share))
            if len(free) * share >= LEAST_TRAIN and len(np.unique(atoms[free])) > 1:
                return np.where(test, TEST, LEFT_OUT), free
        raise _TooFewError(most)

    def _patch(self, atoms: np.ndarray, start: int) -> np.ndarray:
        """Mark the units of the blocks nearest to one, so many that the test side is about as large as wanted."""
        size = np.bincount(atoms)
        centres = np.column_stack([np.bincount(atoms, part) / size for part in self._targets.xy.T])
        order = np.argsort(np.hypot(*(centres - centres[start]).T), kind="stable")
        held = np.cumsum(size[order])
        many = int(np.abs(held - self._fractions[2] * len(atoms)).argmin()) + 1
        return np.isin(atoms, order[:many])

    def _near(self, test: np.ndarray, buffer_m: float) -> np.ndarray:
        """Mark units within the buffer of a test unit, with the other units of their parcels."""
        from scipy.spatial import cKDTree

        distance = cKDTree(self._targets.xy[test]).query(self._targets.xy)[0]
        return whole_parcels(self._targets, distance <= buffer_m)


class _TooFewError(Exception):
    """No patch leaves enough units; the most that one leaves to training."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = most


def _rounded(metres: float) -> int:
    """Return metres with one digit that counts, for a sentence."""
    unit = 10 ** max(0, int(np.log10(max(metres, 1.0))))
    return int(max(1, round(metres / unit)) * unit)
