"""``urbanbench data leaks``: how an answer gets out of a task in a city."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from urbanbench.cli import completing, options
from urbanbench.cli.printing import note, print_json, print_table, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from urbanbench.city.city import City
    from urbanbench.leaks.sides import Splits
    from urbanbench.leaks.walk import LeakReport
    from urbanbench.scoring.targets import Targets
    from urbanbench.task import Task

__all__ = ["leaks"]

_FOUND = 1
"""Exit code where a leak was found, so that a script can stop; warnings alone do not stop one."""


def leaks(
    city: Annotated[
        str,
        typer.Argument(help="A city: path, name (folders below URBANBENCH_DATA go by theirs), or name:size."),
    ],
    task: Annotated[
        list[str],
        typer.Option(
            "--task",
            "-t",
            help="Task; every label of the city where left out. Repeats; takes lists and globs.",
            autocompletion=completing.tasks,
        ),
    ] = [],  # noqa: B006 - typer reads the default, nothing changes it
    split: Annotated[
        list[str],
        typer.Option(
            "--split",
            help="Splits to look at, or `ladder`; see `urbanbench list splits`.",
            autocompletion=completing.splits,
        ),
    ] = ["random", "block"],  # noqa: B006 - same
    splits: Annotated[
        Path | None, typer.Option("--splits", help="A file of fixed splits to look at instead.")
    ] = None,
    seeds: options.Seeds = "10",
    as_json: options.Json = False,
) -> None:
    """Look for answers that models can see, twins on both sides of a split, and how near test units lie to training.

    One finding a line: how bad, what, how many units, what to do. Exit code 1 where there is a leak.
    """
    from urbanbench.registry import expand, expand_labels, label_tasks, load_task, open_city

    words = expand_labels(expand("task", task), [city]) if task else list(label_tasks(city))
    opened = open_city(city)
    looked = ((word, _report(opened, load_task(word, city), word, split, splits, seeds)) for word in words)
    reports = {word: report for word, report in looked if report is not None}
    if as_json:
        print_json({word: asdict(report) for word, report in reports.items()})
    else:
        for word, report in reports.items():
            _say(city, word, report)
    leaking = any(one.severity == "leak" for report in reports.values() for one in report.findings)
    raise typer.Exit(_FOUND if leaking else 0)


def _report(
    city: City, task: Task, word: str, split: Sequence[str], file: Path | None, seeds: str
) -> LeakReport | None:
    """Look at one task; None, with a note, where the city does not have it."""
    from urbanbench.errors import RunRefused
    from urbanbench.leaks.walk import find_leaks
    from urbanbench.task import labelled_targets

    try:
        targets = labelled_targets(task, city)
        made = _file_splits(targets, file) if file is not None else _rung_splits(city, task, split, seeds)
    except RunRefused as error:
        note(f"Left out: {word}. {error}")
        return None
    return find_leaks(city, task.card, targets, made)


def _file_splits(targets: Targets, file: Path) -> Splits:
    from urbanbench.scoring.split_file import SplitFile

    found = SplitFile.read(file)
    return {file.name: found.splits(targets, found.seeds)}


def _rung_splits(city: City, task: Task, words: Sequence[str], seeds: str) -> Splits:
    """Cut by every rung asked for; those that the city does not allow are named."""
    from urbanbench.registry import expand_splits
    from urbanbench.run.ladder import splits_of

    made, left_out = splits_of(task, city, expand_splits(words), options.read_seeds(seeds))
    for word, reason in left_out.items():
        note(f"Left out: split {word}. {reason}")
    return made


def _say(city: str, task: str, report: LeakReport) -> None:
    say(f"{city} · {task}: {len(report.findings) or 'no'} finding{'s' if len(report.findings) != 1 else ''}")
    for one in report.findings:
        say(f"  {one.line}")
    heads = (
        "split",
        "nearest training unit, m",
        "median, m",
        "test units within the label's range",
        "range, m",
    )
    rows = [
        (
            one.split,
            f"{one.least_m:.0f}",
            f"{one.median_m:.0f}",
            f"{one.within_range:.0%}",
            f"{one.range_m:.0f}",
        )
        for one in report.distances
    ]
    print_table(rows, heads)
