"""``urbanbench cost``: what scores cost, and which rows no other beats in both."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from urbanbench.api.choosing import chosen_results
from urbanbench.cli import completing, options
from urbanbench.cli.printing import note, print_json, print_table, say
from urbanbench.counted import counted
from urbanbench.errors import DataMissing

if TYPE_CHECKING:
    from urbanbench.board.fronts import Front, Priced

__all__ = ["cost"]

Chosen = list[str]
_HEADS = (
    "row",
    "inputs",
    "head",
    "score",
    "s",
    "s of processor",
    "units/s",
    "MB",
    "GPU MB",
    "weights trained",
    "frozen",
    "bytes/unit",
    "J",
)
_SETTINGS = ("inputs", "head")
_NOTHING = "-"
"""What stands for a number that was not measured, or not counted."""


def cost(
    results: Annotated[
        Path | None,
        typer.Argument(
            help="Results folder; when left out, the reference rows of results/ and your own runs of runs/.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        Chosen,
        typer.Option(
            "--model",
            "-m",
            help="Only these models. Repeats; takes lists and globs.",
            autocompletion=completing.models,
        ),
    ] = [],  # noqa: B006 - typer reads the default, nothing changes it
    city: Annotated[
        Chosen, typer.Option("--city", "-c", help="Only these cities.", autocompletion=completing.cities)
    ] = [],  # noqa: B006 - same
    task: Annotated[
        Chosen, typer.Option("--task", "-t", help="Only these tasks.", autocompletion=completing.tasks)
    ] = [],  # noqa: B006 - same
    split: Annotated[
        Chosen, typer.Option("--split", help="Only these splits.", autocompletion=completing.splits)
    ] = [],  # noqa: B006 - same
    head: Annotated[
        Chosen, typer.Option("--head", help="Only these heads.", autocompletion=completing.heads)
    ] = [],  # noqa: B006 - same
    every: Annotated[
        bool, typer.Option("--all", help="Show every row, not those of the fronts alone.")
    ] = False,
    plot: Annotated[
        Path | None, typer.Option(help="Draw score against time into this .png, .svg or .pdf.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Show which rows no other beats in score and time together, and what they cost: machine by machine, since times of two are never mixed."""
    from urbanbench.board.fronts import fronts_of

    if plot is not None:
        from urbanbench.figures.files import check_ending

        check_ending(plot)
    kept = chosen_results(results, model=model, city=city, task=task, split=split, head=head)
    fronts = fronts_of([one.to_dict() | {"own": one.own} for one in kept])
    if not fronts:
        msg = f"None of the {len(kept):,} results has a score, a time and a machine. Expected finished results. Run something first."
        raise DataMissing(msg)
    if as_json:
        print_json([_document(front) for front in fronts])
    else:
        _print(fronts, every=every)
    if plot is not None:
        from urbanbench.plots.pareto import front_figure

        front_figure(fronts).save(plot)
        note(f"Score against time: {plot}")


def _print(fronts: list[Front], *, every: bool) -> None:
    from urbanbench.board.columns import metric_title

    for front in fronts:
        shown = front.rows if every else [one for one in front.rows if one.best or one.best_learned]
        cells, heads, alike = _columns([_cells(one, front) for one in shown])
        about = (front.title, front.machine, *alike, metric_title(front.metric))
        say(f"{' · '.join(about)}: {len(front.best)} of {counted(len(front.rows), 'row')} on the front")
        print_table(cells, heads)
        say("")
    said = [one.costs for front in fronts for one in front.rows if every or one.best or one.best_learned]
    say("*: no other row scores as high in less time, or higher in as much; +: no other but floors.")
    if any(not one.complete for one in said):
        say("≥: parts were read whose making nobody timed; such a row is not on the front.")
    say(
        "s: by the clock. s of processor: what processors computed for the row, whatever else the machine did meanwhile."
    )
    if missed := dict.fromkeys(word for one in said for word in one.processor_misses):
        say(
            f"≥ before s of processor: not counted is what was done elsewhere or before: {', '.join(missed)}."
        )
    if any(None in (one.joules, one.trained, one.processor_seconds) for one in said):
        say(f"{_NOTHING}: not measured, or not counted; a column that no row has anything in is not shown.")


def _columns(rows: list[tuple[str, ...]]) -> tuple[list[list[str]], list[str], list[str]]:
    """Leave out the columns in which no row has anything, and those of inputs and head where all rows have the same; with what these have."""
    alike = {
        head: rows[0][place]
        for place, head in enumerate(_HEADS)
        if head in _SETTINGS and len({row[place] for row in rows}) == 1
    }
    kept = [
        place
        for place, head in enumerate(_HEADS)
        if head not in alike and any(row[place] != _NOTHING for row in rows)
    ]
    told = [f"{head} {value}" for head, value in alike.items() if value]
    return [[row[place] for place in kept] for row in rows], [_HEADS[place] for place in kept], told


def _cells(one: Priced, front: Front) -> tuple[str, ...]:
    from urbanbench.board.costs import processor_text
    from urbanbench.board.numbers import plain_number

    costs, row = one.costs, one.row
    told = (costs.units_per_second, costs.peak_rss_mb, costs.peak_gpu_mb)
    numbers = [plain_number(value) or _NOTHING for value in told]
    counts = [
        _NOTHING if value is None else f"{value:,}"
        for value in (costs.trained, costs.frozen, costs.bytes_per_unit)
    ]
    seconds = f"{'' if costs.complete else '≥ '}{plain_number(costs.seconds)}"
    name = f"{'*' if one.best else '+' if one.best_learned else ' '} {one.label}"
    score = row.score(front.metric).text
    return (
        name,
        str(row.spec.get("inputs") or ""),
        row.head,
        score,
        seconds,
        processor_text(costs) or _NOTHING,
        *numbers,
        *counts,
        plain_number(costs.joules) or _NOTHING,
    )


def _document(front: Front) -> dict[str, Any]:
    from dataclasses import asdict

    rows = [
        {
            "run_id": one.row.run_id,
            "row": one.full_label,
            "kind": one.row.kind,
            "score": one.row.main,
            "seconds": one.costs.seconds,
            "processor_seconds": one.costs.processor_seconds,
            "on_front": one.best,
            "on_front_without_floors": one.best_learned,
            **asdict(one.costs),
        }
        for one in front.rows
    ]
    return {"title": front.title, "machine": front.machine, "metric": front.metric, "rows": rows}
