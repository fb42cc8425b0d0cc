"""Tables of a city, read, judged and completed with what follows from them: areas, regions of points, centroids."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from urbanbench.city.faults.content import layer_faults
from urbanbench.city.faults.fit import fit_faults, regions_fit_faults
from urbanbench.city.faults.label_content import label_faults
from urbanbench.city.folder.format import DIRECTIONS, TABLES, UNIT_LAYER
from urbanbench.city.folder.manifest import Manifest
from urbanbench.city.folder.membership import region_of_points
from urbanbench.city.folder.order import in_order
from urbanbench.city.folder.read import column_of, read_column, read_frame

__all__ = ["judge_layer", "load_label", "load_layer", "load_unit_ids"]


def load_layer(folder: Path, manifest: Manifest, name: str, regions: Any) -> tuple[Any, list[str]]:
    """Read a layer and complete it with areas and regions; pictures that it names need not be there.

    Parameters
    ----------
    folder, manifest
        The city folder and its city.json.
    name
        A table of the format, "regions" too.
    regions
        Frame of the regions; None only for the regions themselves.

    Returns
    -------
    frame
        The completed frame, or None when there are faults.
    faults
        One sentence per fault.
    """
    frame, faults = judge_layer(folder, manifest, name, regions, absent=False)
    return (None, faults) if faults else (_completed(name, frame, regions), [])


def judge_layer(
    folder: Path, manifest: Manifest, name: str, regions: Any, *, absent: bool = True
) -> tuple[Any, list[str]]:
    """Read a layer and tell its faults, without completing it.

    Parameters
    ----------
    folder, manifest
        The city folder and its city.json.
    name
        A table of the format, "regions" too.
    regions
        Frame of the regions; None skips the rules about them.
    absent
        Whether pictures that are not there are faults.

    Returns
    -------
    frame
        The frame as read, or None when it cannot be.
    faults
        One sentence per fault.
    """
    file = manifest.tables[name].file
    frame, faults = read_frame(folder, file, TABLES[name], manifest.crs)
    if frame is None:
        return None, faults
    faults += layer_faults(folder, name, file, frame, regions, absent=absent)
    if not faults and name == "regions":
        info = manifest.tables[name]
        faults = regions_fit_faults(file, frame, crs=manifest.crs, overlapping=info.overlapping)
    if regions is not None and TABLES[name].shapes and not faults:
        faults = fit_faults(file, frame, regions)
    return frame, faults


def load_label(folder: Path, manifest: Manifest, name: str, units: Any) -> tuple[Any, list[str]]:
    """Read a label; `units` are the ids of its level, or None to skip the rule about them."""
    info = manifest.labels[name]
    frame, faults = read_frame(folder, info.file, info.schema, manifest.crs)
    if frame is None:
        return None, faults
    declared = manifest.entries[f"labels/{name}"].get("classes")
    counts = declared if isinstance(declared, dict) else {}
    faults = faults + label_faults(info, frame, units, counts)
    return (None, faults) if faults else (in_order(frame), [])


def load_unit_ids(folder: Path, manifest: Manifest, level: str) -> tuple[np.ndarray | None, list[str]]:
    """Read the ids of a level's units only, object (n,) in order, or tell why they cannot be read."""
    layer = UNIT_LAYER[level]
    ids, faults = read_column(folder, manifest.tables[layer].file, TABLES[layer].key)
    # Null ids are told when the layer itself is read.
    if ids is None:
        return None, faults
    return np.array(sorted(one for one in ids if one is not None), dtype=object), faults


def _completed(name: str, frame: Any, regions: Any) -> Any:
    import shapely

    frame = in_order(frame, TABLES[name].order)
    geometry = np.asarray(frame.geometry if TABLES[name].shapes else [])
    if name == "regions":
        if "name" not in frame:
            frame["name"] = column_of(frame.index.to_numpy(dtype=object), frame.index)
        frame["area_km2"] = column_of(shapely.area(geometry) / 1e6, frame.index)
    if name == "buildings":
        height = frame["height_m"].to_numpy() if "height_m" in frame else np.full(len(frame), np.nan)
        frame["height_m"] = column_of(height.astype(np.float32), frame.index)
        frame["area_m2"] = column_of(shapely.area(geometry), frame.index)
    if name == "street_views":
        for column in (one for one in ("image", *DIRECTIONS) if one not in frame):
            frame[column] = column_of(np.full(len(frame), None, dtype=object), frame.index)
    if name in {"pois", "buildings", "street_views"}:
        points = shapely.centroid(geometry) if name == "buildings" else geometry
        frame["region_id"] = column_of(region_of_points(points, regions), frame.index)
    if TABLES[name].shapes:
        frame.geometry.array._data.flags.writeable = False  # noqa: SLF001 - geopandas has no public way to close it
    return frame
