"""Plugins that rows were made by and that nobody else has: which file is to be named, so that the rows can be made again."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

from urbanbench.registry import VECTOR_FILES, has_scheme, is_label, names
from urbanbench.registry.live import is_live
from urbanbench.result import RunResult
from urbanbench.run.sources import SOURCES
from urbanbench.verify.again import Elsewhere

__all__ = ["absent_plugins", "is_of_vectors"]


def absent_plugins(folder: Path, results: Iterable[RunResult], elsewhere: Elsewhere) -> Iterator[str]:
    """Say, one sentence each, which models and tasks of rows are neither registered nor named by their file."""
    found: dict[tuple[str, str], list[RunResult]] = {}
    for result in results:
        for kind, name in (("model", result.cell.model), ("task", result.cell.task)):
            if not _is_known(kind, name, elsewhere) and not (kind == "model" and is_of_vectors(result)):
                found.setdefault((kind, name), []).append(result)
    for (kind, name), rows in found.items():
        count = f"{len(rows)} row{'s' if len(rows) > 1 else ''}"
        yield f"The {kind} {name!r} of {count} is not registered, so nobody else has it. Mend: add -{kind[0]} {_file(folder, kind, rows[0])}"


def is_of_vectors(result: RunResult) -> bool:
    """Tell whether a row is of finished vectors, whose model nobody has to know."""
    path = str(result.provenance.get(SOURCES, {}).get("model", {}).get("path", ""))
    return path.endswith(VECTOR_FILES) or result.cell.inputs == "given"


def _is_known(kind: str, name: str, elsewhere: Elsewhere) -> bool:
    given = elsewhere.models if kind == "model" else elsewhere.tasks
    worded = has_scheme(name) if kind == "model" else is_label(name)
    return name in given or worded or is_live(name) or name in names(kind)


def _file(folder: Path, kind: str, row: RunResult) -> str:
    """Return the path that a row says its plugin had, as seen from here; a word for it where that file is gone."""
    told = str(row.provenance.get(SOURCES, {}).get(kind, {}).get("path", ""))
    place = Path(os.path.normpath(folder.absolute() / told)) if told else None
    if place is None or not place.is_file():
        return f"PATH/TO/{getattr(row.cell, kind).replace('-', '_')}.py"
    return shlex.quote(os.path.relpath(place) if Path.cwd() in place.parents else str(place))
