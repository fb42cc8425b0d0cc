"""``urbanbench data check``: every fault of a city folder, and a new folder with what can be mended."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from urbanbench.cli import options
from urbanbench.cli.printing import command, note, print_json, say
from urbanbench.errors import BadInput, CityFaults

if TYPE_CHECKING:
    from urbanbench.build.mending.walk import Mended

__all__ = ["check"]

_STILL_FAULTY = 1
"""Exit code of a mend that leaves faults."""


def check(
    city: Annotated[
        str,
        typer.Argument(help="A city: path, name (folders below URBANBENCH_DATA go by theirs), or name:size."),
    ],
    fix: Annotated[
        bool,
        typer.Option("--fix", help="Mend what can be mended without a guess, in a new folder (--to)."),
    ] = False,
    to: Annotated[Path | None, typer.Option("--to", help="The new folder of --fix.")] = None,
    as_json: options.Json = False,
) -> None:
    """Read everything a city folder holds and report all its faults at once, and how much lies outside of the regions."""
    from urbanbench.registry import city_folder

    if fix != (to is not None):
        msg = f"data check got {'--fix without --to' if fix else '--to without --fix'}. Expected both or none. Mend: urbanbench data check {city} --fix --to NEW_FOLDER"
        raise BadInput(msg)
    folder = city_folder(city)
    if to is not None:
        _fix(city, folder, to, as_json=as_json)
    else:
        _check(city, folder, as_json=as_json)


def _check(city: str, folder: Path, *, as_json: bool) -> None:
    from urbanbench.city.faults.check import check_report

    found = check_report(folder)
    if as_json:
        facts = {"faults": list(found.faults), "notes": list(found.notes)}
        print_json({"city": city, "folder": str(folder), **facts})
        raise typer.Exit(CityFaults.exit_code if found.faults else 0)
    for line in found.notes:
        note(line)
    if found.faults:
        raise CityFaults(city, found.faults)
    say(f"City folder {city!r} is sound.")


def _fix(city: str, folder: Path, to: Path, *, as_json: bool) -> None:
    from urbanbench.build.mending.walk import mend_folder

    done = mend_folder(folder, to)
    if as_json:
        print_json(_facts(city, folder, done))
    else:
        _say(city, done)
    raise typer.Exit(_STILL_FAULTY if done.after else 0)


def _facts(city: str, folder: Path, done: Mended) -> dict[str, Any]:
    new = None if done.folder is None else str(done.folder)
    faults = {"faults_before": list(done.before), "faults": list(done.after)}
    return {"city": city, "folder": str(folder), "new_folder": new, "mends": done.report.records(), **faults}


def _say(city: str, done: Mended) -> None:
    if not done.before:
        say(f"City folder {city!r} is sound; nothing was written.")
        return
    for line in done.report.text():
        say(line)
    if done.folder is None:
        say(f"None of the faults of city folder {city!r} can be mended without a guess; nothing was written.")
    elif not done.after:
        say(f"City folder {str(done.folder)!r} is sound.")
        note(f"Next: {command('data', 'show', done.folder)}")
    for fault in done.after:
        say(f"  - {fault}")
    if done.folder is not None and done.after:
        say(f"City folder {str(done.folder)!r} was written; these faults are left to mend.")
