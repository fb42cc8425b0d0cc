"""What columns of Overture's features say, in the words of OpenStreetMap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["field_of", "names_of", "scoped", "text_of"]


def field_of(value: Any, *path: str) -> Any:
    """Return a field inside of structs; None where one of them is missing."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def text_of(value: Any) -> str:
    """Write a value as a tag; "" for nothing.

    Examples
    --------
    >>> text_of(None), text_of(12.0), text_of(" a "), text_of(True)
    ('', '12', 'a', 'yes')
    """
    if value is None or value != value:  # noqa: PLR0124 - NaN
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else f"{value:g}"
    return str(value).strip()


def names_of(row: Mapping[str, Any]) -> dict[str, str]:
    """Return the tag `name`, and ``name:xx`` for names in other languages that say something else."""
    names = row.get("names")
    main = text_of(field_of(names, "primary"))
    found = {"name": main} if main else {}
    common = field_of(names, "common") or ()
    pairs = common.items() if isinstance(common, Mapping) else common
    for language, name in pairs:
        if text_of(name) and text_of(name) != main:
            found[f"name:{text_of(language)}"] = text_of(name)
    return found


def scoped(rules: Iterable[Mapping[str, Any]] | None) -> Iterable[Mapping[str, Any]]:
    """Give the rules that hold for more than half of a segment; a rule without `between` holds for all of it."""
    for rule in rules or ():
        between = rule.get("between")
        if between is None or (len(between) == 2 and between[1] - between[0] > 0.5):
            yield rule
