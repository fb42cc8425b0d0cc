"""Every fault of a city folder at once: structure, content, relations between tables, pictures, feature tables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.city.faults.build_report import build_report_faults
from urbanbench.city.faults.fit import outside_note, place_note
from urbanbench.city.faults.forms import form_note
from urbanbench.city.faults.raster import date_notes, raster_faults
from urbanbench.city.faults.structure import structure_faults
from urbanbench.city.feature_tables import features_faults
from urbanbench.city.folder.format import TABLES, UNIT_LAYER
from urbanbench.city.folder.manifest import Manifest, read_manifest
from urbanbench.city.folder.parquet import FaultyTable
from urbanbench.city.folder.paths import folder_fault
from urbanbench.city.folder.read import read_shapes
from urbanbench.city.load import judge_layer, load_label, load_unit_ids
from urbanbench.city.pictures import picture_faults
from urbanbench.city.rasters.embedding import EmbeddingRaster

if TYPE_CHECKING:
    import numpy as np

__all__ = ["CheckReport", "check_folder", "check_report"]

_PLACED = ("pois", "buildings", "street_views")
"""Layers whose rows count for the region they lie in."""


@dataclass(frozen=True)
class CheckReport:
    """What a check of a city folder found.

    Parameters
    ----------
    faults
        One sentence per fault, in the order city.json, regions, layers, labels, features; () for a sound folder.
    notes
        What is allowed and yet good to know, such as the share of POIs outside of all regions.
    """

    faults: tuple[str, ...]
    notes: tuple[str, ...] = ()


def check_folder(folder: Path) -> list[str]:
    """Read a city folder wholly and tell all its faults, one sentence each; [] for a sound folder."""
    return list(check_report(folder).faults)


def check_report(folder: Path) -> CheckReport:
    """Read a city folder wholly and tell its faults, and what is good to know.

    Parameters
    ----------
    folder
        The city folder.
    """
    fault = folder_fault(folder)
    if fault:
        return CheckReport((f"{folder}: expected a folder with a city.json, found {fault}.",))
    folder = folder.absolute()
    manifest, faults = read_manifest(folder)
    if manifest is None:
        return CheckReport(tuple(faults))
    of_table = structure_faults(folder, manifest)
    # Without a CRS nothing can be projected; tables with a broken structure are not read further.
    sound = [name for name, some in of_table.items() if not some] if manifest.crs else []
    regions, notes = None, [] if manifest.crs else [_place(folder, manifest)]
    for name in manifest.tables:
        frame, found = _layer(folder, manifest, name, regions) if name in sound else (None, [])
        regions = frame if name == "regions" and not found else regions
        if not found and frame is not None:
            notes.append(form_note(folder, manifest.tables[name].file, TABLES[name]))
        faults += of_table[name] + found
        if not found and frame is not None and regions is not None and name in _PLACED:
            notes.append(outside_note(manifest.tables[name].file, frame, regions))
    for raster in manifest.rasters.values():
        layer = EmbeddingRaster(manifest.name, folder, manifest.crs, raster)
        found, said = raster_faults(layer, regions)
        faults += found
        notes += said + date_notes(raster, manifest.labels)
    for name in manifest.labels:
        found = _label(folder, manifest, name, sound) if f"labels/{name}" in sound else []
        faults += of_table[f"labels/{name}"] + found
    levels = {"street_views": "street_view", "satellite": "region"}
    faults += features_faults(folder, lambda layer: _unit_ids(folder, manifest, levels[layer], sound))
    faults += build_report_faults(folder)
    return CheckReport(tuple(faults), tuple(note for note in notes if note))


def _place(folder: Path, manifest: Manifest) -> str:
    """Help with the choice of a CRS where there is none."""
    info = manifest.tables.get("regions")
    try:
        return "" if info is None else place_note(info.file, read_shapes(folder, info.file))
    except FaultyTable:
        return ""


def _layer(folder: Path, manifest: Manifest, name: str, regions: Any) -> tuple[Any, list[str]]:
    frame, faults = judge_layer(folder, manifest, name, regions)
    if frame is not None and name in {"street_views", "satellite"}:
        faults = faults + picture_faults(folder, manifest.tables[name].file, frame)
    return frame, faults


def _label(folder: Path, manifest: Manifest, name: str, sound: list[str]) -> list[str]:
    units = _unit_ids(folder, manifest, manifest.labels[name].level, sound)
    return load_label(folder, manifest, name, units)[1]


def _unit_ids(folder: Path, manifest: Manifest, level: str, sound: list[str]) -> np.ndarray | None:
    """Return the ids of a level's units; None where their table cannot be read, which is told by its own layer."""
    return load_unit_ids(folder, manifest, level)[0] if UNIT_LAYER[level] in sound else None
