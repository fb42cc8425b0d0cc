"""city.json: read, judged and turned into LayerInfo and LabelInfo."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from urbanbench.city.folder.entries import read_label_entry, read_layer_entry
from urbanbench.city.folder.fields import CRS, NAME, json_kind
from urbanbench.city.folder.format import FORMAT, RASTERS, TABLES, LabelInfo, LayerInfo, RasterInfo
from urbanbench.city.folder.json_file import read_object
from urbanbench.city.folder.paths import path_fault
from urbanbench.city.folder.raster_entry import read_raster_entry

__all__ = ["Manifest", "is_name", "manifest_of", "read_manifest"]

_NAME, _CRS = re.compile(NAME), re.compile(CRS)


@dataclass(frozen=True)
class Manifest:
    """What city.json says.

    Parameters
    ----------
    name, title, crs
        Name for paths and tables, name for people, projected CRS such as "EPSG:3414".
    tables
        Every layer urbanbench reads, `regions` among them.
    extras
        Layers with other names: kept, checked to be there, not read.
    labels
        Labels by name.
    entries
        The raw entry of every layer and, as "labels/<name>", of every label.
    rasters
        Layers of GeoTIFF files.
    """

    name: str
    title: str
    crs: str
    tables: Mapping[str, LayerInfo]
    extras: Mapping[str, LayerInfo]
    labels: Mapping[str, LabelInfo]
    entries: Mapping[str, Mapping[str, Any]]
    rasters: Mapping[str, RasterInfo] = field(default_factory=dict)


def read_manifest(folder: Path) -> tuple[Manifest | None, list[str]]:
    """Read city.json and every fault in it.

    Returns
    -------
    Manifest or None
        None when city.json cannot be read at all. Entries with faults are left out.
    list of str
        One sentence per fault.
    """
    raw, faults = _read_json(folder)
    if raw is None:
        return None, faults
    return manifest_of(folder, raw)


def manifest_of(folder: Path, raw: Mapping[str, Any]) -> tuple[Manifest, list[str]]:
    """Judge what a city.json holds; entries with faults are left out.

    Parameters
    ----------
    folder
        The city folder, for the files that are named.
    raw
        The object in city.json.
    """
    faults: list[str] = []
    name, title, crs = _head(raw, folder, faults)
    entries: dict[str, Mapping[str, Any]] = {}
    layers: dict[str, LayerInfo] = {}
    rasters: dict[str, RasterInfo] = {}
    listed = _section(raw, "layers", faults)
    for layer, entry in {"regions": raw.get("regions", {"file": "regions.parquet"}), **listed}.items():
        if layer in RASTERS:
            raster = read_raster_entry(folder, layer, entry, faults)
            if raster is not None:
                rasters[layer], entries[layer] = raster, entry
            continue
        info = read_layer_entry(folder, layer, entry, crs, faults)
        if info is not None:
            layers[layer], entries[layer] = info, entry
    labels = {}
    for label, entry in _section(raw, "labels", faults).items():
        info_of_label = read_label_entry(folder, label, entry, {"regions", *listed}, faults)
        if info_of_label is not None:
            labels[label], entries[f"labels/{label}"] = info_of_label, entry
    tables = {layer: info for layer, info in layers.items() if layer in TABLES}
    extras = {layer: info for layer, info in layers.items() if layer not in TABLES}
    return Manifest(name, title, crs, tables, extras, labels, entries, rasters), faults


def _read_json(folder: Path) -> tuple[dict[str, Any] | None, list[str]]:
    fault = path_fault(folder, "city.json")
    if fault:
        return None, [
            f"city.json: expected a file in the folder, found {fault}. Write one as docs/city_format.md shows, or name another folder."
        ]
    raw, fault = read_object(folder, "city.json", "Write one as docs/city_format.md shows.")
    if raw is None:
        return None, [fault]
    if raw.get("format") != FORMAT or isinstance(raw.get("format"), bool):
        found = repr(raw.get("format", "none"))[:60]
        return None, [
            f"city.json: 'format': expected {FORMAT}, found {found}. This version of urbanbench reads format {FORMAT} only."
        ]
    return raw, []


def _head(raw: Mapping[str, Any], folder: Path, faults: list[str]) -> tuple[str, str, str]:
    name = raw.get("name", folder.name)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        faults.append(
            f"city.json: 'name': expected letters, digits, '_', '-' and '.', found {str(name)[:60]!r}. Choose such a name; 'title' may hold any text."
        )
        name = folder.name
    title = raw.get("title", name)
    if not isinstance(title, str):
        faults.append(f"city.json: 'title': expected text, found {json_kind(title)}. Put it in quotes.")
        title = name
    crs = raw.get("crs")
    fault = _crs_fault(crs)
    if fault:
        faults.append(
            f"city.json: 'crs': expected a projected CRS in metres such as 'EPSG:32618', found {fault}. Name the UTM zone or the national grid of the city."
        )
        return name, title, ""
    return name, title, str(crs)


def _crs_fault(crs: object) -> str:
    if not isinstance(crs, str):
        return "none" if crs is None else json_kind(crs)
    if not _CRS.fullmatch(crs):
        return f"{crs[:60]!r}"
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        known = CRS.from_user_input(crs)
    except CRSError:
        return f"the unknown {crs!r}"
    if not known.is_projected:
        return f"{crs!r}, which is not projected ({known.name})"
    unit = known.axis_info[0].unit_name if known.axis_info else "unknown"
    return "" if unit in {"metre", "meter"} else f"{crs!r}, whose unit is {unit}"


def _section(raw: Mapping[str, Any], name: str, faults: list[str]) -> dict[str, Any]:
    section = raw.get(name, {})
    if not isinstance(section, dict):
        faults.append(
            f'city.json: {name!r}: expected an object of entries, found {json_kind(section)}. Write {{name: {{"file": ...}}}}.'
        )
        return {}
    kept = {}
    for key, entry in section.items():
        if name == "layers" and key == "regions":
            faults.append(
                "city.json: 'layers.regions': expected regions beside 'layers', found them among the layers. Move the entry to 'regions'."
            )
        elif not _NAME.fullmatch(key):
            faults.append(
                f"city.json: {name!r}: expected names of letters, digits, '_', '-' and '.', found {key[:60]!r}. Rename the entry."
            )
        else:
            kept[key] = entry
    return kept


def is_name(text: str) -> bool:
    """Tell whether a text may name a city, layer or label: letters, digits, `_`, `-` and `.`, the first a letter or digit."""
    return bool(_NAME.fullmatch(text))
