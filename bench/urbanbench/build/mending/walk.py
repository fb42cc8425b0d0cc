"""Mending, told in a paragraph: check, mend table by table, write a new folder, check again."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from urbanbench.build.mending.manifest import mended_manifest, with_counts
from urbanbench.build.mending.tables import MendedTable, mend_table
from urbanbench.build.report import Report
from urbanbench.city.faults.check import check_report
from urbanbench.city.feature_tables import feature_files, feature_layers
from urbanbench.city.folder.columns import Column, TableSchema
from urbanbench.city.folder.format import TABLES, UNIT_LAYER
from urbanbench.city.folder.kinds import fits
from urbanbench.city.folder.manifest import Manifest, manifest_of
from urbanbench.city.folder.new_folder import new_folder
from urbanbench.city.folder.parquet import FaultyTable, read_head
from urbanbench.city.folder.paths import path_fault
from urbanbench.city.folder.read import read_column
from urbanbench.city.folder.text import is_text
from urbanbench.errors import BadInput

__all__ = ["Mended", "mend_folder"]

_OPTIONAL = ("pois", "buildings", "roads", "landuse", "street_views")
"""Layers whose rows may be left out when they have no geometry."""


@dataclass(frozen=True)
class Mended:
    """What became of a folder.

    Parameters
    ----------
    before, after
        Faults that the folder had, and that the new one has; equal where nothing could be mended.
    report
        What was mended, table by table.
    folder
        The new folder; None where none was written.
    """

    before: tuple[str, ...]
    after: tuple[str, ...]
    report: Report = field(default_factory=Report)
    folder: Path | None = None


def mend_folder(folder: Path, target: Path) -> Mended:
    """Write a city folder anew with what can be mended without a guess; the folder itself is only read.

    Tables that need no mend keep their bytes, and so do pictures. Nothing is written for a sound folder, nor where no fault can be
    mended.

    Parameters
    ----------
    folder
        The city folder.
    target
        A new folder outside of it, written whole or not at all.

    Raises
    ------
    BadInput
        The new folder exists, or lies in the old one.
    """
    _check_target(folder, target)
    before = check_report(folder).faults
    if not before:
        return Mended((), ())
    folder, report = folder.absolute(), Report()
    raw = mended_manifest(folder, report)
    if raw is None:
        return Mended(before, before)
    mended = _mended_tables(folder, manifest_of(folder, raw)[0], report)
    if not report.records():
        return Mended(before, before)
    with new_folder(target) as part:
        for table in mended.values():
            table.write(part)
        text = json.dumps(with_counts(raw, mended), indent=1, ensure_ascii=False) + "\n"
        (part / "city.json").write_text(text, encoding="utf-8")
        _copy_others(folder, part, report)
    return Mended(before, check_report(target).faults, report, target)


def _check_target(folder: Path, target: Path) -> None:
    inside = Path(os.path.realpath(target.absolute())).is_relative_to(os.path.realpath(folder))
    if inside:
        msg = f"The new folder {str(target)!r} lies in {str(folder)!r}. Expected a place outside of it, as the old folder is only read. Choose another --to."
        raise BadInput(msg)
    if target.exists() or target.is_symlink():
        msg = f"The folder {str(target)!r} exists. Expected a new one. Choose another --to or remove it."
        raise BadInput(msg)


def _mended_tables(folder: Path, manifest: Manifest | None, report: Report) -> dict[str, MendedTable]:
    """Mend labels and feature tables, then the layers whose ids they name."""
    if manifest is None:
        return {}
    found: dict[str, MendedTable | None] = {}
    for name, label in manifest.labels.items():
        found[f"labels/{name}"] = mend_table(folder, f"labels/{name}", label.file, label.schema, None, report)
    layers, files = feature_layers(folder), feature_files(folder)
    for name, layer in layers.items():
        key = TABLES[layer].key
        schema = TableSchema((Column(key, "id", filled=True),), key)
        found[f"features/{name}"] = mend_table(folder, f"features/{name}", files[name], schema, None, report)
    for name, info in manifest.tables.items():
        tables = [
            (f"labels/{one.name}", one.file)
            for one in manifest.labels.values()
            if UNIT_LAYER[one.level] == name
        ]
        tables += [(f"features/{one}", files[one]) for one, layer in layers.items() if layer == name]
        named = _named(folder, TABLES[name].key, tables, found) if name in _OPTIONAL else None
        found[name] = mend_table(folder, name, info.file, TABLES[name], named, report)
    return {name: table for name, table in found.items() if table is not None}


def _named(
    folder: Path, key: str, tables: list[tuple[str, str]], mended: Mapping[str, MendedTable | None]
) -> Collection[str] | None:
    """Return the ids that tables name, each by its part and file; None where one of them cannot be read."""
    named: set[str] = set()
    for part, file in tables:
        table = mended.get(part)
        try:
            known = dict(read_head(folder, file).columns).get(key)
        except FaultyTable:
            return None
        if table is not None:
            ids = table.table[key].to_pylist() if is_text(table.table[key].type) else None
        else:
            ids = read_column(folder, file, key)[0] if known is not None and fits("id", known) else None
        if ids is None:
            return None
        named.update(ids)
    return named


def _copy_others(folder: Path, part: Path, report: Report) -> None:
    """Copy every file that was not written anew; links that lead out of the folder and what is no file are left out."""
    left = []
    for file in _files(folder):
        if path_fault(folder, file):
            left.append(file)
        elif not (part / file).exists():
            (part / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / file, part / file)
    why = "links that lead out of the folder, and what is no file that can be read"
    report.add(
        "files", "dropped", why, ids=[file.encode("utf-8", "backslashreplace").decode() for file in left]
    )


def _files(folder: Path) -> Iterator[str]:
    """Give the paths of all files, also through links to folders inside of the folder."""
    root = os.path.realpath(folder)
    todo: list[tuple[str, frozenset[str]]] = [("", frozenset({root}))]
    while todo:
        above, chain = todo.pop()
        with suppress(OSError), os.scandir(f"{root}/{above}") as entries:
            for entry in sorted(entries, key=lambda one: one.name):
                path, real = f"{above}{entry.name}", os.path.realpath(entry.path)
                if not entry.is_dir():
                    yield path
                elif real not in chain and real.startswith(root + os.sep):
                    todo.append((f"{path}/", chain | {real}))
