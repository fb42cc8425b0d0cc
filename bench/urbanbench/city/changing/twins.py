"""A city in which some regions are there twice: the same shape and content under two ids, at two places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.city.city import City
from urbanbench.city.view import View
from urbanbench.inputs import LAYER_OF

__all__ = ["choose_twins", "twins_view"]

if TYPE_CHECKING:
    from numpy.random import Generator

_GAP_M = 4096.0


def choose_twins(view: View, count: int, order: Generator) -> dict[str, str]:
    """Choose neighbouring regions, and as many others that will become their twins.

    Parameters
    ----------
    view
        What is seen of the city.
    count
        Number of pairs.
    order
        Draws the others.

    Returns
    -------
    dict[str, str]
        Region id to the id that becomes its twin: the regions nearest to the one with the most POIs or buildings.
    """
    import shapely

    centres = shapely.centroid(np.asarray(view.regions.geometry))
    xy = np.column_stack([shapely.get_x(centres), shapely.get_y(centres)])
    ids = np.array(view.region_ids, dtype=object)
    near = np.argsort(np.hypot(*(xy - xy[_fullest(view, ids)]).T), kind="stable")[:count]
    others = order.permutation(np.setdiff1d(np.arange(len(ids)), near))[:count]
    return dict(zip(ids[near].tolist(), ids[others].tolist(), strict=True))


def twins_view(view: View, twin_of: Mapping[str, str]) -> View:
    """Return a view of the city in which the twins have shape and content of their originals, side by side east of the city.

    Parameters
    ----------
    view
        What is changed.
    twin_of
        Region id to the id of the region that becomes its twin and loses what it had.

    Returns
    -------
    View
        With the same inputs and withholding, another `key`, nothing touched.
    """
    city = view._city  # noqa: SLF001 - a view's city is private to models, not to this package
    west, _, east, _ = city.regions.total_bounds
    offset = (float(np.ceil(east - west + _GAP_M)), 0.0)
    layers = {LAYER_OF[name] for name in view.inputs if view.has(name) and name in LAYER_OF}
    frames = {"regions": _moved_regions(city.regions, twin_of, offset)}
    originals = city.regions.loc[list(twin_of)]
    rasters = layers & set(city.manifest.rasters)
    frames |= {
        name: _with_twins(name, getattr(city, name), twin_of, offset, originals)
        for name in sorted(layers - rasters)
    }
    # Twins lie beyond the gap, east of all that is not moved.
    frames |= {name: getattr(city, name).moved(offset, east_of=east + _GAP_M / 2) for name in sorted(rasters)}
    entries = {
        **city.manifest.entries,
        "regions": {**city.manifest.entries["regions"], "twins": dict(twin_of)},
    }
    planted = City(city.path, replace(city.manifest, entries=entries), frames)
    return View(planted, view.inputs, view.withholds, view.target_ids)


def _fullest(view: View, ids: np.ndarray) -> int:
    """Return the row of the region with the most POIs, or buildings where POIs cannot be seen; the first where neither can."""
    import pandas as pd

    for name, layer in (("poi", "pois"), ("polygon", "buildings")):
        if view.has(name):
            counts = getattr(view, layer)["region_id"].value_counts().reindex(pd.Index(ids)).fillna(0)
            return int(counts.to_numpy().argmax())
    return 0


def _moved_regions(regions: Any, twin_of: Mapping[str, str], offset: tuple[float, float]) -> Any:
    shapes = regions.geometry.copy()
    areas = regions["area_km2"].copy()
    for original, twin in twin_of.items():
        shapes.loc[twin] = _moved(np.array([regions.geometry.loc[original]]), offset)[0]
        areas.loc[twin] = regions["area_km2"].loc[original]
    return regions.assign(area_km2=areas).set_geometry(shapes)


def _with_twins(
    name: str, frame: Any, twin_of: Mapping[str, str], offset: tuple[float, float], originals: Any
) -> Any:
    """Take away what the twins had, and add copies of what their originals have."""
    import pandas as pd

    if name == "flows":
        return _with_twin_flows(frame, twin_of)
    if name in {"roads", "landuse"}:
        area = originals.geometry.union_all()
        kept, copied = frame, frame[frame.geometry.intersects(area)]
    else:
        of = frame.index.to_series() if "region_id" not in frame else frame["region_id"]
        kept = frame[~of.isin(list(twin_of.values()))]
        copied = frame[of.isin(list(twin_of))]
    copied = _shifted(copied, offset)
    if "region_id" in copied:
        copied = copied.assign(
            region_id=copied["region_id"].map(dict(twin_of)).astype(frame["region_id"].dtype)
        )
    if name == "satellite":
        copied = copied.rename(index=dict(twin_of))
    elif name != "captions":
        copied = copied.rename(index=lambda one: f"{one}~twin")
    made = pd.concat([kept, copied])
    made.index.name = frame.index.name
    return made.reset_index(drop=True) if name == "captions" else made


def _with_twin_flows(flows: Any, twin_of: Mapping[str, str]) -> Any:
    """Let the twins send and get what their originals do, to and from originals and twins alike, so that their rows are equal."""
    import pandas as pd

    made = flows[~flows[["origin_id", "destination_id"]].isin(list(twin_of.values())).any(axis=1)]
    for end in ("origin_id", "destination_id"):
        copied = made[made[end].isin(list(twin_of))]
        made = pd.concat([made, copied.assign(**{end: copied[end].replace(dict(twin_of))})])
    return made.reset_index(drop=True)


def _shifted(frame: Any, offset: tuple[float, float]) -> Any:
    if "geometry" in frame:
        return frame.set_geometry(_moved(np.asarray(frame.geometry), offset), crs=frame.crs)
    if "minx" not in frame:
        return frame
    return frame.assign(
        **{name: frame[name] + offset[k % 2] for k, name in enumerate(("minx", "miny", "maxx", "maxy"))}
    )


def _moved(shapes: np.ndarray, offset: tuple[float, float]) -> np.ndarray:
    import shapely

    made: np.ndarray = shapely.transform(shapes, lambda xy: xy + offset)
    return made
