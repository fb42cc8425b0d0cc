"""Where results lie: own runs in ``./runs``, and the reference rows that come with a checkout, which no run writes into."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import urbanbench
from urbanbench.errors import DataMissing
from urbanbench.gathered.compact import read_compacted
from urbanbench.home import told_place
from urbanbench.result import OK, RunResult
from urbanbench.store import ResultStore

__all__ = ["REFERENCE", "RUNS", "city_of", "latest", "load_results", "reference_folder", "some_results"]

RUNS = Path("runs")
"""Folder that runs write into unless they are told another; git does not track it."""
REFERENCE = Path("results")
"""Folder of reference rows, here or at the root of the checkout."""


def load_results(folder: Path | None = None) -> list[RunResult]:
    """Return the results of a folder, or of a file that `results compact` wrote; without one the reference rows, then own runs, which say that they are.

    Raises
    ------
    DataMissing
        No such folder, neither of the two, or a result file that cannot be read.
    """
    if folder is not None and folder.is_file():
        return read_compacted(folder)
    if folder is not None:
        return ResultStore(folder).load_all()
    reference, found = reference_folder(), []
    if reference is not None:
        found += ResultStore(reference).load_all()
    if RUNS.is_dir():
        found += [replace(one, own=True) for one in ResultStore(RUNS).load_all()]
    if reference is None and not RUNS.is_dir():
        msg = f"No results folder {str(RUNS)!r} or {str(REFERENCE)!r} here. Expected one that `urbanbench run` wrote. Run something first, or pass its path."
        raise DataMissing(msg)
    return found


def some_results(folder: Path | None = None) -> list[RunResult]:
    """Return the same, one result at least.

    Raises
    ------
    DataMissing
        As `load_results`; nothing there.
    """
    found = load_results(folder)
    if not found:
        where = (
            f"{str(folder)!r} holds" if folder is not None else f"{str(RUNS)!r} and {str(REFERENCE)!r} hold"
        )
        msg = f"{where} no result. Expected files <city>/<task>/<model>__….json that `urbanbench run` wrote. Run something first, or pass the folder above those of cities."
        raise DataMissing(msg)
    return found


def reference_folder() -> Path | None:
    """Return the folder of reference rows: ``./results``, or inside the checkout its own; None where there is none."""
    if REFERENCE.is_dir():
        return REFERENCE
    checkout = Path(urbanbench.__file__).resolve().parents[2]
    theirs, here = checkout / REFERENCE, Path.cwd().resolve()
    inside = (checkout / "pyproject.toml").is_file() and checkout in here.parents
    return theirs if inside and theirs.is_dir() else None


def latest(results: Iterable[RunResult]) -> list[RunResult]:
    """Return each cell once: of equal cells the later, but never one without scores for one that has them."""
    kept: dict[str, RunResult] = {}
    for one in results:
        before = kept.get(one.run_id)
        if before is None or one.status == OK or before.status != OK:
            kept[one.run_id] = one
    return list(kept.values())


def city_of(result: RunResult, kind: str = "city") -> str:
    """Return the folder that a run's city was in, or its "train_city", seen from its results folder; else the city's name."""
    name = str(getattr(result.cell, kind))
    told = result.provenance.get("sources", {}).get(kind, {}).get("path", "")
    if result.file is None or not told:
        return name
    folder = told_place(told, result.file.absolute().parents[2])
    return str(folder.resolve()) if (folder / "city.json").is_file() else name
