"""``urbanbench data images``: a city folder out of pictures that people judged, whose places nobody knows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from urbanbench.cli.printing import command, note, print_facts, say
from urbanbench.errors import BadInput

__all__ = ["images"]


def images(
    source: Annotated[
        Path, typer.Argument(help="A folder with pictures and images.parquet (or .csv): image, image_id, …")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="New city folder.")],
    scores: Annotated[
        str,
        typer.Option(
            "--scores", help="Columns with numbers that people gave; they become perception_COLUMN."
        ),
    ] = "",
    classes: Annotated[
        list[str], typer.Option("--class", help="LABEL=COLUMN: a column with classes as a label. Repeats.")
    ] = [],  # noqa: B006 - typer reads the default, nothing changes it
    name: Annotated[str, typer.Option("--name", help="Name of the city; that of the new folder.")] = "",
    title: Annotated[str, typer.Option("--title", help="Name for people.")] = "",
    told_source: Annotated[str, typer.Option("--source", help="Where they come from, for city.json.")] = "",
    date: Annotated[str, typer.Option("--date", help="Their date, for city.json.")] = "",
    licence: Annotated[str, typer.Option("--licence", help="Their licence; labels need one.")] = "",
    attribution: Annotated[str, typer.Option("--attribution", help="Whom to credit, for city.json.")] = "",
) -> None:
    """Make a city of pictures without places, for tasks that do not ask where: perception, and labels of pictures."""
    from urbanbench.build.image_set import ImageSet, write_image_set
    from urbanbench.build.report import Report

    told = {"source": told_source, "date": date, "licence": licence, "attribution": attribution}
    order = ImageSet(
        source,
        name or out.name,
        title,
        tuple(one.strip() for one in scores.split(",") if one.strip()),
        dict(_pair(one) for one in classes),
        {word: text for word, text in told.items() if text},
    )
    report = Report()
    counts = write_image_set(order, out, report)
    for line in report.text(deed="dropped"):
        note(line)
    print_facts({"city": order.name, **counts})
    say(out)
    note(f"Next: {command('data', 'show', out, '--images')}")


def _pair(text: str) -> tuple[str, str]:
    label, equals, column = text.partition("=")
    if not (label.strip() and equals and column.strip()):
        msg = f"--class got {text!r}. Expected LABEL=COLUMN, for example --class street_function=function."
        raise BadInput(msg)
    return label.strip(), column.strip()
