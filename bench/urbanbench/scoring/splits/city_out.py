"""Rung `city-out`: train on other cities, test on one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from urbanbench.errors import BadInput, quoted
from urbanbench.scoring.allotment import allot_by_class
from urbanbench.scoring.splits.atoms import class_counts, fractions_of, numbered, unit_atoms
from urbanbench.scoring.splits.contract import LEAST_TRAIN, TEST, TRAIN, VAL, Cut, Rung, SplitInfo

if TYPE_CHECKING:
    from urbanbench.scoring.protocol import Protocol
    from urbanbench.scoring.targets import Targets

__all__ = ["CityOut"]

_CITIES_TO_CHOOSE_BY_ONE = 3


class CityOut(Rung):
    """A city that nobody has sampled.

    The targets hold the units of several cities; ``targets.groups`` names the city of each. The test side is every unit of one city:
    the one behind the colon (``city-out:singapore``), or one that the seed draws. Of three or more other cities one, drawn by the seed, is
    the validation side; of fewer a random share of their units is, classes stratified and parcels whole. No unit is left out. Ids must be
    different in all cities, and one set of vectors must mean the same in all of them.
    """

    info = SplitInfo(
        "city-out",
        "Train on other cities, test on this one (city-out:CITY); needs units of several cities: a new city.",
        argument="CITY",
    )
    least_train = LEAST_TRAIN

    def __init__(self, targets: Targets, protocol: Protocol, argument: str = "") -> None:
        """Give cities numbers."""
        names = np.array([]) if targets.groups is None else np.unique(targets.groups)
        if len(names) < 2 or (argument and argument not in names):
            held = f"of {quoted(names)}" if len(names) else "that name no city"
            wanted = f"{argument!r} and another" if argument else "two cities"
            msg = f"Split 'city-out' got units {held}. Expected those of {wanted}, with each unit's city in groups. Mend: use --split block for one city, or name another to fit in with --train-city."
            raise BadInput(msg)
        self._targets, self._city = targets, numbered(np.asarray(targets.groups))
        self._tested = int(np.flatnonzero(names == argument)[0]) if argument else None
        self._fractions = fractions_of(targets, protocol)

    def cut(self, rng: np.random.Generator) -> Cut:
        """Hold a city out, and another or some units of the others to choose by."""
        cities = int(self._city.max()) + 1
        tested = int(rng.integers(cities)) if self._tested is None else self._tested
        others = np.delete(np.arange(cities), tested)
        side = np.where(self._city == tested, TEST, TRAIN)
        if len(others) >= _CITIES_TO_CHOOSE_BY_ONE:
            side[self._city == rng.choice(others)] = VAL
            return Cut(side, self._city)
        rows = np.flatnonzero(side == TRAIN)
        known = self._targets.rows(rows)
        atoms = unit_atoms(known)
        train, val, _ = self._fractions
        shares = (train / (train + val), val / (train + val), 0.0)
        side[rows] = allot_by_class(class_counts(known, atoms), shares, rng)[atoms]
        return Cut(side, unit_atoms(self._targets))
