"""Rows that know where a unit lies stand in a table of their own: a head can interpolate between neighbours with them, and with no other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from urbanbench.board.blocks import Block
from urbanbench.board.rows import Row

__all__ = ["Part", "parts_of"]


@dataclass(frozen=True, eq=False)
class Part:
    """Some rows of a block.

    Parameters
    ----------
    block
        These rows, under the block's inputs and head.
    words
        What they have in common, for a title; "" where they are all of the block's.
    """

    block: Block
    words: str = ""


def parts_of(block: Block) -> list[Part]:
    """Split a block into rows that do not know where they are, those that do, and those of earlier versions that do not say.

    A block is whole where no learned model of it says that it knows: floors of coordinates are then its only rows that do.
    """
    if not any(row.knows_place for row in block.models):
        return [Part(block)]
    ways = list(dict.fromkeys(row.knows_place for row in block.models if row.knows_place))
    made = [
        Part(_chosen(block, lambda row: row.knows_place == ""), "rows that do not know where they are"),
        Part(
            _chosen(block, lambda row: bool(row.knows_place)),
            f"rows that know where they are ({'; '.join(ways)})",
        ),
        Part(
            _chosen(block, lambda row: row.knows_place is None),
            "rows that do not say whether they know where they are",
        ),
    ]
    kept = [part for part in made if part.block.shown]
    first = replace(kept[0], block=replace(kept[0].block, unscored=block.unscored))
    return [first, *kept[1:]]


def _chosen(block: Block, belongs: Callable[[Row], bool]) -> Block:
    models, floors, elsewhere = (
        tuple(row for row in rows if belongs(row)) for rows in (block.models, block.floors, block.elsewhere)
    )
    return replace(block, models=models, floors=floors, elsewhere=elsewhere, unscored=())
