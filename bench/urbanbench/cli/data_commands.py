"""``urbanbench data``: check, look for leaks, show, fetch, build, merge, pack and unpack city folders, give them pictures, and make graphs of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from urbanbench.cli import completing, options
from urbanbench.cli.beside import check_needed
from urbanbench.cli.build_command import build
from urbanbench.cli.check_folder_command import check
from urbanbench.cli.fetch_command import fetch
from urbanbench.cli.graph_command import graph
from urbanbench.cli.images_command import images
from urbanbench.cli.leaks_command import leaks
from urbanbench.cli.pack_commands import pack, unpack
from urbanbench.cli.printing import command, note, print_facts, print_json, say
from urbanbench.cli.questions_command import questions
from urbanbench.cli.regions_command import regions
from urbanbench.cli.satellite_command import satellite
from urbanbench.cli.schema_command import schema
from urbanbench.cli.tiles_command import tiles

__all__ = ["app"]

app = typer.Typer(
    help="Check, look for leaks, show, fetch, build, merge, pack and unpack city folders, give them pictures, and make graphs of them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command("fetch")(fetch)
app.command("build")(build)
app.command("check")(check)
app.command("leaks")(leaks)
app.command("tiles")(tiles)
app.command("graph")(graph)
app.command("images")(images)
app.command("questions")(questions)
app.command("satellite")(satellite)
app.command("regions")(regions)
app.command("schema")(schema)
app.command("pack")(pack)
app.command("unpack")(unpack)
Folder = Annotated[
    str,
    typer.Argument(
        help="A city: path, name (folders below URBANBENCH_DATA go by theirs), or name:size.",
        autocompletion=completing.cities,
    ),
]


@app.command()
def show(
    context: typer.Context,
    city: Folder,
    map_file: Annotated[
        Path | None, typer.Option("--map", help="Draw a map into this .png, .svg or .pdf file.")
    ] = None,
    label: Annotated[
        str, typer.Option("--label", help="Colour the map by this label, or write it under the pictures.")
    ] = "",
    images: Annotated[
        bool, typer.Option("--images", help="Draw a contact sheet of street views and satellite pictures.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="The sheet's .png file; <city>-images.png when left out.")
    ] = None,
    count: Annotated[int, typer.Option("--count", min=1, help="Pictures per layer on the sheet.")] = 32,
    as_json: options.Json = False,
) -> None:
    """Count what a city folder holds: rows and coverage per layer, labels and their spread."""
    from urbanbench.city.drawing.maps import draw_map, first_label
    from urbanbench.city.drawing.show import describe_city
    from urbanbench.registry import open_city

    sheet_asked = images or out is not None
    check_needed(context, {"label": "--label"}, "--map or --images", sheet_asked or map_file is not None)
    check_needed(context, {"count": "--count"}, "--images", sheet_asked)
    opened = open_city(city)
    facts = describe_city(opened)
    if as_json:
        print_json(facts)
    else:
        print_facts(facts)
    if map_file is not None:
        shown = label or first_label(opened)
        draw_map(opened, map_file, shown or None, title=_title_of(shown))
        note(f"Map: {map_file}")
    if sheet_asked:
        from urbanbench.city.drawing.sheet import draw_sheet

        sheet = out or Path(f"{opened.name}-images.png")
        broken = draw_sheet(opened, sheet, count=count, label=label)
        note(f"Sheet: {sheet}" + (f" ({broken} of the pictures shown cannot be opened)" if broken else ""))


def _title_of(label: str) -> str:
    """Return what a label, or a share of it, is for people: the title of the built-in task that asks for it; "" without one."""
    from urbanbench.card import TaskCard
    from urbanbench.registry import listing

    name = label.partition(":")[0]
    cards = [entry.card for entry in listing("task") if isinstance(entry.card, TaskCard)]
    return next((card.title for card in cards if card.label == name), "")


@app.command()
def merge(
    city: Folder,
    out: Annotated[Path, typer.Option("--out", help="New folder.")],
    seed: Annotated[int, typer.Option("--seed", min=0, help="Draws which neighbours are merged.")] = 0,
    rule: options.Rules = [],  # noqa: B006 - typer reads the default, nothing changes it
) -> None:
    """Write the city with neighbouring regions merged two or three at a time; labels are carried as their kind and unit allow, and what cannot be is left out and said."""
    from urbanbench.city.changing.label_rules import read_rules
    from urbanbench.city.changing.merge import merge_regions
    from urbanbench.cli.regions_command import tell_what_was_carried
    from urbanbench.registry import open_city

    opened = open_city(city)
    made = merge_regions(opened, out, seed=seed, rules=read_rules(rule, opened.labels))
    say(made)
    tell_what_was_carried(made)
    note(f"Next: {command('data', 'show', out)}")
