"""From a wish to the label: values, divided and scaled, and the entry for city.json."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.build.labels.areas import from_areas
from urbanbench.build.labels.points import from_points
from urbanbench.build.labels.raster import from_raster
from urbanbench.build.labels.table import from_table
from urbanbench.build.labels.tags import from_tags
from urbanbench.city.folder.format import TABLES, UNIT_LAYER
from urbanbench.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

    from urbanbench.build.labels.places import Places
    from urbanbench.build.labels.wish import Wish
    from urbanbench.build.report import Report

__all__ = ["make_label"]

_WAYS: Mapping[str, Callable[[Wish, Places, Report], pd.DataFrame]] = {
    "table": from_table,
    "areas": from_areas,
    "points": from_points,
    "raster": from_raster,
    "osm": from_tags,
}


def make_label(wish: Wish, places: Places, report: Report) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Make one label.

    Returns
    -------
    frame
        The id column of the label's level, sorted; value or shares; maybe n and group.
    entry
        For city.json, without `file`.

    Raises
    ------
    DataMissing, BadInput, ExtraMissing
        Of the file the values come from; no unit with a value.
    """
    if wish.level == "building" and places.buildings is None:
        msg = f"Label {wish.name!r} is of buildings, and the city has none. Expected a map with buildings: --osm FILE, --tiles FILE or --overture FOLDER."
        raise BadInput(msg)
    frame = _known(wish, _WAYS[wish.how](wish, places, report), report).sort_index()
    if not len(frame):
        why = "; ".join(report.text(f"labels/{wish.name}", "dropped"))
        msg = f"Label {wish.name!r} has no {wish.level} with a value{f' ({why})' if why else ''}. Expected one at least."
        raise BadInput(msg)
    if wish.kind == "regression":
        frame = _scaled(wish, frame, places)
    if wish.kind == "composition":
        frame = _shares(wish, frame, report)
    report.add(f"labels/{wish.name}", "kept", f"{wish.level}s with a value", count=len(frame))
    key = TABLES[UNIT_LAYER[wish.level]].key
    return frame.rename_axis(key).reset_index(), _entry(wish, frame)


def _known(wish: Wish, frame: pd.DataFrame, report: Report) -> pd.DataFrame:
    columns = [one for one in frame.columns if one not in {"n", "group"}]
    if wish.kind == "classification":
        known = np.array([bool(one) for one in frame["value"]], dtype=bool)
    else:
        known = np.isfinite(frame[columns].to_numpy(dtype=np.float64)).all(axis=1)
    report.add(f"labels/{wish.name}", "dropped", "no value", ids=frame.index[~known])
    return frame[known]


def _scaled(wish: Wish, frame: pd.DataFrame, places: Places) -> pd.DataFrame:
    value = frame["value"].to_numpy(dtype=np.float64)
    if wish.per_km2:
        area = dict(zip(places.ids("region"), places.area_km2, strict=True))
        if wish.level != "region":
            msg = f"Label {wish.name!r}: per_km2 divides by the area of regions. Expected level region, got {wish.level}."
            raise BadInput(msg)
        if "n" not in frame:
            frame = frame.assign(n=value)
        value = value / np.array([area[one] for one in frame.index])
    return frame.assign(value=value * wish.factor)


def _shares(wish: Wish, frame: pd.DataFrame, report: Report) -> pd.DataFrame:
    names = [one for one in frame.columns if one not in {"n", "group"}]
    amounts = frame[names].to_numpy(dtype=np.float64)
    total = amounts.sum(axis=1)
    bad = (amounts < 0).any(axis=1) | (total <= 0)
    report.add(f"labels/{wish.name}", "dropped", "shares below 0, or all of them 0", ids=frame.index[bad])
    off = ~bad & (np.abs(total - 1) > 1e-6)
    report.add(f"labels/{wish.name}", "mended", "shares divided by their sum", count=int(off.sum()))
    made = frame.copy()
    made[names] = amounts / np.where(total > 0, total, 1)[:, None]
    kept: pd.DataFrame = made[~bad]
    return kept


def _entry(wish: Wish, frame: pd.DataFrame) -> dict[str, Any]:
    entry: dict[str, Any] = {"level": wish.level, "unit": wish.unit, "units": len(frame)}
    if wish.kind == "classification":
        counts = Counter(frame["value"].tolist())
        entry["classes"] = {name: counts[name] for name in sorted(counts)}
    if wish.kind == "composition":
        entry |= {"kind": wish.kind, "columns": [one for one in frame.columns if one not in {"n", "group"}]}
    told = ("source", "date", "licence", "attribution")
    entry |= {name: text for name in told if (text := getattr(wish, name))}
    return entry | {"note": " ".join(filter(None, [wish.note, _how(wish)]))}


def _how(wish: Wish) -> str:
    """Say in a sentence how the values came to the units."""
    divided = ", divided by the region's area in km2" if wish.per_km2 else ""
    times = f", times {wish.factor:g}" if wish.factor != 1 else ""
    made = {
        "table": "By id",
        "areas": f"From polygons, {'amounts shared out by area' if wish.extensive else 'weighted by shared area'}; at least {wish.cover:.0%} of a region covered",
        "points": f"The {wish.statistic} of points in the region",
        "raster": f"The {wish.statistic} of raster cells, each counted by its share in the region; at least {wish.cover:.0%} of a region covered",
        "osm": f"The map's value of {wish.column}=* where it is specific; the building's tags hold the answer",
    }[wish.how]
    return f"{made}{divided}{times}."
