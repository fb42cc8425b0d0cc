"""Views that withhold nothing in vain: where there is nothing to hide, a task that withholds shows a model what any other task shows it.

Vectors are kept by what a model is shown. A model of roads is shown the same whether land use is withheld or not, and so is a model of POIs in a city
without a tag that tells the land use; both are then trained once for all tasks. What a model is shown is cut to its declared inputs by the view, which
refuses anything else.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from urbanbench.city.view import View
from urbanbench.inputs import LAYER_OF

if TYPE_CHECKING:
    from urbanbench.city.contents import Contents

__all__ = ["least_withholding", "words_that_hide"]

_LANDUSE_KEY = "landuse"
_TAGGED = ("poi", "polygon")
"""Inputs that show tags, of which "landuse" hides some."""
_SHOWS_TARGETS = frozenset({"poi", "polygon", "coordinates"})
"""Inputs of which "target_building" may hide something; whether it does is not looked up."""


def least_withholding(view: View) -> View:
    """Return a view that shows the same and withholds no word in vain; the view itself where every word hides something.

    What is touched of another view that is returned is not counted in the one given. Views of items come back as they are: what they show does not
    depend on what is withheld of layers.

    Parameters
    ----------
    view
        Of a city.
    """
    if type(view) is not View:
        return view
    city = view._city  # noqa: SLF001 - a view's city is private to models, not to this package
    words = words_that_hide(city, view.inputs, view.withholds)
    if words == view.withholds:
        return view
    return View(city, view.inputs, words, view.target_ids if "target_building" in words else ())


def words_that_hide(city: Contents, inputs: Collection[str], withholds: Sequence[str]) -> tuple[str, ...]:
    """Return the withheld words that hide something of what inputs show.

    Parameters
    ----------
    city
        What is shown; of its layers the keys of tags are read and nothing else.
    inputs
        What may be seen. Where nothing may, all words stay.
    withholds
        Words of `urbanbench.card.WITHHOLDABLE`. One of which nothing is known here hides something.
    """
    return tuple(word for word in withholds if not inputs or _hides(word, city, inputs))


def _hides(word: str, city: Contents, inputs: Collection[str]) -> bool:
    if word == "landuse":
        return any(_tells_landuse(city, LAYER_OF[name]) for name in _TAGGED if name in inputs)
    return word != "target_building" or bool(_SHOWS_TARGETS & set(inputs))


def _tells_landuse(city: Contents, layer: str) -> bool:
    """Tell whether an object of a layer has a tag that land use is read from; where that cannot be told, one has."""
    if layer not in city.layers:
        return False
    keys = city.tag_keys(layer)
    return keys is None or _LANDUSE_KEY in keys
