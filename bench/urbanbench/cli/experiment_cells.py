"""The cells of an experiment: those this version can run and the cities have labels for; what is left out is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from urbanbench.cli.printing import note, print_table
from urbanbench.errors import BadInput, UrbanbenchError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from urbanbench.card import TaskCard
    from urbanbench.city.city import City
    from urbanbench.experiments import Choice
    from urbanbench.result import RunSpec

__all__ = ["able", "distinct", "labelled", "print_cells"]


def able(specs: Sequence[RunSpec], choice: Choice) -> list[RunSpec]:
    """Return the specs this version can run, and name what it cannot.

    Raises
    ------
    BadInput
        It can run none of them, or --set names a parameter that none of them has.
    """
    from urbanbench.experiments.kinds.shelf import absence

    reasons = {spec: absence(spec) for spec in specs}
    for reason in dict.fromkeys(reason for reason in reasons.values() if reason):
        note(f"Left out: {reason}")
    able = [spec for spec, reason in reasons.items() if not reason]
    if not able:
        msg = f"None of the {len(reasons):,} cells can be run with this version of urbanbench: {next(iter(reasons.values()), '')}"
        raise BadInput(msg)
    for parameter, _ in choice.settings:
        if not any(parameter in dict(spec.settings) for spec in able):
            msg = f"--set names {parameter!r}, which no model of this experiment has. Expected one of their parameters. See `urbanbench describe MODEL`."
            raise BadInput(msg)
    return able


def labelled(specs: Sequence[RunSpec]) -> list[RunSpec]:
    """Return the specs whose city has a label for their task, and name the tasks that are left out with each city's labels.

    A city that cannot be opened yet, such as one that the experiment derives from another, keeps its cells.

    Raises
    ------
    BadInput
        None is left.
    """
    from urbanbench.run.rooms import room_of

    wanted: dict[str, dict[str, TaskCard]] = {}
    for spec in specs:
        wanted.setdefault(spec.city, {})[spec.task] = _card(spec.task)
    absent: dict[str, set[str]] = {}
    for city, tasks in wanted.items():
        opened = _opened(city)
        if opened is not None:
            absent[city] = {task for task, card in tasks.items() if not room_of(card.kind).fits(card, opened)}
            _say_absent(city, absent[city], list(opened.labels))
    kept = [spec for spec in specs if spec.task not in absent.get(spec.city, ())]
    if not kept:
        msg = f"None of the {len(specs):,} cells is about a label that its city has. Name a task with --task, or another city with --city."
        raise BadInput(msg)
    return kept


def _card(task: str) -> TaskCard:
    from urbanbench.registry import load_task

    return load_task(task).card


def _opened(city: str) -> City | None:
    """Return a city; None where it cannot be opened."""
    from urbanbench.registry import open_city

    try:
        return open_city(city)
    except UrbanbenchError:
        return None


def _say_absent(city: str, tasks: set[str], labels: Sequence[str]) -> None:
    if tasks:
        there = ", ".join(labels) or "none"
        note(f"Left out: city {city!r} has no label for {', '.join(sorted(tasks))}. Its labels: {there}.")


def distinct(specs: Sequence[RunSpec]) -> set[str]:
    """Return the run ids of the cells that this version can run."""
    from urbanbench.experiments.kinds.shelf import absence, cell_of

    return {cell_of(spec).run_id for spec in dict.fromkeys(specs) if not absence(spec)}


def print_cells(specs: Sequence[RunSpec]) -> int:
    """Print cells with what is changed in them."""
    from urbanbench.experiments.kinds.shelf import cell_of

    cells = {cell.run_id: cell for cell in map(cell_of, specs)}.values()
    heads = ("city", "task", "model", "preset", "inputs", "split", "head", "changed by")
    changes = {
        cell_of(spec).run_id: " ".join(f"{name}={text}" for name, text in spec.settings) for spec in specs
    }
    print_table(
        ((c.city, c.task, c.model, c.preset, c.inputs, c.split, c.reader, changes[c.run_id]) for c in cells),
        heads,
    )
    return 0
