"""What takes long to find out about a city, kept in the cache until its folder changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from urbanbench.atomic import write_text
from urbanbench.errors import CannotWrite
from urbanbench.hashing import value_digest
from urbanbench.home import cache_root
from urbanbench.store import without_nan

if TYPE_CHECKING:
    from urbanbench.city.city import City

__all__ = ["VERSION", "kept"]

VERSION = 3
"""Raised when the page says something else of the same city."""


def kept(city: City, what: str, make: Callable[[], Any]) -> Any:
    """Return JSON-like data about a city, from the cache where it was made of the same folder before.

    Parameters
    ----------
    city
        An open city.
    what
        Name of the data.
    make
        Makes it.
    """
    layers = ["regions", *city.layers, *(f"labels/{name}" for name in city.labels)]
    path = cache_root() / "report" / f"{value_digest([VERSION, what, city.title, city.digest(layers)])}.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        made = without_nan(make())
        with suppress(CannotWrite):
            write_text(path, json.dumps(made, ensure_ascii=False))
        return made
