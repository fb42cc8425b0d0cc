"""``urbanbench plot``: figures for papers from results, as PDF, SVG or PNG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from urbanbench.api.choosing import check_inputs_known, check_known, chosen_results, fits, inputs_fit
from urbanbench.cli import completing
from urbanbench.cli.board_command import Words
from urbanbench.cli.printing import note
from urbanbench.counted import counted
from urbanbench.errors import BadInput, DataMissing, UnknownName

if TYPE_CHECKING:
    from urbanbench.experiments.kinds.report import Figure
    from urbanbench.result import RunResult

__all__ = ["plot"]


def plot(
    results: Annotated[
        Path | None,
        typer.Argument(
            help="Results folder; when left out, the reference rows of results/ and your own runs of runs/.",
            show_default=False,
        ),
    ] = None,
    what: Annotated[
        str,
        typer.Option(
            "--what",
            "-w",
            help="scores, pareto (score against time), gains (what models add to counting), ranks, or an experiment with figures: ladder, table3, figure4 and so on.",
            autocompletion=completing.plots,
        ),
    ] = "scores",
    out: Annotated[
        Path, typer.Option("--out", "-o", help="File to write: .pdf, .svg or .png, by its ending.")
    ] = Path("figure.pdf"),
    model: Annotated[
        Words,
        typer.Option(
            "--model",
            "-m",
            help="Only these models; floors stay. Repeats; takes lists and globs.",
            autocompletion=completing.models,
        ),
    ] = [],  # noqa: B006 - typer reads the default, nothing changes it
    city: Annotated[
        Words, typer.Option("--city", "-c", help="Only these cities.", autocompletion=completing.cities)
    ] = [],  # noqa: B006 - same
    task: Annotated[
        Words, typer.Option("--task", "-t", help="Only these tasks.", autocompletion=completing.tasks)
    ] = [],  # noqa: B006 - same
    split: Annotated[
        Words, typer.Option("--split", help="Only these splits.", autocompletion=completing.splits)
    ] = [],  # noqa: B006 - same
    head: Annotated[
        Words,
        typer.Option(
            "--head", help="Only these heads; a floor's own head stays.", autocompletion=completing.heads
        ),
    ] = [],  # noqa: B006 - same
    inputs: Annotated[
        Words,
        typer.Option(
            "--inputs",
            help="Only models that were offered these inputs: full, or 'poi,polygon'. Repeats.",
            autocompletion=completing.inputs,
        ),
    ] = [],  # noqa: B006 - same
    floors: Annotated[bool, typer.Option("--floors/--no-floors", help="Draw the floors too.")] = True,
) -> None:
    """Draw results for a paper: the same results give the same bytes, and panels of one measure share their range."""
    from urbanbench.figures.files import check_ending
    from urbanbench.plots.catalogue import PLOTS

    check_ending(out)
    every = chosen_results(results, city=city, task=task, split=split)
    model, groups = _without_groups(model)
    _check_names(every, model, head, inputs)
    model = [*model, *groups]
    kept = [one for one in every if _wanted(one, model, head, inputs, floors=floors)]
    if not kept or _lacks_models(every, kept, model, inputs):
        msg = f"No result of a model fits, of {counted(len(every), 'result')} of these cities, tasks and splits. Expected rows of the models, heads and inputs asked for. Mend: ask for other names, or for fewer."
        raise DataMissing(msg)
    if what in PLOTS:
        told = [one.to_dict() | {"own": one.own} for one in kept]
        figures = PLOTS[what].draw(told)
    else:
        figures = _figures_of(what, kept, {"tasks": task, "splits": split, "models": model})
    for path in _save(figures, out):
        note(f"Drawn: {path}")


def _without_groups(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return words for models that are names or patterns, and the names of those that are words for several."""
    from urbanbench.registry import GROUPS, expand

    parts = [part.strip() for word in words for part in word.split(",") if part.strip()]
    groups = [part for part in parts if part in GROUPS]
    return [part for part in parts if part not in GROUPS], expand("model", groups) if groups else []


def _check_names(
    results: Sequence[RunResult], model: Sequence[str], head: Sequence[str], inputs: Sequence[str]
) -> None:
    """Refuse a model, a head or a set of inputs that no row has."""
    check_known("model", model, (one.cell.model for one in results))
    check_known("head", head, (one.cell.head for one in results))
    check_inputs_known(inputs, (one.cell.inputs for one in results if not one.model.get("floor")))


def _lacks_models(
    every: Sequence[RunResult], kept: Sequence[RunResult], model: Sequence[str], inputs: Sequence[str]
) -> bool:
    """Tell whether models were asked for, by their names or inputs, and floors alone are left."""
    asked = [one for one in every if not one.model.get("floor") and fits(one.cell.model, model)]
    return bool((model or inputs) and asked) and all(one.model.get("floor") for one in kept)


def _wanted(
    result: RunResult, model: Sequence[str], head: Sequence[str], inputs: Sequence[str], *, floors: bool
) -> bool:
    """Tell whether a row is asked for; floors are beside every model, unless they are to be left out."""
    from urbanbench.scoring.heads import HEADS

    cell = result.cell
    own_head = cell.head in HEADS and HEADS[cell.head].of_a_floor
    if result.model.get("floor"):
        return floors and (own_head or fits(cell.head, head))
    return fits(cell.model, model) and fits(cell.head, head) and inputs_fit(cell.inputs, inputs)


def _figures_of(word: str, results: Sequence[RunResult], chosen: Mapping[str, Sequence[str]]) -> list[Figure]:
    """Return the figures of an experiment for the cities, tasks and splits that the results have.

    Raises
    ------
    UnknownName
        No such plot or experiment.
    BadInput
        The experiment has no figures for these results.
    """
    from dataclasses import replace

    from urbanbench.experiments import Choice, load_experiment
    from urbanbench.experiments.catalogue import experiment_names
    from urbanbench.plots.catalogue import PLOTS

    if word not in experiment_names():
        kind = "plot"
        raise UnknownName(kind, word, [*PLOTS, *experiment_names()])
    experiment = load_experiment(word)
    cities = tuple(dict.fromkeys(one.cell.city for one in results))
    asked: dict[str, Any] = {"cities": cities}
    if chosen["tasks"]:
        asked["tasks"] = tuple(dict.fromkeys(one.cell.task for one in results))
    if chosen["splits"]:
        asked["splits"] = tuple(dict.fromkeys(one.cell.split for one in results))
    if chosen["models"] and experiment.any_model:
        named = [one.cell.model for one in results if not one.model.get("floor")]
        asked["models"] = tuple(dict.fromkeys(named))
    figures = experiment.show(results, experiment.settled(replace(Choice(), **asked))).figures
    if not figures:
        msg = f"Experiment {word!r} has no figure for {counted(len(results), 'result')}. Expected rows of its models in one of its tasks. Mend: urbanbench experiment show {word} says which are there."
        raise BadInput(msg)
    return list(figures)


def _save(figures: Sequence[Figure], out: Path) -> list[Path]:
    """Write figures and return the files: one, a PDF with pages, or of other forms a file each with the figure's name behind."""
    from urbanbench.figures.files import save_pages

    if len(figures) == 1:
        figures[0].save(out)
        return [out]
    if out.suffix.lower() == ".pdf":
        save_pages([figure.drawn() for figure in figures], out)
        return [out]
    files = [out.with_name(f"{out.stem}-{figure.name}{out.suffix}") for figure in figures]
    for path, figure in zip(files, figures, strict=True):
        figure.save(path)
    return files
