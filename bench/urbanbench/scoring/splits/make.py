"""From a protocol's word to the sides of every seed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.errors import BadInput
from urbanbench.hashing import short
from urbanbench.scoring.split import PREFIX, Split, is_split_file
from urbanbench.scoring.split_file import SplitFile, sides_digest
from urbanbench.scoring.splits.atoms import unit_atoms
from urbanbench.scoring.splits.contract import TEST, TRAIN, VAL, Rung
from urbanbench.scoring.splits.words import RUNGS, SPLITS, plain_word, read_word

if TYPE_CHECKING:
    from urbanbench.scoring.protocol import Protocol
    from urbanbench.scoring.targets import Targets

__all__ = ["atoms_of", "make_splits", "split_digest", "split_name", "split_version"]

_MIN_UNITS = 5

_MOST_KEPT = 64
_MADE: dict[tuple[Any, ...], list[Split]] = {}
"""Splits made last, by what targets say and what was asked, oldest first: the heads and models of a table share them, and so does what tries the rungs before."""


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
        A file of splits of other units; fewer than 5 units, a side that stays empty or too small, or what a rung needs is not there.
    """
    if is_split_file(protocol.split):
        return SplitFile.read(Path(protocol.split.removeprefix(PREFIX))).splits(targets, protocol.seeds)
    word = read_word(protocol.split)
    if len(targets) < _MIN_UNITS:
        msg = f"The targets hold {len(targets)} units. Expected at least {_MIN_UNITS} to split them into train, validation and test."
        raise BadInput(msg)
    asked = (targets.digest(), word, protocol.seeds, protocol.block_size_m, protocol.fractions)
    made = _MADE.pop(asked, None)
    if made is None:
        rung = RUNGS[word.rung](targets, protocol, word.argument)
        made = [_cut(rung, seed) for seed in protocol.seeds]
    _MADE[asked] = made
    while len(_MADE) > _MOST_KEPT:
        del _MADE[next(iter(_MADE))]
    return list(made)


def split_name(word: str) -> str:
    """Return the name under which results of a split word are kept: its one form, or of a file its stem and what it says.

    Raises
    ------
    UnknownName
        No such split.
    DataMissing, BadInput
        A file of splits that is not there, or none; something behind the colon that does not belong there.
    """
    if not is_split_file(word):
        return plain_word(word)
    path = Path(word.removeprefix(PREFIX))
    return f"{PREFIX}{path.stem}-{short(SplitFile.read(path).digest)}"


def split_version(name: str) -> int:
    """Return the version of a split by its name in results; a file's name says what it holds, so it has no versions."""
    return 1 if is_split_file(name) else SPLITS[read_word(name).rung].version


def split_digest(targets: Targets, splits: Sequence[Split]) -> str:
    """Hash the ids on each side of each split; equal digests mean comparable scores."""
    return sides_digest(
        [[targets.ids[side] for side in (split.train, split.val, split.test)] for split in splits]
    )


def atoms_of(targets: Targets, protocol: Protocol, seed: int) -> np.ndarray:
    """Return the numbers int64 (n,) of what a seed's split never cuts, so that a cut inside one of its sides is of the same kind.

    Of the random split these are units or parcels, of the others the seed's blocks, clusters and the groups. A split that is a file does
    not say what it was cut along: units or parcels.
    """
    if is_split_file(protocol.split):
        return unit_atoms(targets)
    word = read_word(protocol.split)
    return RUNGS[word.rung](targets, protocol, word.argument).cut(seed).atoms


def _cut(rung: Rung, seed: int) -> Split:
    """Cut for a seed and check what comes out."""
    name = rung.info.name
    cut = rung.cut(seed)
    parts = [np.flatnonzero(cut.side == k) for k in (TRAIN, VAL, TEST)]
    got = "/".join(str(len(part)) for part in parts)
    if min(map(len, parts)) == 0:
        msg = f"Split {name!r} leaves a side empty (train/validation/test {got}). Expected units on each side. Mend: smaller blocks or more units."
        raise BadInput(msg)
    if len(parts[0]) < rung.least_train:
        msg = f"Split {name!r} leaves {len(parts[0])} training units with seed {seed} (train/validation/test {got}). Expected at least {rung.least_train}. Mend: use --split block, or a label of more units."
        raise BadInput(msg)
    train, val, test = parts
    return Split(train, val, test, cut.facts)
