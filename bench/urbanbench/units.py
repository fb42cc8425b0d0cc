"""What is to be embedded: a level and the ids of its units, in order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from urbanbench.errors import BadInput, quoted

__all__ = ["ITEM", "LEVELS", "Units"]

LEVELS = ("region", "building", "poi", "street_view")
"""Levels of a city's units."""

ITEM = "item"
"""What a retrieval task asks with and chooses from (`urbanbench.items`); no city lists them."""


@dataclass(frozen=True)
class Units:
    """Ids of one level, unique and in the order the vectors are wanted.

    Parameters
    ----------
    level
        One of `LEVELS`, or `ITEM`.
    ids
        Unit ids, unique.

    Raises
    ------
    BadInput
        Unknown level, or an id stands twice.
    """

    level: str
    ids: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.level not in (*LEVELS, ITEM):
            msg = f"Unknown level {self.level!r}. Expected one of: {', '.join((*LEVELS, ITEM))}."
            raise BadInput(msg)
        if len(set(self.ids)) != len(self.ids):
            twice = [one for one, count in Counter(self.ids).items() if count > 1]
            msg = f"Units of level {self.level!r} hold ids twice ({quoted(twice)}). Expected every id once. Mend: tuple(dict.fromkeys(ids))."
            raise BadInput(msg)

    def __len__(self) -> int:
        return len(self.ids)
