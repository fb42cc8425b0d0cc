"""``urbanbench compare``: is one model really better than another, and how sure are we?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from urbanbench.cli import completing, options
from urbanbench.cli.board_command import Words
from urbanbench.cli.printing import note, print_json, say
from urbanbench.errors import BadInput
from urbanbench.terminal import screen_of

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
    from urbanbench.api.comparing import compare as judged
    from urbanbench.cli.comparing import to_text
    from urbanbench.cli.comparing_json import to_json
    from urbanbench.figures.files import check_ending

    if len(models) < 2:
        msg = f"compare got {len(models)} model. Expected two or more. Mend: urbanbench compare hgi cityfm -t popdensity"
        raise BadInput(msg)
    if out is not None:
        check_ending(out)
    made = judged(
        models,
        results=results or None,
        cities=city,
        tasks=task,
        splits=split,
        heads=head,
        protocols=protocol,
        metric=metric,
        rope=rope,
        draws=bootstrap,
    ).made
    if out is not None:
        from urbanbench.plots.verdicts import verdict_figure

        verdict_figure(made).save(out)
    if as_json:
        print_json(to_json(made))
    else:
        say(to_text(made, screen_of()))
    if out is not None:
        note(f"Drawn: {out}")
