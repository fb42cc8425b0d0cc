"""What vectors cost: seconds computed in this run, and seconds of parts that were kept from earlier ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from urbanbench.board.layout import Entry
from urbanbench.board.numbers import plain_number
from urbanbench.board.rows import Row

__all__ = ["READ", "cost_entry", "read_seconds"]

READ = "read"
"""The word in a cost that tells kept parts from computed ones."""


def read_seconds(row: Row) -> tuple[float, int]:
    """Return what parts that were read cost when they were made, and how many of them do not say."""
    stated = [one.get("seconds") for one in _parts(row)]
    known = [float(one) for one in stated if isinstance(one, int | float)]
    return sum(known), len(stated) - len(known)


def cost_entry(row: Row) -> Entry:
    """Return the seconds of a row's vectors: "10.8", "10.8 + 231 read", or "10.8 + 231 and 2 parts read"."""
    now = row.cost.get("embed_seconds")
    if now is None or not _parts(row):
        return Entry(plain_number(now), value=now)
    known, unknown = read_seconds(row)
    parts = [*([plain_number(known)] if known else []), *([_counted(unknown)] if unknown else [])]
    tip = "; ".join(f"{one.get('part')}: {_told(one.get('seconds'))}" for one in _parts(row))
    return Entry(f"{plain_number(now)} + {' and '.join(parts) or 0} {READ}", tip=tip, value=now + known)


def _parts(row: Row) -> list[Mapping[str, Any]]:
    listed = row.cost.get("embed_read")
    return [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list | tuple) else []


def _counted(parts: int) -> str:
    return f"{parts} part{'s' if parts > 1 else ''}"


def _told(seconds: object) -> str:
    return f"{plain_number(float(seconds))} s" if isinstance(seconds, int | float) else "seconds not known"
