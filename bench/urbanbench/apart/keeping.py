"""How foreign code is kept apart while a command runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from urbanbench.apart.limits import Limits

__all__ = ["Keeping", "keeping", "plugins_apart"]


@dataclass(frozen=True)
class Keeping:
    """What runs in a process of its own.

    Parameters
    ----------
    foreign
        Whether foreign plugins do: files elsewhere, and what other packages offer.
    all_cells
        Whether every cell does.
    limits
        What one cell may take there.
    own
        Whether plugins that state dependencies run in environments of their own.
    """

    foreign: bool = False
    all_cells: bool = False
    limits: Limits = field(default_factory=Limits)
    own: bool = True


_keeping: ContextVar[Keeping | None] = ContextVar("how foreign code is kept apart", default=None)


def keeping() -> Keeping:
    """Return how foreign code is kept apart now; nothing is, outside of `plugins_apart`."""
    return _keeping.get() or Keeping()


@contextmanager
def plugins_apart(asked: Keeping | None = None) -> Iterator[None]:
    """Keep foreign plugins in processes of their own inside the block, or what is asked."""
    token = _keeping.set(asked or Keeping(foreign=True))
    try:
        yield
    finally:
        _keeping.reset(token)
