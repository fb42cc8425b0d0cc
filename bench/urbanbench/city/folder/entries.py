"""Entries of city.json: one layer, one label, judged field by field."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from urbanbench.card import KINDS
from urbanbench.city.folder.format import LEVEL_WORDS, UNIT_LAYER, LabelInfo, LayerInfo
from urbanbench.city.folder.paths import path_fault

__all__ = ["depth_of", "json_kind", "read_label_entry", "read_layer_entry"]

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
    words = _entry_words(folder, where, entry, ("kind",), faults)
    if words is None:
        return None
    _count_fault(where, entry, "count", faults)
    bounds_crs = entry.get("bounds_crs", crs)
    if crs and bounds_crs != crs:
        faults.append(
            f"city.json: '{where}.bounds_crs': expected {crs!r} like 'crs', found {str(bounds_crs)[:60]!r}. Bring the boxes to the city's CRS."
        )
    overlapping = entry.get("overlapping", False)
    if not isinstance(overlapping, bool):
        faults.append(
            f"city.json: '{where}.overlapping': expected true or false, found {json_kind(overlapping)}. Write true where regions overlap on purpose."
        )
    if len(faults) > before:
        return None
    return LayerInfo(name=name, overlapping=overlapping, **words)


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
    words = _entry_words(folder, where, entry, ("unit",), faults)
    if words is None:
        return None
    if not words["unit"]:
        faults.append(
            f"city.json: '{where}.unit': expected the unit in words (or 'class'), found none. Write what one unit of the value is."
        )
    level = LEVEL_WORDS.get(entry.get("level")) if isinstance(entry.get("level"), str) else None
    if level is None:
        faults.append(
            f"city.json: '{where}.level': expected one of {', '.join(LEVEL_WORDS)}, found {str(entry.get('level', 'none'))[:60]!r}. Name the level of the labelled units."
        )
    elif UNIT_LAYER[level] not in layers:
        faults.append(
            f"city.json: '{where}.level': expected a level whose layer is there, found {level!r} without layer {UNIT_LAYER[level]!r}. Add the layer under 'layers', or remove the label."
        )
    kind = entry.get("kind", "classification" if words["unit"] == "class" else "regression")
    if kind not in KINDS:
        faults.append(
            f"city.json: '{where}.kind': expected one of {', '.join(KINDS)}, found {str(kind)[:60]!r}. Leave 'kind' out, or name one of these."
        )
    classes, columns = _names(where, "classes", entry, faults), _names(where, "columns", entry, faults)
    if kind == "composition" and len(columns) < 2:
        faults.append(
            f"city.json: '{where}.columns': expected the names of two or more share columns, found {len(columns)}. List the columns that add up to 1."
        )
    _count_fault(where, entry, "units", faults)
    if isinstance(entry.get("classes"), dict):
        for one in entry["classes"]:
            _count_fault(f"{where}.classes", entry["classes"], one, faults)
    ceiling = entry.get("ceiling")
    if ceiling is not None and not isinstance(ceiling, dict):
        faults.append(
            f"city.json: '{where}.ceiling': expected an object, found {json_kind(ceiling)}. Leave it out where it is not known."
        )
    if len(faults) > before or level is None:
        return None
    columns = columns if kind == "composition" else ()
    return LabelInfo(
        name=name, level=level, kind=kind, classes=classes, columns=columns, ceiling=ceiling, **words
    )


def _entry_words(
    folder: Path, where: str, entry: Any, more: tuple[str, ...], faults: list[str]
) -> dict[str, str] | None:
    if not isinstance(entry, dict):
        faults.append(
            f"city.json: '{where}': expected an object, found {json_kind(entry)}. Write {{\"file\": ...}}."
        )
        return None
    words = {}
    for word in ("file", *more, *_WORDS):
        value = entry.get(word, "")
        if not isinstance(value, str):
            faults.append(
                f"city.json: '{where}.{word}': expected text, found {json_kind(value)}. Put it in quotes."
            )
            value = ""
        words[word] = value
    if "file" not in entry:
        faults.append(
            f"city.json: '{where}.file': expected the file's path in the folder, found none. Name the Parquet file."
        )
    elif isinstance(entry["file"], str):
        fault = path_fault(folder, entry["file"])
        if fault:
            faults.append(
                f"city.json: '{where}.file': expected a file inside the folder, found {fault} ({entry['file'][:120]!r}). Put the file there, or correct the path."
            )
    return words


def _names(where: str, key: str, entry: Mapping[str, Any], faults: list[str]) -> tuple[str, ...]:
    """Read a list of names, or the names of an object of counts."""
    value = entry.get(key, [])
    names = list(value) if isinstance(value, list | dict) else None
    if (
        names is None
        or not all(isinstance(one, str) and one for one in names)
        or len(set(names)) != len(names)
    ):
        faults.append(
            f"city.json: '{where}.{key}': expected a list of different names, found {str(value)[:60]!r}. Name each once, as text."
        )
        return ()
    return tuple(names)


def _count_fault(where: str, entry: Mapping[str, Any], key: str, faults: list[str]) -> None:
    count = entry.get(key, 0)
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        faults.append(
            f"city.json: '{where}.{key}': expected a count, found {str(count)[:60]!r}. Write the number of rows, or leave it out."
        )


def json_kind(value: object) -> str:
    """Name the kind of a JSON value for a sentence."""
    words = {
        dict: "an object",
        list: "a list",
        str: "text",
        bool: "true or false",
        int: "a number",
        float: "a number",
        type(None): "null",
    }
    return words.get(type(value), type(value).__name__)


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
