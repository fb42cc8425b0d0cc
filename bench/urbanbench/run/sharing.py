"""Sharing: what of a task's withholding a model would notice, known before a city is opened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from urbanbench.city.changing.drawn import drawn_away
from urbanbench.city.city import City
from urbanbench.city.folder.manifest import read_manifest
from urbanbench.city.least import words_that_hide
from urbanbench.errors import UrbanbenchError
from urbanbench.inputs import LAYER_OF
from urbanbench.registry import folder_there

__all__ = ["hidden_from"]


def hidden_from(
    inputs: frozenset[str], withholds: Sequence[str], cities: Iterable[str]
) -> tuple[tuple[str, ...], ...]:
    """Return what a task hides from a model in each city; tasks that hide the same from it can share vectors.

    Parameters
    ----------
    inputs
        What the model's card names and the run allows.
    withholds
        Words of `urbanbench.card.WITHHOLDABLE`.
    cities
        Words: the scored city, and the train city where there is one. Of one that is not built yet, all that is withheld counts.
    """
    words = tuple(sorted(withholds))
    return tuple(_hidden_in(city, inputs, words) if words else () for city in cities)


def _hidden_in(word: str, inputs: frozenset[str], withholds: tuple[str, ...]) -> tuple[str, ...]:
    city = _peeked(word)
    if city is None:
        return withholds
    there = {name for name in inputs if name not in LAYER_OF or LAYER_OF[name] in city.layers}
    drawn = drawn_away(city, withholds) & there
    return (*words_that_hide(city, there - drawn, withholds), *sorted(f"input {name}" for name in drawn))


def _peeked(word: str) -> City | None:
    """Return a city of whose folder city.json is read and nothing else; None where it is not there, or something is wrong with it."""
    try:
        folder = folder_there(word)
        return None if folder is None else _described(folder, (folder / "city.json").stat().st_mtime_ns)
    except (OSError, ValueError, UrbanbenchError):  # what is wrong with it, the cell's row will say
        return None


@lru_cache(maxsize=8)
def _described(folder: Path, _mtime_ns: int) -> City | None:
    manifest, faults = read_manifest(folder)
    return City(folder, manifest) if manifest is not None and not faults else None
