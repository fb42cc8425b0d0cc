"""Cities of the page: what their folders say and how they look, where the folders are on this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from urbanbench.city.credits import credit_of
from urbanbench.errors import UrbanbenchError
from urbanbench.report.interned import short_number
from urbanbench.report.kept import kept
from urbanbench.report.outlines import main_roads, outlines

if TYPE_CHECKING:
    from urbanbench.city.city import City

__all__ = ["city_facts", "opened_cities"]

_ABSENT = "The folder of this city was not on the machine that made this page."


def opened_cities(words: Mapping[str, str], tell: Callable[[str], None]) -> dict[str, City | str]:
    """Open the cities of results.

    Parameters
    ----------
    words
        Names as results have them, to a name or folder that opens each.
    tell
        Told in a line of each city that is opened, since a generated one may have to be made first.

    Returns
    -------
    dict
        Name to the opened city, or to a sentence that says why it is not there.
    """
    from urbanbench.registry import open_city

    found: dict[str, City | str] = {}
    for name, word in words.items():
        tell(f"Maps: reading {name}")
        try:
            found[name] = open_city(word)
        except UrbanbenchError:
            found[name] = _ABSENT
    return found


def city_facts(opened: City | str) -> dict[str, Any]:
    """Return what the page says of a city, from the cache where its folder has not changed: title, layers with their sources, labels, outlines and roads; of one that is not here, why not.

    Parameters
    ----------
    opened
        What `opened_cities` gave.
    """
    if isinstance(opened, str):
        return {"absent": opened}
    facts: dict[str, Any] = kept(opened, "facts", lambda: _facts(opened))
    return facts


def _facts(opened: City) -> dict[str, Any]:
    from urbanbench.city.drawing.show import describe_city

    told = describe_city(opened)
    regions = opened.manifest.tables["regions"]
    return {
        "title": opened.title,
        "crs": opened.crs,
        "regions": told["regions"]["count"],
        "km2": short_number(told["regions"]["area_km2"]["total"], 4),
        "median km2": short_number(told["regions"]["area_km2"].get("median"), 3),
        "source": _words_of(regions),
        "layers": {
            name: _plain(facts) | {"attribution": credit_of(str(facts.get("attribution", "")))}
            for name, facts in told["layers"].items()
        },
        "labels": {
            name: _plain(facts) | {"attribution": credit_of(opened.labels[name].attribution)}
            for name, facts in told["labels"].items()
        },
        "outlines": outlines(opened),
        "roads": main_roads(opened),
    }


def _words_of(info: object) -> dict[str, str]:
    """Return the words of an entry of city.json: source, date, licence, whom to credit, and note."""
    told = {word: str(getattr(info, word, "")) for word in ("source", "date", "licence", "note")}
    told["attribution"] = credit_of(str(getattr(info, "attribution", "")))
    return {word: text for word, text in told.items() if text}


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Round the numbers of a table of facts."""
    return {name: _rounded(value) for name, value in facts.items()}


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _rounded(one) for name, one in value.items()}
    return short_number(value, 4) if isinstance(value, float) else value
