"""``urbanbench residuals``: where on the map a run is wrong, and on whom."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from urbanbench.cli import completing, options
from urbanbench.cli.again import command_again
from urbanbench.cli.printing import note, print_json, print_table, say, say_paragraph
from urbanbench.errors import BadInput, DataMissing
from urbanbench.figures.files import ENDINGS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from urbanbench.city.city import City
    from urbanbench.residuals.findings import Findings
    from urbanbench.result import RunResult

__all__ = ["residuals"]


TABLE = ".parquet"


def residuals(
    result_file: Annotated[
        Path, typer.Argument(help="JSON file of a finished run, with its predictions beside.")
    ],
    out: Annotated[
        list[Path],
        typer.Option(
            "--out",
            "-o",
            "--map",
            help="File to write: a picture (.png, .svg or .pdf) or the units as GeoParquet (.parquet). Repeats.",
        ),
    ] = [],  # noqa: B006 - typer reads the default, nothing changes it
    city: Annotated[
        str,
        typer.Option(
            "--city",
            "-c",
            help="The city, where it is not found under the run's name.",
            autocompletion=completing.cities,
        ),
    ] = "",
    as_json: options.Json = False,
) -> None:
    """Say where a run fails: whether near units are wrong alike, the worst district, the worst tenth, errors by density, and by class.

    The error of a unit is the mean over the seeds that tested it, of predicted minus true, or of classes the share of wrong answers.
    Without --out the picture residuals.png is drawn.
    """
    from urbanbench.registry import open_city
    from urbanbench.residuals.findings import find
    from urbanbench.residuals.mapped import check_mapped
    from urbanbench.result_folders import city_of
    from urbanbench.store import ResultStore

    files = out or [Path("residuals.png")]
    _check_files(files)
    result = ResultStore.read(result_file)
    check_mapped(result)
    predictions = _predictions(result, result_file)
    opened = open_city(city or city_of(result))
    findings = find(result, predictions, opened)
    for file in files:
        _write(file, findings, predictions, opened)
        note(f"Written: {file}")
    _say(findings, opened, as_json=as_json)


def _check_files(files: Sequence[Path]) -> None:
    """Refuse files of other kinds before anything is read."""
    for file in files:
        if file.suffix.lower() not in {*ENDINGS, TABLE}:
            msg = f"--out got {str(file)!r} with suffix {file.suffix!r}. Expected {', '.join(ENDINGS)} for a picture or {TABLE} for a table."
            raise BadInput(msg)


def _write(file: Path, findings: Findings, predictions: pd.DataFrame, city: City) -> None:
    from urbanbench.residuals.picture import draw_residuals
    from urbanbench.residuals.table import residual_table, write_table

    if file.suffix.lower() == TABLE:
        write_table(residual_table(findings, predictions, city.crs), file)
    else:
        draw_residuals(findings, city, file)


def _say(findings: Findings, city: City, *, as_json: bool) -> None:
    from urbanbench.residuals.words import as_dict, sentences, tables, title_of
    from urbanbench.store import without_nan

    if as_json:
        print_json(without_nan(as_dict(findings)))
        return
    for line in (*title_of(findings, city.title or city.name), "", *sentences(findings)):
        say_paragraph(line)
    for title, (heads, *rows) in tables(findings).items():
        say(f"\n{title}")
        print_table(rows, heads)


def _predictions(result: RunResult, result_file: Path) -> pd.DataFrame:
    """Read a run's predictions.

    Raises
    ------
    DataMissing
        They are not there; it names the command that makes them.
    """
    from urbanbench.store import ResultStore

    try:
        return ResultStore.read_predictions(result_file.absolute(), result.cell)
    except DataMissing as error:
        msg = (
            f"Result {str(result_file)!r} has no predictions beside it. Expected those of a run on this machine. "
            f"Mend: {command_again(result)}, then ask again of the result it writes."
        )
        raise DataMissing(msg) from error
