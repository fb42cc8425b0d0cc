"""Rung `random`: units at random, classes stratified, parcels whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from urbanbench.scoring.allotment import allot_by_class
from urbanbench.scoring.splits.atoms import class_counts, fractions_of, unit_atoms
from urbanbench.scoring.splits.contract import Cut, Rung, SplitInfo

if TYPE_CHECKING:
    from urbanbench.scoring.protocol import Protocol
    from urbanbench.scoring.targets import Targets

__all__ = ["RandomUnits"]


class RandomUnits(Rung):
    """Fill the gaps of a sampled city."""

    info = SplitInfo("random", "Units at random, classes stratified, parcels whole: fill in a sampled city.")

    def __init__(self, targets: Targets, protocol: Protocol, argument: str = "") -> None:
        """Count the classes of units or parcels."""
        del argument
        self._atoms = unit_atoms(targets)
        self._fractions = fractions_of(targets, protocol)
        self._counts = class_counts(targets, self._atoms)

    def cut(self, seed: int) -> Cut:
        """Allot units or parcels by class."""
        rng = self.generator(seed)
        return Cut(allot_by_class(self._counts, self._fractions, rng)[self._atoms], self._atoms)
