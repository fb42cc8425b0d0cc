"""``urbanbench leaderboard``: tables of results."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from urbanbench.cli import completing
from urbanbench.cli.printing import note, say, say_page
from urbanbench.errors import DataMissing
from urbanbench.terminal import screen_of

if TYPE_CHECKING:
    from urbanbench.result import RunResult

__all__ = ["Words", "chosen_results", "city_names", "fits", "leaderboard"]

Words = list[str]

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
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write into this file instead of stdout.")
    ] = None,
) -> None:
    """Show results as a table: floors included, models below a floor flagged."""
    from urbanbench.atomic import write_text
    from urbanbench.board import render

    kept = chosen_results(results, model=model, city=city, task=task, split=split, protocol=protocol)
    told = [one.to_dict() | {"own": one.own} for one in kept]
    kind = _format(style, out)
    text = render(
        told,
        format=kind,
        published=published,
        each_training=each_training,
        pivot=pivot,
        screen=screen_of() if out is None else None,
    )
    if out is None:
        (say_page if kind == "html" else say)(text)
        return
    write_text(out, text if text.endswith("\n") else text + "\n")
    note(f"Leaderboard of {len(kept)} results: {out}")


def _format(style: str, out: Path | None) -> str:
    """Return the format asked for, by its name or another usual one; without any that of the file's ending."""
    ending = out.suffix.lower().removeprefix(".") if out is not None else ""
    word = style or ending or "text"
    return _ALSO.get(word, word)


def chosen_results(folder: Path | None, *, city: Sequence[str], **names: Sequence[str]) -> list[RunResult]:
    """Return the results of a folder, or of the default ones, whose cells have these names.

    Raises
    ------
    DataMissing
        No such folder, or no result fits.
    """
    from urbanbench.result_folders import load_results

    every = load_results(folder)
    wanted = {**names, "city": city_names(city)}
    kept = [one for one in every if _wanted(one, **wanted)]
    if not kept:
        where = "the default folders" if folder is None else repr(str(folder))
        msg = f"No result in {where} fits, of {len(every)}. Run something first, or ask for other names."
        raise DataMissing(msg)
    return kept


def city_names(words: Sequence[str]) -> list[str]:
    """Return names and patterns of cities; a path counts for the name its results are kept under."""
    from urbanbench.registry import city_path, cut_cities, plain_name

    return [plain_name("city", word) if city_path(word) else word for word in cut_cities(words)]


def _wanted(result: RunResult, **filters: Sequence[str]) -> bool:
    return all(fits(getattr(result.cell, name), words) for name, words in filters.items())


def fits(name: str, words: Sequence[str]) -> bool:
    """Tell whether a name is one of the words, which may be lists and globs; without words every name is."""
    patterns = [part.strip() for word in words for part in word.split(",") if part.strip()]
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)
