"""``urbanbench cite``: the BibTeX of everything behind a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from urbanbench.api.choosing import chosen_results
from urbanbench.cli import completing
from urbanbench.cli.board_command import Words
from urbanbench.cli.printing import note, say
from urbanbench.counted import counted

__all__ = ["cite"]


def cite(
    results: Annotated[
        Path | None,
        typer.Argument(
            help="Results folder; when left out, the reference rows of results/ and your own runs of runs/.",
            show_default=False,
        ),
    ] = None,
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
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write into this .bib file instead of stdout.")
    ] = None,
) -> None:
    """Give the BibTeX of every model, frozen encoder, data source and tool behind a table of these results."""
    from urbanbench.atomic import write_text
    from urbanbench.citing.gather import cite as cited

    kept = chosen_results(results, model=model, city=city, task=task, split=split)
    text = cited(kept)
    if out is None:
        say(text.rstrip("\n"))
        return
    write_text(out, text)
    note(f"BibTeX of what is behind {counted(len(kept), 'result')}: {out}")
