"""What tiles call things, and which of the two schemas they follow."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from urbanbench.build.tiles.decode import Value

__all__ = ["DERIVED", "Schema", "Skipped", "meant_names", "plain"]

Skipped = str
"""Why something is no object of a city's map, as the end of a sentence."""


class Schema(Protocol):
    """A way to name layers and attributes."""

    @property
    def name(self) -> str:
        """The schema's name."""

    @property
    def layers(self) -> Mapping[str, str]:
        """A tile's layers that are read, to what they become: a layer of a city, or "names" of roads."""

    @property
    def credit(self) -> str:
        """Whom to name, beside OpenStreetMap."""

    def claims(self, names: Collection[str]) -> bool:
        """Tell whether layers of these names are of this schema."""

    def tags(self, layer: str, attributes: Mapping[str, Value]) -> dict[str, str] | Skipped:
        """Return a feature's tags in the words of OpenStreetMap, or why it is left out."""

    def object_id(self, layer: str, number: int) -> str:
        """Return an object's id for the number of its feature, which is unique in its layer."""


DERIVED = frozenset({"name_int", "name:latin", "name:nonlatin"})
"""Names that are made from the others, to be written on a map."""


def plain(value: Value) -> str:
    """Write a value as OpenStreetMap would.

    Examples
    --------
    >>> plain(True), plain(12.0), plain(2.5), plain(" a ")
    ('yes', '12', '2.5', 'a')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else f"{value:g}"
    return str(value).strip()


def meant_names(attributes: Mapping[str, Value]) -> dict[str, str]:
    """Return the name, and names in other languages where they say something else.

    Examples
    --------
    >>> meant_names({"name": "Roma", "name_en": "Rome", "name:de": "Roma", "name:latin": "Roma"})
    {'name': 'Roma', 'name:en': 'Rome'}
    """
    found = {"name": plain(attributes.get("name", ""))}
    for key, value in attributes.items():
        if key.startswith(("name:", "name_")) and key not in DERIVED:
            found["name:" + key[5:]] = plain(value)
    return {key: text for key, text in found.items() if text and (key == "name" or text != found["name"])}
