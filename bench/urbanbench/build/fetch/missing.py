"""What to say when files are missing: which, from where, into which folder, and the command that goes on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from urbanbench.build.fetch.recipe import Source
from urbanbench.city.folder.limits import MIB
from urbanbench.errors import DataMissing

__all__ = ["missing_files", "size_words"]


def missing_files(title: str, folder: Path, missing: Sequence[tuple[Source, str]], go_on: str) -> DataMissing:
    """Return the one error that names every missing file.

    Parameters
    ----------
    title
        Of the city.
    folder
        Where the files belong.
    missing
        The files and why they are missing.
    go_on
        The command to paste when they are there.
    """
    lines = [f"\n  - {_line(source, reason)}" for source, reason in missing]
    count = f"One file of {title} is" if len(missing) == 1 else f"{len(missing)} files of {title} are"
    return DataMissing(
        f"{count} missing:{''.join(lines)}\n"
        f"Expected under these names in {folder}. Mend: try again, or fetch by hand, put them there, and go on with: {go_on}"
    )


def _line(source: Source, reason: str) -> str:
    """Name a file, its size, why it is missing, and where a person finds it."""
    size = f" (about {size_words(source.size)})" if source.size else ""
    # What gives a short-lived address is of no use in a browser: its page has a button.
    direct = [] if source.answer else list(source.addresses)
    places = [*direct, *([f"page {source.page}"] if source.answer or not direct else [])]
    how = f" {source.how}" if source.how else ""
    return f"{source.name}{size}: {reason}. From {' or '.join(places)}{how}"


def size_words(size: int) -> str:
    """Write a number of bytes in few words.

    Examples
    --------
    >>> size_words(600), size_words(2_000_000), size_words(650_000_000)
    ('600 bytes', '1.9 MiB', '620 MiB')
    """
    if size < MIB / 10:
        return f"{size:,} bytes"
    return f"{size / MIB:.1f} MiB" if size < 10 * MIB else f"{size / MIB:,.0f} MiB"
