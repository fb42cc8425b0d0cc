"""The sentences under a board that say what its bold sets rest on."""

from __future__ import annotations

from collections.abc import Sequence

from urbanbench.board.blocks import Group
from urbanbench.board.columns import direction
from urbanbench.board.contests import basis_of_rows
from urbanbench.judging.basis import Basis, may_repeat
from urbanbench.scoring.split import is_split_file

__all__ = ["judged_told"]

_RANKS = (
    "Tables are kept apart by the inputs on offer and are never ranked across them. Inside a table bold are all rows that chance does not separate from the "
    "best one, among rows with the table's head and seeds only; the best mean is underlined, and where it stands alone it is separable from every other. Each "
    "is compared with the best over the splits they share by a one-sided t test whose variance counts for the units that splits share (Nadeau and Bengio "
    "2003), adjusted by Holm: with a probability of 95 % the row that is really best is bold. Rows stand in the order of the first metric, learned models and "
    "floors together."
)
_RANDOM = (
    "Under split random bold tells of other units of this city: neighbours resemble each other, so for another city of its kind more rows are not separable. "
    "Under block the whole blocks count for that. urbanbench compare judges two rows by their predictions and says both."
)

_GIVEN_TESTED = (
    "Where a split file tests the same units on every seed nothing is bold: ± is the spread of heads and training units, and says nothing of another choice of test units. "
    "urbanbench compare judges two rows by their predictions, over units, with neighbours counted as alike."
)
_ALL_TESTED = (
    "Under city-out nothing is bold: every seed tests the same city, so ± is the spread of heads and shots, and says neither how another choice of units nor how another "
    "city would come out. urbanbench compare judges two rows by their predictions, with neighbours counted as alike."
)
_GROUPS_TESTED = (
    "Under group nothing is bold where few groups are dealt out and fewer than half of the seeds test units that no other seed tests: seeds that repeat them are no splits of their own. "
    "urbanbench compare judges two rows by their predictions, over units, with neighbours counted as alike."
)
_BY_UNITS = (
    "This board was judged by units (--by-units): where splits do not hold out whole neighbourhoods of their own, rows whose predictions and places are there are compared as urbanbench "
    "compare does, over single units with neighbours counted as alike (Müller and Watson 2022), adjusted by Holm."
)


def judged_told(groups: Sequence[Group]) -> list[str]:
    """Return how the bold sets of these groups were found, and where there are none."""
    by_units = any(row.witness is not None for group in groups for row in group.rows)
    scattered = any(group.split == "random" for group in groups)
    return [
        _RANKS,
        *([_BY_UNITS] if by_units else [_RANDOM] if scattered else []),
        *([] if by_units else _same_units([group for group in groups if _tests_the_same(group)])),
    ]


def _tests_the_same(group: Group) -> bool:
    """Tell whether seeds test the same units; of a retrieval queries are what is judged by, and of a metric without a direction nothing is."""
    scored = [row for row in group.rows if row.ok and direction(row.main_metric)]
    return any(basis_of_rows([row], row.main_metric) is Basis.SAME_UNITS for row in scored)


def _same_units(groups: Sequence[Group]) -> list[str]:
    """Return how to read groups whose seeds test the same units."""
    kinds = {
        _GIVEN_TESTED
        if is_split_file(one.split)
        else _GROUPS_TESTED
        if may_repeat(one.split)
        else _ALL_TESTED
        for one in groups
    }
    return [said for said in (_GIVEN_TESTED, _ALL_TESTED, _GROUPS_TESTED) if said in kinds]
