"""Rung `knndm`: test units lie as far from training as the places of prediction lie from all labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from urbanbench.errors import BadInput
from urbanbench.scoring.allotment import allot_by_class
from urbanbench.scoring.splits.atoms import class_counts, fractions_of, parcel_centres, unit_atoms
from urbanbench.scoring.splits.contract import (
    LEAST_TRAIN,
    TEST,
    TRAIN,
    VAL,
    Cut,
    Rung,
    SplitInfo,
)
from urbanbench.scoring.splits.matching import cover, folds_for, matched_folds, nearest_m

if TYPE_CHECKING:
    from urbanbench.scoring.protocol import Protocol
    from urbanbench.scoring.targets import Targets

__all__ = ["DistanceMatched"]


class DistanceMatched(Rung):
    """What a prediction for the places that have no label is worth.

    The places are ``targets.domain``. A run takes the city's units of the level that the label leaves out, or, where it leaves out fewer
    than 20, places spread evenly over the regions; ``knndm:METRES`` says instead that every place lies so far from the nearest label.
    Parcels are moved as one, at their mean position.
    """

    info = SplitInfo(
        "knndm",
        "Test units as far from training as the places without a label are from all labels (knndm:METRES for another distance).",
        argument="METRES",
    )
    least_train = LEAST_TRAIN

    def __init__(self, targets: Targets, protocol: Protocol, argument: str = "") -> None:
        """Measure how far the places of prediction lie from labels."""
        if not argument and targets.domain is None:
            msg = "Split 'knndm' does not know where the label is to be predicted. Expected targets with a domain (m, 2). Mend: replace(targets, domain=xy), or name a distance: --split knndm:METRES."
            raise BadInput(msg)
        self._atoms = unit_atoms(targets)
        first = np.unique(self._atoms, return_index=True)[1]
        self._xy = parcel_centres(targets)[first]
        self._counts = class_counts(targets, self._atoms)
        self._fractions = fractions_of(targets, protocol)
        self._wanted = (
            np.full(len(self._xy), float(argument))
            if argument or targets.domain is None
            else nearest_m(targets.domain, self._xy)
        )
        self._covered = cover(self._xy, self._wanted)

    def cut(self, seed: int) -> Cut:
        """Match distances, or cut at random where labels cover the places of prediction."""
        rng = self.generator(seed)
        if self._covered:
            side = allot_by_class(self._counts, self._fractions, rng)
            return Cut(side[self._atoms], self._atoms, self._facts(side, "random"))
        folds = folds_for(self._fractions)
        found = matched_folds(self._xy, self._wanted, folds, rng)
        if found is None:
            msg = f"Split 'knndm' finds no {folds.count} folds: one always holds more than half of the units. Expected units that can be divided. Mend: use --split block."
            raise BadInput(msg)
        fold, clusters = found
        side = np.where(fold < folds.test, TEST, np.where(fold < folds.test + folds.val, VAL, TRAIN))
        return Cut(side[self._atoms], clusters[self._atoms], self._facts(side, "clusters"))

    def _facts(self, side: np.ndarray, how: str) -> dict[str, float | str]:
        from scipy.stats import wasserstein_distance

        got = nearest_m(self._xy[side == TEST], self._xy[side == TRAIN])
        return {
            "folds": how,
            "wanted_m": round(float(np.median(self._wanted)), 1),
            "got_m": round(float(np.median(got)), 1),
            "wasserstein_m": round(float(wasserstein_distance(got, self._wanted)), 1),
        }
