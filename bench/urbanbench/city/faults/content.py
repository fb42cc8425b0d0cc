"""Rules of the values of layers, and between layers and regions: pictures, captions, flows, heights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.city.folder.format import DIRECTIONS, TABLES, Row, row_fault
from urbanbench.city.folder.marks import foreign, noted
from urbanbench.city.folder.paths import NO_FILE, path_faults

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["layer_faults"]

_BOX = ("minx", "miny", "maxx", "maxy")


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
        return [] if len(frame) else [f"{file}: expected at least one region, found none. Add the regions."]
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
    column, bad = TABLES["buildings"].column("height_m"), _beyond("buildings", "height_m", frame)
    expected, found = f"metres above 0 and up to {column.high:.0f}, or null", "other numbers"
    return noted(file, "height_m", frame.index, bad, expected, found, "Write null for an unknown height.")


def _beyond(layer: str, name: str, frame: pd.DataFrame) -> np.ndarray:
    """Tell the rows whose number is below or above what the format allows, bool (n,); null is beyond where it is not allowed."""
    column, values = TABLES[layer].column(name), frame[name].to_numpy()
    with np.errstate(invalid="ignore"):
        inside = (values >= column.low) & (values <= column.high)
    return np.asarray(~inside & ~np.isnan(values) if column.null else ~inside)


def _picture_faults(folder: Path, file: str, column: str, frame: pd.DataFrame, *, absent: bool) -> list[str]:
    """Judge the paths of pictures that are there; the folder is asked once for each picture."""
    there = frame[column].notna().to_numpy()
    ids, paths = np.asarray(frame.index)[there], frame[column].to_numpy()[there]
    kinds: dict[str, list[object]] = {}
    for one, path, fault in zip(ids, paths, path_faults(folder, paths), strict=True):
        if fault and (absent or fault != NO_FILE):
            kinds.setdefault(fault, []).append(Row(f"{one!r}: {path[:80]!r}"))
    expected, mend = "paths of pictures inside the folder", "Put the pictures there, or write null."
    return [
        row_fault(file, column, rows, expected=expected, found=found, mend=mend)
        for found, rows in kinds.items()
    ]


def _street_view_faults(folder: Path, file: str, frame: pd.DataFrame, *, absent: bool) -> list[str]:
    columns = [name for name in ("image", *DIRECTIONS) if name in frame]
    faults = [
        fault for name in columns for fault in _picture_faults(folder, file, name, frame, absent=absent)
    ]
    bare = frame[columns].isna().all(axis=1).to_numpy()
    mend = "Remove views without pictures."
    faults += noted(
        file, " ".join(columns), frame.index, bare, "a picture for every view", "views without any", mend
    )
    if "heading" in frame:
        bad = _beyond("street_views", "heading", frame)
        expected, mend = "degrees in [0, 360], clockwise from north", "Add or take 360, or write null."
        faults += noted(file, "heading", frame.index, bad, expected, "other numbers", mend)
    return faults


def _satellite_faults(
    folder: Path, file: str, frame: pd.DataFrame, regions: Any, *, absent: bool
) -> list[str]:
    bare = frame["image"].isna().to_numpy()
    mend = "Remove rows without a picture."
    faults = noted(file, "image", frame.index, bare, "a picture for every row", "null", mend)
    faults += _picture_faults(folder, file, "image", frame, absent=absent)
    box = frame[list(_BOX)].to_numpy()
    with np.errstate(invalid="ignore"):
        sound = ~np.any([_beyond("satellite", name, frame) for name in _BOX], axis=0)
        sound &= (box[:, 0] < box[:, 2]) & (box[:, 1] < box[:, 3])
    faults += noted(
        file,
        ", ".join(_BOX),
        frame.index,
        ~sound,
        "a box with minx < maxx and miny < maxy",
        "no such box",
        "Write what the picture shows, in metres of the city's CRS.",
    )
    if regions is None:
        return faults
    faults += foreign(file, "region_id", frame.index, regions.index, "regions")
    known = frame.index.isin(regions.index) & ~frame.index.duplicated() & sound
    of_region = regions.geometry[~regions.index.duplicated()].bounds.reindex(frame.index[known]).to_numpy()
    mine = box[known]
    apart = (mine[:, :2] > of_region[:, 2:]).any(axis=1) | (mine[:, 2:] < of_region[:, :2]).any(axis=1)
    expected, mend = (
        "a box in the city's CRS that meets its region",
        "Bring the boxes to the CRS in city.json.",
    )
    return faults + noted(file, ", ".join(_BOX), frame.index[known], apart, expected, "boxes elsewhere", mend)


def _caption_faults(file: str, frame: pd.DataFrame, known: Any) -> list[str]:
    faults = [] if known is None else foreign(file, "region_id", frame["region_id"], known, "regions")
    bad = frame["caption"].isna().to_numpy() | (frame["caption"] == "").to_numpy()
    mend = "Remove rows without a sentence."
    return faults + noted(file, "caption", frame["region_id"], bad, "text", "null or empty text", mend)


def _flow_faults(file: str, frame: pd.DataFrame, known: Any) -> list[str]:
    faults = []
    ends = ["origin_id", "destination_id"]
    if known is not None:
        faults = [fault for name in ends for fault in foreign(file, name, frame[name], known, "regions")]
    rows, bad = frame.index, _beyond("flows", "trips", frame)
    found, mend = "negative, null or infinite trips", "Leave pairs without known trips out."
    faults += noted(file, "trips", rows, bad, "trips of 0 or more", found, mend)
    if "hour" in frame:
        bad, mend = _beyond("flows", "hour", frame), "Write the hour in which the trip begins, 0 to 23."
        faults += noted(file, "hour", rows, bad, "hours in [0, 23]", "other numbers or null", mend)
        ends = [*ends, "hour"]
    twice = frame.duplicated(ends).to_numpy()
    mend = "Add their trips up in one row."
    return faults + noted(
        file, ", ".join(ends), rows, twice, "every pair (and hour) once", "repeated rows", mend
    )
