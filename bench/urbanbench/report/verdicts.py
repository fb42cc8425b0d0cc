"""What a table says of who leads it, as a word for counting and a sentence for reading."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from urbanbench.board.blocks import Block
from urbanbench.board.labels import row_label
from urbanbench.board.marks import by_score, ranked
from urbanbench.board.rows import FLOOR, FROZEN, LEARNED, Row

__all__ = ["FLOORS", "OPEN", "TOGETHER", "verdict_of"]

FLOORS, TOGETHER, OPEN = "floors", "together", "open"
"""Only floors may be the best; rows of more than one kind; or there are too few rows to say. Of learned and frozen rows alone the kind is the word."""
_NAMED = 3
"""Rows that a sentence names before it counts the rest."""


def verdict_of(
    block: Block,
    marked: Mapping[str, str],
    ranks: Mapping[str, tuple[int, int]],
    place: Callable[[Row], int],
) -> dict[str, Any]:
    """Return who may be the best of a table.

    Parameters
    ----------
    block
        The table's rows.
    marked
        Its best row and those that chance does not separate from it, by run id (`urbanbench.board.marks.marks`).
    ranks
        Possible ranks by run id.
    place
        Gives the place of a row in the page's list.

    Returns
    -------
    dict
        ``word``; ``words``; places of the ``leader`` and of the best ``learned``, ``frozen`` and ``floor`` row, where there are any; and ``set``, those
        of all rows that may be the best.
    """
    rows = [row for row in by_score(block) if row in ranked(block)]
    leading = [row for row in rows if row.run_id in marked]
    best = {kind: next((row for row in rows if row.kind == kind), None) for kind in (LEARNED, FROZEN, FLOOR)}
    told: dict[str, Any] = {
        "word": _word(leading if ranks else []),
        "words": _words(rows, leading, best[LEARNED] or best[FROZEN], ranks, block),
    }
    named = {"leader": next(iter(leading or rows), None), **best}
    told |= {name: place(row) for name, row in named.items() if row is not None}
    return told | {"set": [place(row) for row in leading]}


def _word(leading: Sequence[Row]) -> str:
    kinds = {row.kind for row in leading}
    if len(kinds) != 1:
        return TOGETHER if kinds else OPEN
    return FLOORS if FLOOR in kinds else next(iter(kinds))


def _words(
    rows: Sequence[Row],
    leading: Sequence[Row],
    model: Row | None,
    ranks: Mapping[str, tuple[int, int]],
    block: Block,
) -> str:
    if not rows:
        return "No row of this table can be ranked."
    best = (leading or rows)[0]
    if not leading:
        why = (
            "seeds test the same units, so scores alone do not tell which rows chance separates from it"
            if len(rows) > 1
            else "there is no other row to compare it with"
        )
        return f"{_named(best, block, start=True)} has {best.score(best.main_metric).text}; {why}."
    among = "" if best is rows[0] else " of the rows that are judged together"
    said = [
        f"{_named(best, block, start=True)} has the best mean{among}, {best.score(best.main_metric).text}."
    ]
    said.append(_separated([row for row in leading if row is not best], ranks, len(rows), block))
    if model is not None and model not in leading:
        low, high = ranks.get(model.run_id, (0, 0))
        rank = (
            f", which may be rank {low}{f' to {high}' if high != low else ''} of {len(ranks)}" if low else ""
        )
        said.append(
            f"The best {model.kind} model is {_named(model, block)} with {model.score(model.main_metric).text}{rank}."
        )
    return " ".join(said)


def _separated(rest: Sequence[Row], ranks: Mapping[str, tuple[int, int]], count: int, block: Block) -> str:
    """Say from which rows chance does not separate the best one, where it can be told."""
    if not ranks:
        return "There are too few seeds on the same test units to tell from which others chance separates it."
    if not rest:
        judged = "" if len(ranks) == count else f" that are judged together, of {count}"
        return f"It is separable from every other of the {len(ranks)} rows{judged}."
    names = [_named(row, block) for row in rest]
    shown = names if len(names) <= _NAMED else [*names[: _NAMED - 1], f"{len(names) - _NAMED + 1} others"]
    listed = shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
    return f"Chance does not separate it from {listed}."


def _named(row: Row, block: Block, *, start: bool = False) -> str:
    kind = ("The floor " if start else "the floor ") if row.floor else ""
    return f"{kind}{row_label(row, block.shown)}"
