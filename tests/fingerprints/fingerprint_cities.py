"""Fingerprints of what the other numbers rest on: the generated city, and what views of it show."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import shapely
from fingerprint_book import Fingerprint, Numbers, summary, text_code

from urbanbench.city import view as view_module
from urbanbench.city.city import City
from urbanbench.datasets.toyville import Toyville
from urbanbench.inputs import INPUTS, LAYER_OF

ALIKE = 5e-6
FRAMES = ("pois", "buildings", "roads", "street_views", "satellite", "flows")


@cache
def city() -> City:
    """The smallest generated city, built once."""
    folder = Path(mkdtemp(prefix="fingerprints-")) / "toyville"
    Toyville(size="tiny").build(folder)
    return City.open(folder)


def inputs_there() -> frozenset[str]:
    """Inputs the city has."""
    return frozenset(name for name in INPUTS if name not in LAYER_OF or LAYER_OF[name] in city().layers)


def city_fingerprints() -> Iterator[Fingerprint]:
    """The view, and labels of the city."""
    version = getattr(view_module, "VIEW_VERSION", 1)
    yield Fingerprint("view", "view", version, "VIEW_VERSION in city/view.py", _views, ALIKE)


def _views() -> Numbers:
    labelled = city().label("building_function").index.tolist()[:200]
    views = {
        "everything": city().view(inputs_there()),
        "without land use": city().view(inputs_there(), ("landuse",)),
        "without labelled buildings": city().view(inputs_there(), ("target_building",), labelled),
    }
    return {
        f"{what}, {name}": _frame(getattr(view, name))
        for what, view in views.items()
        for name in ("regions", *FRAMES)
    }


def _frame(frame) -> dict[str, float]:
    told = {"rows": float(len(frame)), "index": text_code(frame.index)}
    numbers = [frame[name].fillna(-1.0) for name in frame.columns if frame[name].dtype.kind in "fiu"]
    if "geometry" in frame:
        numbers += [
            *shapely.bounds(frame.geometry.to_numpy()).T,
            shapely.get_num_coordinates(frame.geometry.to_numpy()),
        ]
    told |= summary(np.column_stack(numbers)) if numbers else {}
    words = [name for name in frame.columns if name != "geometry" and frame[name].dtype.kind not in "fiub"]
    return told | {name: text_code(map(_plain, frame[name])) for name in words}


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return sorted(value.items())
    return "" if value is None or value != value else value  # a missing value differs from itself
