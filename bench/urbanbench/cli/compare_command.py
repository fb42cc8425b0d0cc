"""``urbanbench compare``: is one model really better than another, and how sure are we?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from urbanbench.cli import completing, options
from urbanbench.cli.board_command import Words, city_names, fits
from urbanbench.cli.printing import note, print_json, say
from urbanbench.errors import BadInput, DataMissing, UrbanbenchError
from urbanbench.terminal import screen_of

if TYPE_CHECKING:
    from urbanbench.judging.choosing import Chosen
    from urbanbench.result import RunResult

__all__ = ["compare"]


def compare(
    models: Annotated[
        list[str],
        typer.Argument(
            help="Two models or more: names, with parameters where a name has several rows (urbanmfm,preset=quick,pooling=sum), run ids, or result files.",
            show_default=False,
            autocompletion=completing.models,
        ),
    ],
    city: Annotated[
        Words, typer.Option("--city", "-c", help="Only these cities.", autocompletion=completing.cities)
    ] = [],  # noqa: B006 - typer reads the default, nothing changes it
    task: Annotated[
        Words,
        typer.Option(
            "--task",
            "-t",
            help="Only these tasks. Repeats; takes lists and globs.",
            autocompletion=completing.tasks,
        ),
    ] = [],  # noqa: B006 - same
    split: Annotated[
        Words, typer.Option("--split", help="Only these splits.", autocompletion=completing.splits)
    ] = [],  # noqa: B006 - same
    head: Annotated[
        Words, typer.Option("--head", help="Only these heads.", autocompletion=completing.heads)
    ] = [],  # noqa: B006 - same
    protocol: Annotated[
        Words,
        typer.Option(
            "--protocol",
            help="Only these protocols: default (of names, when left out), paper:hgi, paper:*.",
            autocompletion=completing.protocols,
        ),
    ] = [],  # noqa: B006 - same
    metric: Annotated[
        str,
        typer.Option(
            "--metric",
            help="What is compared; the main metric of each task when left out.",
            autocompletion=completing.metrics,
        ),
    ] = "",
    rope: Annotated[
        float | None,
        typer.Option(
            "--rope",
            min=0.0,
            help="Differences up to this are practically none, in the metric's unit; a hundredth when left out, of the score where it has a unit.",
        ),
    ] = None,
    results: Annotated[
        list[Path],
        typer.Option(
            "--results",
            help="Results folder; repeats. When left out, the reference rows of results/ and your own runs of runs/.",
        ),
    ] = [],  # noqa: B006 - same
    bootstrap: Annotated[
        int,
        typer.Option(
            "--bootstrap",
            min=0,
            help="Draw blocks of test units again so many times (2000), as a second opinion from predictions.",
        ),
    ] = 0,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Draw it: .png, .svg or .pdf.")] = None,
    as_json: options.Json = False,
) -> None:
    """Judge models by the splits they share: in words, in a table and in a plot.

    Chance is judged with what splits and neighbours have in common counted in. Of two models every question is judged and the p values are
    adjusted by Holm; of three and more there are ranks over all questions and a critical-difference diagram too.
    """
    from urbanbench.cli.comparing import to_text
    from urbanbench.cli.comparing_json import to_json
    from urbanbench.figures.files import check_ending
    from urbanbench.judging.choosing import choose
    from urbanbench.judging.tournament import tournament

    if len(models) < 2:
        msg = f"compare got {len(models)} model. Expected two or more. Mend: urbanbench compare hgi cityfm -t popdensity"
        raise BadInput(msg)
    if out is not None:
        check_ending(out)
    every = _load(results)
    sides = [choose(word, every) for word in models]
    wanted = {"city": city_names(city), "task": task, "split": split, "head": head, "protocol": protocol}
    sides = [_narrowed(side, wanted) for side in sides]
    made = tournament(sides, _places, metric=metric, rope=rope, draws=bootstrap)
    if out is not None:
        from urbanbench.plots.verdicts import verdict_figure

        verdict_figure(made).save(out)
    if as_json:
        print_json(to_json(made))
    else:
        say(to_text(made, screen_of()))
    if out is not None:
        note(f"Drawn: {out}")


def _load(folders: Sequence[Path]) -> list[RunResult]:
    from urbanbench.result_folders import load_results

    if not folders:
        return load_results()
    return [one for folder in folders for one in load_results(folder)]


def _narrowed(side: Chosen, wanted: Mapping[str, Sequence[str]]) -> Chosen:
    """Keep the rows asked for; a floor's own head goes with every head.

    Raises
    ------
    DataMissing
        None is left; the message has what the rows are.
    """
    from dataclasses import replace

    from urbanbench.scoring.heads import HEADS

    if len(side.rows) > 1 and not wanted["protocol"]:
        wanted = {**wanted, "protocol": ["default"]}

    def keeps(row: RunResult) -> bool:
        own = row.cell.head in HEADS and HEADS[row.cell.head].of_a_floor
        return all(
            fits(getattr(row.cell, name), words) or (name == "head" and own) for name, words in wanted.items()
        )

    kept = tuple(row for row in side.rows if keeps(row))
    if not kept:
        asked = ", ".join(f"--{name} {','.join(words)}" for name, words in wanted.items() if words)
        has = {name: sorted({str(getattr(row.cell, name)) for row in side.rows}) for name in wanted}
        told = "; ".join(f"{name} {', '.join(values)}" for name, values in has.items())
        msg = f"{side.name!r} has no row that fits {asked}. Its rows have {told}."
        raise DataMissing(msg)
    return replace(side, rows=kept)


def _places(row: RunResult) -> Mapping[str, tuple[float, float]] | None:
    """Return where the units of a row lie; None where its city cannot be opened here."""
    from urbanbench.registry import load_task, open_city
    from urbanbench.result_folders import city_of
    from urbanbench.retrieval_task import RetrievalTask, query_places
    from urbanbench.task import unit_positions

    try:
        city = open_city(city_of(row))
        level = str(row.task["level"])
        if level == "item":
            task = load_task(row.cell.task)
            return query_places(task.targets(city), city) if isinstance(task, RetrievalTask) else None
        ids = getattr(city, f"{level}s").index
    except UrbanbenchError:
        return None
    found = unit_positions(city, level, ids)
    return dict(zip(ids.astype(str).tolist(), map(tuple, found.tolist()), strict=True))
