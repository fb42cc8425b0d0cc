"""Rooms: what is particular to kinds of task that are asked and scored alike. The kind chooses the room, and nothing else asks for it."""

from __future__ import annotations

from urbanbench.card import RETRIEVAL
from urbanbench.run.rooms.contract import Room
from urbanbench.run.rooms.items import ItemRoom
from urbanbench.run.rooms.labels import LabelRoom

__all__ = ["Room", "room_of"]

_ROOMS: dict[str, Room] = {RETRIEVAL: ItemRoom()}
_USUAL = LabelRoom()


def room_of(kind: str) -> Room:
    """Return the room that scores a kind of task: that of items for "retrieval", that of labels for all others."""
    return _ROOMS.get(kind, _USUAL)
