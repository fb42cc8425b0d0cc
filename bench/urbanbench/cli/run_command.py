"""``urbanbench run``: the cells asked for, with the floors beside them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from urbanbench.apart import plugins_apart
from urbanbench.cli import completing, options, placing
from urbanbench.cli.beside import check_needed
from urbanbench.cli.outcome import ProgressLines, exit_code, told_when_stopped
from urbanbench.cli.printing import command, note, print_json, say, words_of_command
from urbanbench.counted import counted
from urbanbench.progress import is_interactive
from urbanbench.spare_cache import usable_cache
from urbanbench.terminal import screen_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from urbanbench.result import RunResult, RunSpec
    from urbanbench.run.executors.choosing import Place
    from urbanbench.run.plan import Plan
    from urbanbench.store import ResultStore
    from urbanbench.toolkit.training.session import Session

__all__ = ["make_plan", "progress_of", "run", "run_and_show"]

Models = Annotated[
    list[str],
    typer.Option(
        "--model",
        "-m",
        help="Model: a name, a path, `floors`, `attribution` (floors that explain a gap), `retrieval` (floors of retrieval), `learned` or `all`. Repeats; takes lists and globs.",
        autocompletion=completing.models,
    ),
]
Inputs = Annotated[
    list[str],
    typer.Option(
        "--inputs",
        help="Inputs models may see: full, or a list such as poi,polygon. Repeats.",
        autocompletion=completing.inputs,
    ),
]
Jobs = Annotated[int, typer.Option("--jobs", min=1, help="Number of processes.")]
Processes = Annotated[
    int,
    typer.Option(
        "--processes",
        min=1,
        help="Processes that share every training, one a GPU: as torchrun --nproc-per-node N -m urbanbench run …",
    ),
]
Overwrite = Annotated[str, typer.Option("--overwrite", help="only-missing, never or always.")]
Floors = Annotated[
    bool, typer.Option("--floors/--no-floors", help="Run the floors that fit beside the models.")
]
BlockSize = Annotated[
    float | None,
    typer.Option(
        "--block-size",
        help="Side of the blocks in metres; from the label's autocorrelation range when left out.",
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Print the plan and stop: cells, vectors that are there, what the rest takes as far as earlier rows tell.",
    ),
]
Nodes = Annotated[
    int, typer.Option("--nodes", min=1, help="With --dry-run: also on so many machines, by simulation.")
]
GpusPerNode = Annotated[
    int, typer.Option("--gpus-per-node", min=0, help="With --nodes: GPUs of each of these machines.")
]
CoresPerNode = Annotated[
    int,
    typer.Option(
        "--cores-per-node",
        min=0,
        help="With --nodes: cores of each of these machines; 0 for those of this one, or of --jobs with --executor local.",
    ),
]
PricePerHour = Annotated[
    float | None,
    typer.Option(
        "--price-per-hour",
        min=0.0,
        help="With --dry-run: what one machine costs an hour, in any currency.",
        show_default=False,
    ),
]
_OF_A_PLAN = {
    "nodes": "--nodes",
    "gpus_per_node": "--gpus-per-node",
    "cores_per_node": "--cores-per-node",
    "price_per_hour": "--price-per-hour",
}


@usable_cache()
def run(
    context: typer.Context,
    model: Models,
    task: options.Tasks,
    city: options.Cities = ["toyville"],  # noqa: B006 - typer reads the default, nothing changes it
    inputs: Inputs = ["full"],  # noqa: B006 - same
    split: options.Splits = ["random"],  # noqa: B006 - same
    head: options.Heads = ["mlp"],  # noqa: B006 - same
    seeds: options.Seeds = "10",
    protocol: options.Protocols = ["default"],  # noqa: B006 - same
    preset: options.Preset = "",
    settings: options.Settings = [],  # noqa: B006 - same
    model_seed: options.OneModelSeed = None,
    model_seeds: options.ModelSeeds = "",
    block_size: BlockSize = None,
    splits: options.SplitsFile = None,
    train_city: options.TrainCity = "",
    shots: options.Shots = "",
    floors: Floors = True,
    adds: options.Adds = False,
    probe: options.Probes = [],  # noqa: B006 - same
    device: options.Device = "auto",
    jobs: Jobs = 1,
    executor: placing.Executor = "local",
    address: placing.Address = "",
    cores_per_job: placing.Cores = 1,
    gpus_per_job: placing.Gpus = 0.0,
    memory_per_job: placing.Memory = "",
    slurm: placing.Slurm = [],  # noqa: B006 - same
    processes: Processes = 1,
    isolate: options.Isolate = None,
    time_limit: options.TimeLimit = None,
    memory_limit: options.MemoryLimit = "",
    out: options.Out = None,
    overwrite: Overwrite = "only-missing",
    dry_run: DryRun = False,
    nodes: Nodes = 1,
    gpus_per_node: GpusPerNode = 0,
    cores_per_node: CoresPerNode = 0,
    price_per_hour: PricePerHour = None,
    as_json: options.Json = False,
) -> int:
    """Score models on tasks of cities: every combination of what is asked, ten seeds each, or as papers do with --protocol.

    Finished cells are kept, so the same command goes on where it was stopped. A plugin from a file or another package runs in a
    process of its own: what it does there costs its own cells only.

    With several GPUs: --processes 2, or torchrun --nproc-per-node 2 -m urbanbench run …. Trainings are shared by all processes; the first
    one does everything else.
    """
    check_needed(context, _OF_A_PLAN, "--dry-run", dry_run)
    place = placing.read_place(executor, jobs, address, cores_per_job, gpus_per_job, memory_per_job, slurm)
    if processes > 1 and not dry_run and not _is_one_of(processes):
        from urbanbench.run.together.launch import launch

        return launch(words_of_command(), processes)
    with plugins_apart(options.read_keeping(isolate, time_limit, memory_limit)):
        asked = make_plan(
            model,
            task,
            city,
            inputs,
            options.read_splits(split, shots, context),
            head,
            seeds=seeds,
            train_city=train_city,
            protocols=options.read_protocols(protocol, context),
            preset=preset,
            settings=settings,
            model_seeds=options.read_model_seeds(model_seed, model_seeds),
            block_size=block_size,
            adds=adds,
            probes=options.read_probes(probe),
        )
        return run_and_show(
            options.with_split_file(asked, splits, context),
            out=out,
            overwrite=overwrite,
            device=device,
            place=place,
            floors=floors,
            dry_run=dry_run,
            nodes=(nodes, gpus_per_node, price_per_hour, cores_per_node),
            as_json=as_json,
        )


def make_plan(
    model: Sequence[str],
    task: Sequence[str],
    city: Sequence[str],
    inputs: Sequence[str],
    split: Sequence[str],
    head: Sequence[str],
    *,
    seeds: str,
    protocols: Sequence[str],
    preset: str,
    settings: Sequence[str],
    model_seeds: Sequence[int],
    block_size: float | None,
    adds: bool,
    train_city: str = "",
    probes: Sequence[str] = (),
) -> Plan:
    """Expand the words of the command line; `split` is what `urbanbench.cli.options.read_splits` gave."""
    from urbanbench.api.planning import planned

    asked = planned(
        model,
        task,
        city,
        head,
        inputs=inputs,
        splits=split,
        preset=preset,
        settings=options.read_settings(settings),
        seeds=options.read_seeds(seeds),
        protocols=protocols,
        block_size_m=block_size,
        model_seeds=model_seeds,
        beside=adds,
        train_city=train_city,
        probes=probes,
    )
    _note_left_out("model", asked.models, model)
    _note_left_out("task", asked.tasks, task)
    return asked


def _note_left_out(kind: str, names: Sequence[str], words: Sequence[str]) -> None:
    """Say which plugins a glob or group word passed over because they do not load."""
    from urbanbench.registry import broken

    if list(names) != list(words):
        for reason in broken(kind).values():
            note(f"Left out: {reason}")


def _is_one_of(processes: int) -> bool:
    """Tell whether this process is one of several that torchrun started.

    Raises
    ------
    BadInput
        They are not as many as asked for.
    """
    from urbanbench.errors import BadInput
    from urbanbench.toolkit.training.distributed import started

    several = started()
    if several not in {1, processes}:
        msg = f"--processes {processes} is given to {several} processes that torchrun started. Expected as many, or no --processes."
        raise BadInput(msg)
    return several > 1


def run_and_show(
    asked: Plan,
    *,
    out: Path | None,
    overwrite: str,
    device: str,
    place: Place,
    floors: bool,
    dry_run: bool,
    as_json: bool,
    nodes: tuple[int, int, float | None, int] = (1, 0, None, 0),
) -> int:
    """Run a plan, print its table, and return the exit code; `nodes` are number, GPUs of each, price an hour and cores of each, for the plan alone."""
    from urbanbench.api.planning import cells
    from urbanbench.result_folders import RUNS
    from urbanbench.store import ResultStore
    from urbanbench.toolkit.training.distributed import rank
    from urbanbench.toolkit.training.session import session

    store = ResultStore(out or RUNS)
    store.check_writable()
    specs, lines = cells([asked], floors=floors)
    for line in lines if rank() == 0 else ():
        note(line)
    where = place.device(device)
    if dry_run:
        from urbanbench.cli.plan_words import print_plan

        wanted = placing.wanted_of(place, where, *nodes)
        return print_plan(specs, store, wanted, device=where, overwrite=overwrite, as_json=as_json)
    with session(where) as others:
        if others is not None and others.rank:
            from urbanbench.run.together.follow import follow

            return follow(others, specs)
        code = _run_cells(specs, store, asked, overwrite, where, place, as_json, others)
        if others is not None:
            others.end(code)
    return code


def _run_cells(
    specs: Sequence[RunSpec],
    store: ResultStore,
    asked: Plan,
    overwrite: str,
    device: str,
    place: Place,
    as_json: bool,
    others: Session | None,
) -> int:
    """Run cells, with the others' help where there are some, and print their table."""
    from urbanbench.run.loop import run as run_cells

    executor = place.chosen()
    if others is not None:
        from urbanbench.run.together.lead import Leading, check_alone

        check_alone(place)
        executor = Leading(others)
    progress = progress_of(specs, store, jobs=place.jobs, overwrite=overwrite, device=device)
    with told_when_stopped(progress, store.folder):
        results = run_cells(
            specs,
            store,
            overwrite=overwrite,
            device=device,
            executor=executor,
            progress=progress,
            began=progress.began,
        )
    _show(results, as_json=as_json)
    note(
        f"Results: {store.folder}/ ({counted(len(results), 'cell')}). Next: {command('leaderboard', store.folder)}"
    )
    if asked.probes:
        note(f"Probes stand in no table of scores: {_shown_by(asked, store.folder)}")
    return exit_code(results)


def _shown_by(asked: Plan, folder: Path) -> str:
    """Return the command that shows what a plan's probes told."""
    pairs = (("-c", asked.cities), ("-t", asked.tasks), ("-m", asked.models))
    words = [word for option, listed in pairs for word in (option, ",".join(listed))]
    return command("experiment", "show", "leaned", *words, "--out", folder)


def progress_of(
    specs: Iterable[RunSpec], store: ResultStore, *, jobs: int, overwrite: str, device: str = "cpu"
) -> ProgressLines:
    """Return what tells of the cells of a run as they end."""
    from urbanbench.run.order import resolve
    from urbanbench.run.planning.forecast import Forecast
    from urbanbench.run.sources import distinct

    orders = distinct(map(resolve, specs))
    forecast = Forecast(orders.values(), store, jobs=jobs, device=device, overwrite=overwrite)
    if is_interactive() and len(orders) > 1:
        from urbanbench.cli.live import LiveTable

        return LiveTable(orders.values(), forecast)
    return ProgressLines(len(orders), forecast)


def _show(results: list[RunResult], *, as_json: bool) -> None:
    if as_json:
        from urbanbench.store import document_of

        print_json([document_of(result) for result in results])
        return
    from urbanbench.board import render

    say(render([result.to_dict() for result in results], format="text", screen=screen_of()))
