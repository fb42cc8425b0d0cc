"""city.json, mended: decoded, its paths with forward slashes, its counts those of the mended tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.build.mending.texts import decoded_text
from urbanbench.city.folder.json_file import object_of
from urbanbench.city.folder.limits import MAX_JSON_BYTES
from urbanbench.city.folder.paths import path_fault

if TYPE_CHECKING:
    from urbanbench.build.mending.tables import MendedTable
    from urbanbench.build.report import Report

__all__ = ["mended_manifest", "with_counts"]

_CITY = "city.json"
_PATHS = ("file", "files", "scales")
"""Fields of entries that hold paths."""
_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
"""How a file in UTF-16 begins."""


def mended_manifest(folder: Path, report: Report) -> dict[str, Any] | None:
    """Read city.json, decoding it where it is no UTF-8; None where that is not enough."""
    if path_fault(folder, _CITY):
        return None
    try:
        if (folder / _CITY).stat().st_size > MAX_JSON_BYTES:
            return None
        raw = (folder / _CITY).read_bytes()
    except OSError:
        return None
    text = _text(raw)
    found = None if text is None else object_of(_CITY, text, "")[0]
    if found is None:
        return None
    if not _is_utf8(raw):
        report.add(_CITY, "mended", "brought to UTF-8", count=1)
    for name, entry in _entries(found):
        _turn_slashes(folder, name, entry, report)
    return found


def _text(raw: bytes) -> str | None:
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            try:
                return raw.decode(encoding)
            except UnicodeDecodeError:
                return None
    text = decoded_text(raw)
    return None if text is None else text.removeprefix("\ufeff")


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _entries(raw: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the entries of regions, layers and labels that are objects, by the name of their part."""
    sections = [
        ("", {"regions": raw.get("regions")}),
        ("", raw.get("layers")),
        ("labels/", raw.get("labels")),
    ]
    found = [
        (f"{before}{name}", entry)
        for before, some in sections
        if isinstance(some, dict)
        for name, entry in some.items()
    ]
    return [(name, entry) for name, entry in found if isinstance(entry, dict)]


def _turn_slashes(folder: Path, name: str, entry: dict[str, Any], report: Report) -> None:
    for key in _PATHS:
        given = entry.get(key)
        files = given if isinstance(given, list) else [given]
        turned = [_turned(folder, file) for file in files]
        if turned != files:
            entry[key] = turned if isinstance(given, list) else turned[0]
            report.add(_CITY, "mended", "paths written with forward slashes", ids=[name])


def _turned(folder: Path, file: Any) -> Any:
    """Return a path with forward slashes where a file of the folder is meant; anything else as it is."""
    if not isinstance(file, str) or "\\" not in file or path_fault(folder, file.replace("\\", "/")):
        return file
    return file.replace("\\", "/")


def with_counts(raw: Mapping[str, Any], mended: Mapping[str, MendedTable]) -> dict[str, Any]:
    """Bring counts up to date that were right before rows were dropped.

    Parameters
    ----------
    raw
        What city.json holds.
    mended
        The mended tables by part.
    """
    made: dict[str, Any] = json.loads(json.dumps(raw))
    for name, entry in _entries(made):
        if name in mended:
            word = "units" if name.startswith("labels/") else "count"
            if entry.get(word) == mended[name].before and not isinstance(entry[word], bool):
                entry[word] = mended[name].table.num_rows
            _count_classes(entry, mended[name])
    return made


def _count_classes(entry: dict[str, Any], mended: MendedTable) -> None:
    """Bring the counts of classes up to date, where they added up before."""
    counts = entry.get("classes")
    if not isinstance(counts, dict) or "value" not in mended.table.column_names:
        return
    if sum(counts.values()) == mended.before and mended.before != mended.table.num_rows:
        values = mended.table["value"].to_pylist()
        entry["classes"] = {name: values.count(name) for name in counts}
