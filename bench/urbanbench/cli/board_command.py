"""``urbanbench leaderboard``: tables of results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from urbanbench.cli.printing import note, say, say_page

__all__ = ["Words", "leaderboard"]

Words = list[str]


def leaderboard(
    results: Annotated[
        Path | None,
        typer.Argument(
            help="Results folder; when left out, the reference rows of results/ and your own runs of runs/, marked.",
            show_default=False,
        ),
    ] = None,
    style: Annotated[str, typer.Option("--format", "-f", help="md, csv, tex or html.")] = "md",
    published: Annotated[
        bool,
        typer.Option("--published", help="Show the numbers of papers beside ours, in their own columns."),
    ] = False,
    model: Annotated[
        Words, typer.Option("--model", "-m", help="Only these models. Repeats; takes lists and globs.")
    ] = [],  # noqa: B006 - typer reads the default, nothing changes it
    city: Annotated[Words, typer.Option("--city", "-c", help="Only these cities.")] = [],  # noqa: B006 - same
    task: Annotated[Words, typer.Option("--task", "-t", help="Only these tasks.")] = [],  # noqa: B006 - same
    split: Annotated[Words, typer.Option("--split", help="Only these splits.")] = [],  # noqa: B006 - same
    protocol: Annotated[
        Words, typer.Option("--protocol", help="Only these protocols: default, paper:hgi, paper:*.")
    ] = [],  # noqa: B006 - same
    each_training: Annotated[
        bool,
        typer.Option("--each-training", help="Give each training of a model a row of its own."),
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write into this file instead of stdout.")
    ] = None,
) -> None:
    """Show results as a table: floors included, models below a floor flagged."""
    from urbanbench.api.boards import leaderboard as made_of
    from urbanbench.atomic import write_text

    board = made_of(
        results,
        models=model,
        cities=city,
        tasks=task,
        splits=split,
        protocols=protocol,
        published=published,
        each_training=each_training,
    )
    text = board.to(style)
    if out is None:
        (say_page if style == "html" else say)(text)
        return
    write_text(out, text if text.endswith("\n") else text + "\n")
    note(f"Leaderboard of {len(board.told)} results: {out}")
