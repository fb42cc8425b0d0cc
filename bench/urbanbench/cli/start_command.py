"""``urbanbench new``: a plugin of one's own that works as it is written, with its test."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from urbanbench.cli import options
from urbanbench.cli.printing import command, note, print_json, say

__all__ = ["new"]

_CONTRACT = {"model": "docs/add_a_model.md", "task": "docs/add_a_task.md", "city": "docs/city_format.md"}


def new(
    kind: Annotated[str, typer.Argument(help="model, task or city.", show_default=False)],
    name: Annotated[
        str, typer.Argument(help="What it is called: small letters, digits and dashes.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write into.")] = Path(),
    city: options.City = "toyville:tiny",
    label: Annotated[
        str,
        typer.Option(
            "--label",
            help="Of a task: the label of --city that it asks for; the first of its regions when left out.",
            show_default=False,
        ),
    ] = "",
    as_json: options.Json = False,
) -> None:
    """Write a model, a task or a generated city to begin with, and its test; both pass as they are.

    A city of real data is no plugin but a folder: urbanbench data build makes one.
    """
    from urbanbench.starting.write import start

    plugin, test = start(kind, name, out, city=city, label=label)
    if as_json:
        print_json({"plugin": str(plugin), "test": str(test)})
        return
    say(plugin)
    say(test)
    path = options.as_path(plugin)
    where = [] if kind == "city" or city == "toyville:tiny" else ["-c", city]
    note(f"Next: {command('check', path, *where)}")
    note(f"      pytest {test}")
    note(f"      {_run(kind, path, city)}")
    note(f"What a {kind} promises: {_CONTRACT[kind]}")


def _run(kind: str, path: str, city: str) -> str:
    asked = {"model": "poi-counts", "task": "popdensity", "city": city} | {kind: path}
    words = ("-m", asked["model"], "-t", asked["task"], "-c", asked["city"], "--head", "ridge")
    return command("run", *words)
