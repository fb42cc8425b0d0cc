"""``urbanbench data fetch``: a city from its publishers' files, by a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from urbanbench.cli import options
from urbanbench.cli.printing import command, note, print_json, print_table, say

if TYPE_CHECKING:
    from urbanbench.build.fetch.recipe import Recipe, Source
    from urbanbench.build.fetch.walk import Asked, Built

__all__ = ["fetch"]

LIST = "list"


def fetch(
    city: Annotated[
        str, typer.Argument(help="A recipe: list (what there is), its name, or the path of a .toml file.")
    ],
    to: Annotated[
        Path | None, typer.Option("--to", help="The new city folder; the recipe's name here when left out.")
    ] = None,
    files: Annotated[
        Path | None,
        typer.Option("--files", help="Where fetched files are kept; in the cache when left out."),
    ] = None,
    given: Annotated[
        Path | None,
        typer.Option("--from", help="A folder of files that were fetched by hand; nothing goes to the web."),
    ] = None,
    only: Annotated[
        list[str], typer.Option("--only", help="Fetch this file alone and build nothing. Repeats.")
    ] = [],  # noqa: B006 - typer reads the default, nothing changes it
    also: Annotated[
        list[str], typer.Option("--with", help="An optional file that is wanted too, or all. Repeats.")
    ] = [],  # noqa: B006
    street_views: Annotated[
        str,
        typer.Option(
            "--street-views", help="A folder of pictures with a metadata.csv, as `data build` takes it."
        ),
    ] = "",
    satellite: Annotated[
        str, typer.Option("--satellite", help="A GeoTIFF, a folder of GeoTIFFs or of tiles <zoom>/<x>/<y>.")
    ] = "",
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Say what would be fetched, from where, under which licence, and where it goes."
        ),
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Fetch a city's files from their publishers, build the city folder and check it; what was fetched is kept, and goes on after a break."""
    from urbanbench.build.fetch.catalogue import find_recipe
    from urbanbench.build.fetch.pictures import picture_folder
    from urbanbench.build.fetch.walk import Asked, download
    from urbanbench.build.fetch.walk import fetch as fetch_city
    from urbanbench.errors import BadInput

    if city == LIST:
        _list(as_json)
        return
    if given is not None and files is not None:
        msg = "--from and --files are given. Expected one of them: --from for files you have, --files for where fetched ones are kept."
        raise BadInput(msg)
    recipe = find_recipe(city)
    folder, target = _folder(recipe, given or files), to if to is not None else Path(recipe.name)
    pictures = {
        "street_views": picture_folder(street_views, "--street-views") if street_views else None,
        "satellite": picture_folder(satellite, "--satellite") if satellite else None,
    }
    again: dict[str, list[object]] = {"--to": [to], "--only": [*only], "--with": [*also]}
    again |= {"--street-views": [street_views], "--satellite": [satellite]}
    words = [word for option, values in again.items() for one in values if one for word in (option, one)]
    go_on = command("data", "fetch", city, "--from", folder, *words)
    asked = Asked(recipe, folder, given is None, tuple(only), tuple(also), go_on)
    if dry_run:
        _tell(asked, target, as_json)
    elif only:
        for path in download(asked):
            say(path)
        note("Nothing was built (--only).")
    else:
        _report(fetch_city(asked, target, **pictures), as_json)


def _folder(recipe: Recipe, given: Path | None) -> Path:
    from urbanbench.home import cache_root

    return given.expanduser() if given is not None else cache_root() / "downloads" / recipe.name


def _list(as_json: bool) -> None:
    from urbanbench.build.fetch.catalogue import find_recipe, recipe_names
    from urbanbench.build.fetch.missing import size_words

    recipes = [find_recipe(name) for name in recipe_names()]
    if as_json:
        print_json(
            [
                {"name": one.name, "title": one.title, "about": one.about, "labels": list(one.labels)}
                for one in recipes
            ]
        )
        return
    rows = []
    for one in recipes:
        needed = [source for source in one.sources if not source.optional]
        rows.append(
            (one.name, len(needed), size_words(sum(source.size for source in needed)), ", ".join(one.labels))
        )
    print_table(rows, ("name", "files", "to fetch", "labels"))


def _tell(asked: Asked, target: Path, as_json: bool) -> None:
    """Say what would be done."""
    from urbanbench.build.fetch.order import build_words
    from urbanbench.build.fetch.pictures import provider_lines
    from urbanbench.build.fetch.walk import wanted_sources

    recipe, wanted = asked.recipe, wanted_sources(asked)
    if as_json:
        listed = [_facts(source, asked.files, source in wanted) for source in recipe.sources]
        print_json(
            {"city": recipe.name, "files_folder": str(asked.files), "to": str(target), "files": listed}
        )
        return
    say(f"{recipe.title}: {recipe.about}")
    for source in recipe.sources:
        for line in _lines(source, asked.files, source in wanted):
            say(line)
    say(f"Files go to {asked.files}, the city to {target}.")
    say(f"Built as: {command(*build_words(recipe))} with the labels {', '.join(recipe.labels)}")
    if recipe.pictures:
        say("Pictures of the paper, never fetched; yours go in by --street-views and --satellite:")
        for line in provider_lines(recipe.pictures):
            say(f"  {line}")
    note("Nothing was fetched (--dry-run).")


def _facts(source: Source, folder: Path, wanted: bool) -> dict[str, object]:
    key = None if source.key is None else {"variable": source.key.variable, "terms": source.key.terms}
    return {
        "name": source.name,
        "what": source.what,
        "publisher": source.publisher,
        "page": source.page,
        "addresses": list(source.addresses),
        "bytes": source.size,
        "date": source.date,
        "licence": source.licence,
        "sha256": source.sha256,
        "changes": source.changes,
        "optional": source.optional,
        "wanted": wanted,
        "there": (folder / source.name).is_file(),
        "key": key,
    }


def _lines(source: Source, folder: Path, wanted: bool) -> list[str]:
    from urbanbench.build.fetch.keys import asks_for
    from urbanbench.build.fetch.missing import size_words

    there = (folder / source.name).is_file()
    state = (
        "there"
        if there
        else "to be fetched"
        if wanted and source.addresses
        else "by hand"
        if wanted
        else f"optional, --with {source.name}"
    )
    hashed = (
        f"sha256 {source.sha256}" if source.sha256 else f"changes: {source.changes}; hash noted when it comes"
    )
    lines = [
        f"- {source.name} ({size_words(source.size) if source.size else 'size unknown'}; {state})",
        f"    {source.publisher}: {source.what}{f', {source.date}' if source.date else ''}",
        f"    licence: {source.licence}",
        *(f"    from {address}" for address in source.addresses),
        f"    page {source.page}",
        *([f"    {hashed}"] if source.addresses else [f"    {source.how}"]),
    ]
    return [*lines, f"    {asks_for(source.key)}"] if source.key is not None else lines


def _report(built: Built, as_json: bool) -> None:
    if as_json:
        print_json(
            {"folder": str(built.folder), "left_out": list(built.left_out), "report": built.report.records()}
        )
        return
    for line in (*built.report.text(), *built.notes):
        note(line)
    say(built.folder)
    for name in built.left_out:
        note(f"Label {name!r} was left out: its optional file is not there (--dry-run names it).")
    note(
        f"City folder {str(built.folder)!r} is sound. Next: {command('data', 'show', options.as_path(built.folder))}"
    )
