"""Predictions on the map: what a run said of every unit it tested, mean over seeds, beside what is true there."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.city.credits import credit_of
from urbanbench.errors import UrbanbenchError
from urbanbench.report.interned import short_number
from urbanbench.report.kept import kept
from urbanbench.report.outlines import Grid
from urbanbench.result import Cell
from urbanbench.store import ResultStore

if TYPE_CHECKING:
    import pandas as pd

    from urbanbench.city.city import City

__all__ = ["Drawn", "draw_units", "mapped"]

_MOST = 5000
"""Units of a map that are not regions; of more every second, third, … is drawn."""
_STEPS = 65_534
"""Steps of a number's scale; one more says that there is no number."""


class Drawn:
    """The units of one city and task on its map, with their true values.

    Parameters
    ----------
    ids
        Unit ids, in the order in which every run's predictions are written.
    told
        What the page is given: places of the units, their true values, and classes where there are any.
    classes
        Names of classes; () of numbers.
    """

    def __init__(self, ids: list[str], told: dict[str, Any], classes: tuple[str, ...]) -> None:
        self.ids, self.told, self.classes = ids, told, classes


def mapped(path: Path, cell: Cell, drawn: Drawn) -> dict[str, Any] | None:
    """Return the mean prediction of a run for each unit of a map; None where its predictions are not there, are of another form, or of units that this city has not.

    Parameters
    ----------
    path
        The result's file.
    cell
        Its cell.
    drawn
        The map.

    Returns
    -------
    dict
        Of numbers ``said``. Of classes ``said``, the place of the one said most often, and ``wrong``, the share of wrong answers. Of shares ``said``, the
        place of the largest, and ``wrong``, the share given to wrong classes.
    """
    try:
        table = ResultStore.read_predictions(path, cell)
    except UrbanbenchError:
        return None
    sides = _classes(table, drawn.classes) if drawn.classes else _numbers(table)
    found = {name: packed(side.reindex(drawn.ids).to_numpy(np.float64)) for name, side in sides.items()}
    return found if found.get("said") else None


def _numbers(table: pd.DataFrame) -> dict[str, pd.Series[float]]:
    """Return by unit the mean of the numbers that were said; nothing where they are none."""
    if "predicted" not in table or table["predicted"].dtype.kind not in "fiu":
        return {}
    return {"said": table.groupby("unit_id")["predicted"].mean()}


def _classes(table: pd.DataFrame, classes: tuple[str, ...]) -> dict[str, pd.Series[float]]:
    """Return by unit the place of the class that is said most, and how much of what was said is wrong; nothing where none of it is classes."""
    import pandas as pd

    unit = table["unit_id"].to_numpy()
    shares, true = (_shares(table, side, classes) for side in ("predicted", "true"))
    if shares is None or true is None:
        return {}
    mean = pd.DataFrame(shares).groupby(unit).mean()
    wrong = pd.Series(np.abs(shares - true).sum(axis=1) / 2).groupby(unit).mean()
    return {"said": mean.idxmax(axis=1).astype(float), "wrong": wrong}


def _shares(table: pd.DataFrame, side: str, classes: tuple[str, ...]) -> np.ndarray | None:
    """Return shares (m, k) of classes; a single class is a share of one. None where the table has neither."""
    columns = _columns(table, side)
    if columns:
        wanted = [f"{side}[{name}]" for name in classes]
        return table[wanted].to_numpy(np.float64) if set(wanted) <= set(columns) else None
    if side not in table:
        return None
    return np.asarray(
        table[side].astype(str).to_numpy()[:, None] == np.array(classes)[None], dtype=np.float64
    )


def _columns(table: pd.DataFrame, side: str) -> list[str]:
    return [name for name in table.columns if name.startswith(f"{side}[")]


def draw_units(city: City, label: str, level: str) -> Drawn | None:
    """Return the labelled units of a city on its map, with their true values; None where the city has no such label.

    Parameters
    ----------
    city
        An open city.
    label
        Name of the label.
    level
        Level of its units.
    """
    if label not in city.labels:
        return None
    found = kept(city, f"label {label} {level}", lambda: _units(city, label, level))
    return Drawn(found["ids"], found["told"], tuple(found["told"].get("classes", ())))


def _units(city: City, label: str, level: str) -> dict[str, Any]:
    info, frame = city.labels[label], city.label(label)
    every, count = 1 if level == "region" else -(-len(frame) // _MOST), len(frame)
    frame = frame.iloc[::every]
    told: dict[str, Any] = {
        "level": level,
        "unit": info.unit,
        "credit": credit_of(info.attribution) or info.source,
        "units": count,
    }
    told |= _regions(city, frame.index) if level == "region" else {"xy": _positions(city, level, frame.index)}
    if "value" in frame and frame["value"].dtype.kind in "fiu":
        return {
            "ids": list(frame.index),
            "told": told | {"true": packed(frame["value"].to_numpy(np.float64))},
        }
    classes = tuple(info.columns) or tuple(sorted(set(map(str, frame["value"]))))
    values = (
        frame[list(classes)].to_numpy(np.float64).argmax(axis=1)
        if info.columns
        else np.array([classes.index(str(one)) for one in frame["value"]])
    )
    told |= {
        "classes": list(classes),
        "shares": bool(info.columns),
        "true": packed(values.astype(np.float64)),
    }
    return {"ids": list(frame.index), "told": told}


def _regions(city: City, ids: pd.Index[str]) -> dict[str, list[int]]:
    """Return where units stand among the city's regions; nothing where they are all of them, in order."""
    if ids.equals(city.regions.index):
        return {}
    place = {one: k for k, one in enumerate(city.regions.index)}
    return {"regions": [place[one] for one in ids]}


def _positions(city: City, level: str, ids: pd.Index[str]) -> list[int]:
    """Return the cells of units that are not regions, column and line one after another."""
    from urbanbench.task import unit_positions

    cells = Grid(city.regions.total_bounds).cells(unit_positions(city, level, ids))
    return [int(one) for one in cells.ravel()]


def packed(values: np.ndarray) -> dict[str, Any]:
    """Write numbers in two bytes each: text, and the numbers at both ends of the scale.

    Examples
    --------
    >>> packed(np.array([0.0, 1.0, np.nan]))
    {'low': 0.0, 'high': 1.0, 'text': 'AAD+////'}
    """
    known = np.isfinite(values)
    if not known.any():
        return {}
    low, high = float(values[known].min()), float(values[known].max())
    scaled = np.full(len(values), _STEPS + 1, dtype="<u2")
    scaled[known] = np.rint((values[known] - low) / ((high - low) or 1.0) * _STEPS).astype("<u2")
    return {
        "low": short_number(low, 7),
        "high": short_number(high, 7),
        "text": b64encode(scaled.tobytes()).decode(),
    }
