"""Which pictures of a city a contact sheet shows, and what is written under each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.city.credits import credit_of
from urbanbench.city.folder.format import DIRECTIONS, LabelInfo
from urbanbench.city.folder.paths import path_faults
from urbanbench.errors import DataMissing

if TYPE_CHECKING:
    from urbanbench.city.city import City

__all__ = ["Section", "Shot", "sections_of"]


_NAMES = {"street_views": ("Street views", "views"), "satellite": ("Satellite pictures", "regions")}


@dataclass(frozen=True)
class Shot:
    """One picture of a sheet.

    Parameters
    ----------
    path
        Of the picture, in the folder.
    unit
        Id of its street view or region, with what tells it from others of the unit, such as "east".
    told
        The unit's label in words; "" where it has none.
    """

    path: str
    unit: str
    told: str


@dataclass(frozen=True)
class Section:
    """The chosen pictures of one layer.

    Parameters
    ----------
    title
        What the layer is, with its numbers, kind and label.
    shots
        In the order of the file; files that are not there come first.
    credit
        Whose pictures they are, and under which licence.
    """

    title: str
    shots: tuple[Shot, ...]
    credit: str


def sections_of(city: City, *, count: int, label: str = "") -> list[Section]:
    """Choose pictures of each pictured layer: files that are not there first, then units evenly from the whole file.

    Parameters
    ----------
    city
        An open city.
    count
        Pictures per layer, at most.
    label
        Label to write under them; "" for the first that fits.

    Raises
    ------
    DataMissing
        The city has no such label.
    """
    if label and label not in city.labels:
        msg = f"City {city.name!r} has no label {label!r}. Its labels: {', '.join(city.labels) or 'none'}."
        raise DataMissing(msg)
    makers = {"street_views": _street_shots, "satellite": _satellite_shots}
    return [_section(city, layer, makers[layer], count, label) for layer in makers if layer in city.layers]


def _section(city: City, layer: str, shots_of: Callable[..., Any], count: int, label: str) -> Section:
    info, frame = city.layers[layer], getattr(city, layer)
    units = [one for one, row in zip(frame.index, _pictures(frame), strict=True) if row]
    shown = {path for row in _pictures(frame) for _, path in row}
    paths = sorted(shown)
    absent = {path for path, fault in zip(paths, path_faults(city.path, paths), strict=True) if fault}
    name, words = _words_of(city, layer, label)
    chosen = _chosen(frame, units, absent, count)
    shots = shots_of(frame.loc[chosen], words)[:count]
    named, unit = _NAMES[layer]
    parts = [f"{len(paths):,} pictures of {len(units):,} {unit}", info.kind or "kind not stated"]
    parts += [f"{len(absent):,} not there"] if absent else []
    parts += [f"{len(shots):,} shown"] if len(shots) < len(paths) else []
    parts += [f"below: {name}"] if name else []
    credit = ", ".join(one for one in (credit_of(info.attribution), info.licence) if one)
    return Section(f"{named}: {' · '.join(parts)}", tuple(shots), f"{named}: {credit}" if credit else "")


def _pictures(frame: Any) -> list[list[tuple[str, str]]]:
    """Return (column, path) of every picture of each unit; an `image` beside its own direction column counts once."""
    columns = [name for name in (*DIRECTIONS, "image") if name in frame]
    rows = []
    for row in frame[columns].itertuples(index=False, name=None):
        named = [(name, path) for name, path in zip(columns, row, strict=True) if isinstance(path, str)]
        sides = {path for name, path in named if name != "image"}
        rows.append([(name, path) for name, path in named if name != "image" or path not in sides])
    return rows


def _chosen(frame: Any, units: Sequence[str], absent: set[str], count: int) -> list[str]:
    """Return units whose pictures fill the sheet: up to a quarter with absent files, then evenly spaced ones."""
    rows = dict(zip(frame.index, _pictures(frame), strict=True))
    lacking = [one for one in units if any(path in absent for _, path in rows[one])]
    each = max(1, round(sum(len(rows[one]) for one in units) / max(len(units), 1)))
    wanted = max(1, count // each)
    first = lacking[: max(1, wanted // 4)] if lacking else []
    others = [one for one in units if one not in set(first)]
    many = min(len(others), wanted - len(first))
    even: np.ndarray = np.linspace(0, max(len(others) - 1, 0), max(many, 0)).round().astype(int)
    return [*first, *(others[row] for row in even)]


def _street_shots(frame: Any, words: Callable[[str, str], str]) -> list[Shot]:
    headings = frame.get("heading")
    shots = []
    for name, region, row in zip(frame.index, frame["region_id"], _pictures(frame), strict=True):
        for column, path in row:
            side = column if column != "image" else _degrees(None if headings is None else headings[name])
            shots.append(Shot(path, f"{name} {side}".strip(), words(name, region)))
    return shots


def _degrees(heading: float | None) -> str:
    return "" if heading is None or np.isnan(heading) else f"{heading:.0f}°"


def _satellite_shots(frame: Any, words: Callable[[str, str], str]) -> list[Shot]:
    return [Shot(path, name, words(name, name)) for name, path in frame["image"].items()]


def _words_of(city: City, layer: str, label: str) -> tuple[str, Callable[[str, str], str]]:
    """Return the label that is written under a layer's pictures, and what it says of a unit and its region."""
    levels = ("street_view", "region") if layer == "street_views" else ("region",)
    fitting = [info for level in levels for info in city.labels.values() if info.level == level]
    named = [info for info in fitting if not label or info.name == label]
    if not named:
        return "", lambda _unit, _region: ""
    info = named[0]
    told = _told(city, info)
    place = 0 if info.level == "street_view" else 1
    of_region = layer == "street_views" and info.level == "region"
    unit = "" if info.unit == "class" else f", {info.unit}"
    return f"{info.name}{' of the region' if of_region else ''}{unit}", lambda *names: told.get(
        names[place], ""
    )


def _told(city: City, info: LabelInfo) -> dict[str, str]:
    frame = city.label(info.name)
    if info.kind == "composition":
        shares = frame[list(info.columns)]
        largest = shares.idxmax(axis=1)
        share = shares.max(axis=1)
        return {str(one): f"{largest[one]} {share[one]:.0%}" for one in shares.index}
    if info.kind == "classification":
        return {str(one): str(value) for one, value in frame["value"].items()}
    return {str(one): _number(value) for one, value in frame["value"].items()}


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
