"""``urbanbench data pack`` and ``data unpack``: a city as one file, to be shared and cited."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from urbanbench.cli import options
from urbanbench.cli.printing import command, note, print_json, say
from urbanbench.counted import counted

__all__ = ["pack", "unpack"]

_MIB = 2**20


def pack(
    city: Annotated[
        str,
        typer.Argument(help="A city: path, name (folders below URBANBENCH_DATA go by theirs), or name:size."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="The new file, .tar.zst or .zip; NAME.tar.zst in the current folder when left out.",
        ),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Write a city folder as one file with the hash of every file in it; the same folder gives the same bytes."""
    from urbanbench.city.packing.pack import pack as pack_folder
    from urbanbench.registry import city_folder

    made = pack_folder(city_folder(city), out)
    count, size = len(made.contents.files), made.contents.size
    if as_json:
        facts = {
            "file": str(made.file),
            "sha256": made.sha256,
            "bytes": made.size,
            "city": made.contents.name,
        }
        print_json({**facts, "files": count, "unpacked_bytes": size, "licences": list(made.licences)})
        return
    say(made.file)
    note(f"{counted(count, 'file')}, {size / _MIB:.1f} MiB, in {made.size / _MIB:.1f} MiB")
    note(f"To cite it: {made.contents.name}, sha256 {made.sha256}")
    if made.hidden:
        note(f"Left out: {made.hidden:,} hidden files (names that begin with a dot).")
    _note_licences(made.licences)
    note(f"Next: {command('data', 'unpack', made.file)}")


def unpack(
    file: Annotated[Path, typer.Argument(help="A file that `urbanbench data pack` wrote.")],
    to: Annotated[
        Path | None,
        typer.Option("--to", help="The folder to make, new or empty; the city's name here when left out."),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Unpack a packed city, compare every file with its hash, check the city, and keep it whole or not at all."""
    from urbanbench.city.packing.unpack import unpack as unpack_file

    made = unpack_file(file, to)
    if as_json:
        facts = {"folder": str(made.folder), "city": made.contents.name, "files": len(made.contents.files)}
        print_json({**facts, "licences": list(made.licences), "notes": list(made.notes)})
        return
    say(made.folder)
    for line in made.notes:
        note(line)
    _note_licences(made.licences)
    note(f"Next: {command('data', 'show', options.as_path(made.folder))}")


def _note_licences(lines: Iterable[str]) -> None:
    note("Licences, and whom to credit:")
    for line in lines:
        note(f"  {line}")
