"""``urbanbench embed`` writes vectors; ``urbanbench score`` scores vectors that anyone has made."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated

import typer

from urbanbench.cli import completing, options
from urbanbench.cli.printing import command, note, print_json, say
from urbanbench.cli.run_command import (
    BlockSize,
    DryRun,
    Floors,
    Overwrite,
    make_plan,
    run_and_show,
)
from urbanbench.errors import BadInput
from urbanbench.spare_cache import usable_cache

__all__ = ["embed", "score"]


@usable_cache()
def embed(
    model: Annotated[
        str, typer.Option("--model", "-m", help="Model: a name or a path.", autocompletion=completing.models)
    ],
    city: options.City = "toyville",
    task: Annotated[
        str,
        typer.Option(
            "--task",
            "-t",
            help="Embed the units this task labels, without what it withholds.",
            autocompletion=completing.tasks,
        ),
    ] = "",
    inputs: Annotated[
        str,
        typer.Option(
            "--inputs",
            help="Inputs the model may see: full, or a list such as poi,polygon.",
            autocompletion=completing.inputs,
        ),
    ] = "full",
    preset: options.Preset = "",
    settings: options.Settings = [],  # noqa: B006 - typer reads the default, nothing changes it
    model_seed: options.ModelSeed = 0,
    train_city: options.LearnCity = "",
    device: options.Device = "auto",
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            help="File to write, by its ending: .parquet, .csv, .npz, .npy (its ids in .ids.csv beside) or .safetensors.",
        ),
    ] = Path("vectors.parquet"),
    list_column: Annotated[
        bool,
        typer.Option(
            "--list-column", help="In Parquet one column `vector` of lists, not a column for each number."
        ),
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Write a model's vectors of a city: of all regions, or of the units a task labels; made there, or with what it learned in another city.

    With several GPUs: torchrun --nproc-per-node 2 -m urbanbench embed … Every process trains on its part of each batch; the first one
    keeps the vectors in the cache and writes the file.
    """
    from urbanbench.atomic import check_folder
    from urbanbench.registry import city_word
    from urbanbench.result import RunSpec
    from urbanbench.run.embedding import embed_city
    from urbanbench.run.workbench import Workbench
    from urbanbench.space import check_form
    from urbanbench.toolkit.training.distributed import joined

    check_form(out, lists=list_column)
    check_folder(out.parent, "name another file with --out")
    spec = RunSpec(
        model,
        task,
        city_word(city),
        preset=preset,
        settings=options.read_settings(settings),
        inputs=inputs,
        model_seed=model_seed,
        train_city=city_word(train_city) if train_city else "",
    )
    where = options.read_device(device)
    with joined(where) as process:
        if process:
            os.environ["URBANBENCH_QUIET"] = "1"  # one bar is enough
        bench = Workbench(where)
        space, facts = embed_city(spec, bench)
    if process:
        return
    space.save(out, lists=list_column)
    if as_json:
        print_json(
            dict(facts) | {"file": str(out), "level": space.level, "units": len(space), "dim": space.dim}
        )
    else:
        from urbanbench.seen import count_words

        say(f"{out}: {space!r}")
        if facts.get("effective_rank") is not None:
            note(f"Effective rank: {facts['effective_rank']:.1f} of {space.dim} dimensions.")
        if counted := count_words(facts.get("saw", {})):
            note(f"Used: {'; '.join(counted)}.")
    fitting = [task] if task else _tasks_of(bench.city(spec.city).labels, space.level)
    if fitting:
        inputs_used = ",".join(facts["inputs_touched"])
        more = (["--inputs", inputs_used] if inputs_used else []) + _name_beside_registered(out)
        note(f"Next: {command('score', out, '-t', fitting[0], '-c', city, *more)}")


def _tasks_of(labels: Collection[str], level: str) -> list[str]:
    """Return the tasks of a level that a city has labels for, population density first."""
    from urbanbench.card import TaskCard
    from urbanbench.registry import listing

    cards = {entry.name: entry.card for entry in listing("task") if isinstance(entry.card, TaskCard)}
    names = [name for name, card in cards.items() if card.level == level and card.label in labels]
    return sorted(names, key=lambda name: name != "popdensity")


def _name_beside_registered(file: Path) -> list[str]:
    """Return the option that names vectors whose file has the name of a registered model."""
    from urbanbench.registry import names

    plain = file.stem.replace("_", "-")
    return ["--name", f"my-{plain}"] if plain in names("model") else []


@usable_cache()
def score(
    context: typer.Context,
    vectors: Annotated[
        Path,
        typer.Argument(
            help="Parquet or CSV with an id column and columns of numbers or of lists, npz with `ids` and `vectors`, npy with its ids beside, or what `urbanbench embed` wrote."
        ),
    ],
    task: options.Tasks,
    city: options.Cities = ["toyville"],  # noqa: B006 - typer reads the default, nothing changes it
    name: Annotated[
        str, typer.Option("--name", help="Name in the tables; the file's stem when left out.")
    ] = "",
    inputs: Annotated[
        str,
        typer.Option(
            "--inputs",
            help="What the vectors were made from, a list such as poi,polygon: they are then compared with floors and models of these inputs.",
            autocompletion=completing.inputs,
        ),
    ] = "full",
    columns: Annotated[
        list[str],
        typer.Option(
            "--columns",
            help="Columns that are the vectors: names or patterns. All of numbers but index, ids and row counts when left out. Repeats; takes lists.",
        ),
    ] = [],  # noqa: B006 - same
    min_match: Annotated[
        float | None,
        typer.Option(
            "--min-match",
            help="Share of the labelled units that must have a row; 0.8 when left out, and no id may then differ from a unit's in form alone.",
        ),
    ] = None,
    split: options.Splits = ["random"],  # noqa: B006 - same
    head: options.Heads = ["mlp"],  # noqa: B006 - same
    seeds: options.Seeds = "10",
    protocol: options.Protocols = ["default"],  # noqa: B006 - same
    block_size: BlockSize = None,
    splits: options.SplitsFile = None,
    floors: Floors = True,
    adds: options.Adds = False,
    probe: options.Probes = [],  # noqa: B006 - same
    device: options.Device = "auto",
    out: options.Out = None,
    overwrite: Overwrite = "only-missing",
    dry_run: DryRun = False,
    as_json: options.Json = False,
) -> int:
    """Score finished vectors like any model; their inputs are recorded as said with --inputs, else as `given`."""
    from dataclasses import replace

    from urbanbench.registry import VECTOR_FILES
    from urbanbench.run.executors.choosing import Place

    if vectors.suffix not in VECTOR_FILES:
        msg = f"Vectors file {str(vectors)!r} has suffix {vectors.suffix!r}. Expected {', '.join(VECTOR_FILES)}."
        raise BadInput(msg)
    asked = make_plan(
        [str(vectors)],
        task,
        city,
        [inputs],
        options.read_splits(split, "", context),
        head,
        seeds=seeds,
        protocols=options.read_protocols(protocol, context),
        preset="",
        settings=_settings(columns, min_match),
        model_seeds=(0,),
        block_size=block_size,
        adds=adds,
        probes=options.read_probes(probe),
    )
    return run_and_show(
        replace(options.with_split_file(asked, splits, context), name=name),
        out=out,
        overwrite=overwrite,
        device=device,
        place=Place(),
        floors=floors,
        dry_run=dry_run,
        as_json=as_json,
    )


def _settings(columns: Sequence[str], min_match: float | None) -> list[str]:
    """Write the choice of columns and units as parameters of the given vectors."""
    chosen = [f"columns={','.join(columns)}"] if columns else []
    return chosen if min_match is None else [*chosen, f"min_match={min_match}"]
