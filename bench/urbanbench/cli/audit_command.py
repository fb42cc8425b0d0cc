"""``urbanbench audit``: what cannot be right in a table of results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from urbanbench.cli import options
from urbanbench.cli.printing import note, print_json, say

if TYPE_CHECKING:
    from urbanbench.judging.audit.table import Table

__all__ = ["audit"]

Words = list[str]


def audit(
    what: Annotated[
        Path | None,
        typer.Argument(
            metavar="[RESULTS|TABLE]",
            help="A results folder, a file that `results compact` wrote, or a table of anybody: CSV, separated by commas, semicolons or tabs, or Markdown. "
            "When left out, the reference rows of results/ and your own runs of runs/.",
            show_default=False,
        ),
    ] = None,
    claims: Annotated[
        Path | None,
        typer.Option(
            help="Percentages that a text says of the table: CSV or TOML with model, metric, percent and what else tells the rows."
        ),
    ] = None,
    said: Annotated[
        Words,
        typer.Option("--map", help="What a column is, where its name does not tell: model=Method. Repeats."),
    ] = [],  # noqa: B006 - typer reads the default, nothing changes it
    floor: Annotated[
        Words,
        typer.Option(
            "--floor", help="A model of the table that learns nothing, as the table writes it. Repeats."
        ),
    ] = [],  # noqa: B006 - same
    as_json: options.Json = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write the findings into this Markdown file, too.")
    ] = None,
) -> None:
    """Look for what cannot be right in a table: copied rows, RMSE and R² that no one test set gives, claims that do not follow, and more.

    Exit code 1 where something is impossible.
    """
    from urbanbench.atomic import write_text
    from urbanbench.judging.audit import audit as findings_of
    from urbanbench.judging.audit.claims import read_claims
    from urbanbench.judging.audit.finding import IMPOSSIBLE
    from urbanbench.judging.audit.printing import document, markdown, text

    table = _table(what, said, floor)
    found = findings_of(table, read_claims(claims) if claims else ())
    if as_json:
        print_json(document(table, found))
    else:
        say(text(table, found))
    if out is not None:
        write_text(out, markdown(table, found))
        note(f"Wrote {out}.")
    if any(one.severity == IMPOSSIBLE for one in found):
        raise typer.Exit(1)


def _table(what: Path | None, said: Words, floors: Words) -> Table:
    from urbanbench.errors import BadInput
    from urbanbench.judging.audit.columns import parse_map
    from urbanbench.judging.audit.from_results import table_of
    from urbanbench.judging.audit.reading import read_table
    from urbanbench.result_folders import some_results

    roles = parse_map(said)
    results = what is None or what.is_dir() or what.suffix == ".parquet"
    if what is not None and not results:
        return read_table(what, roles, floors)
    if roles:
        msg = f"--map names columns, and {str(what or 'results')!r} holds results. Expected a table beside --map."
        raise BadInput(msg)
    return table_of(str(what or "results"), some_results(what), floors)
