"""Atoms: what a split never cuts, as numbers per unit, and what is counted in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from urbanbench.scoring.protocol import Protocol
    from urbanbench.scoring.targets import Targets

__all__ = [
    "class_counts",
    "fractions_of",
    "numbered",
    "parcel_centres",
    "parcel_majority",
    "unit_atoms",
    "whole_parcels",
]


def fractions_of(targets: Targets, protocol: Protocol) -> tuple[float, float, float]:
    """Return the wanted shares of units: the protocol's, else 50/25/25 for classes and 60/20/20 otherwise."""
    if protocol.fractions is not None:
        return protocol.fractions
    return (0.5, 0.25, 0.25) if targets.kind == "classification" else (0.6, 0.2, 0.2)


def numbered(names: np.ndarray) -> np.ndarray:
    """Return the names' numbers int64 (n,) in sorted order, so that the order of rows does not matter."""
    return np.asarray(np.unique(names, return_inverse=True)[1].ravel())


def unit_atoms(targets: Targets) -> np.ndarray:
    """Return the number of each unit's parcel, or of the unit where there are no parcels."""
    return numbered(targets.ids if targets.parcels is None else targets.parcels)


def class_counts(targets: Targets, atoms: np.ndarray) -> np.ndarray:
    """Return units per atom and class, int64 (atoms, classes); one class for a regression or composition."""
    codes = targets.codes if targets.kind == "classification" else np.zeros(len(targets), dtype=np.int64)
    counts = np.zeros((atoms.max() + 1, codes.max() + 1), dtype=np.int64)
    np.add.at(counts, (atoms, codes), 1)
    return counts


def parcel_centres(targets: Targets) -> np.ndarray:
    """Return each unit's position, or the mean position of its parcel, float64 (n, 2) in metres."""
    if targets.parcels is None:
        return targets.xy
    parcel = numbered(targets.parcels)
    size = np.bincount(parcel)
    centres = np.column_stack([np.bincount(parcel, weights=part) / size for part in targets.xy.T])
    return np.asarray(centres[parcel])


def parcel_majority(targets: Targets, groups: np.ndarray) -> np.ndarray:
    """Give all units of a parcel the group that most of them have, so that a group split cuts no parcel."""
    if targets.parcels is None:
        return groups
    names, group = np.unique(groups, return_inverse=True)
    parcel = numbered(targets.parcels)
    # Pairs that there are, and no table of all: cities have a hundred thousand parcels and thousands of groups.
    pairs, votes = np.unique(parcel * len(names) + group.ravel(), return_counts=True)
    one, other = np.divmod(pairs, len(names))
    order = np.lexsort((other, -votes, one))
    most = other[order][np.unique(one[order], return_index=True)[1]]
    return np.asarray(names[most[parcel]])


def whole_parcels(targets: Targets, marked: np.ndarray) -> np.ndarray:
    """Mark every unit of a parcel of which one unit is marked, bool (n,)."""
    if targets.parcels is None:
        return marked
    parcel = numbered(targets.parcels)
    touched = np.bincount(parcel, weights=marked) > 0
    return np.asarray(touched[parcel])
