"""Code of plugins that come from elsewhere: no fingerprint guards their numbers, so a changed file counts as a changed number."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import urbanbench
from urbanbench.hashing import code_digest, value_digest
from urbanbench.registry.kinds import KINDS, VECTOR_FILES
from urbanbench.vectors.files import vectors_digest

__all__ = ["files_beside", "foreign_digest", "package_of", "plugin_digest"]

_ALSO_UNGUARDED = tuple(f"urbanbench.{kind.folder}." for kind in KINDS.values())
"""Plugins of ours that a foreign one builds on: their fingerprints say nothing of what it makes of them."""


def foreign_digest(source: Path) -> str:
    """Hash the files of a plugin that is not one of urbanbench's own; "" for those, whose version stands for their code.

    What counts are the plugin's file, its private neighbours (``mine.py``: ``_mine*``), the package it lies in, and plugins of urbanbench
    that it imports; comments and docstrings do not. Of finished vectors the file itself counts.

    Parameters
    ----------
    source
        The plugin's file, or that of finished vectors.
    """
    source = source.resolve()
    if source.suffix in VECTOR_FILES:
        return vectors_digest(source)
    if any(folder in source.parents for folder in _own_folders()):
        return ""
    return code_digest(source, *_neighbours(source), follow=_ALSO_UNGUARDED)


def plugin_digest(source: Path) -> str:
    """Hash all code that decides what a plugin computes: its file with what that imports of urbanbench, and of a foreign one all that `foreign_digest` counts.

    Parameters
    ----------
    source
        The plugin's Python file.
    """
    code, foreign = code_digest(source), foreign_digest(source)
    return value_digest([code, foreign]) if foreign else code


@cache
def _own_folders() -> tuple[Path, ...]:
    """Return the package, and the plugin folders, which beside it are links into the repository."""
    here = Path(urbanbench.__file__).parent.resolve()
    return (here, *((here / kind.folder).resolve() for kind in KINDS.values()))


def _neighbours(source: Path) -> Iterator[Path]:
    yield from (path for path in files_beside(source) if path.suffix == ".py")


def files_beside(source: Path) -> Iterator[Path]:
    """Go through the files that belong to a plugin's file, sorted: its private neighbours, or the package it lies in."""
    package = package_of(source)
    if package is not None:
        yield from (path for path in sorted(package.rglob("*")) if path.is_file())
        return
    for near in sorted(source.parent.glob(f"_{source.stem}*")):
        yield from (path for path in (sorted(near.rglob("*")) if near.is_dir() else [near]) if path.is_file())


def package_of(source: Path) -> Path | None:
    """Return the outermost package that a file lies in; None for a file by itself."""
    package = source.parent
    if not (package / "__init__.py").is_file():
        return None
    while (package.parent / "__init__.py").is_file():
        package = package.parent
    return package
