"""Rung `group`: whole groups of units, by the label's column `group` or another column that is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from urbanbench.errors import BadInput
from urbanbench.hashing import array_digest, short
from urbanbench.scoring.allotment import allot_whole
from urbanbench.scoring.split import PIECES, TEST_SIDE
from urbanbench.scoring.splits.atoms import class_counts, fractions_of, numbered, parcel_majority
from urbanbench.scoring.splits.contract import TEST, Cut, Rung, SplitInfo

if TYPE_CHECKING:
    from urbanbench.scoring.protocol import Protocol
    from urbanbench.scoring.targets import Targets

__all__ = ["Groups"]

_MIN_GROUPS = 5


class Groups(Rung):
    """A new administrative area, street or estate; ``group:COLUMN`` names what is kept whole, and the targets' groups are then that column."""

    info = SplitInfo(
        "group",
        "Whole groups of the label (planning area, borough), or of a column: group:COLUMN, such as group:region or group:street.",
        argument="COLUMN",
    )

    def __init__(self, targets: Targets, protocol: Protocol, argument: str = "") -> None:
        """Give groups numbers; a parcel belongs to the group that most of its units have."""
        word = f"group:{argument}" if argument else "group"
        if targets.groups is None:
            msg = f"The label has no group column. Expected a coarse area per unit for split {word!r}. Mend: use --split block or add the column."
            raise BadInput(msg)
        self._atoms = numbered(parcel_majority(targets, targets.groups))
        found = int(self._atoms.max()) + 1
        if found < _MIN_GROUPS:
            of = f"column {argument!r}" if argument else "the label"
            msg = f"{of[0].upper()}{of[1:]} has {found} groups. Expected at least {_MIN_GROUPS} for split {word!r}. Mend: use --split block."
            raise BadInput(msg)
        self._ids = targets.ids
        self._fractions, self._counts = fractions_of(targets, protocol), class_counts(targets, self._atoms)

    def cut(self, seed: int) -> Cut:
        """Allot groups."""
        rng = self.generator(seed)
        side = allot_whole(self._counts, self._fractions, rng)[self._atoms]
        tested = np.sort(self._ids[side == TEST])
        return Cut(side, self._atoms, {TEST_SIDE: short(array_digest(tested)), PIECES: len(self._counts)})
