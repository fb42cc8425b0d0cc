"""``urbanbench run --dry-run``: the cells, the vectors they share, and what is left of it all on this machine and on several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from urbanbench.cli.printing import print_json, print_table, say, say_paragraph
from urbanbench.progress import span

if TYPE_CHECKING:
    from urbanbench.result import Cell, RunSpec
    from urbanbench.run.planning.groups import Group
    from urbanbench.run.planning.outlook import Outlook, Wanted
    from urbanbench.run.planning.state import CellState
    from urbanbench.store import ResultStore

__all__ = ["print_plan"]

_HINTS = 6
"""How many parts of unknown length are named."""
_HELD = {"chain": "the longest training", "work": "all the work", "driver": "handing out"}


def print_plan(
    specs: Iterable[RunSpec],
    store: ResultStore,
    wanted: Wanted,
    *,
    device: str,
    overwrite: str,
    as_json: bool,
) -> int:
    """Print what the same command without --dry-run would do, and return the exit code."""
    from urbanbench.run.loop import in_sharing_order
    from urbanbench.run.order import resolve
    from urbanbench.run.planning.groups import costs_of, grouped, told_by
    from urbanbench.run.planning.machine import terms_for
    from urbanbench.run.planning.outlook import outlook
    from urbanbench.run.planning.state import look
    from urbanbench.run.sources import distinct
    from urbanbench.run.workbench import Workbench

    orders = list(distinct(map(resolve, specs)).values())
    states = look(in_sharing_order(orders), store, Workbench(device), overwrite)
    costs = costs_of((one.order for one in states if one.left), *told_by(store))
    cities = {one.order.spec.city for one in states if one.left} if wanted.nodes > 1 else set()
    plan = outlook(grouped(states, costs, device), wanted, terms_for(sorted(cities)))
    by_id = {one.order.cell.run_id: one for one in states}
    asked = [by_id[order.cell.run_id] for order in orders]
    if as_json:
        print_json({"cells": [_cell_facts(one, store) for one in asked], "plan": plan.to_dict()})
        return 0
    _print_cells(asked)
    say("")
    _print_groups(plan.groups)
    _say_unknown(plan.groups)
    _say_totals(plan)
    return 0


def _cell_facts(one: CellState, store: ResultStore) -> dict[str, Any]:
    cell = one.order.cell
    return cell.to_dict() | {
        "status": one.word,
        "reason": one.reason,
        "left": one.left,
        "vectors": one.vectors,
        "file": str(store.path_of(cell)),
    }


def _print_cells(states: Sequence[CellState]) -> None:
    heads = ("city", "task", "model", "preset", "inputs", "split", "head", "result")
    cells = [one.order.cell for one in states]
    several = len({cell.model_seed for cell in cells}) > 1
    rows = (
        (c.city, c.task, _trained(c, several), c.preset, c.inputs, c.split, c.reader, one.word)
        for c, one in zip(cells, states, strict=True)
    )
    print_table(rows, heads)
    for reason in dict.fromkeys(one.reason for one in states if one.reason):
        say_paragraph(reason, first="  ")


def _trained(cell: Cell, several: bool) -> str:
    """Name a model, with the city it learns in where that is another one, and the seed of its training where there are several."""
    where = f", trained in {cell.train_city}" if cell.train_city else ""
    return f"{cell.model}{where}, seed {cell.model_seed}" if several else f"{cell.model}{where}"


def _print_groups(groups: Sequence[Group]) -> None:
    several = len({group.first.cell.model_seed for group in groups}) > 1
    names = [_named(group, several) for group in groups]
    told = len(set(names)) < len(names)  # lines that would look alike say which tasks they are of
    print_table(
        [
            (
                *name,
                *([_tasks(group)] if told else []),
                len(group.states),
                len(group.heads),
                group.vectors,
                _long(group.embed_seconds) if group.heads else "",
                _long(group.head_seconds, sum(head.seconds is None for head in group.heads))
                if group.heads
                else "",
                _size(group.sizes.memory_mb),
            )
            for name, group in zip(names, groups, strict=True)
        ],
        (
            "city",
            "model",
            "inputs",
            *(["tasks"] if told else []),
            "cells",
            "left",
            "vectors",
            "to make",
            "heads",
            "memory",
        ),
    )


def _named(group: Group, several: bool) -> tuple[str, str, str]:
    cell = group.first.cell
    return cell.city, _trained(cell, several), cell.inputs


def _tasks(group: Group) -> str:
    """Name the tasks that vectors are made for, the first two of many."""
    names = list(dict.fromkeys(one.order.cell.task for one in group.states))
    return ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")


def _long(seconds: float | None, unknown: int = 0) -> str:
    if seconds is None:
        return "unknown"
    told = (
        ""
        if unknown and not seconds
        else span(seconds)
        if seconds >= 1 or not seconds
        else f"{seconds:.1f} s"
    )
    return " + ".join(part for part in (told, f"{unknown} unknown" if unknown else "") if part)


def _size(megabytes: float | None) -> str:
    if megabytes is None:
        return ""
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes:.0f} MB"


def _say_unknown(groups: Sequence[Group]) -> None:
    """Say what is known of vectors of unknown length: no law leads from it to here."""
    hints = []
    for group in groups:
        if group.heads and group.embed_seconds is None:
            cell, hint = group.first.cell, group.embed
            told = f"{span(hint.seconds)} {hint.basis}" if hint is not None else "no row tells"
            hints.append(f"  {cell.model} in {cell.city}: {told}")
    for line in hints[:_HINTS]:
        say(line)
    if len(hints) > _HINTS:
        say(f"  and {len(hints) - _HINTS} more of unknown length")


def _say_totals(plan: Outlook) -> None:
    counts, jobs = plan.counts, plan.wanted.jobs
    rest = ", ".join(f"{n} {word}" for word, n in counts.items() if word not in {"cells", "left"})
    say_paragraph(
        f"{counts['left']:,} of {counts['cells']:,} cells {'is' if counts['left'] == 1 else 'are'} to be done ({rest})."
    )
    if not counts["left"]:
        return
    processes = "one process" if jobs == 1 else f"{jobs} processes"
    say_paragraph(
        f"This machine, {processes}: {_total(plan.here.seconds, plan.unknown)}{_price(plan.here.price)}."
    )
    memory = f"{_size(plan.memory_mb)} a process" if plan.memory_mb else "unknown"
    say_paragraph(f"Memory: {memory}. Disk: about {_size(max(plan.disk_mb, 1.0))} for vectors and rows.")
    if plan.spread:
        say("")
        _print_nodes(plan)
        say_paragraph(plan.reason)


def _total(seconds: float, unknown: int) -> str:
    parts = f"{unknown} part{'s' * (unknown > 1)} of unknown length"
    return f"at least {span(seconds)}, and {parts}" if unknown else f"about {span(seconds)}"


def _price(price: float | None) -> str:
    return "" if price is None else f", {price:.2f} for the machine"


def _print_nodes(plan: Outlook) -> None:
    first = plan.spread[0].seconds
    gpus = plan.wanted.gpus_per_node
    rows = [
        (
            one.nodes,
            *([one.nodes * gpus] if gpus else []),
            span(one.seconds),
            f"{first / one.seconds:.1f}" if one.seconds else "",
            f"{one.efficiency:.0%}",
            *([f"{one.price:.2f}"] if one.price is not None else []),
            _HELD[one.holds],
        )
        for one in plan.spread
    ]
    priced = plan.wanted.price_per_hour is not None
    print_table(
        rows,
        (
            "nodes",
            *(["GPUs"] if gpus else []),
            "time",
            "speed-up",
            "efficiency",
            *(["price"] if priced else []),
            "held up by",
        ),
    )
