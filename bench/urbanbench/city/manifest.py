"""city.json: read, judged and turned into LayerInfo and LabelInfo."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from urbanbench.card import KINDS
from urbanbench.city.format import (
    FORMAT,
    LEVEL_WORDS,
    MAX_JSON_BYTES,
    TABLES,
    UNIT_LAYER,
    LabelInfo,
    LayerInfo,
)
from urbanbench.city.paths import path_fault

__all__ = ["Manifest", "read_manifest"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_CRS = re.compile(r"[A-Za-z]{2,10}:[0-9]{1,9}")
_WORDS = ("source", "date", "licence", "attribution", "note")


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
    """

    name: str
    title: str
    crs: str
    tables: Mapping[str, LayerInfo]
    extras: Mapping[str, LayerInfo]
    labels: Mapping[str, LabelInfo]
    entries: Mapping[str, Mapping[str, Any]]


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
    name, title, crs = _head(raw, folder, faults)
    entries: dict[str, Mapping[str, Any]] = {}
    layers = {}
    listed = _section(raw, "layers", faults)
    for layer, entry in {"regions": raw.get("regions", {"file": "regions.parquet"}), **listed}.items():
        info = _layer(folder, layer, entry, crs, faults)
        if info is not None:
            layers[layer], entries[layer] = info, entry
    labels = {}
    for label, entry in _section(raw, "labels", faults).items():
        info_of_label = _label(folder, label, entry, {"regions", *listed}, faults)
        if info_of_label is not None:
            labels[label], entries[f"labels/{label}"] = info_of_label, entry
    tables = {layer: info for layer, info in layers.items() if layer in TABLES}
    extras = {layer: info for layer, info in layers.items() if layer not in TABLES}
    return Manifest(name, title, crs, tables, extras, labels, entries), faults


def _read_json(folder: Path) -> tuple[dict[str, Any] | None, list[str]]:
    fault = path_fault(folder, "city.json")
    path = folder / "city.json"
    if fault:
        return None, [f"city.json: expected a file in the folder, found {fault}."]
    if path.stat().st_size > MAX_JSON_BYTES:
        return None, [f"city.json: expected at most {MAX_JSON_BYTES} bytes, found {path.stat().st_size}."]
    try:
        raw = json.loads(
            path.read_text(encoding="utf-8-sig"), object_pairs_hook=_once, parse_constant=_no_constant
        )
    except (ValueError, RecursionError) as error:
        return None, [f"city.json: expected valid JSON, found a fault ({str(error)[:200]})."]
    if not isinstance(raw, dict):
        return None, [f"city.json: expected an object, found {_kind(raw)}."]
    if raw.get("format") != FORMAT or isinstance(raw.get("format"), bool):
        found = repr(raw.get("format", "none"))[:60]
        return None, [
            f"city.json: 'format': expected {FORMAT}, found {found}. This version of urbanbench reads format {FORMAT} only."
        ]
    return raw, []


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            msg = f"key {key[:60]!r} stands twice in one object"
            raise ValueError(msg)
        found[key] = value
    return found


def _no_constant(word: str) -> Any:
    msg = f"{word} is no JSON number"
    raise ValueError(msg)


def _kind(value: object) -> str:
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


def _head(raw: Mapping[str, Any], folder: Path, faults: list[str]) -> tuple[str, str, str]:
    name = raw.get("name", folder.name)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        faults.append(
            f"city.json: 'name': expected letters, digits, '_', '-' and '.', found {str(name)[:60]!r}."
        )
        name = folder.name
    title = raw.get("title", name)
    if not isinstance(title, str):
        faults.append(f"city.json: 'title': expected text, found {_kind(title)}.")
        title = name
    crs = raw.get("crs")
    fault = _crs_fault(crs)
    if fault:
        faults.append(
            f"city.json: 'crs': expected a projected CRS in metres such as 'EPSG:32618', found {fault}."
        )
        return name, title, ""
    return name, title, str(crs)


def _crs_fault(crs: object) -> str:
    if not isinstance(crs, str):
        return "none" if crs is None else _kind(crs)
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
    unit = known.axis_info[0].unit_name
    return "" if unit in {"metre", "meter"} else f"{crs!r}, whose unit is {unit}"


def _section(raw: Mapping[str, Any], name: str, faults: list[str]) -> dict[str, Any]:
    section = raw.get(name, {})
    if not isinstance(section, dict):
        faults.append(f"city.json: {name!r}: expected an object of entries, found {_kind(section)}.")
        return {}
    kept = {}
    for key, entry in section.items():
        if not _NAME.fullmatch(key) or key == "regions":
            faults.append(
                f"city.json: {name!r}: expected names of letters, digits, '_', '-' and '.', found {key[:60]!r}."
            )
        else:
            kept[key] = entry
    return kept


def _layer(folder: Path, name: str, entry: Any, crs: str, faults: list[str]) -> LayerInfo | None:
    where = "regions" if name == "regions" else f"layers.{name}"
    before = len(faults)
    words = _entry_words(folder, where, entry, ("kind",), faults)
    if words is None:
        return None
    _count_fault(where, entry, "count", faults)
    bounds_crs = entry.get("bounds_crs", crs)
    if crs and bounds_crs != crs:
        faults.append(
            f"city.json: '{where}.bounds_crs': expected {crs!r} like 'crs', found {str(bounds_crs)[:60]!r}."
        )
    return LayerInfo(name=name, **words) if len(faults) == before else None


def _label(folder: Path, name: str, entry: Any, layers: set[str], faults: list[str]) -> LabelInfo | None:
    where = f"labels.{name}"
    before = len(faults)
    words = _entry_words(folder, where, entry, ("unit",), faults)
    if words is None:
        return None
    if not words["unit"]:
        faults.append(f"city.json: '{where}.unit': expected the unit in words (or 'class'), found none.")
    level = LEVEL_WORDS.get(entry.get("level")) if isinstance(entry.get("level"), str) else None
    if level is None:
        faults.append(
            f"city.json: '{where}.level': expected one of {', '.join(LEVEL_WORDS)}, found {str(entry.get('level', 'none'))[:60]!r}."
        )
    elif UNIT_LAYER[level] not in layers:
        faults.append(
            f"city.json: '{where}.level': expected a level whose layer is there, found {level!r} without layer {UNIT_LAYER[level]!r}."
        )
    kind = entry.get("kind", "classification" if words["unit"] == "class" else "regression")
    if kind not in KINDS:
        faults.append(
            f"city.json: '{where}.kind': expected one of {', '.join(KINDS)}, found {str(kind)[:60]!r}."
        )
    classes, columns = _names(where, "classes", entry, faults), _names(where, "columns", entry, faults)
    if kind == "composition" and len(columns) < 2:
        faults.append(
            f"city.json: '{where}.columns': expected the names of two or more share columns, found {len(columns)}."
        )
    _count_fault(where, entry, "units", faults)
    ceiling = entry.get("ceiling")
    if ceiling is not None and not isinstance(ceiling, dict):
        faults.append(f"city.json: '{where}.ceiling': expected an object, found {_kind(ceiling)}.")
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
        faults.append(f"city.json: '{where}': expected an object, found {_kind(entry)}.")
        return None
    words = {}
    for word in ("file", *more, *_WORDS):
        value = entry.get(word, "")
        if not isinstance(value, str):
            faults.append(f"city.json: '{where}.{word}': expected text, found {_kind(value)}.")
            value = ""
        words[word] = value
    if "file" not in entry:
        faults.append(f"city.json: '{where}.file': expected the file's path in the folder, found none.")
    elif isinstance(entry["file"], str):
        fault = path_fault(folder, entry["file"])
        if fault:
            faults.append(
                f"city.json: '{where}.file': expected a file inside the folder, found {fault} ({entry['file'][:120]!r})."
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
            f"city.json: '{where}.{key}': expected a list of different names, found {str(value)[:60]!r}."
        )
        return ()
    return tuple(names)


def _count_fault(where: str, entry: Mapping[str, Any], key: str, faults: list[str]) -> None:
    count = entry.get(key, 0)
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        faults.append(f"city.json: '{where}.{key}': expected a count, found {str(count)[:60]!r}.")
