"""The entry of a layer of GeoTIFF files in city.json, judged field by field."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from urbanbench.city.folder.entries import json_kind
from urbanbench.city.folder.format import RasterInfo
from urbanbench.city.folder.limits import MAX_RASTER_BANDS, MAX_RASTER_FILES
from urbanbench.city.folder.paths import path_faults

__all__ = ["LAWS", "LINEAR", "PIXEL_SCALE", "read_raster_entry"]

ALPHAEARTH, LINEAR, PIXEL_SCALE, FLOAT = "alphaearth", "linear", "pixel-scale", "float"
LAWS: Mapping[str, str] = {
    ALPHAEARTH: "int8 numbers q stand for sign(q) (|q| / 127.5)², -128 for no data",
    LINEAR: "a number q stands for q * scale + offset",
    PIXEL_SCALE: "a number q stands for q times the pixel's number in the file of scales; no data where that is not above 0",
    FLOAT: "numbers stand for themselves",
}
"""How stored numbers become values."""

_WORDS = ("kind", "source", "date", "licence", "attribution", "note", "dtype")


def read_raster_entry(folder: Path, name: str, entry: Any, faults: list[str]) -> RasterInfo | None:
    """Read the entry of a layer of rasters; None, and sentences added to `faults`, when it breaks a rule.

    Parameters
    ----------
    folder
        The city folder.
    name, entry
        Name of the layer and its value in city.json.
    faults
        Where faults are added.
    """
    where = f"layers.{name}"
    if not isinstance(entry, dict):
        faults.append(
            f'city.json: \'{where}\': expected an object, found {json_kind(entry)}. Write {{"files": [...], "law": ...}}.'
        )
        return None
    reader = _Reader(folder, where, entry)
    words: dict[str, Any] = {word: reader.text(word) for word in _WORDS}
    law = reader.law()
    bands, files = reader.count("bands", MAX_RASTER_BANDS), reader.files()
    scales = reader.scales(law, files)
    scale, offset = (reader.numbers(word, law, bands) for word in ("scale", "offset"))
    nodata = reader.nodata()
    if reader.count("count", MAX_RASTER_FILES) not in {0, len(files)}:
        reader.wrong("count", f"{len(files)}, the number of files", str(entry["count"]), "Correct it.")
    faults += reader.faults
    if reader.faults:
        return None
    return RasterInfo(
        name=name,
        file=files[0],
        files=files,
        scales=scales,
        law=law,
        scale=scale or (1.0,),
        offset=offset or (0.0,),
        nodata=nodata,
        bands=bands,
        **words,
    )


class _Reader:
    """One entry, field by field; what is wrong is collected in `faults`."""

    def __init__(self, folder: Path, where: str, entry: Mapping[str, Any]) -> None:
        self.folder, self.where, self.entry = folder, where, entry
        self.faults: list[str] = []

    def wrong(self, key: str, expected: str, found: str, mend: str) -> None:
        self.faults.append(f"city.json: '{self.where}.{key}': expected {expected}, found {found}. {mend}")

    def text(self, key: str) -> str:
        value = self.entry.get(key, "")
        if isinstance(value, str):
            return value
        self.wrong(key, "text", json_kind(value), "Put it in quotes.")
        return ""

    def law(self) -> str:
        law = self.entry.get("law")
        if isinstance(law, str) and law in LAWS:
            return law
        listed = "; ".join(f"{word}: {told}" for word, told in LAWS.items())
        found = "none" if law is None else repr(law)[:60]
        self.wrong(
            "law", f"one of {', '.join(LAWS)}", found, f"Name how stored numbers become values ({listed})."
        )
        return FLOAT

    def files(self) -> tuple[str, ...]:
        """Read `files`, or `file` for a single one."""
        listed = self.entry.get("files", [self.entry["file"]] if "file" in self.entry else None)
        if "files" in self.entry and "file" in self.entry:
            self.wrong("file", "`file` or `files`", "both", "Leave one of them out.")
        return self._paths("files", listed)

    def _paths(self, key: str, listed: Any) -> tuple[str, ...]:
        sound = isinstance(listed, list) and bool(listed) and all(isinstance(one, str) for one in listed)
        if not sound or len(set(listed)) != len(listed) or len(listed) > MAX_RASTER_FILES:
            found = "none" if listed is None else str(listed)[:60]
            expected = f"a list of 1 to {MAX_RASTER_FILES} different paths in the folder"
            self.wrong(key, expected, found, "Name each GeoTIFF once.")
            return ("",)
        for file, fault in zip(listed, path_faults(self.folder, listed), strict=True):
            if fault:
                expected, found = "a file inside the folder", f"{fault} ({file[:120]!r})"
                self.wrong(key, expected, found, "Put the file there, or correct the path.")
        return tuple(listed)

    def scales(self, law: str, files: tuple[str, ...]) -> tuple[str, ...]:
        """Read the files of scales, which only one law has."""
        if law != PIXEL_SCALE:
            if "scales" in self.entry:
                mend = f'Leave it out, or write "law": {PIXEL_SCALE!r}.'
                self.wrong("scales", f"none for the law {law!r}", "some", mend)
            return ()
        listed = self._paths("scales", self.entry.get("scales"))
        if len(listed) != len(files):
            mend = "Name for each file, in their order, the one with its scales."
            self.wrong("scales", f"{len(files)} files, as many as `files`", str(len(listed)), mend)
        return listed

    def numbers(self, key: str, law: str, bands: int) -> tuple[float, ...]:
        """Read a number or one for each band; () where there is none."""
        value = self.entry.get(key)
        if value is None:
            return ()
        listed = value if isinstance(value, list) else [value]
        sound = all(isinstance(one, int | float) and not isinstance(one, bool) for one in listed)
        if law != LINEAR:
            mend = f'Leave it out, or write "law": {LINEAR!r}.'
            self.wrong(key, f"none for the law {law!r}", str(value)[:60], mend)
        elif (
            not sound
            or not all(_finite(one) for one in listed)
            or len(listed) not in {1, bands or len(listed)}
        ):
            self.wrong(key, "a finite number, or one for each band", str(value)[:60], "Write numbers.")
        elif key == "scale" and not all(listed):
            self.wrong(key, "numbers other than 0", str(value)[:60], "A scale of 0 makes all pixels alike.")
        else:
            return tuple(float(one) for one in listed)
        return ()

    def nodata(self) -> float | None:
        value = self.entry.get("nodata")
        if value is None:
            return None
        if isinstance(value, int | float) and not isinstance(value, bool) and _finite(value):
            return float(value)
        mend = "Leave it out for NaN, and where each file says it."
        self.wrong("nodata", "the number of pixels without data", str(value)[:60], mend)
        return None

    def count(self, key: str, most: int) -> int:
        value = self.entry.get(key, 0)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most:
            return value
        self.wrong(key, f"a whole number up to {most}", str(value)[:60], "Correct it, or leave it out.")
        return 0


def _finite(value: float) -> bool:
    try:
        return isfinite(value)
    except OverflowError:
        return False
