"""What would give a place away, kept in fields of its own, and how a task takes it out.

Every node, triple and caption has its words in two parts: `text`, written of categories, distances and directions alone, and `gives_away`
with the names, coordinates, streets and districts. A sentence that somebody else wrote may name them, so a caption from a file or a
model says in `mentions` which of these words occur in its `text`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from urbanbench.errors import UnknownName

__all__ = ["LEAKS", "mentions", "without"]

LEAKS = ("name", "coordinates", "street", "district")
"""Words for what a task may hide; the keys of `gives_away` and `mentions`."""

_SHORTEST = 3
"""Names of fewer letters are found in every other word, and are not looked for."""


def without(record: Any, *leaks: str) -> Any:
    """Return a copy of a node, triple, path or caption without what would give its place away.

    Parameters
    ----------
    record
        What lies in a file of UGData: an object, or a list of them, however deep.
    leaks
        Words of `LEAKS`; all when left out. Names are streets and districts, too: who hides these hides `name` as well.

    Returns
    -------
    object
        `gives_away` holds none of them any more, and is gone when it is empty; in a `text` that mentions one, it is "[street]" and so on.

    Raises
    ------
    UnknownName
        No such word.

    Examples
    --------
    >>> node = {"text": "a cafe", "gives_away": {"name": "Luna", "district": "Old Town"}}
    >>> without(node, "name")
    {'text': 'a cafe', 'gives_away': {'district': 'Old Town'}}
    >>> without({"text": "A cafe in old town.", "mentions": {"district": ["Old Town"]}})
    {'text': 'A cafe in [district].'}
    """
    for word in leaks:
        if word not in LEAKS:
            raise UnknownName("part that gives away", word, LEAKS)
    return _without(record, frozenset(leaks or LEAKS))


def mentions(text: str, words: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Return which words occur in a text, by kind; whole words, whatever their case.

    Parameters
    ----------
    text
        A sentence of anybody.
    words
        For words of `LEAKS` the texts to look for; those of fewer than three letters are passed over.
    """
    low = text.lower()
    found = {
        kind: sorted(
            {
                one
                for one in some
                if len(one) >= _SHORTEST and one.lower() in low and _pattern(one).search(text)
            }
        )
        for kind, some in words.items()
    }
    return {kind: some for kind, some in found.items() if some}


def _without(record: Any, leaks: frozenset[str]) -> Any:
    if isinstance(record, list):
        return [_without(one, leaks) for one in record]
    if not isinstance(record, dict):
        return record
    kept = {key: _without(value, leaks) for key, value in record.items()}
    for key in ("gives_away", "mentions"):
        if key in record:
            kept[key] = {kind: value for kind, value in record[key].items() if kind not in leaks}
            if not kept[key]:
                del kept[key]
    for kind, words in record.get("mentions", {}).items():
        if kind in leaks:
            for word in sorted(words, key=len, reverse=True):
                kept["text"] = _pattern(word).sub(f"[{kind}]", kept["text"])
    return kept


def _pattern(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE)
