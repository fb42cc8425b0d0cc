"""From values of Python to the words that runs are told in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from urbanbench.errors import BadInput
from urbanbench.model import settings_between

__all__ = ["listed", "seed_numbers", "settings_words"]


def listed(asked: Any) -> list[Any]:
    """Return one thing, or several, as a list.

    Examples
    --------
    >>> listed("poi-counts,tfidf"), listed(["hgi", "cityfm"]), listed(())
    (['poi-counts,tfidf'], ['hgi', 'cityfm'], [])
    """
    alone = isinstance(asked, str | Path | type) or not isinstance(asked, Iterable)
    return [asked] if alone else list(asked)


def seed_numbers(seeds: int | Iterable[int]) -> tuple[int, ...]:
    """Return seeds: a number of them counts from 0, several are taken as they are.

    Raises
    ------
    BadInput
        None, negative ones, or one twice.

    Examples
    --------
    >>> seed_numbers(3), seed_numbers([4, 1])
    ((0, 1, 2), (4, 1))
    """
    numbers = tuple(range(seeds)) if isinstance(seeds, int) else tuple(int(one) for one in seeds)
    if not numbers or len(set(numbers)) != len(numbers) or min(numbers) < 0:
        msg = f"seeds got {seeds!r}. Expected a number of seeds such as 10, or a list such as [0, 3, 7], each once."
        raise BadInput(msg)
    return numbers


def settings_words(settings: Mapping[str, Any] | None) -> tuple[tuple[str, str], ...]:
    """Write parameters as the words of ``--set``.

    Examples
    --------
    >>> settings_words({"dim": 64, "heights": True})
    (('dim', '64'), ('heights', 'true'))
    """
    return settings_between({}, dict(settings or {}))
