"""What would give a place away, kept in fields of its own, and how a task takes it out.

Every node, triple and caption has its words in two parts: `text`, written of categories, distances and directions alone, and `gives_away`
with the names, coordinates, streets and districts. A sentence that somebody else wrote may name them, so a caption from a file or a
model says in `mentions` which of these words occur in its `text`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from urbanbench.errors import UnknownName
from urbanbench.graph.mentioning import letters_of, spans

__all__ = ["LEAKS", "mentions", "without"]

LEAKS = ("name", "coordinates", "street", "district")
"""Words for what a task may hide; the keys of `gives_away` and `mentions`."""


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
    """Return which names occur in a text, by kind, as `urbanbench.graph.mentioning.spans` finds them.

    Parameters
    ----------
    text
        A sentence of anybody.
    words
        For words of `LEAKS` the names to look for.
    """
    letters = letters_of(text)
    found = {
        kind: sorted({one for one in some if next(spans(letters, one), None)}) for kind, some in words.items()
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
    hidden = {kind: some for kind, some in record.get("mentions", {}).items() if kind in leaks}
    if hidden:
        kept["text"] = _hidden(kept["text"], hidden)
    return kept


def _hidden(text: str, names: Mapping[str, Iterable[str]]) -> str:
    """Write "[street]" and so on over names; of names that lie over one another the longest is written over."""
    letters = letters_of(text)
    found = [(*span, kind) for kind, some in names.items() for one in some for span in spans(letters, one)]
    taken: list[tuple[int, int, str]] = []
    for begin, end, kind in sorted(found, key=lambda one: (one[0] - one[1], one[0])):
        if all(end <= first or last <= begin for first, last, _ in taken):
            taken.append((begin, end, kind))
    for begin, end, kind in sorted(taken, reverse=True):
        text = f"{text[:begin]}[{kind}]{text[end:]}"
    return text
