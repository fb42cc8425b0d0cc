"""The city of a kept result."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from urbanbench.result import RunResult

__all__ = ["city_of"]


def city_of(result: RunResult) -> str:
    """Return the folder that a run's city was in, seen from its results folder; else the city's name."""
    told = result.provenance.get("sources", {}).get("city", {}).get("path", "")
    if result.file is None or not told:
        return result.cell.city
    folder = result.file.absolute().parents[2] / told
    return str(folder.resolve()) if (folder / "city.json").is_file() else result.cell.city
