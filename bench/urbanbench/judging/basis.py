"""Basis: what chance is told by, one rule for a comparison of two rows and for a table of many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING

from urbanbench.scoring.split import TEST_SIDE, same_test_units
from urbanbench.scoring.splits import rung_name

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Basis", "basis_of", "may_repeat", "whole_neighbourhoods"]

_WHOLE = {"block", "buffered", "group", "knndm"}
"""Splits, whatever their argument, that differ from seed to seed by whole neighbourhoods."""
_ONE_CITY, _DEALT = "city-out", "group"


class Basis(Enum):
    """What a verdict over rows of one question rests on."""

    NEIGHBOURHOODS = "neighbourhoods"
    """Splits differ by whole neighbourhoods, so their spread has in it how neighbourhoods differ: the corrected resampled t test."""
    UNITS = "units"
    """Test units lie everywhere: the spatial t test over them; where predictions or places are not known, the corrected resampled t test."""
    SAME_UNITS = "same units"
    """Seeds test the same units, so their spread is that of heads and training units alone: the spatial t test, and nothing in its place."""
    QUERIES = "queries"
    """Seeds of a retrieval draw candidates for the same queries: queries are judged."""


def basis_of(
    split: str,
    facts: Sequence[Mapping[str, object]] = (),
    *,
    of_queries: bool = False,
    tested: Sequence[np.ndarray] | None = None,
) -> Basis:
    """Return what rows of a question are judged by.

    Parameters
    ----------
    split
        Name of the split, as results have it.
    facts
        What the splits say of themselves, seed by seed: ``split_facts`` of results.
    of_queries
        Whether the metric is one of queries.
    tested
        Test units of every seed, where facts do not tell which seeds test the same ones.
    """
    if of_queries:
        return Basis.QUERIES
    if rung_name(split) == _ONE_CITY or same_test_units(facts):
        return Basis.SAME_UNITS
    if not whole_neighbourhoods(split):
        return Basis.UNITS
    sides = _sides(facts, tested) if may_repeat(split) else ()
    return Basis.SAME_UNITS if 2 * len(set(sides)) < len(sides) else Basis.NEIGHBOURHOODS


def whole_neighbourhoods(split: str) -> bool:
    """Tell whether splits of a name hold out whole neighbourhoods, and not single units drawn from everywhere."""
    return rung_name(split) in _WHOLE


def may_repeat(split: str) -> bool:
    """Tell whether seeds of a split may test the same units again: where few groups are dealt out whole."""
    return rung_name(split) == _DEALT


def _sides(facts: Sequence[Mapping[str, object]], tested: Sequence[np.ndarray] | None) -> Sequence[object]:
    """Name the test side of every seed; () where nothing tells."""
    told = [one[TEST_SIDE] for one in facts if TEST_SIDE in one]
    return told or [rows.tobytes() for rows in tested or ()]
