"""Which rows may stand in one table: same city, task, split and train city; same inputs on offer; same head.

A parity row has its paper's protocol for a split, so it shares tables with rows of the same protocol only.

Floors learn nothing, so they are ranked in every table whose inputs hold what they use. Floors of other inputs stand below,
marked and never ranked: a finished row is shown, and a table that lacks the strongest floor misleads.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from urbanbench.board.columns import direction
from urbanbench.board.rows import Row, ordered
from urbanbench.board.trainings import joined
from urbanbench.board.versions import of_another_question
from urbanbench.inputs import FULL
from urbanbench.parity.contract import is_paper
from urbanbench.scoring.splits import rung_place

__all__ = ["SELECT", "Block", "Group", "fits", "make_groups", "place_of"]

SELECT = "select"
"""The head that picks the best of several by validation score; shown in every table as a floor's best head."""
_ALWAYS = frozenset({"coordinates"})
"""Inputs a floor may use without losing its place: where a unit lies is known in every setting."""


@dataclass(frozen=True, eq=False)
class Block:
    """Rows of one table.

    Parameters
    ----------
    inputs
        Inputs on offer to every learned model of the block.
    head
        Head of the rows that are ranked.
    models, floors, unscored
        Learned models and floors with scores, best first; runs that were refused or failed.
    elsewhere
        Floors with scores that use inputs the block does not offer, best first: shown, never ranked.
    """

    inputs: frozenset[str]
    head: str
    models: tuple[Row, ...]
    floors: tuple[Row, ...]
    unscored: tuple[Row, ...] = ()
    elsewhere: tuple[Row, ...] = ()

    @property
    def scored(self) -> tuple[Row, ...]:
        """Learned models, then floors of the block's inputs."""
        return (*self.models, *self.floors)

    @property
    def shown(self) -> tuple[Row, ...]:
        """Every row with scores."""
        return (*self.scored, *self.elsewhere)

    @cached_property
    def aside(self) -> frozenset[str]:
        """Run ids of rows that answer an older question than the newest row (`urbanbench.board.versions`): shown, never ranked or counted."""
        return frozenset(row.run_id for row in self.shown if of_another_question(row, self.shown))


@dataclass(frozen=True, eq=False)
class Group:
    """All rows of one city, task (and its version), split (and its block size) and train city ("" for the city itself), and their blocks."""

    city: str
    task: str
    task_version: int
    split: str
    train_city: str
    block_size_m: float | None
    rows: tuple[Row, ...]
    blocks: tuple[Block, ...]
    unscored: tuple[Row, ...]

    @property
    def parity(self) -> bool:
        """Whether its rows follow a paper's protocol, not ours."""
        return is_paper(self.split)


def make_groups(rows: Sequence[Row], *, each_training: bool = False) -> list[Group]:
    """Sort rows into groups and blocks: cities and tasks by name, splits from easy to hard.

    In blocks several trainings of one model are one row, unless each is to have its own; a group has the rows as they are.
    """
    automatic = {
        _names(row): row.block_size_m for row in rows if row.ok and row.spec.get("block_size_m") is None
    }
    found: dict[_Key, list[Row]] = {}
    for row in rows:
        asked = row.spec.get("block_size_m") or automatic.get(_names(row))
        size = row.block_size_m if row.ok else asked
        found.setdefault((*_names(row), float(size or 0.0)), []).append(row)
    keys = sorted(found, key=lambda key: (*key[:3], key[4], _rung(key[3]), key[5]))
    return [_make_group(key, found[key], each_training) for key in keys]


_Key = tuple[str, str, int, str, str, float]
"""City, task, its version, split, train city, block size in metres or 0."""


def _names(row: Row) -> tuple[str, str, int, str, str]:
    version = int(row.spec.get("task_version") or 1)
    return (row.spec["city"], row.spec["task"], version, row.spec["split"], row.train_city)


def _rung(split: str) -> tuple[int, str]:
    return (rung_place(split), split)


def _make_group(key: _Key, rows: list[Row], each_training: bool) -> Group:
    scored = _without_repeats([row for row in rows if row.ok])
    scored = scored if each_training else joined(scored)
    models = [row for row in scored if not row.floor]
    floors = [row for row in scored if row.floor]
    unscored = [row for row in rows if not row.ok]
    blocks = _model_blocks(models, floors) if models else _floor_blocks(floors)
    blocks = [_with_unscored(block, unscored) for block in blocks]
    placed = {row.run_id for block in blocks for row in block.unscored}
    rest = tuple(row for row in unscored if row.run_id not in placed)
    return Group(*key[:5], key[5] or None, tuple(rows), tuple(blocks), rest)


def _model_blocks(models: Sequence[Row], floors: Sequence[Row]) -> list[Block]:
    blocks: list[Block] = []
    for inputs in sorted({row.offered for row in models}, key=lambda one: (len(one), ordered(one))):
        mine = [row for row in models if row.offered == inputs]
        fair = [row for row in floors if fits(row, inputs)]
        near, other = _closest(fair), _closest([row for row in floors if row not in fair])
        heads = {row.head for row in mine}
        blocks.extend(_block(inputs, head, heads, mine, near, other) for head in sorted(heads))
    return _with_leftovers(blocks, floors)


def _block(
    inputs: frozenset[str],
    head: str,
    heads: set[str],
    models: Sequence[Row],
    near: Sequence[Row],
    other: Sequence[Row],
) -> Block:
    """Make a block of one head: floors of the block's other heads have blocks of their own."""

    def beside(floors: Sequence[Row]) -> tuple[Row, ...]:
        return _best_first(row for row in floors if row.head in {head, SELECT} or row.head not in heads)

    mine = _best_first(row for row in models if row.head == head)
    return Block(inputs, head, mine, beside(near), elsewhere=beside(other))


def fits(floor: Row, inputs: frozenset[str]) -> bool:
    """Tell whether a floor sees no more than some inputs; where a unit lies, floors always know."""
    return floor.used - _ALWAYS <= inputs


def _with_leftovers(blocks: Sequence[Block], floors: Sequence[Row]) -> list[Block]:
    """Give floors that stand nowhere, for a run of the same floor with more inputs took their place, to the last block."""
    placed = {row.run_id for block in blocks for row in (*block.floors, *block.elsewhere)}
    rest = [row for row in floors if row.run_id not in placed]
    last = replace(blocks[-1], floors=_best_first([*blocks[-1].floors, *rest]))
    return [*blocks[:-1], last]


def _floor_blocks(floors: Sequence[Row]) -> list[Block]:
    """Floors alone make one block: its inputs are all that they use, its head the one most of them have."""
    if not floors:
        return []
    inputs = frozenset().union(*(row.used for row in floors)) - _ALWAYS
    counts = Counter(row.head for row in floors)
    head = min(counts, key=lambda name: (-counts[name], name == SELECT, name))
    return [Block(inputs, head, (), _best_first(floors))]


def _with_unscored(block: Block, unscored: Sequence[Row]) -> Block:
    mine = tuple(row for row in unscored if row.offered == block.inputs and row.head in {block.head, SELECT})
    return replace(block, unscored=mine)


def _identity(row: Row) -> tuple[str, ...]:
    """Everything that was asked for but the inputs."""
    parts = ("model", "preset", "parameters", "head", "seeds", "model_seed")
    return tuple(json.dumps(row.spec.get(part), sort_keys=True, default=str) for part in parts)


def _without_repeats(rows: Sequence[Row]) -> list[Row]:
    """Drop runs that differ in nothing a table shows: same model, inputs used and scores under two input settings.

    The run of all inputs stays, so that trainings of one setting are found together, with what either adds to a floor.
    """
    seen: dict[tuple[object, ...], Row] = {}
    for row in sorted(rows, key=lambda one: one.spec.get("inputs", FULL) != FULL):
        offered = frozenset() if row.floor else row.offered
        scores = tuple(sorted((name, score.values) for name, score in row.scores.items()))
        key = (*_identity(row), offered, row.used, scores)
        kept = seen.setdefault(key, row)
        seen[key] = kept if kept.added or row.added is None else replace(kept, added=row.added)
    return list(seen.values())


def _closest(floors: Sequence[Row]) -> list[Row]:
    """Of a floor run under several settings keep the runs that use the most."""
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in floors:
        found.setdefault(_identity(row), []).append(row)
    return [
        row for same in found.values() for row in same if not any(row.used < other.used for other in same)
    ]


def _best_first(rows: Iterable[Row]) -> tuple[Row, ...]:
    return tuple(sorted(rows, key=place_of))


def place_of(row: Row) -> tuple[float, str, str, str]:
    """Return what rows are ordered by: the main metric, best first and without a score last, then names."""
    loss = -direction(row.main_metric) * row.main
    return (loss if loss == loss else float("inf"), row.name, row.head, row.run_id)  # noqa: PLR0124 - NaN last
