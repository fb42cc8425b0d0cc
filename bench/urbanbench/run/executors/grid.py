"""What a scheduler of other machines has to offer, so that errands can be spread over it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from urbanbench.run.executors.errand import Errand

__all__ = ["Grid", "Lost", "Ticket"]


class Lost(RuntimeError):
    """A worker or node ended before it could answer; `blamed` where the cell itself may have been the reason."""

    def __init__(self, reason: str, *, blamed: bool = False) -> None:
        self.blamed = blamed
        super().__init__(reason)


@dataclass(frozen=True)
class Ticket:
    """An errand that was handed in; told apart by its number.

    Parameters
    ----------
    number
        Counts up.
    handle
        What the scheduler knows it by.
    """

    number: int
    handle: Any = None

    def __hash__(self) -> int:
        return self.number


class Grid(Protocol):
    """A scheduler. What is put into it is kept there until `close`, and known by what `put` gave."""

    def most(self, *, embeds: bool, beside: int) -> int:
        """How many errands of a kind may be handed in at once, while so many of the other kind are: so many that no node is idle and new ones are asked for.

        What waits in a scheduler is no longer ours to put in order, so it should be few.
        """
        ...

    def put(self, file: Path | bytes) -> Any:
        """Keep bytes where every node can fetch them; whoever asks gets them in pieces."""
        ...

    def submit(self, errand: Errand, archives: Sequence[Any], vectors: Any, *, embeds: bool) -> Ticket:
        """Hand in an errand, with what `put` gave for its shipments and vectors (None for none); it waits there for a node."""
        ...

    def wait(self, tickets: Collection[Ticket], seconds: float) -> list[Ticket]:
        """Return those that are done, after so many seconds at most."""
        ...

    def answer(self, ticket: Ticket) -> bytes:
        """Return the bundle that `urbanbench.run.executors.station.do` made; raises `Lost` where there will be none."""
        ...

    def vectors(self, ticket: Ticket) -> bytes:
        """Return the vectors that came with an answer, b"" for none; raises `Lost` where they are gone."""
        ...

    def cancel(self, tickets: Collection[Ticket]) -> None:
        """End errands, also those that are being done."""
        ...
