"""The entry of a layer of GeoTIFF files in city.json, judged field by field."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from urbanbench.city.folder.fields import RASTER_FIELDS, field_faults, json_kind
from urbanbench.city.folder.format import RasterInfo
from urbanbench.city.folder.laws import LAWS, LINEAR, PIXEL_SCALE
from urbanbench.city.folder.limits import MAX_RASTER_BANDS, MAX_RASTER_FILES
from urbanbench.city.folder.paths import path_faults

__all__ = ["read_raster_entry"]

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
    found = field_faults(f"city.json: '{where}.", entry, RASTER_FIELDS)
    reader = _Reader(folder, where, entry)
    info = reader.info(name) if not found else None
    faults += found + reader.faults
    return None if reader.faults else info


class _Reader:
    """An entry whose fields are of the right kinds; what else is wrong is collected in `faults`."""

    def __init__(self, folder: Path, where: str, entry: Mapping[str, Any]) -> None:
        self.folder, self.where, self.entry = folder, where, entry
        self.faults: list[str] = []

    def info(self, name: str) -> RasterInfo:
        """Read the whole entry."""
        law, files = self._law(), self._files()
        self._most("bands", MAX_RASTER_BANDS)
        if self.entry.get("count", len(files)) != len(files):
            count = str(self.entry["count"])[:60]
            self._wrong("count", f"{len(files)}, the number of files", count, "Correct it, or leave it out.")
        words: dict[str, Any] = {word: self.entry.get(word, "") for word in _WORDS}
        return RasterInfo(
            name=name,
            file=files[0],
            files=files,
            scales=self._scales(law, files),
            law=law,
            scale=self._numbers("scale", law) or (1.0,),
            offset=self._numbers("offset", law) or (0.0,),
            nodata=self._nodata(),
            bands=self.entry.get("bands", 0),
            **words,
        )

    def _wrong(self, key: str, expected: str, found: str, mend: str) -> None:
        self.faults.append(f"city.json: '{self.where}.{key}': expected {expected}, found {found}. {mend}")

    def _law(self) -> str:
        law = self.entry.get("law")
        if isinstance(law, str) and law in LAWS:
            return law
        listed = "; ".join(f"{word}: {told}" for word, told in LAWS.items())
        found = "none" if law is None else repr(law)[:60]
        mend = f"Name how stored numbers become values ({listed})."
        self._wrong("law", f"one of {', '.join(LAWS)}", found, mend)
        return LINEAR

    def _files(self) -> tuple[str, ...]:
        """Read `files`, or `file` for a single one."""
        if "files" in self.entry and "file" in self.entry:
            self._wrong("file", "`file` or `files`", "both", "Leave one of them out.")
        return self._paths(
            "files", self.entry.get("files", [self.entry["file"]] if "file" in self.entry else None)
        )

    def _paths(self, key: str, listed: Any) -> tuple[str, ...]:
        sound = isinstance(listed, list) and bool(listed) and all(isinstance(one, str) for one in listed)
        if not sound or len(set(listed)) != len(listed) or len(listed) > MAX_RASTER_FILES:
            found = "none" if listed is None else str(listed)[:60]
            expected = f"a list of 1 to {MAX_RASTER_FILES} different paths in the folder"
            self._wrong(key, expected, found, "Name each GeoTIFF once.")
            return ("",)
        for file, fault in zip(listed, path_faults(self.folder, listed), strict=True):
            if fault:
                expected, found = "a file inside the folder", f"{fault} ({file[:120]!r})"
                self._wrong(key, expected, found, "Put the file there, or correct the path.")
        return tuple(listed)

    def _scales(self, law: str, files: tuple[str, ...]) -> tuple[str, ...]:
        """Read the files of scales, which only one law has."""
        if law != PIXEL_SCALE:
            if "scales" in self.entry:
                mend = f'Leave it out, or write "law": {PIXEL_SCALE!r}.'
                self._wrong("scales", f"none for the law {law!r}", "some", mend)
            return ()
        listed = self._paths("scales", self.entry.get("scales"))
        if len(listed) != len(files):
            mend = "Name for each file, in their order, the one with its scales."
            self._wrong("scales", f"{len(files)} files, as many as `files`", str(len(listed)), mend)
        return listed

    def _numbers(self, key: str, law: str) -> tuple[float, ...]:
        """Read a number or one for each band; () where there is none."""
        value = self.entry.get(key)
        if value is None:
            return ()
        listed, bands = value if isinstance(value, list) else [value], self.entry.get("bands", 0)
        if law != LINEAR:
            mend = f'Leave it out, or write "law": {LINEAR!r}.'
            self._wrong(key, f"none for the law {law!r}", str(value)[:60], mend)
        elif not all(map(_finite, listed)) or len(listed) not in {1, bands or len(listed)} or not listed:
            self._wrong(key, "a finite number, or one for each band", str(value)[:60], "Write numbers.")
        elif key == "scale" and not all(listed):
            mend = "A scale of 0 makes all pixels alike."
            self._wrong(key, "numbers other than 0", str(value)[:60], mend)
        else:
            return tuple(map(float, listed))
        return ()

    def _nodata(self) -> float | None:
        value = self.entry.get("nodata")
        if value is not None and not _finite(value):
            self._wrong("nodata", "a finite number", str(value)[:60], "Leave it out: NaN never counts.")
        return float(value) if value is not None and _finite(value) else None

    def _most(self, key: str, most: int) -> None:
        if self.entry.get(key, 0) > most:
            found = str(self.entry[key])[:60]
            self._wrong(key, f"at most {most}", found, "Leave bands out, or correct it.")


def _finite(value: Any) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    except OverflowError:
        return False
