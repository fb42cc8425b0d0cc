"""``urbanbench results merge``, ``compact`` and ``expand``: many results folders as one, and one as a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from urbanbench.cli import options
from urbanbench.cli.printing import print_json, say
from urbanbench.errors import BadInput

if TYPE_CHECKING:
    from urbanbench.gathered.compact import Compacted
    from urbanbench.gathered.merge import Merged

__all__ = ["compact", "expand", "merge"]

_SHOWN = 5


def merge(
    folders: Annotated[list[Path], typer.Argument(help="Results folders; they stay as they are.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Results folder to copy into; may hold some.")],
    keep: Annotated[
        str,
        typer.Option("--keep", help="Of two finished results of one cell: the newest, or the first one."),
    ] = "newest",
    as_json: options.Json = False,
) -> int:
    """Copy the rows of several results folders into one; exit code 1 when some files are no usable results.

    For a grid that was computed on several machines. A finished row beats one that was refused or failed; killed, the same command goes on.
    """
    from urbanbench.gathered.merge import WORDS, told_counts
    from urbanbench.gathered.merge import merge as merged_into

    merged = merged_into(folders, out, keep)
    counts = told_counts(merged)
    if as_json:
        rows = [
            {"source": str(one.source), "file": one.file, "became": one.became, "why": one.why}
            for one in merged
            if one.why
        ]
        print_json({"folder": str(out), "counts": counts, "rows": rows})
    else:
        for word, count in counts.items():
            say(f"{count} {WORDS[word]}")
        for word in ("replaced", "kept", "faulty"):
            _say_some([one for one in merged if one.became == word])
        say(f"Results: {out}. Next: urbanbench results verify {out}")
    return int(bool(counts.get("faulty")))


def compact(
    folder: Annotated[Path, typer.Argument(help="Results folder; it stays as it is.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Parquet file to write.")],
    as_json: options.Json = False,
) -> int:
    """Write a results folder with its predictions into one Parquet file; exit code 1 when some files were left out as no usable results.

    Boards and `audit` read the file as they read a folder, and engines that query tables find a column for what identifies a row.
    """
    from urbanbench.gathered.compact import compact as compacted_into

    if out.suffix != ".parquet":
        msg = (
            f"--out got {str(out)!r}. Expected a file that ends in .parquet. For example -o results.parquet."
        )
        raise BadInput(msg)
    found = compacted_into(folder, out)
    size = out.stat().st_size
    if as_json:
        print_json(
            {
                "file": str(out),
                "bytes": size,
                "results": found.results,
                "belongings": found.belongings,
                "faulty": dict(found.faulty),
            }
        )
    else:
        _say_compacted(found, f"{out} ({size / 1e6:.1f} MB)")
        for file, why in found.faulty[:_SHOWN]:
            say(f"left out: {file}: {why}")
    return int(bool(found.faulty))


def expand(
    file: Annotated[Path, typer.Argument(help="A file that `results compact` wrote.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Results folder to write into.")],
) -> None:
    """Make a results folder of a compacted file again, byte for byte."""
    from urbanbench.gathered.compact import expand as expanded_into

    _say_compacted(expanded_into(file, out), str(out))


def _say_compacted(found: Compacted, where: str) -> None:
    say(f"{found.results} results and {found.belongings} files of predictions and test units: {where}")


def _say_some(merged: list[Merged]) -> None:
    for one in merged[:_SHOWN]:
        say(f"  {one.became}: {one.source / one.file}: {one.why}")
    if len(merged) > _SHOWN:
        say(f"  … and {len(merged) - _SHOWN} more; --json names all")
