"""From a recipe and its files to the order of a build."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from urbanbench.build.fetch.prepared import Shelf
from urbanbench.build.fetch.recipe import BuildCall, Recipe, Source
from urbanbench.build.labels.wish import Wish, make_wish
from urbanbench.build.order import Order

__all__ = ["build_words", "make_order"]

_LABEL_CREDITS = ("source", "date", "licence", "attribution")


def make_order(
    recipe: Recipe, shelf: Shelf, *, street_views: Path | None = None, satellite: Path | None = None
) -> tuple[Order, list[str]]:
    """Order the city of a recipe.

    Parameters
    ----------
    recipe, shelf
        The recipe, and where its files are.
    street_views, satellite
        Pictures that the user has.

    Returns
    -------
    order
        For `urbanbench.build.walk.build`.
    left_out
        Labels whose optional file is not there.

    Raises
    ------
    BadInput, UnknownName, DataMissing
        As `Order` and `make_wish`.
    """
    build = recipe.build
    wishes = {name: _wish(recipe, name, section, shelf) for name, section in recipe.labels.items()}
    order = Order(
        name=recipe.name,
        title=recipe.title,
        regions=str(shelf.find(build.regions) or build.regions),
        osm=shelf.find(build.osm) if build.osm else None,
        id_column=build.id,
        name_column=build.region_name,
        layer=build.layer,
        file_crs=build.file_crs,
        within=str(shelf.find(build.within) or build.within) if build.within else "",
        least_km2=build.min_area,
        most_km2=build.max_area,
        crs=build.crs,
        reach_m=build.reach,
        labels=tuple(wish for wish in wishes.values() if wish is not None),
        street_views=street_views,
        satellite=satellite,
        flows=shelf.find(build.flows) if build.flows else None,
        about=_about(recipe),
    )
    return order, [name for name, wish in wishes.items() if wish is None]


def _wish(recipe: Recipe, name: str, section: Mapping[str, Any], shelf: Shelf) -> Wish | None:
    told, file = dict(section), str(section.get("file", ""))
    source = recipe.source(file or recipe.build.osm)
    if source is not None:
        credits_ = {key: text for key, text in _credits(source).items() if key in _LABEL_CREDITS and text}
        told = {**credits_, **told}
    if file:
        found = shelf.find(file)
        if found is None:
            return None
        told["file"] = str(found.absolute())
    return make_wish(name, told, Path(), recipe.path.name)


def _credits(source: Source) -> dict[str, str]:
    told = {"date": source.date, "licence": source.licence, "attribution": source.attribution}
    return {"source": f"{source.publisher}: {source.what}", **told}


def _about(recipe: Recipe) -> dict[str, dict[str, str]]:
    """Say of the regions, the map and the flows where they come from."""
    parts = {"regions": recipe.build.regions, "osm": recipe.build.osm, "flows": recipe.build.flows}
    found = {part: recipe.source(name) for part, name in parts.items() if name}
    return {
        part: {key: text for key, text in _credits(source).items() if text}
        for part, source in found.items()
        if source is not None
    }


def build_words(recipe: Recipe) -> list[str]:
    """Write the call of ``data build`` as words of a command; labels, which stand in the recipe, are not among them."""
    words = ["data", "build", recipe.name]
    for one in fields(BuildCall):
        value = getattr(recipe.build, one.name)
        if value not in {one.default, ""}:
            number = isinstance(value, float)
            words += [f"--{one.name.replace('_', '-')}", f"{value:g}" if number else str(value)]
    return words
