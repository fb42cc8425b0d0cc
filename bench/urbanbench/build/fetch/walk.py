"""A fetch, told in a paragraph: files from their publishers or from a folder, the build that the recipe calls, and the check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from urbanbench.build.fetch.gather import gather
from urbanbench.build.fetch.missing import missing_files
from urbanbench.build.fetch.order import make_order
from urbanbench.build.fetch.prepared import prepare
from urbanbench.build.fetch.recipe import Recipe, Source
from urbanbench.build.fetch.web import Patience
from urbanbench.build.report import Report
from urbanbench.build.walk import build
from urbanbench.city.faults.check import check_report
from urbanbench.city.folder.new_folder import check_new, room_beside
from urbanbench.errors import CityFaults, DataMissing, UnknownName

__all__ = ["Asked", "Built", "download", "fetch", "wanted_sources"]


@dataclass(frozen=True)
class Asked:
    """What a user asks of a fetch.

    Parameters
    ----------
    recipe
        The city's recipe.
    files
        Folder of the publishers' files.
    web
        Whether missing files are fetched; else `files` has to hold all of them.
    only
        Names of files: these alone are fetched, and nothing is built.
    also
        Names of optional files that are wanted too; "all" for all of them.
    go_on
        The command that goes on when files were fetched by hand.
    patience
        How long servers are waited for.
    """

    recipe: Recipe
    files: Path
    web: bool = True
    only: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    go_on: str = ""
    patience: Patience = field(default_factory=Patience)


@dataclass(frozen=True)
class Built:
    """A city that was fetched.

    Parameters
    ----------
    folder, report
        The city folder, and what its build read, dropped and mended.
    left_out
        Labels whose optional file is not there.
    notes
        What the check of the city found worth knowing.
    """

    folder: Path
    report: Report
    left_out: tuple[str, ...]
    notes: tuple[str, ...]


def wanted_sources(asked: Asked) -> list[Source]:
    """Return the files that have to be there.

    Raises
    ------
    UnknownName
        `only` or `also` names no file of the recipe.
    """
    known = {source.name: source for source in asked.recipe.sources}
    for name in (*asked.only, *asked.also):
        if name not in known and not (name == "all" and name in asked.also):
            kind = f"file of the recipe {asked.recipe.name!r}"
            raise UnknownName(kind, name, known)
    if asked.only:
        return [known[name] for name in dict.fromkeys(asked.only)]
    every = "all" in asked.also
    return [source for source in known.values() if not source.optional or every or source.name in asked.also]


def download(asked: Asked) -> list[Path]:
    """Bring the files together and return where they are.

    Raises
    ------
    DataMissing
        Files are missing; the message names every one of them.
    DataCorrupt, CannotWrite, BadInput, ExtraMissing, UnknownName
        As `urbanbench.build.fetch.gather.gather` and `wanted_sources`.
    """
    wanted: Sequence[Source] = wanted_sources(asked)
    if not asked.web and not asked.files.is_dir():
        msg = f"No folder {str(asked.files)!r}. Expected one with the files of the recipe {asked.recipe.name!r}. See them with --dry-run."
        raise DataMissing(msg)
    found = gather(asked.recipe, asked.files, wanted, web=asked.web, patience=asked.patience)
    if found.missing:
        raise missing_files(asked.recipe.title, asked.files, found.missing, asked.go_on)
    return [found.paths[source.name] for source in wanted]


def fetch(
    asked: Asked, to: Path, *, street_views: Path | None = None, satellite: Path | None = None
) -> Built:
    """Fetch the files of a city, build it and check it.

    Parameters
    ----------
    asked
        What is asked for.
    to
        The new city folder.
    street_views, satellite
        Pictures that the user has.

    Raises
    ------
    BadInput
        The folder exists; what the build says.
    CityFaults
        The city that was built has faults.
    DataMissing, DataCorrupt, CannotWrite, ExtraMissing, UnknownName
        As `download`; what the build says.
    """
    check_new(to, option="--to")
    download(asked)
    with room_beside(to) as work:  # what is unpacked may be larger than the system's folder for small things
        shelf = prepare(asked.recipe, asked.files, work)
        order, left_out = make_order(asked.recipe, shelf, street_views=street_views, satellite=satellite)
        report = build(order, to)
    found = check_report(to)
    if found.faults:
        raise CityFaults(str(to), found.faults)
    return Built(to, report, tuple(left_out), found.notes)
