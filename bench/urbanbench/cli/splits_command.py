"""``urbanbench splits export``: which units train, choose and test, as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from urbanbench.cli import completing, options
from urbanbench.cli.printing import command, note, say
from urbanbench.counted import counted

__all__ = ["app"]

app = typer.Typer(
    help="Fixed splits as files, so that others can score on exactly the same units.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def _group() -> None:
    pass


@app.command()
def export(
    task: Annotated[
        str,
        typer.Option(
            "--task", "-t", help="Task: a name, a path, or label:NAME.", autocompletion=completing.tasks
        ),
    ],
    city: options.City = "toyville",
    split: Annotated[
        str,
        typer.Option(
            "--split",
            help="A rung, such as block or group:street; see `urbanbench list splits`.",
            autocompletion=completing.splits,
        ),
    ] = "random",
    seeds: options.Seeds = "10",
    block_size: Annotated[
        float | None,
        typer.Option(
            "--block-size", help="Side of the blocks in metres; from the label's range when left out."
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="The file to write, JSON.")] = Path("splits.json"),
) -> None:
    """Write the ids of the units on each side for every seed, with hashes; `run --splits FILE` scores on them."""
    from urbanbench.run.split_export import exported_splits

    made = exported_splits(task, city, split, options.read_seeds(seeds), block_size)
    made.write(out)
    say(out)
    note(
        f"{counted(len(made.seeds), 'seed')}, digest {made.digest}. Next: {command('run', '-m', 'MODEL', '-t', task, '-c', city, '--splits', out)}"
    )
