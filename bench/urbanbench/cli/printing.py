"""Output: tables and JSON on stdout, notes on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

__all__ = ["aligned", "debugging", "note", "print_facts", "print_json", "print_table", "say", "tracebacks"]

_debug: ContextVar[bool] = ContextVar("whether tracebacks are shown", default=False)


def debugging() -> bool:
    """Tell whether tracebacks are shown."""
    return _debug.get()


@contextmanager
def tracebacks(shown: bool) -> Iterator[None]:
    """Show tracebacks in the block, or do not."""
    token = _debug.set(shown)
    try:
        yield
    finally:
        _debug.reset(token)


def note(text: str) -> None:
    """Write a line to stderr."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def say(text: object) -> None:
    """Write a line to stdout."""
    sys.stdout.write(f"{text}\n")


def print_json(value: Any) -> None:
    """Write a JSON document to stdout."""
    say(json.dumps(value, indent=1, ensure_ascii=False, default=str))


def print_table(rows: Iterable[Sequence[object]], heads: Sequence[str]) -> None:
    """Write rows to stdout in aligned columns under their heads."""
    for line in aligned([heads, *([str(cell) for cell in row] for row in rows)]):
        say(line)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines with columns two spaces apart.

    Examples
    --------
    >>> aligned([["a", "bb"], ["ccc", "d"]])
    ['a    bb', 'ccc  d']
    """
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def print_facts(facts: Mapping[str, Any], indent: int = 0) -> None:
    """Write nested facts as ``name: value`` lines; empty ones are left out."""
    width = max((len(str(name)) for name in facts), default=0)
    for name, value in facts.items():
        if isinstance(value, Mapping):
            if value:
                say(f"{' ' * indent}{name}:")
                print_facts(value, indent + 2)
        elif isinstance(value, list | tuple) and any(len(str(one)) > 40 for one in value):
            say(f"{' ' * indent}{name}:")
            for one in value:
                say(f"{' ' * indent}  - {one}")
        elif value not in (None, "", (), []):
            say(f"{' ' * indent}{str(name).ljust(width)}  {_plain(value)}")


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)
