"""Splits: which units train, which choose and which test; the same for every model and head. One rung of the ladder a file."""

from urbanbench.scoring.splits.atoms import fractions_of
from urbanbench.scoring.splits.blocks import block_of_units
from urbanbench.scoring.splits.contract import SplitInfo
from urbanbench.scoring.splits.make import (
    atoms_of,
    make_splits,
    split_digest,
    split_name,
    split_version,
)
from urbanbench.scoring.splits.splitter import Splitter
from urbanbench.scoring.splits.words import (
    IN_ONE_CITY,
    LADDER,
    RUNGS,
    SPLITS,
    has_blocks,
    plain_word,
    read_word,
    rung_name,
    rung_place,
)

__all__ = [
    "IN_ONE_CITY",
    "LADDER",
    "RUNGS",
    "SPLITS",
    "SplitInfo",
    "Splitter",
    "atoms_of",
    "block_of_units",
    "fractions_of",
    "has_blocks",
    "make_splits",
    "plain_word",
    "read_word",
    "rung_name",
    "rung_place",
    "split_digest",
    "split_name",
    "split_version",
]
