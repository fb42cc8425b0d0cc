"""The same city somewhere else: every geometry moved by one vector."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.city.city import City
from urbanbench.city.view import View
from urbanbench.inputs import LAYER_OF

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["moved_view"]

_GRID = 2.0**20
"""Steps per metre that coordinates are rounded to (about 1 micrometre)."""


def moved_view(view: View, offset_m: tuple[float, float]) -> View:
    """Return a view of the city with all regions and allowed inputs moved.

    Coordinates are first rounded to steps of 2**-20 m. Differences of coordinates are then the same bits before and after a move
    by whole metres, so two moved views differ for a model in nothing but the absolute position.

    Parameters
    ----------
    view
        What is moved.
    offset_m
        (east, north) in metres; (0, 0) only rounds.

    Returns
    -------
    View
        With the same inputs and withholding, another `key`, nothing touched.
    """
    city = view._city  # noqa: SLF001 - a view's city is private to models, not to this package
    layers = {LAYER_OF[name] for name in view.inputs if view.has(name) and name in LAYER_OF}
    if "target_building" in view.withholds and view.target_ids:
        layers.add("buildings")
    rasters = layers & set(city.manifest.rasters)
    frames = {
        name: _moved_frame(getattr(city, name), offset_m) for name in ("regions", *sorted(layers - rasters))
    }
    frames |= {name: getattr(city, name).moved(offset_m) for name in sorted(rasters)}
    entries = {
        **city.manifest.entries,
        "regions": {**city.manifest.entries["regions"], "moved_m": list(offset_m)},
    }
    moved = City(city.path, replace(city.manifest, entries=entries), frames)
    return View(moved, view.inputs, view.withholds, view.target_ids)


def _moved_frame(frame: Any, offset_m: tuple[float, float]) -> Any:
    import shapely

    def move(xy: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.round(xy * _GRID) / _GRID + offset_m

    if "geometry" in frame:
        return frame.set_geometry(shapely.transform(np.asarray(frame.geometry), move), crs=frame.crs)
    if "minx" not in frame:
        return frame
    bounds = {name: frame[name] + offset_m[k % 2] for k, name in enumerate(("minx", "miny", "maxx", "maxy"))}
    return frame.assign(**bounds)
