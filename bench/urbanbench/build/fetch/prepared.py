"""Files of a recipe as a build reads them: unpacked, and tables made."""

from __future__ import annotations

from pathlib import Path

from urbanbench.build.fetch.recipe import Recipe, Source
from urbanbench.build.fetch.tables import make_table
from urbanbench.city.packing.reading import unzipped
from urbanbench.city.packing.unpack import extract
from urbanbench.city.packing.written import write_new

__all__ = ["ARCHIVES", "Shelf", "prepare"]

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.zst")
"""Ends of names of archives; other files that are unpacked are compressed single files."""


class Shelf:
    """Where files of a recipe are, by the names that its parts use.

    Parameters
    ----------
    folders
        Folders that are looked into, the first first.
    """

    def __init__(self, *folders: Path) -> None:
        self._folders = folders

    def find(self, name: str) -> Path | None:
        """Return a file of this name; None where there is none."""
        return next((folder / name for folder in self._folders if (folder / name).is_file()), None)


def prepare(recipe: Recipe, files: Path, work: Path) -> Shelf:
    """Unpack what is to be unpacked, and make the tables.

    Parameters
    ----------
    recipe
        The recipe.
    files
        The folder of the publishers' files; it is not written to.
    work
        An empty folder.

    Raises
    ------
    DataCorrupt
        An archive is damaged or made to do harm.
    BadInput
        A table cannot be made.
    """
    shelf = Shelf(work, files)
    for source in recipe.sources:
        if source.unpack and (files / source.name).is_file():
            _unpack(source, files / source.name, work / source.unpack)
    for made in recipe.made:
        found = shelf.find(made.source)
        if found is not None:
            make_table(made, found, work / made.file)
    return shelf


def _unpack(source: Source, path: Path, target: Path) -> None:
    if source.name.lower().endswith(ARCHIVES):
        extract(path, target)
    else:
        write_new(target, unzipped(path))
