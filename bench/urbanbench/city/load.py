"""Tables of a city, read, judged and completed with what follows from them: areas, regions of points, centroids."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from urbanbench.city.content import label_faults, layer_faults
from urbanbench.city.format import DIRECTIONS, TABLES, UNIT_LAYER
from urbanbench.city.manifest import Manifest
from urbanbench.city.places import region_of_points
from urbanbench.city.read import read_column, read_frame

__all__ = ["load_label", "load_layer", "load_unit_ids"]


def load_layer(folder: Path, manifest: Manifest, name: str, regions: Any) -> tuple[Any, list[str]]:
    """Read a layer.

    Parameters
    ----------
    folder, manifest
        The city folder and its city.json.
    name
        A table of the format, "regions" too.
    regions
        Frame of the regions; None skips the rules about them.

    Returns
    -------
    frame
        The completed frame, or None when there are faults.
    faults
        One sentence per fault.
    """
    file = manifest.tables[name].file
    frame, faults = read_frame(folder, file, TABLES[name], manifest.crs)
    if frame is None:
        return None, faults
    faults = faults + layer_faults(folder, name, file, frame, regions)
    if faults:
        return None, faults
    return _completed(name, frame, regions), []


def load_label(folder: Path, manifest: Manifest, name: str, units: Any) -> tuple[Any, list[str]]:
    """Read a label; `units` are the ids of its level, or None to skip the rule about them."""
    info = manifest.labels[name]
    frame, faults = read_frame(folder, info.file, info.schema, manifest.crs)
    if frame is None:
        return None, faults
    declared = manifest.entries[f"labels/{name}"].get("classes")
    counts = declared if isinstance(declared, dict) else {}
    faults = faults + label_faults(info, frame, units, counts)
    return (None, faults) if faults else (frame, [])


def load_unit_ids(folder: Path, manifest: Manifest, level: str) -> Any:
    """Read the ids of a level's units only, object (n,)."""
    layer = UNIT_LAYER[level]
    return read_column(folder, manifest.tables[layer].file, TABLES[layer].key)


def _completed(name: str, frame: Any, regions: Any) -> Any:
    import pandas as pd
    import shapely

    geometry = np.asarray(frame.geometry if TABLES[name].shapes else [])
    if name == "regions":
        if "name" not in frame:
            frame.insert(0, "name", frame.index.to_numpy())
        frame["area_km2"] = shapely.area(geometry) / 1e6
    if name == "buildings":
        if "height_m" not in frame:
            frame["height_m"] = np.nan
        frame["height_m"] = frame["height_m"].astype(np.float32)
        frame["area_m2"] = shapely.area(geometry)
    if name == "street_views":
        for column in ("image", *DIRECTIONS):
            if column not in frame:
                frame[column] = pd.Series(None, index=frame.index, dtype="object")
    if name in {"pois", "buildings", "street_views"}:
        points = shapely.centroid(geometry) if name == "buildings" else geometry
        frame["region_id"] = pd.Series(region_of_points(points, regions), index=frame.index, dtype="object")
    return _protected(frame)


def _protected(frame: Any) -> Any:
    """Close the buffers that copy-on-write does not guard."""
    if "geometry" in frame:
        frame.geometry.array._data.flags.writeable = False  # noqa: SLF001 - no public way to close it
    return frame
