"""What a model reads from the cache instead of computing it, and what that cost when it was made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["Part", "Reading", "reading", "seconds_of", "was_made", "was_read"]


@dataclass(frozen=True)
class Part:
    """Something kept from before, such as a trained stage.

    Parameters
    ----------
    part
        What it is, in a few words.
    seconds
        What it cost when it was made; None where nobody wrote it down.
    """

    part: str
    seconds: float | None


@dataclass
class Reading:
    """The parts that were read inside a block, by key; what the block made itself and read again is not among them."""

    parts: dict[str, Part] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)

    def to_record(self) -> list[dict[str, Any]]:
        """Return what a result keeps: a list of {"part": …, "seconds": …}, in the order of reading."""
        return [asdict(one) for one in self.parts.values()]


_open: ContextVar[Reading | None] = ContextVar("parts read from the cache", default=None)


@contextmanager
def reading() -> Iterator[Reading]:
    """Collect what is read from the cache inside the block.

    Examples
    --------
    >>> with reading() as found:
    ...     was_read("k1", "stage poi", 12.0)
    ...     was_made("k2")
    ...     was_read("k2", "features: text", 3.0)
    >>> found.to_record()
    [{'part': 'stage poi', 'seconds': 12.0}]
    """
    found = Reading()
    token = _open.set(found)
    try:
        yield found
    finally:
        _open.reset(token)


def was_read(key: str, part: str, seconds: float | None) -> None:
    """Say that a kept part was read; a key counts once, and not where this block made it."""
    found = _open.get()
    if found is not None and key not in found.made:
        found.parts.setdefault(key, Part(part, None if seconds is None else round(seconds, 3)))


def was_made(key: str) -> None:
    """Say that a part was computed and kept."""
    found = _open.get()
    if found is not None:
        found.made.add(key)


def seconds_of(stated: str | None) -> float | None:
    """Read the seconds a kept file states; None where it states none.

    Examples
    --------
    >>> seconds_of("1.5"), seconds_of(None), seconds_of("long")
    (1.5, None, None)
    """
    try:
        return None if stated is None else float(stated)
    except ValueError:
        return None
