"""Rung `city-out`: train on other cities, and maybe on a few units of one, whose other units are tested."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.errors import BadInput, quoted
from urbanbench.scoring.splits.atoms import numbered, unit_atoms
from urbanbench.scoring.splits.contract import (
    LEAST_TRAIN,
    LEFT_OUT,
    TEST,
    TRAIN,
    VAL,
    Cut,
    Rung,
    SplitInfo,
)

if TYPE_CHECKING:
    from urbanbench.scoring.protocol import Protocol
    from urbanbench.scoring.targets import Targets

__all__ = ["CITY_OUT", "HELD_BACK", "CityOut", "city_out_word", "is_city_out", "shots_of"]

CITY_OUT = "city-out"
"""Word of the split, alone."""
HELD_BACK = 0.2
"""Share of the other cities' units by which a head is stopped or chosen."""

_WORD = re.compile(rf"{CITY_OUT}(?:\+(\d+))?(:.*)?")
_CITIES_TO_CHOOSE_BY_ONE = 3
_LEAST_TESTED = 5


def is_city_out(word: str) -> bool:
    """Tell whether a split word asks for the units of a train city, with or without shots of the scored one, which needs no name."""
    found = _WORD.fullmatch(word)
    return found is not None and not found[2]


def shots_of(word: str) -> int:
    """Return how many units of the tested city a split word gives to the head.

    Examples
    --------
    >>> shots_of("city-out"), shots_of("city-out+10"), city_out_word(10), city_out_word(0)
    (0, 10, 'city-out+10', 'city-out')
    """
    found = _WORD.fullmatch(word)
    return int(found[1] or 0) if found else 0


def city_out_word(shots: int, city: str = "") -> str:
    """Return the split word for so many shots and a tested city; "" for one that the seed draws."""
    told = f"{CITY_OUT}+{shots}" if shots else CITY_OUT
    return f"{told}:{city}" if city else told


class CityOut(Rung):
    """A city that nobody has sampled, or of which a few units are known.

    The targets hold the units of several cities; ``targets.groups`` names the city of each. The test side is every unit of one city:
    the one behind the colon (``city-out:singapore``), or one that the seed draws. Of three or more other cities one, drawn by the seed, is
    the validation side; of fewer a fifth of their units is. ``city-out+10`` gives ten units of the tested city, drawn by the seed, to training;
    more shots hold those of fewer. No parcel is cut: further units of a shot's parcel are on no side. Ids must be
    different in all cities, and one set of vectors must mean the same in all of them.
    """

    info = SplitInfo(
        CITY_OUT,
        "Train on other cities, test on this one (city-out:CITY), or on this one but for N units (city-out+N); needs units of several cities: a new city.",
        version=2,
        argument="CITY",
        shots=True,
    )
    least_train = LEAST_TRAIN

    def __init__(self, targets: Targets, protocol: Protocol, argument: str = "") -> None:
        """Give cities and parcels numbers."""
        names = np.array([]) if targets.groups is None else np.unique(targets.groups)
        if len(names) < 2 or (argument and argument not in names):
            held = f"of {quoted(names)}" if len(names) else "that name no city"
            wanted = f"{argument!r} and another" if argument else "two cities"
            msg = f"Split 'city-out' got units {held}. Expected those of {wanted}, with each unit's city in groups. Mend: use --split block for one city, or name another to fit in with --train-city."
            raise BadInput(msg)
        self._city, self._atoms = numbered(np.asarray(targets.groups)), unit_atoms(targets)
        self._tested = int(np.flatnonzero(names == argument)[0]) if argument else None
        self._shots = shots_of(protocol.split)

    def cut(self, seed: int) -> Cut:
        """Hold a city out but for the shots, and another or some units of the others to choose by."""
        rng = self.generator(seed)
        cities = int(self._city.max()) + 1
        tested = int(rng.integers(cities)) if self._tested is None else self._tested
        others = np.delete(np.arange(cities), tested)
        side = np.where(self._city == tested, TEST, TRAIN)
        if len(others) >= _CITIES_TO_CHOOSE_BY_ONE:
            side[self._city == rng.choice(others)] = VAL
        else:
            self._hold_back(side, seed)
        self._give_shots(side, seed)
        return Cut(side, self._atoms)

    def _hold_back(self, side: np.ndarray, seed: int) -> None:
        rows = np.flatnonzero(side == TRAIN)
        count = max(1, round(HELD_BACK * len(rows)))
        side[self._with_parcels(rows, self._drawn(rows, self.generator(seed, "train city"), count))] = VAL

    def _give_shots(self, side: np.ndarray, seed: int) -> None:
        rows = np.flatnonzero(side == TEST)
        if len(rows) - self._shots < _LEAST_TESTED:
            msg = f"The scored city has {len(rows)} labelled units and --shots {self._shots} takes {min(self._shots, len(rows))} of them. Expected at least {_LEAST_TESTED} to be left to test on. Mend: fewer shots."
            raise BadInput(msg)
        drawn = self._drawn(rows, self.generator(seed, "shots"), self._shots)
        side[self._with_parcels(rows, drawn)] = LEFT_OUT
        side[drawn] = TRAIN
        if not (side == TEST).any():
            msg = f"The parcels of {self._shots} shots hold all {len(rows)} units of the scored city. Expected units to test on. Mend: fewer shots."
            raise BadInput(msg)

    def _drawn(self, rows: np.ndarray, rng: np.random.Generator, count: int) -> np.ndarray:
        """Draw units of a part of the rows, those of a parcel one after the other."""
        atoms = numbered(self._atoms[rows])
        place = rng.permutation(atoms.max() + 1)
        return np.asarray(rows[np.argsort(place[atoms], kind="stable")[:count]])

    def _with_parcels(self, rows: np.ndarray, some: np.ndarray) -> np.ndarray:
        """Return those of the rows that share a parcel with some of them, and these."""
        return np.asarray(rows[np.isin(self._atoms[rows], self._atoms[some])])
