"""``urbanbench leaderboard``: tables of results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from urbanbench.cli import completing
from urbanbench.cli.printing import note, say, say_page
from urbanbench.counted import counted
from urbanbench.errors import BadInput
from urbanbench.terminal import screen_of

__all__ = ["ByUnits", "Words", "leaderboard"]

Words = list[str]
ByUnits = Annotated[
    bool,
    typer.Option(
        "--by-units",
        help="Find the bold sets by predictions and places of units, as `urbanbench compare` judges; slower, and needs the cities. Without it by scores alone.",
    ),
]

_ALSO = {"latex": "tex", "markdown": "md", "htm": "html", "txt": "text"}
"""Other names of formats and endings."""


def leaderboard(
    results: Annotated[
        Path | None,
        typer.Argument(
            help="Results folder; when left out, the reference rows of results/ and your own runs of runs/, marked.",
            show_default=False,
        ),
    ] = None,
    style: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            help="text, md, csv, tex (latex) or html; when left out, by the ending of --out, and text on a terminal or a pipe.",
            show_default=False,
            autocompletion=completing.formats,
        ),
    ] = "",
    pivot: Annotated[
        bool,
        typer.Option(
            "--pivot",
            help="Models beside tasks: one table for each city, split, inputs and head, with the main metric of every task.",
        ),
    ] = False,
    published: Annotated[
        bool,
        typer.Option("--published", help="Show the numbers of papers beside ours, in their own columns."),
    ] = False,
    model: Annotated[
        Words,
        typer.Option(
            "--model",
            "-m",
            help="Only these models. Repeats; takes lists and globs.",
            autocompletion=completing.models,
        ),
    ] = [],  # noqa: B006 - typer reads the default, nothing changes it
    city: Annotated[
        Words, typer.Option("--city", "-c", help="Only these cities.", autocompletion=completing.cities)
    ] = [],  # noqa: B006 - same
    task: Annotated[
        Words, typer.Option("--task", "-t", help="Only these tasks.", autocompletion=completing.tasks)
    ] = [],  # noqa: B006 - same
    split: Annotated[
        Words, typer.Option("--split", help="Only these splits.", autocompletion=completing.splits)
    ] = [],  # noqa: B006 - same
    protocol: Annotated[
        Words,
        typer.Option(
            "--protocol",
            help="Only these protocols: default, paper:hgi, paper:*.",
            autocompletion=completing.protocols,
        ),
    ] = [],  # noqa: B006 - same
    each_training: Annotated[
        bool,
        typer.Option("--each-training", help="Give each training of a model a row of its own."),
    ] = False,
    by_units: ByUnits = False,
    paged: Annotated[
        bool,
        typer.Option(
            "--pages",
            help="Write a page for each city and task into the folder --out, and one that leads to them: README.md, or index.html with -f html.",
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Write into this file instead of stdout; with --pages into this folder."
        ),
    ] = None,
) -> None:
    """Show results as a table: floors included, models below a floor flagged."""
    from urbanbench.api.boards import leaderboard as made_of
    from urbanbench.atomic import write_text

    if paged and (out is None or pivot):
        msg = (
            f"--pages got {'--pivot as well' if pivot else 'no --out'}. Expected a folder to write into and tables of single tasks. "
            "Mend: urbanbench leaderboard results --pages -o boards"
        )
        raise BadInput(msg)
    kind = _format(style, None if paged else out)
    board = made_of(
        results,
        models=model,
        cities=city,
        tasks=task,
        splits=split,
        protocols=protocol,
        published=published,
        each_training=each_training,
        by_units=by_units,
    )
    if paged and out is not None:
        first = board.save_pages(out, kind if style else "md")
        note(f"Leaderboard of {counted(len(board.told), 'result')}: {first}")
        return
    text = board.to(kind, pivot=pivot, screen=screen_of() if out is None else None)
    if out is None:
        (say_page if kind == "html" else say)(text)
        return
    write_text(out, text if text.endswith("\n") else text + "\n")
    note(f"Leaderboard of {counted(len(board.told), 'result')}: {out}")


def _format(style: str, out: Path | None) -> str:
    """Return the format asked for, by its name or another usual one; without any that of the file's ending."""
    ending = out.suffix.lower().removeprefix(".") if out is not None else ""
    word = style or ending or "text"
    return _ALSO.get(word, word)
