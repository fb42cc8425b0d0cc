"""``urbanbench residuals``: where on the map a run is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from urbanbench.cli.again import command_again
from urbanbench.cli.kept_city import city_of
from urbanbench.cli.printing import note, say
from urbanbench.errors import BadInput, DataMissing

if TYPE_CHECKING:
    import pandas as pd

    from urbanbench.result import RunResult

__all__ = ["residuals"]


def residuals(
    result_file: Annotated[
        Path, typer.Argument(help="JSON file of a finished run, with its predictions beside.")
    ],
    map_file: Annotated[Path, typer.Option("--map", "-o", help="Map to draw: .png or .svg.")] = Path(
        "residuals.png"
    ),
    city: Annotated[
        str, typer.Option("--city", "-c", help="The city, where it is not found under the run's name.")
    ] = "",
) -> None:
    """Map the mean error of each region over the seeds that tested it: predicted minus true, or for classes the share of wrong answers."""
    from urbanbench.city.drawing.show import draw_values
    from urbanbench.registry import open_city
    from urbanbench.store import ResultStore

    result = ResultStore.read(result_file)
    _check_mapped(result)
    errors = mean_errors(result, _predictions(result, result_file))
    opened = open_city(city or city_of(result))
    cell, classes = result.cell, result.task["kind"] == "classification"
    what = "share of wrong answers" if classes else f"predicted minus true, {result.task['unit']}"
    title = f"{cell.city} · {cell.task} · {cell.model} · {cell.split} · {cell.head}"
    draw_values(opened.regions, errors, map_file, title, unit=what, signed=not classes)
    say(map_file)
    worst = max(errors.tolist(), key=abs)
    note(f"{len(errors)} regions were tested at least once; mean {errors.mean():.3g}, worst {worst:.3g}.")


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
            f"Mend: {command_again(result)}, then map the result it writes."
        )
        raise DataMissing(msg) from error


def mean_errors(result: RunResult, predictions: pd.DataFrame) -> pd.Series[float]:
    """Return the mean error of each region that was tested, by region_id.

    Parameters
    ----------
    result
        A finished regression or classification of regions.
    predictions
        What `urbanbench.store.ResultStore.read_predictions` gave for it.
    """
    if result.task["kind"] == "classification":
        wrong = (predictions["predicted"] != predictions["true"]).astype(float)
    else:
        wrong = predictions["predicted"] - predictions["true"]
    return wrong.groupby(predictions["unit_id"]).mean()


def _check_mapped(result: RunResult) -> None:
    """Refuse what has no error per region.

    Raises
    ------
    BadInput
        The run has no scores, or is not about numbers or classes of regions.
    """
    from urbanbench.result import OK

    if result.status != OK:
        msg = f"Run {result.run_id} is {result.status}: {result.reason} Expected a finished run."
        raise BadInput(msg)
    if result.task["level"] != "region" or result.task["kind"] == "composition":
        msg = f"Run {result.run_id} is a {result.task['kind']} of {result.task['level']}s. Expected a regression or classification of regions."
        raise BadInput(msg)
