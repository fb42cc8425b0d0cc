"""``urbanbench experiment``: the paper's tables and figures, run and shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from urbanbench.apart import plugins_apart
from urbanbench.cli import completing, options, placing
from urbanbench.cli.experiment_cells import able, distinct, labelled, print_cells
from urbanbench.cli.outcome import exit_code, told_when_stopped
from urbanbench.cli.printing import command, note, print_json, print_table, say, say_page
from urbanbench.cli.run_command import progress_of
from urbanbench.counted import counted
from urbanbench.errors import UnknownName
from urbanbench.spare_cache import usable_cache
from urbanbench.terminal import screen_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from urbanbench.experiments import Choice, Experiment
    from urbanbench.result import RunResult
    from urbanbench.run.executors.choosing import Place

__all__ = ["app", "experiment_rows"]

app = typer.Typer(
    help="The tables and figures of the UrbanMFM paper: run what is missing, show what is there.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Name = Annotated[
    str,
    typer.Argument(
        help="Name of the experiment; see `urbanbench experiment list`.",
        autocompletion=completing.experiments,
    ),
]
Models = Annotated[
    list[str],
    typer.Option(
        "--model",
        "-m",
        help="Model, for an experiment that is asked of any (`ladder`, `leaned`); its own rows where left out. Repeats; takes lists and globs.",
        autocompletion=completing.models,
    ),
]
Words = Annotated[
    list[str],
    typer.Option(
        "--city",
        "-c",
        help="City; the experiment's own where left out. Repeats.",
        autocompletion=completing.cities,
    ),
]
Tasks = Annotated[
    list[str],
    typer.Option(
        "--task",
        "-t",
        help="Task; the experiment's own where left out. Repeats.",
        autocompletion=completing.tasks,
    ),
]
Splits = Annotated[
    list[str],
    typer.Option(
        "--split", help="Split; the experiment's own where left out.", autocompletion=completing.splits
    ),
]
Heads = Annotated[
    list[str],
    typer.Option(
        "--head", help="Head; the experiment's own where left out.", autocompletion=completing.heads
    ),
]
_SEEDS = "10"

Style = Annotated[
    str, typer.Option("--format", "-f", help="text, md, html or csv.", autocompletion=completing.formats)
]
Figures = Annotated[
    Path | None, typer.Option("--figures", help="Folder to write the figures into, as SVG, PNG and PDF.")
]
Jobs = Annotated[int, typer.Option("--jobs", min=1, help="Number of processes.")]
Overwrite = Annotated[str, typer.Option("--overwrite", help="only-missing, never or always.")]
Floors = Annotated[
    bool, typer.Option("--floors/--no-floors", help="Run the floors that fit beside the models.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the cells and stop.")]


@app.command("list")
def list_experiments(as_json: options.Json = False) -> None:
    """List the experiments: name, item of the paper, cells, question."""
    rows = experiment_rows()
    if as_json:
        print_json(rows)
    else:
        print_table(([row[name] for name in rows[0]] for row in rows), list(rows[0]))


def experiment_rows() -> list[dict[str, Any]]:
    """Return what a listing says of each experiment; cells are those of all its own cities that this version can run."""
    from urbanbench.experiments import Choice, listed_experiments

    return [
        {
            "name": one.name,
            "item": one.item,
            "cells": len(distinct(one.specs(one.settled(Choice())))),
            "question": one.question,
        }
        for one in listed_experiments()
    ]


@app.command("run")
@usable_cache()
def run(
    name: Name,
    model: Models = [],  # noqa: B006 - typer reads the default, nothing changes it
    city: Words = [],  # noqa: B006 - same
    task: Tasks = [],  # noqa: B006 - same
    split: Splits = [],  # noqa: B006 - same
    head: Heads = [],  # noqa: B006 - same
    seeds: options.Seeds = _SEEDS,
    preset: options.Preset = "",
    settings: options.Settings = [],  # noqa: B006 - same
    model_seed: options.OneModelSeed = None,
    model_seeds: options.ModelSeeds = "",
    floors: Floors = True,
    adds: options.Adds = False,
    device: options.Device = "auto",
    jobs: Jobs = 1,
    executor: placing.Executor = "local",
    address: placing.Address = "",
    cores_per_job: placing.Cores = 1,
    gpus_per_job: placing.Gpus = 0.0,
    memory_per_job: placing.Memory = "",
    slurm: placing.Slurm = [],  # noqa: B006 - same
    isolate: options.Isolate = None,
    time_limit: options.TimeLimit = None,
    memory_limit: options.MemoryLimit = "",
    out: options.Out = None,
    overwrite: Overwrite = "only-missing",
    style: Style = "text",
    figures: Figures = None,
    dry_run: DryRun = False,
) -> int:
    """Run the cells of an experiment that are missing, as `urbanbench run` does, and show it.

    Without --task a city is asked for the tasks it has labels for. Finished cells are kept, so the same command goes on where it was
    stopped.
    """
    _check_style(style)
    trainings = _model_seeds(model_seed, model_seeds)
    place = placing.read_place(executor, jobs, address, cores_per_job, gpus_per_job, memory_per_job, slurm)
    with plugins_apart(options.read_keeping(isolate, time_limit, memory_limit)):
        choice = _choice(model, city, task, split, head, seeds, preset, settings, trainings, out)
        return _run(
            name,
            replace(choice, device=place.device(device)),
            floors=floors,
            adds=adds,
            place=place,
            out=out,
            overwrite=overwrite,
            style=style,
            figures=figures,
            dry_run=dry_run,
        )


def _run(
    name: str,
    choice: Choice,
    *,
    floors: bool,
    adds: bool,
    place: Place,
    out: Path | None,
    overwrite: str,
    style: str,
    figures: Path | None,
    dry_run: bool,
) -> int:
    """Run what is missing of an experiment and show it; `choice` is what was asked for."""
    from urbanbench.experiments import load_experiment
    from urbanbench.run.loop import run as run_cells
    from urbanbench.run.plan import open_cities, with_adds, with_floors
    from urbanbench.store import ResultStore

    experiment = load_experiment(name)
    asked = bool(choice.tasks)
    choice = experiment.settled(_with_cities_here(experiment, choice))
    specs = able(experiment.specs(choice), choice)
    specs = experiment.fitting(specs if asked else labelled(specs))
    specs = with_adds(specs) if adds else specs
    if dry_run:
        return print_cells(specs)
    experiment.prepare(choice)
    specs = with_floors(specs, open_cities(specs)) if floors and experiment.floors else specs
    store = ResultStore(choice.out)
    progress = progress_of(specs, store, jobs=place.jobs, overwrite=overwrite, device=choice.device)
    with told_when_stopped(progress, store.folder):
        results = run_cells(
            specs,
            store,
            overwrite=overwrite,
            device=choice.device,
            executor=place.chosen(),
            progress=progress,
            began=progress.began,
        )
    note(f"Results: {store.folder}/ ({counted(len(results), 'cell')}).")
    _print(experiment, _results(out), choice, style, figures)
    return exit_code(results)


@app.command("show")
def show(
    name: Name,
    model: Models = [],  # noqa: B006 - typer reads the default, nothing changes it
    city: Words = [],  # noqa: B006 - same
    task: Tasks = [],  # noqa: B006 - same
    split: Splits = [],  # noqa: B006 - same
    head: Heads = [],  # noqa: B006 - same
    seeds: options.Seeds = _SEEDS,
    preset: options.Preset = "",
    settings: options.Settings = [],  # noqa: B006 - same
    model_seed: options.OneModelSeed = None,
    model_seeds: options.ModelSeeds = "",
    out: options.Out = None,
    style: Style = "text",
    figures: Figures = None,
) -> None:
    """Show what a results folder holds of an experiment, without --out the reference rows and your own runs; nothing is run.

    Without --city it shows those of the experiment's own cities that have results. Cells with other seeds are shown when those
    asked for are missing, and say so.
    """
    from urbanbench.experiments import load_experiment

    experiment = load_experiment(name)
    _check_style(style)
    choice = _choice(
        model, city, task, split, head, seeds, preset, settings, _model_seeds(model_seed, model_seeds), out
    )
    results = _results(out)
    if not choice.cities:
        choice = _with_results(experiment, results, choice)
    choice = experiment.settled(choice)
    if not _has_any(experiment, results, choice):
        asked: dict[str, Sequence[str]] = {
            "-m": model,
            "-c": city,
            "-t": task,
            "--split": split,
            "--head": head,
            "--seeds": [seeds] if seeds != _SEEDS else [],
            "--preset": [preset] if preset else [],
            "--set": settings,
            "--model-seed": [] if model_seed is None else [str(model_seed)],
            "--model-seeds": [model_seeds] if model_seeds else [],
        }
        note(f"Nothing of experiment {name!r} is in {_where(out)}. Mend: {_mend(name, asked, out)}")
    _print(experiment, results, choice, style, figures)


def _model_seeds(one: int | None, several: str) -> tuple[int, ...]:
    """Return the trainings asked for; none where nothing is said of them."""
    return () if one is None and not several else options.read_model_seeds(one, several)


def _check_style(style: str) -> None:
    from urbanbench.experiments.kinds.report import REPORT_FORMATS

    if style not in REPORT_FORMATS:
        raise UnknownName("report format", style, REPORT_FORMATS)


def _choice(
    model: Sequence[str],
    city: Sequence[str],
    task: Sequence[str],
    split: Sequence[str],
    head: Sequence[str],
    seeds: str,
    preset: str,
    settings: Sequence[str],
    model_seeds: tuple[int, ...],
    out: Path | None,
) -> Choice:
    """Expand the words of the command line; what is not given stays empty."""
    from urbanbench.experiments import Choice
    from urbanbench.registry import cut_cities, expand, expand_heads
    from urbanbench.result_folders import RUNS

    return Choice(
        models=tuple(expand("model", model)),
        cities=tuple(cut_cities(city)),
        tasks=tuple(expand("task", task)),
        splits=_rungs(split),
        heads=tuple(expand_heads(head)),
        seeds=options.read_seeds(seeds),
        preset=preset,
        settings=options.read_settings(settings),
        model_seeds=model_seeds,
        out=out or RUNS,
    )


def _rungs(words: Sequence[str]) -> tuple[str, ...]:
    """Expand split words; the ladder of an experiment has every rung of one city, and what a city does not allow is refused there."""
    from urbanbench.registry import expand_splits
    from urbanbench.scoring.splits import IN_ONE_CITY, LADDER

    found = [rung for word in expand_splits(words) for rung in (IN_ONE_CITY if word == LADDER else (word,))]
    return tuple(dict.fromkeys(found))


def _with_cities_here(experiment: Experiment, choice: Choice) -> Choice:
    """Check the cities asked for; without any take the experiment's own that are on this machine, and name the others."""
    from urbanbench.registry import expand_cities
    from urbanbench.registry.cities import city_word

    if choice.cities:
        return replace(choice, cities=tuple(expand_cities(choice.cities)))
    here = []
    for word in experiment.cities:
        try:
            here.append(city_word(word))
        except UnknownName:
            note(f"Left out: city {word!r} is not on this machine (see URBANBENCH_DATA).")
    return replace(choice, cities=tuple(here))


def _results(out: Path | None) -> list[RunResult]:
    """Return what a folder holds; without one reference rows, and own runs in place of those they repeat."""
    from urbanbench.result_folders import RUNS, latest, load_results

    results = latest(load_results(out))
    if own := sum(one.own for one in results):
        note(
            f"{own:,} of {counted(len(results), 'result')} {'is your own run' if own == 1 else 'are your own runs'} in {RUNS}/."
        )
    return results


def _with_results(experiment: Experiment, results: Sequence[RunResult], choice: Choice) -> Choice:
    from urbanbench.experiments.kinds.shelf import Shelf

    shelf = Shelf(results)
    alone = {
        city: experiment.specs(experiment.settled(replace(choice, cities=(city,))))
        for city in experiment.cities
    }
    found = [city for city, specs in alone.items() if any(shelf.find(spec) is not None for spec in specs)]
    return replace(choice, cities=tuple(found))


def _where(out: Path | None) -> str:
    return f"{out}/" if out else "the reference rows and your own runs"


def _mend(name: str, asked: Mapping[str, Sequence[str]], out: Path | None) -> str:
    """Return the command that runs what was asked to be shown."""
    more = [part for option, words in asked.items() for word in words for part in (option, word)]
    return command("experiment", "run", name, *more, *(("--out", out) if out else ()))


def _has_any(experiment: Experiment, results: Sequence[RunResult], choice: Choice) -> bool:
    """Tell whether any cell of a settled choice has a result, whatever its seeds."""
    from urbanbench.experiments.kinds.shelf import Shelf

    shelf = Shelf(results)
    return any(shelf.find(spec) is not None for spec in experiment.specs(choice))


def _print(
    experiment: Experiment,
    results: Sequence[RunResult],
    choice: Choice,
    style: str,
    figures: Path | None,
) -> None:
    from urbanbench.experiments.kinds.report import print_report, save_figures

    report = experiment.show(results, choice)
    if figures is not None:
        files = save_figures(report, figures)
        note(f"Figures: {figures}/ ({counted(len(files), 'file')}).")
    (say_page if style == "html" else say)(print_report(report, style, figures=figures, screen=screen_of()))
