"""Tags as columns: text values, one column a key, or flags, one column a key and value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["flag_columns", "tag_columns", "wanted_tags"]

_TRUE_ONEWAY = ("yes", "true", "1", "-1", "reverse")

Rule = tuple[str, frozenset[str] | None, bool]
"""Column, allowed values (None for all), and whether the column holds ``key=value`` because it stands for a group of keys."""


def wanted_tags(osm_filter: Mapping[str, Any], keys: Sequence[str]) -> dict[str, list[Rule]]:
    """Return which tags are read: for every key the columns it fills.

    Parameters
    ----------
    osm_filter
        A filter as srai writes it: key to True or a list of values, or group to such a filter.
    keys
        Keys that are read with all their values, in place of the filter; empty for the filter.
    """
    if keys:
        return {key: [(key, None, False)] for key in keys}
    rules: dict[str, list[Rule]] = {}
    for name, inner in osm_filter.items():
        grouped = isinstance(inner, Mapping)
        for key, values in inner.items() if isinstance(inner, Mapping) else [(name, inner)]:
            allowed = None if values is True else frozenset([values] if isinstance(values, str) else values)
            rules.setdefault(key, []).append((name, allowed, grouped))
    return rules


def tag_columns(tags: Sequence[Iterable[tuple[str, str]]], rules: Mapping[str, list[Rule]]) -> pd.DataFrame:
    """Return the values of objects (n) in the columns of `rules`: text, None where an object lacks the tag.

    Columns that no object fills are left out. Of several tags of a group the first counts.
    """
    import pandas as pd

    names = list(dict.fromkeys(column for several in rules.values() for column, _, _ in several))
    values = {name: np.full(len(tags), None, dtype=object) for name in names}
    for row, pairs in enumerate(tags):
        for key, value in pairs:
            for column, allowed, grouped in rules.get(key, ()):
                if values[column][row] is None and (allowed is None or value in allowed):
                    values[column][row] = f"{key}={value}" if grouped else value
    kept = {name: column for name, column in values.items() if any(one is not None for one in column)}
    return pd.DataFrame(kept, index=range(len(tags)), dtype=object)


def flag_columns(tags: Sequence[Iterable[tuple[str, str]]], rules: Mapping[str, list[Rule]]) -> pd.DataFrame:
    """Return flags of objects: uint8 (n, number of values), columns named ``column-value`` as srai's loader of roads does.

    Every value a rule lists has its column, also where no object has it; a rule for all values has those that occur, sorted.
    ``oneway`` is True or False for every object, False where it is not tagged.
    """
    import pandas as pd

    if "oneway" in rules:
        tags = [_with_oneway(pairs) for pairs in tags]
    text = tag_columns(tags, rules)
    flags: dict[str, np.ndarray] = {}
    for key, several in rules.items():
        for column, allowed, grouped in several:
            present = text[column].to_numpy() if column in text else np.full(len(tags), None, dtype=object)
            listed = (
                sorted({one for one in present if one is not None}) if allowed is None else sorted(allowed)
            )
            for value in listed:
                shown = f"{key}={value}" if grouped and allowed is not None else value
                flags[f"{column}-{shown}"] = (present == shown).astype(np.uint8)
    return pd.DataFrame(flags, index=range(len(tags)))


def _with_oneway(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Write ``oneway`` as osmnx does."""
    told = dict(pairs)
    return list((told | {"oneway": str(told.get("oneway", "no").lower() in _TRUE_ONEWAY)}).items())
