"""Overture's places as points of interest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from urbanbench.build.overture.categories import tags_of_category
from urbanbench.build.overture.words import field_of, names_of, text_of

__all__ = ["PLACE_COLUMNS", "place_tags"]

PLACE_COLUMNS = (
    *("id", "names", "categories", "taxonomy", "basic_category", "confidence", "operating_status"),
    *("brand", "addresses", "websites", "phones", "sources"),
)


def place_tags(row: Mapping[str, Any], least_confidence: float) -> dict[str, str] | str:
    """Return a place's tags, or why it is left out."""
    if row.get("operating_status") == "permanently_closed":
        return "closed for good"
    confidence = row.get("confidence")
    if least_confidence and not (confidence is not None and confidence >= least_confidence):
        return f"of a confidence below {least_confidence:g}, or none"
    tags = names_of(row) | _kind(row) | _address(row)
    tags |= {"brand": text_of(field_of(row, "brand", "names", "primary"))}
    tags |= {"brand:wikidata": text_of(field_of(row, "brand", "wikidata"))}
    tags |= {"website": _first(row.get("websites")), "phone": _first(row.get("phones"))}
    return {key: value for key, value in tags.items() if value} or "neither name nor category"


def _kind(row: Mapping[str, Any]) -> dict[str, str]:
    basic = text_of(row.get("basic_category"))
    old = text_of(field_of(row, "categories", "primary") or field_of(row, "categories", "main"))
    category = text_of(field_of(row, "taxonomy", "primary")) or old or basic
    above = [text_of(one) for one in field_of(row, "taxonomy", "hierarchy") or ()]
    wider = [one for one in (old, *reversed(above), basic) if one and one != category]
    others = field_of(row, "taxonomy", "alternates") or field_of(row, "categories", "alternate") or ()
    return {
        **tags_of_category(category, wider),
        "overture:category": category,
        "overture:basic_category": basic if basic != category else "",
        "overture:alternate": ";".join(sorted({text_of(one) for one in others} - {category, ""})),
    }


def _address(row: Mapping[str, Any]) -> dict[str, str]:
    first = next(iter(row.get("addresses") or ()), None)
    names = {
        "freeform": "full",
        "locality": "city",
        "postcode": "postcode",
        "region": "state",
        "country": "country",
    }
    return {f"addr:{key}": text_of(field_of(first, name)) for name, key in names.items()}


def _first(values: Sequence[Any] | None) -> str:
    return text_of(next(iter(values or ()), None))
