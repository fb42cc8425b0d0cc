"""A wish: all that has to be told of a label, judged once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from urbanbench.build.files import is_plain_table, there
from urbanbench.card import LABEL_KINDS
from urbanbench.city.folder.manifest import is_name
from urbanbench.errors import BadInput, UnknownName

__all__ = ["HOWS", "RASTERS", "TOLD", "Wish", "make_wish"]

HOWS: Mapping[str, str] = {
    "table": "rows with the unit's own id",
    "areas": "other polygons, weighted by the area they share with a region",
    "points": "points in a region, as their median, mean, sum or count",
    "raster": "cells of a raster, each counted by the share of it that lies in a region",
    "osm": "the value of a tag of buildings",
}
"""How values come to units."""

_STATISTICS: Mapping[str, tuple[str, ...]] = {
    "points": ("median", "mean", "sum", "count"),
    "raster": ("sum", "mean", "median", "min", "max", "majority"),
}
TOLD = ("unit", "source", "date", "licence")
"""What every label has to tell."""
RASTERS = (".tif", ".tiff")
"""Suffixes of files with cells."""


@dataclass(frozen=True)
class Wish:
    """One label, as asked for.

    Parameters
    ----------
    name
        The label's name: letters, digits, `_`, `-` and `.`.
    file
        Where the values are; ``Path()`` for ``how="osm"``.
    how
        A word of `HOWS`.
    column, columns
        Column of the values; columns of the shares of a composition. For ``how="osm"`` the tag's key.
    id
        Column of the units' ids, for ``how="table"``.
    unit, source, date, licence, attribution, note
        For city.json; the first four are required. The unit ``class`` makes the label a classification.
    kind
        "regression", "classification" or "composition"; follows from `unit` and `columns` when left out.
    level
        "region" or "building".
    statistic
        Of points or of a raster's cells.
    extensive
        Of areas: True for amounts that add up (persons), False for rates and means (income).
    per_km2, factor
        Whether values are divided by the region's area; what they are multiplied with.
    least
        Fewest points in a region, or fewest buildings of a class.
    cover
        Least share of a region's area that polygons or cells with values must cover.
    zeros
        Whether a region without any point has 0, not no value.
    group, support
        Columns of a table with a coarser area, and with the count behind a value.
    layer, crs, longitude, latitude
        Layer of a file with several; CRS of a file that names none; columns of a table of points.
    names
        Names of classes by their value in the file.
    """

    name: str
    file: Path
    how: str
    unit: str
    source: str
    date: str
    licence: str
    column: str = ""
    columns: tuple[str, ...] = ()
    id: str = ""
    attribution: str = ""
    note: str = ""
    kind: str = ""
    level: str = "region"
    statistic: str = ""
    extensive: bool | None = None
    per_km2: bool = False
    factor: float = 1.0
    least: int | None = None
    cover: float = 0.5
    zeros: bool = False
    group: str = ""
    support: str = ""
    layer: str = ""
    crs: str = ""
    longitude: str = ""
    latitude: str = ""
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def ask_crs(self) -> str:
        """Say how to name the CRS of the file, to paste."""
        return f'crs = "EPSG:CODE" for label {self.name!r}'


def make_wish(name: str, section: Mapping[str, Any], folder: Path, where: str) -> Wish:
    """Read one label's section.

    Parameters
    ----------
    name, section
        The label's name and what is told of it; values may all be text.
    folder
        Where relative paths start.
    where
        Where it stands, for errors.

    Raises
    ------
    DataMissing
        No such file.
    BadInput, UnknownName
        What is not told, or cannot be.
    """
    known = {one.name for one in fields(Wish)} - {"name"}
    strange = [key for key in section if key not in known]
    if strange:
        kind = f"key of label {name!r} in {where}"
        raise UnknownName(kind, strange[0], known)
    if not is_name(name):
        msg = f"{where}: expected a name of letters, digits, '_', '-' and '.', found {name[:60]!r}."
        raise BadInput(msg)
    values = {key: _typed(name, key, value) for key, value in section.items()}
    values["file"] = folder / str(values["file"]) if values.get("file") else Path()
    if values.get("how") != "osm":
        there(values["file"], f"label {name!r}")
    values["how"] = values.get("how") or _how(name, values, where)
    missing = [key for key in TOLD if not values.get(key)]
    if missing:
        lines = "; ".join(f'{key} = "…"' for key in missing)
        msg = f"Label {name!r} in {where} does not tell {', '.join(missing)}. Expected each in words, so that scores can be read and the data credited. Mend: {lines}"
        raise BadInput(msg)
    wish = Wish(name=name, **values)
    _check(wish, where)
    return _settled(wish)


_YES, _NO = {"true", "yes", "1"}, {"false", "no", "0"}


def _typed(name: str, key: str, value: Any) -> Any:
    wanted = {one.name: str(one.type) for one in fields(Wish)}[key]
    text = str(value).strip()
    if wanted.startswith("bool"):
        if text.lower() in _YES | _NO:
            return text.lower() in _YES
        raise _wrong(name, key, "true or false", value)
    if wanted.startswith(("float", "int")):
        try:
            return float(text) if wanted == "float" else int(text)
        except ValueError as error:
            raise _wrong(name, key, "a number", value) from error
    if wanted.startswith("tuple"):
        parts = value if isinstance(value, list) else text.split(",")
        return tuple(str(one).strip() for one in parts if str(one).strip())
    if wanted.startswith("Mapping"):
        if not isinstance(value, dict):
            raise _wrong(name, key, "a table of value and name", value)
        return {str(one): str(other) for one, other in value.items()}
    if isinstance(value, dict | list):
        raise _wrong(name, key, "text", value)
    return text


def _wrong(name: str, key: str, expected: str, value: Any) -> BadInput:
    return BadInput(f"Label {name!r}: {key} is {str(value)[:60]!r}. Expected {expected}.")


def _how(name: str, values: Mapping[str, Any], where: str) -> str:
    suffix = values["file"].suffix.lower()
    if suffix in RASTERS:
        return "raster"
    if values.get("id"):
        return "table"
    if values.get("longitude"):
        return "points"
    if is_plain_table(values["file"]):
        msg = f'Label {name!r} in {where} does not tell which column holds the ids. Expected id = "COLUMN" (or longitude and latitude, for points).'
        raise BadInput(msg)
    listed = "; ".join(f"{one}: {text}" for one, text in HOWS.items())
    msg = f"Label {name!r} in {where} does not tell how values come to units. Expected how = one of {listed}."
    raise BadInput(msg)


def _check(wish: Wish, where: str) -> None:
    for word, value, known in (
        ("how", wish.how, tuple(HOWS)),
        ("kind", wish.kind, ("", *LABEL_KINDS)),
        ("level", wish.level, ("region", "building")),
        ("statistic", wish.statistic, ("", *_STATISTICS.get(wish.how, ()))),
    ):
        if value not in known:
            kind = f"{word} of label {wish.name!r} in {where}"
            raise UnknownName(kind, value, [one for one in known if one])
    if (
        wish.how == "areas"
        and wish.extensive is None
        and wish.unit != "class"
        and wish.kind in {"", "regression"}
    ):
        msg = f"Label {wish.name!r} in {where} does not tell whether its values add up. Expected extensive = true for amounts (persons, jobs) or false for rates and means (income, percent)."
        raise BadInput(msg)
    if not 0 <= wish.cover <= 1:
        raise _wrong(wish.name, "cover", "a share from 0 to 1", wish.cover)


def _settled(wish: Wish) -> Wish:
    kind = wish.kind or (
        "composition" if wish.columns else "classification" if wish.unit == "class" else "regression"
    )
    if wish.how == "osm":
        kind, level = "classification", "building"
        return replace(wish, kind=kind, level=level, unit="class", column=wish.column or "building")
    if kind == "classification" and wish.unit != "class":
        msg = f'Label {wish.name!r} is a classification with unit {wish.unit!r}. Expected unit = "class".'
        raise BadInput(msg)
    default = {"points": "median", "raster": "majority" if kind == "classification" else "mean"}.get(
        wish.how, ""
    )
    return replace(wish, kind=kind, statistic=wish.statistic or default)
