"""Options that say where cells are done."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from urbanbench.cli.options import megabytes
from urbanbench.errors import BadInput

if TYPE_CHECKING:
    from urbanbench.run.executors.choosing import Place
    from urbanbench.run.planning.outlook import Wanted

__all__ = ["Address", "Cores", "Executor", "Gpus", "Memory", "Slurm", "read_place", "wanted_of"]

Executor = Annotated[
    str,
    typer.Option("--executor", help="Where cells are done: local, ray or slurm; see docs/many_machines.md."),
]
Address = Annotated[
    str,
    typer.Option(
        "--address",
        help="Ray cluster: auto, HOST:PORT or ray://HOST:PORT; one on this machine where left out.",
        show_default=False,
    ),
]
Cores = Annotated[
    int, typer.Option("--cores-per-job", min=1, help="With ray or slurm: cores, and threads, of a job.")
]
Gpus = Annotated[
    float,
    typer.Option(
        "--gpus-per-job",
        min=0.0,
        help="With ray or slurm: GPUs of a job that embeds; with ray 0.25 puts four beside one another on a GPU.",
    ),
]
Memory = Annotated[
    str,
    typer.Option(
        "--memory-per-job",
        metavar="MB|GB",
        help="With ray or slurm: memory that a job that embeds asks for, as 4GB.",
        show_default=False,
    ),
]
Slurm = Annotated[
    list[str],
    typer.Option(
        "--slurm",
        metavar="KEY=VALUE",
        help="With slurm: partition=, time= (minutes), tasks= (array tasks), parallel=, or any option of sbatch. Repeats.",
        show_default=False,
    ),
]


def read_place(
    executor: str, jobs: int, address: str, cores: int, gpus: float, memory: str, slurm: Iterable[str]
) -> Place:
    """Read where cells are to be done.

    Raises
    ------
    UnknownName, BadInput
        No such executor; an option that it does not take; a word of another form.
    """
    from urbanbench.run.executors.choosing import Place

    asked = {}
    for word in slurm:
        name, sign, value = word.partition("=")
        if not sign or not name.strip():
            msg = f"--slurm got {word!r}. Expected KEY=VALUE, for example --slurm partition=gpu."
            raise BadInput(msg)
        asked[name.strip().lstrip("-").replace("-", "_")] = value.strip()
    return Place(executor, jobs, address, cores, gpus, megabytes(memory, "--memory-per-job"), asked)


def wanted_of(
    place: Place,
    device: str,
    nodes: int = 1,
    gpus_per_node: int = 0,
    price_per_hour: float | None = None,
    cores_per_node: int = 0,
) -> Wanted:
    """Return what a plan is asked for: how many jobs this machine does at once, and what the jobs of its executor ask of others.

    Parameters
    ----------
    place
        Where cells are to be done.
    device
        "cpu" or "cuda".
    nodes, gpus_per_node, price_per_hour, cores_per_node
        As the options say.
    """
    from urbanbench.run.planning.jobs import Asks
    from urbanbench.run.planning.outlook import Wanted

    if place.executor == "local":
        return Wanted(place.jobs, nodes, gpus_per_node, price_per_hour, cores_per_node)
    most = place.jobs if place.jobs > 1 else None
    alone = place.executor == "ray" and not place.address  # its cluster is this machine
    cores = os.cpu_count() or 1
    here = most or (max(cores // place.cores, 1) if alone else 1)
    per_node = cores_per_node or (max(cores, gpus_per_node) if nodes > 1 or gpus_per_node else 0)
    asks = Asks(place.cores, place.gpus, place.memory_mb or 0.0, heads_too=device == "cuda")
    return Wanted(here, nodes, gpus_per_node, price_per_hour, per_node, asks, most)
