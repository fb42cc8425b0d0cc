"""Splits: which units train, which choose and which test; the same for every model and head."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.errors import BadInput, UnknownName
from urbanbench.hashing import short
from urbanbench.scoring.allotment import allot_by_class, allot_whole
from urbanbench.scoring.block_size import resolve_block_size
from urbanbench.scoring.split import PREFIX, Split, is_split_file
from urbanbench.scoring.split_file import SplitFile, sides_digest
from urbanbench.seeds import generator

if TYPE_CHECKING:
    from urbanbench.scoring.protocol import Protocol
    from urbanbench.scoring.targets import Targets

__all__ = [
    "SPLITS",
    "SplitInfo",
    "atoms_of",
    "block_of_units",
    "fractions_of",
    "make_splits",
    "split_digest",
    "split_name",
    "split_version",
]


@dataclass(frozen=True)
class SplitInfo:
    """Name card of a split.

    Parameters
    ----------
    name
        Name on the command line.
    summary
        One line.
    version
        Raised whenever the same targets and seed give other sides; results of an earlier version are computed again.
    """

    name: str
    summary: str
    version: int = 1


SPLITS: dict[str, SplitInfo] = {
    info.name: info
    for info in (
        SplitInfo("random", "Units at random, classes stratified, parcels whole: fill in a sampled city."),
        SplitInfo(
            "block", "Whole square blocks, as wide as the label's autocorrelation range: a new district."
        ),
        SplitInfo("group", "Whole groups of the label (planning area, borough): a new administrative area."),
    )
}
_MIN_GROUPS = 5
_MIN_UNITS = 5


def make_splits(targets: Targets, protocol: Protocol) -> list[Split]:
    """Return one split per protocol seed.

    A split depends on the targets and its own seed only: every model, head and input set is tested on the same units.

    Parameters
    ----------
    targets
        The labelled units.
    protocol
        Its split, seeds, fractions and block size count; of a split that is a file (``file:PATH``) the seeds.

    Raises
    ------
    UnknownName
        No split of this name.
    DataMissing
        No such file of splits.
    BadInput
        A file of splits of other units; fewer than 5 units, a side that stays empty, or a group split without (enough) groups.
    """
    if is_split_file(protocol.split):
        return SplitFile.read(Path(protocol.split.removeprefix(PREFIX))).splits(targets, protocol.seeds)
    if protocol.split not in SPLITS:
        raise UnknownName("split", protocol.split, SPLITS)
    if len(targets) < _MIN_UNITS:
        msg = f"The targets hold {len(targets)} units. Expected at least {_MIN_UNITS} to split them into train, validation and test."
        raise BadInput(msg)
    side_of = _SPLITTERS[protocol.split](targets, protocol)
    return [
        _as_split(side_of(generator(seed, "split", protocol.split)), protocol.split)
        for seed in protocol.seeds
    ]


def split_name(word: str) -> str:
    """Return the name under which results of a split word are kept: its own, or of a file its stem and what it says.

    Raises
    ------
    DataMissing, BadInput
        A file of splits that is not there, or none.
    """
    if not is_split_file(word):
        return word
    path = Path(word.removeprefix(PREFIX))
    return f"{PREFIX}{path.stem}-{short(SplitFile.read(path).digest)}"


def split_version(name: str) -> int:
    """Return the version of a split by its name in results; a file's name says what it holds, so it has no versions."""
    return 1 if is_split_file(name) else SPLITS[name].version


def split_digest(targets: Targets, splits: Sequence[Split]) -> str:
    """Hash the ids on each side of each split; equal digests mean comparable scores."""
    return sides_digest(
        [[targets.ids[side] for side in (split.train, split.val, split.test)] for split in splits]
    )


def fractions_of(targets: Targets, protocol: Protocol) -> tuple[float, float, float]:
    """Return the wanted shares of units: the protocol's, else 50/25/25 for classes and 60/20/20 otherwise."""
    if protocol.fractions is not None:
        return protocol.fractions
    return (0.5, 0.25, 0.25) if targets.kind == "classification" else (0.6, 0.2, 0.2)


def atoms_of(targets: Targets, protocol: Protocol, seed: int) -> np.ndarray:
    """Return the numbers int64 (n,) of what a seed's split never cuts, so that a cut inside one of its sides is of the same kind.

    Of the random split these are units or parcels, of the others the seed's blocks and the groups. A split that is a file does not say
    what it was cut along: units or parcels.
    """
    if protocol.split == "block":
        return _blocks(targets, resolve_block_size(targets, protocol), generator(seed, "split", "block"))
    if protocol.split == "group":
        return _group_atoms(targets)
    return _unit_atoms(targets)


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
    xy = _parcel_centres(targets)
    cells = np.floor((xy - np.asarray(origin_m)) / size_m).astype(np.int64)
    return np.asarray(np.unique(cells, axis=0, return_inverse=True)[1].ravel())


_SideOf = Callable[[np.random.Generator], np.ndarray]


def _random_split(targets: Targets, protocol: Protocol) -> _SideOf:
    atoms = _unit_atoms(targets)
    fractions, counts = fractions_of(targets, protocol), _class_counts(targets, atoms)
    return lambda rng: allot_by_class(counts, fractions, rng)[atoms]


def _unit_atoms(targets: Targets) -> np.ndarray:
    return _atoms(targets.ids if targets.parcels is None else targets.parcels)


def _block_split(targets: Targets, protocol: Protocol) -> _SideOf:
    size_m, fractions = resolve_block_size(targets, protocol), fractions_of(targets, protocol)

    def side_of(rng: np.random.Generator) -> np.ndarray:
        atoms = _blocks(targets, size_m, rng)
        return np.asarray(allot_whole(_class_counts(targets, atoms), fractions, rng)[atoms])

    return side_of


def _blocks(targets: Targets, size_m: float, rng: np.random.Generator) -> np.ndarray:
    """Return the blocks of a seed's grid, whose corner is the first that its generator draws."""
    return block_of_units(targets, size_m, targets.xy.min(axis=0) - rng.uniform(0.0, size_m, size=2))


def _group_split(targets: Targets, protocol: Protocol) -> _SideOf:
    atoms = _group_atoms(targets)
    if atoms.max() + 1 < _MIN_GROUPS:
        msg = f"The label has {atoms.max() + 1} groups. Expected at least {_MIN_GROUPS} for split 'group'. Mend: use --split block."
        raise BadInput(msg)
    fractions, counts = fractions_of(targets, protocol), _class_counts(targets, atoms)
    return lambda rng: allot_whole(counts, fractions, rng)[atoms]


def _group_atoms(targets: Targets) -> np.ndarray:
    if targets.groups is None:
        msg = "The label has no group column. Expected a coarse area per unit for split 'group'. Mend: use --split block or add the column."
        raise BadInput(msg)
    return _atoms(_parcel_majority(targets, targets.groups))


_SPLITTERS: dict[str, Callable[[Targets, Protocol], _SideOf]] = {
    "random": _random_split,
    "block": _block_split,
    "group": _group_split,
}


def _as_split(side: np.ndarray, name: str) -> Split:
    parts = [np.flatnonzero(side == k) for k in range(3)]
    if min(map(len, parts)) == 0:
        got = "/".join(str(len(part)) for part in parts)
        msg = f"Split {name!r} leaves a side empty (train/validation/test {got}). Expected units on each side. Mend: smaller blocks or more units."
        raise BadInput(msg)
    return Split(*parts)


def _atoms(names: np.ndarray) -> np.ndarray:
    """Return the names' numbers in sorted order, so that the order of rows does not matter."""
    return np.asarray(np.unique(names, return_inverse=True)[1].ravel())


def _class_counts(targets: Targets, atoms: np.ndarray) -> np.ndarray:
    """Return units per atom and class, int64 (atoms, classes); one class for a regression or composition."""
    codes = targets.codes if targets.kind == "classification" else np.zeros(len(targets), dtype=np.int64)
    counts = np.zeros((atoms.max() + 1, codes.max() + 1), dtype=np.int64)
    np.add.at(counts, (atoms, codes), 1)
    return counts


def _parcel_centres(targets: Targets) -> np.ndarray:
    if targets.parcels is None:
        return targets.xy
    parcel = _atoms(targets.parcels)
    size = np.bincount(parcel)
    centres = np.column_stack([np.bincount(parcel, weights=part) / size for part in targets.xy.T])
    return np.asarray(centres[parcel])


def _parcel_majority(targets: Targets, groups: np.ndarray) -> np.ndarray:
    """Give all units of a parcel the group that most of them have, so that a group split cuts no parcel."""
    if targets.parcels is None:
        return groups
    names, group = np.unique(groups, return_inverse=True)
    parcel = _atoms(targets.parcels)
    votes = np.zeros((parcel.max() + 1, len(names)), dtype=np.int64)
    np.add.at(votes, (parcel, group.ravel()), 1)
    return np.asarray(names[votes.argmax(axis=1)][parcel])
