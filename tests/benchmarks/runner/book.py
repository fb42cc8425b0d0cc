"""The file and the page that keep what was measured."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from urbanbench.atomic import write_text
from urbanbench.store import without_nan

INTRODUCTION = """# Benchmarks

Written by `python tests/benchmarks` from `results/benchmarks.json`; do not edit. `--only WORD` measures those whose name contains a word,
`--quick` leaves out those that take minutes, `--resume` goes on where a stopped run was. Each runs in a process of its own; one that fails is
a row. Seconds are the least of all rounds: wall time, or processor time where it says so. The ratio is to the quickest way of doing the
same, where a benchmark tries several. Load is how many processes per core wanted to run before it began: above 1, wall times are too long,
and only processor times and ratios of them can be trusted.
What the figures mean stands in the benchmark of that name under `tests/benchmarks/`.
"""
HEAD = "| benchmark | seconds | ratio | figures | load | machine | date |\n| --- | ---: | ---: | --- | ---: | --- | --- |"
MOST_FIGURES = 12


@dataclass
class Book:
    """Rows by name of the benchmark."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Book:
        """Read the file, or begin an empty book where there is none."""
        return cls(json.loads(path.read_text(encoding="utf-8"))["benchmarks"] if path.is_file() else {})

    def put(self, name: str, row: Mapping[str, Any]) -> None:
        """Add a row, or replace it. A skipped one, such as that of a GPU, does not replace what another machine measured."""
        old = self.rows.get(name)
        if row["status"] != "skipped" or old is None or old["status"] != "measured":
            self.rows[name] = without_nan(dict(row))

    def holds(self, name: str, machine: Mapping[str, Any]) -> bool:
        """Tell whether a row was measured or skipped on a machine of this kind."""
        row = self.rows.get(name)
        return row is not None and row["status"] != "failed" and row["machine"] == dict(machine)

    def write(self, path: Path, page: Path) -> None:
        """Write file and page, each whole or not at all."""
        rows = dict(sorted(self.rows.items()))
        path.parent.mkdir(parents=True, exist_ok=True)
        page.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps({"schema": 1, "benchmarks": rows}, indent=1, ensure_ascii=False) + "\n")
        write_text(page, page_of(rows))


def page_of(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the page: the machines, and a table for every file of benchmarks."""
    machines = list({json.dumps(row["machine"]): row["machine"] for row in rows.values()}.values())
    parts = [INTRODUCTION, _machines(machines)]
    for file, names in groupby(rows, key=lambda name: name.partition("::")[0]):
        chosen = {name.partition("::")[2]: rows[name] for name in names}
        lines = [_line(name, row, chosen, machines) for name, row in chosen.items()]
        parts.append(
            "\n".join([f"## {file.removeprefix('test_').removesuffix('.py')}\n", HEAD, *lines]) + "\n"
        )
    return "\n".join(parts)


def _machines(machines: list[dict[str, Any]]) -> str:
    lines = [
        f"- **{_letter(place)}**: {one['cpu']}, {one['cores']} cores, {one['gpu'] or 'no GPU'}; {one['platform']}, Python {one['python']}, torch {one['torch']}"
        for place, one in enumerate(machines)
    ]
    return "\n".join(["Machines:\n", *lines]) + "\n"


def _letter(place: int) -> str:
    return chr(ord("A") + place)


def _line(
    name: str,
    row: Mapping[str, Any],
    beside: Mapping[str, Mapping[str, Any]],
    machines: list[dict[str, Any]],
) -> str:
    where, code = _letter(machines.index(row["machine"])), f"`{name.removeprefix('test_')}`"
    cells = [code, _seconds(row), _ratio(row, beside), _told(row), f"{row['load']:.1f}", where, row["date"]]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _seconds(row: Mapping[str, Any]) -> str:
    if row["status"] != "measured":
        return str(row["status"])
    return f"{row['seconds']['min']:.3g}" + (" (processor)" if row["timer"] == "processor" else "")


def _ratio(row: Mapping[str, Any], beside: Mapping[str, Mapping[str, Any]]) -> str:
    """Return how many times as long it took as the quickest of its group on the same machine; empty where it stands alone."""
    same = [
        one["seconds"]["min"]
        for one in beside.values()
        if one["status"] == "measured"
        and one["group"] == row.get("group")
        and one["machine"] == row["machine"]
    ]
    alone = row["status"] != "measured" or row["group"] is None or len(same) < 2 or min(same) == 0
    return "" if alone else f"{row['seconds']['min'] / min(same):.3g}"


def _told(row: Mapping[str, Any]) -> str:
    """Return what the benchmark told in one line; of very many figures those that stand outermost."""
    if row["status"] != "measured":
        return str(row["reason"])
    flat = dict(_flat(row["figures"]))
    if len(flat) > MOST_FIGURES:
        flat = {name: value for name, value in flat.items() if ": " not in name} or flat
    shown = [f"{name.replace('_', ' ')} {_short(value)}" for name, value in list(flat.items())[:MOST_FIGURES]]
    return "; ".join(shown) + ("; …" if len(flat) > MOST_FIGURES else "")


def _flat(figures: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in figures.items():
        if isinstance(value, dict):
            found += _flat(value, f"{before}{name}: ")
        elif isinstance(value, int | float | str):
            found.append((before + name, value))
    return found


def _short(value: float | str) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{value:,}" if type(value) is int else str(value)
