"""City-out: a head is fitted on the units of one city, and maybe a few of another, and tested in the other.

The splits are row numbers of one table in which the units of the train city stand first and those of the scored city after them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.errors import BadInput
from urbanbench.scoring.split import Split
from urbanbench.seeds import generator

if TYPE_CHECKING:
    from urbanbench.scoring.targets import Targets

__all__ = [
    "CITY_OUT",
    "CITY_OUT_VERSION",
    "HELD_BACK",
    "city_out_splits",
    "city_out_word",
    "is_city_out",
    "shots_of",
]

CITY_OUT = "city-out"
"""Word of the split; with shots ``city-out+10``."""
CITY_OUT_VERSION = 1
"""Raised whenever the same targets and seed give other sides; results of an earlier version are computed again."""
HELD_BACK = 0.2
"""Share of the train city's units by which a head is stopped or chosen."""

_WORD = re.compile(rf"{CITY_OUT}(?:\+(\d+))?")
_LEAST_TESTED = 5


def is_city_out(word: str) -> bool:
    """Tell whether a split word asks for another city's units, with or without shots."""
    return _WORD.fullmatch(word) is not None


def shots_of(word: str) -> int:
    """Return how many units of the scored city a split word gives to the head.

    Examples
    --------
    >>> shots_of("city-out"), shots_of("city-out+10"), city_out_word(10), city_out_word(0)
    (0, 10, 'city-out+10', 'city-out')
    """
    found = _WORD.fullmatch(word)
    return int(found[1] or 0) if found else 0


def city_out_word(shots: int) -> str:
    """Return the split word for so many shots."""
    return f"{CITY_OUT}+{shots}" if shots else CITY_OUT


def city_out_splits(train: Targets, scored: Targets, seeds: Sequence[int], shots: int) -> list[Split]:
    """Return one split per seed of the joined table: rows below ``len(train)`` are of the train city, the others of the scored one.

    A fifth of the train city's units, drawn by the seed, stops and chooses heads; all others are trained on. The shots, drawn by the seed
    as well, are trained on; more shots hold those of fewer. All other units of the scored city are tested; no parcel is cut, so further units of a shot's parcel are
    neither trained on nor tested.

    Parameters
    ----------
    train, scored
        Units of both cities, in the order of their ids.
    seeds
        Each draws its own units.
    shots
        Number of units of the scored city to train on.

    Raises
    ------
    BadInput
        Too few units of either city.
    """
    if len(train) < _LEAST_TESTED:
        msg = f"The train city has {len(train)} labelled units. Expected at least {_LEAST_TESTED} to fit a head on."
        raise BadInput(msg)
    if len(scored) - shots < _LEAST_TESTED:
        msg = f"The scored city has {len(scored)} labelled units and --shots {shots} takes {min(shots, len(scored))} of them. Expected at least {_LEAST_TESTED} to be left to test on. Mend: fewer shots."
        raise BadInput(msg)
    return [_split(train, scored, seed, shots) for seed in seeds]


def _split(train: Targets, scored: Targets, seed: int, shots: int) -> Split:
    order = _by_parcel(train, generator(seed, "split", CITY_OUT, "train city"))
    held = order[: max(1, round(HELD_BACK * len(train)))]
    own = np.setdiff1d(np.arange(len(train)), held)
    parcels = _parcels(scored)
    drawn = _by_parcel(scored, generator(seed, "split", CITY_OUT, "shots"))[:shots]
    tested = np.flatnonzero(~np.isin(parcels, parcels[drawn]))
    if not len(tested):
        msg = f"The parcels of {shots} shots hold all {len(scored)} units of the scored city. Expected units to test on. Mend: fewer shots."
        raise BadInput(msg)
    return Split(np.concatenate([own, len(train) + np.sort(drawn)]), np.sort(held), len(train) + tested)


def _by_parcel(targets: Targets, rng: np.random.Generator) -> np.ndarray:
    """Return all rows in random order, those of a parcel one after the other."""
    parcels = _parcels(targets)
    place = rng.permutation(parcels.max() + 1)
    return np.argsort(place[parcels], kind="stable")


def _parcels(targets: Targets) -> np.ndarray:
    """Return the number of each unit's parcel, int64 (n,); every unit is its own where there are none."""
    names = targets.ids if targets.parcels is None else targets.parcels
    return np.asarray(np.unique(names, return_inverse=True)[1].ravel())
