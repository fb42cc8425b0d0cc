"""Pictures that are drawn from a city's own layers, and so show what a task withholds of these layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from urbanbench.city.city import City

__all__ = ["DRAWN_FROM", "RENDERED_MAP", "drawn_away"]

RENDERED_MAP = "rendered-map"
"""Kind of pictures that are maps drawn from vector layers."""

DRAWN_FROM = "drawn_from"
"""Field of a layer of such pictures in city.json: the layers that are drawn."""

_PICTURES = {"satellite": "satellite", "street_view": "street_views"}


def drawn_away(city: City, withholds: Sequence[str]) -> frozenset[str]:
    """Return the inputs whose pictures are maps of the land use, where that is withheld; a map that does not say what it draws counts.

    Parameters
    ----------
    city
        Its city.json tells the kind of its pictures.
    withholds
        Words of `urbanbench.card.WITHHOLDABLE`.
    """
    if "landuse" not in withholds:
        return frozenset()
    return frozenset(name for name, layer in _PICTURES.items() if _shows_landuse(city, layer))


def _shows_landuse(city: City, layer: str) -> bool:
    if layer not in city.layers or city.layers[layer].kind != RENDERED_MAP:
        return False
    drawn = city.manifest.entries[layer].get(DRAWN_FROM)
    return not isinstance(drawn, list) or not drawn or "landuse" in drawn
