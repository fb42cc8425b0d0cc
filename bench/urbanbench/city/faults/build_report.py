"""The record that a build leaves in a city folder: nothing is read from it, and yet it has a form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from urbanbench.city.folder.fields import REPORT_FIELDS, REPORT_LINE_FIELDS, Field, field_faults, json_kind
from urbanbench.city.folder.format import REPORT_FILE
from urbanbench.city.folder.json_file import read_object
from urbanbench.city.folder.paths import NO_FILE, path_fault

__all__ = ["build_report_faults"]

_MEND = "Remove the file: nothing is read from it."


def build_report_faults(folder: Path) -> list[str]:
    """Judge build_report.json; [] where there is none."""
    fault = path_fault(folder, REPORT_FILE)
    if fault:
        told = f"{REPORT_FILE}: expected a file in the folder, found {fault}. {_MEND}"
        return [] if fault == NO_FILE else [told]
    raw, fault = read_object(folder, REPORT_FILE, _MEND)
    if raw is None:
        return [fault]
    faults = field_faults(f"{REPORT_FILE}: '", raw, REPORT_FIELDS, mend=_MEND)
    if faults:
        return faults
    for name, digest in raw.get("files", {}).items():
        faults += field_faults(
            f"{REPORT_FILE}: 'files.", {name: digest}, [Field(name, "text", "")], mend=_MEND
        )
    for place, line in enumerate(raw.get("report", [])):
        faults += _line_faults(f"{REPORT_FILE}: 'report[{place}]", line, REPORT_LINE_FIELDS)
    return faults[:3]


def _line_faults(where: str, line: Any, fields: Iterable[Field]) -> list[str]:
    if not isinstance(line, Mapping):
        return [f"{where}': expected an object, found {json_kind(line)}. {_MEND}"]
    lacking = next((field.name for field in fields if field.required and field.name not in line), "")
    if lacking:
        return [f"{where}.{lacking}': expected it to be there, found none. {_MEND}"]
    return field_faults(f"{where}.", line, fields, mend=_MEND)
