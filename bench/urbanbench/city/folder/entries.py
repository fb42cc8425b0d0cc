"""Entries of city.json: one layer, one label, judged field by field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from urbanbench.card import LABEL_KINDS
from urbanbench.city.folder.fields import LABEL_FIELDS, LAYER_FIELDS, Field, field_faults, json_kind
from urbanbench.city.folder.format import LEVEL_WORDS, UNIT_LAYER, LabelInfo, LayerInfo
from urbanbench.city.folder.paths import path_fault

__all__ = ["depth_of", "read_label_entry", "read_layer_entry"]

_WORDS = ("source", "date", "licence", "attribution", "note")


def read_layer_entry(folder: Path, name: str, entry: Any, crs: str, faults: list[str]) -> LayerInfo | None:
    """Read one layer's entry; None, and sentences added to `faults`, when it breaks a rule.

    Parameters
    ----------
    folder
        The city folder.
    name, entry
        Name of the layer and its value in city.json.
    crs
        The city's CRS, "" when unknown.
    faults
        Where faults are added.
    """
    where = "regions" if name == "regions" else f"layers.{name}"
    before = len(faults)
    if not _is_entry(folder, where, entry, LAYER_FIELDS, faults):
        return None
    bounds_crs = entry.get("bounds_crs", crs)
    if crs and bounds_crs != crs and isinstance(bounds_crs, str):
        faults.append(
            f"city.json: '{where}.bounds_crs': expected {crs!r} like 'crs', found {bounds_crs[:60]!r}. Bring the boxes to the city's CRS."
        )
    if len(faults) > before:
        return None
    return LayerInfo(name=name, overlapping=entry.get("overlapping", False), **_texts(entry, "kind"))


def read_label_entry(
    folder: Path, name: str, entry: Any, layers: set[str], faults: list[str]
) -> LabelInfo | None:
    """Read one label's entry; None, and sentences added to `faults`, when it breaks a rule.

    Parameters
    ----------
    folder
        The city folder.
    name, entry
        Name of the label and its value in city.json.
    layers
        Names of the layers in city.json, "regions" too.
    faults
        Where faults are added.
    """
    where = f"labels.{name}"
    before = len(faults)
    if not _is_entry(folder, where, entry, LABEL_FIELDS, faults):
        return None
    level = _level(where, entry, layers, faults)
    if entry.get("unit", "") == "":
        faults.append(
            f"city.json: '{where}.unit': expected the unit in words (or 'class'), found none. Write what one unit of the value is."
        )
    kind = entry.get("kind", "classification" if entry.get("unit") == "class" else "regression")
    if kind not in LABEL_KINDS:
        faults.append(
            f"city.json: '{where}.kind': expected one of {', '.join(LABEL_KINDS)}, found {str(kind)[:60]!r}. Leave 'kind' out, or name one of these."
        )
    columns = entry.get("columns", []) if kind == "composition" else []
    if kind == "composition" and isinstance(columns, list) and len(columns) < 2:
        faults.append(
            f"city.json: '{where}.columns': expected the names of two or more share columns, found {len(columns)}. List the columns that add up to 1."
        )
    if len(faults) > before or level is None:
        return None
    return LabelInfo(
        name=name,
        level=level,
        kind=kind,
        classes=tuple(entry.get("classes", ())),
        columns=tuple(columns),
        ceiling=entry.get("ceiling"),
        **_texts(entry, "unit"),
    )


def _level(where: str, entry: Mapping[str, Any], layers: set[str], faults: list[str]) -> str | None:
    level = LEVEL_WORDS.get(entry.get("level", "")) if isinstance(entry.get("level"), str) else None
    if level is None:
        faults.append(
            f"city.json: '{where}.level': expected one of {', '.join(LEVEL_WORDS)}, found {str(entry.get('level', 'none'))[:60]!r}. Name the level of the labelled units."
        )
    elif UNIT_LAYER[level] not in layers:
        faults.append(
            f"city.json: '{where}.level': expected a level whose layer is there, found {level!r} without layer {UNIT_LAYER[level]!r}. Add the layer under 'layers', or remove the label."
        )
    return level


def _is_entry(folder: Path, where: str, entry: Any, fields: Sequence[Field], faults: list[str]) -> bool:
    """Judge an entry field by field; False for what is no object."""
    if not isinstance(entry, dict):
        faults.append(
            f"city.json: '{where}': expected an object, found {json_kind(entry)}. Write {{\"file\": ...}}."
        )
        return False
    faults += field_faults(f"city.json: '{where}.", entry, fields)
    if "file" not in entry:
        faults.append(
            f"city.json: '{where}.file': expected the file's path in the folder, found none. Name the Parquet file."
        )
    elif isinstance(entry["file"], str) and (fault := path_fault(folder, entry["file"])):
        faults.append(
            f"city.json: '{where}.file': expected a file inside the folder, found {fault} ({entry['file'][:120]!r}). Put the file there, or correct the path."
        )
    return True


def _texts(entry: Mapping[str, Any], *more: str) -> dict[str, Any]:
    """Return the texts that the description of an entry keeps."""
    return {name: entry.get(name, "") for name in ("file", *more, *_WORDS)}


def depth_of(value: object) -> int:
    """Count how many lists and objects stand inside one another; what lies deeper than thousands is counted without recursion.

    Examples
    --------
    >>> depth_of({"a": [1, {"b": 2}]})
    3
    """
    depth, level = 0, [value]
    while level := [one for one in level if isinstance(one, dict | list)]:
        depth += 1
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
    return depth
