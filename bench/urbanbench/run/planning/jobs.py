"""Jobs: work as nodes are given it, and the terms on which they do it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from urbanbench.errors import BadInput
from urbanbench.run.dealing import dealt

if TYPE_CHECKING:
    from urbanbench.run.planning.groups import Group, Head

__all__ = ["Asks", "Job", "Node", "Terms", "alike", "of_groups", "of_portions"]

_MEMORY_STEP_MB = 500.0
"""Memory of jobs is rounded up to this: a job says little more closely what it will take."""


@dataclass(frozen=True)
class Job:
    """Something a node does in one go.

    Parameters
    ----------
    name
        For people.
    seconds
        What it takes there, beside what `Terms` add.
    city
        What has to lie on the node before it; "" for nothing.
    after
        Numbers of jobs, all lower than its own, that have to be done before.
    cores, gpus
        What it takes of a node while it runs; GPUs may be shares.
    memory_mb
        In 10^6 bytes.
    thought_s
        What whoever hands it out takes it for, where that is not its seconds: a hint, or infinite where nobody knows.
    """

    name: str
    seconds: float
    city: str = ""
    after: tuple[int, ...] = ()
    cores: float = 1.0
    gpus: float = 0.0
    memory_mb: float = 0.0
    thought_s: float | None = None


@dataclass(frozen=True)
class Asks:
    """What every job asks of a node: cores; GPUs or a share of one, and memory in 10^6 bytes, of those that make vectors.

    Where `heads_too`, heads run on a GPU as well.
    """

    cores: float = 1.0
    gpus: float = 0.0
    memory_mb: float = 0.0
    heads_too: bool = False


@dataclass(frozen=True)
class Node:
    """A machine: cores, GPUs and memory in 10^6 bytes that jobs share."""

    cores: float = 1.0
    gpus: float = 0.0
    memory_mb: float = math.inf


@dataclass(frozen=True)
class Terms:
    """What work costs beside itself, and what goes wrong.

    Parameters
    ----------
    overhead_s
        Added to every job: keys, locks, files.
    dispatch_s
        What the one driver needs to hand out a job; it hands out one after the other.
    start_s
        From the beginning until a node takes its first job.
    ship_s
        City to the seconds until its folder lies on a node; once a node, and again after it was lost.
    lost_every_s
        Mean of the exponential time after which a node is lost with all it does; None: never.
    back_s
        From a loss until the node is there again; infinite: never.
    seed
        Of the losses.
    most
        Most jobs at once on all nodes together; None for as many as fit.
    """

    overhead_s: float = 0.0
    dispatch_s: float = 0.0
    start_s: float = 0.0
    ship_s: Mapping[str, float] = field(default_factory=dict)
    lost_every_s: float | None = None
    back_s: float = 60.0
    seed: int = 0
    most: int | None = None


def of_groups(groups: Iterable[Group], asks: Asks | None = None, *, gpus: bool = False) -> list[Job]:
    """Return a job for all vectors that have to be made, and one for every head, which waits for its vectors; unknown lengths count as 0.

    Parameters
    ----------
    groups
        What is left.
    asks
        What a job asks of a node, beside what rows tell; a core when left out.
    gpus
        Whether nodes have GPUs: where jobs ask for none themselves, trainings of which rows tell what they take on one have one.
    """
    asks = asks or Asks()
    found: list[Job] = []
    for group in groups:
        after: tuple[int, ...] = ()
        if group.makes:
            after = (len(found),)
            found.append(_embed_job(group, asks, gpus))
        memory = _stepped(group.sizes.memory_mb if not group.makes else None)
        on = asks.gpus if asks.heads_too else 0.0
        city = group.first.spec.city
        found += [
            Job(_head_name(one), one.seconds or 0.0, city, after, asks.cores, on, memory, one.thought_s)
            for one in group.heads
        ]
    return found


def of_portions(groups: Iterable[Group], jobs: int, *, cores: float = 1.0) -> list[Job]:
    """Return what the processes of one machine are given: all that shares vectors in one portion, large groups in small ones (`urbanbench.run.dealing`).

    The first portion of a group makes the vectors; the other processes that take one meanwhile wait for them.
    """
    listed = list(groups)
    begun: dict[int, int] = {}
    found: list[Job] = []
    owned = [[(group, head) for head in group.heads] for group in listed]
    for part in dealt(owned, jobs):
        group = part[0][0]
        waits = begun.setdefault(id(group), 0) < jobs
        begun[id(group)] += 1
        embed = (group.embed_seconds or 0.0) if waits else 0.0
        seconds = embed + sum(head.seconds or 0.0 for _, head in part)
        thought = group.thought_s + sum(head.thought_s for _, head in part)
        found.append(Job(_embed_name(group), seconds, group.first.spec.city, cores=cores, thought_s=thought))
    return found


def _embed_job(group: Group, asks: Asks, gpus: bool) -> Job:
    there = group.gpu_seconds if gpus or asks.gpus else None
    on_gpu = asks.gpus or float(there is not None)
    seconds = there if there is not None else (group.embed_seconds or 0.0)
    thought = group.thought_s if there is None else there
    memory = max(_stepped(group.sizes.memory_mb), asks.memory_mb)
    return Job(_embed_name(group), seconds, group.first.spec.city, (), asks.cores, on_gpu, memory, thought)


def _embed_name(group: Group) -> str:
    cell = group.first.cell
    seed = f", training {cell.model_seed}" if cell.model_seed else ""
    return f"{cell.model}{f' ({cell.preset})' if cell.preset else ''} in {cell.city}{seed}"


def _head_name(head: Head) -> str:
    cell = head.order.cell
    return f"{cell.reader} on {cell.model} for {cell.task} in {cell.city}"


def _stepped(memory_mb: float | None) -> float:
    return math.ceil((memory_mb or 0.0) / _MEMORY_STEP_MB) * _MEMORY_STEP_MB


def alike(n: int, node: Node) -> list[Node]:
    """Return n nodes of one kind."""
    return [node] * n


def check(jobs: Sequence[Job], nodes: Sequence[Node]) -> None:
    """Refuse work that cannot be done.

    Raises
    ------
    BadInput
        No nodes, a job that waits for itself or a later one, or one that fits on no node.
    """
    if not nodes:
        msg = "No nodes to work on. Expected at least 1. Mend: --nodes 1"
        raise BadInput(msg)
    for number, job in zip(count(), jobs):
        if any(not 0 <= before < number for before in job.after):
            msg = f"Job {job.name!r} waits for jobs {job.after}. Expected numbers below its own, {number}."
            raise BadInput(msg)
        if not any(fits(job, node) for node in nodes):
            msg = (
                f"Job {job.name!r} needs {job.cores:g} cores, {job.gpus:g} GPUs and {job.memory_mb:g} MB, and no node has them. "
                f"Expected at least one that does."
            )
            raise BadInput(msg)


def fits(job: Job, node: Node) -> bool:
    """Tell whether an empty node can do a job."""
    return job.cores <= node.cores and job.gpus <= node.gpus and job.memory_mb <= node.memory_mb
