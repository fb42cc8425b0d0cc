"""Rules of the values of layers, and between layers and regions: pictures, captions, flows, heights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.city.folder.format import DIRECTIONS, row_fault
from urbanbench.city.folder.marks import foreign, noted
from urbanbench.city.folder.paths import NO_FILE, path_faults

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["layer_faults"]


def layer_faults(
    folder: Path, name: str, file: str, frame: pd.DataFrame, regions: Any, *, absent: bool = True
) -> list[str]:
    """Judge the values of a layer.

    Parameters
    ----------
    folder
        The city folder, for pictures.
    name, file
        Layer and file name.
    frame
        The layer as read.
    regions
        Frame of the regions in the projected CRS, or None when they could not be read (rules about them are skipped).
    absent
        Whether pictures that are not there are faults: to a check they are, to a run they are masked units.
    """
    known = None if regions is None else regions.index
    if name == "regions":
        return [] if len(frame) else [f"{file}: expected at least one region, found none."]
    if name == "buildings":
        return _height_faults(file, frame)
    if name == "street_views":
        return _street_view_faults(folder, file, frame, absent=absent)
    if name == "satellite":
        return _satellite_faults(folder, file, frame, regions, absent=absent)
    if name == "captions":
        return _caption_faults(file, frame, known)
    return _flow_faults(file, frame, known) if name == "flows" else []


def _height_faults(file: str, frame: pd.DataFrame) -> list[str]:
    if "height_m" not in frame:
        return []
    height = np.asarray(frame["height_m"])
    bad = np.isinf(height) | (height < 0)
    return noted(file, "height_m", frame.index, bad, "metres above 0 or null", "negative or infinite heights")


def _picture_faults(folder: Path, file: str, column: str, frame: pd.DataFrame, *, absent: bool) -> list[str]:
    """Judge the paths of pictures that are there; the folder is asked once for each picture."""
    there = frame[column].notna().to_numpy()
    ids, paths = np.asarray(frame.index)[there], frame[column].to_numpy()[there]
    kinds: dict[str, list[object]] = {}
    for one, path, fault in zip(ids, paths, path_faults(folder, paths), strict=True):
        if fault and (absent or fault != NO_FILE):
            kinds.setdefault(fault, []).append(f"{one}: {path[:80]}")
    expected = "paths of pictures inside the folder"
    return [row_fault(file, column, rows, expected=expected, found=found) for found, rows in kinds.items()]


def _street_view_faults(folder: Path, file: str, frame: pd.DataFrame, *, absent: bool) -> list[str]:
    columns = [name for name in ("image", *DIRECTIONS) if name in frame]
    faults = [
        fault for name in columns for fault in _picture_faults(folder, file, name, frame, absent=absent)
    ]
    bare = frame[columns].isna().all(axis=1).to_numpy()
    faults += noted(
        file, " ".join(columns), frame.index, bare, "a picture for every view", "views without any"
    )
    if "heading" in frame:
        heading = frame["heading"].to_numpy()
        with np.errstate(invalid="ignore"):
            bad = ~np.isnan(heading) & ~((heading >= 0) & (heading <= 360))
        faults += noted(
            file, "heading", frame.index, bad, "degrees in [0, 360], clockwise from north", "other numbers"
        )
    return faults


def _satellite_faults(
    folder: Path, file: str, frame: pd.DataFrame, regions: Any, *, absent: bool
) -> list[str]:
    bare = frame["image"].isna().to_numpy()
    faults = noted(file, "image", frame.index, bare, "a picture for every row", "null")
    faults += _picture_faults(folder, file, "image", frame, absent=absent)
    box = frame[["minx", "miny", "maxx", "maxy"]].to_numpy()
    sound = np.isfinite(box).all(axis=1)
    with np.errstate(invalid="ignore"):
        sound &= (box[:, 0] < box[:, 2]) & (box[:, 1] < box[:, 3])
    faults += noted(
        file,
        "minx, miny, maxx, maxy",
        frame.index,
        ~sound,
        "a box with minx < maxx and miny < maxy",
        "no such box",
    )
    if regions is None:
        return faults
    faults += foreign(file, "region_id", frame.index, regions.index, "ids of layer 'regions'")
    known = frame.index.isin(regions.index) & ~frame.index.duplicated() & sound
    of_region = regions.geometry[~regions.index.duplicated()].bounds.reindex(frame.index[known]).to_numpy()
    mine = box[known]
    apart = (mine[:, :2] > of_region[:, 2:]).any(axis=1) | (mine[:, 2:] < of_region[:, :2]).any(axis=1)
    expected = "a box in the city's CRS that meets its region"
    return faults + noted(
        file, "minx, miny, maxx, maxy", frame.index[known], apart, expected, "boxes elsewhere"
    )


def _caption_faults(file: str, frame: pd.DataFrame, known: Any) -> list[str]:
    faults = (
        []
        if known is None
        else foreign(file, "region_id", frame["region_id"], known, "ids of layer 'regions'")
    )
    bad = frame["caption"].isna().to_numpy() | (frame["caption"] == "").to_numpy()
    return faults + noted(file, "caption", frame["region_id"], bad, "text", "null or empty text")


def _flow_faults(file: str, frame: pd.DataFrame, known: Any) -> list[str]:
    faults = []
    ends = ["origin_id", "destination_id"]
    if known is not None:
        faults = [
            fault
            for name in ends
            for fault in foreign(file, name, frame[name], known, "ids of layer 'regions'")
        ]
    trips = frame["trips"].to_numpy()
    rows = frame.index
    with np.errstate(invalid="ignore"):
        faults += noted(
            file,
            "trips",
            rows,
            ~(np.isfinite(trips) & (trips >= 0)),
            "trips of 0 or more",
            "negative, null or infinite trips",
        )
    if "hour" in frame:
        hour = frame["hour"].to_numpy()
        with np.errstate(invalid="ignore"):
            faults += noted(
                file, "hour", rows, ~((hour >= 0) & (hour <= 23)), "hours in [0, 23]", "other numbers or null"
            )
        ends = [*ends, "hour"]
    twice = frame.duplicated(ends).to_numpy()
    return faults + noted(file, ", ".join(ends), rows, twice, "every pair (and hour) once", "repeated rows")
