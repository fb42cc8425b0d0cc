"""Outlook: the whole plan, on this machine and on nodes, and what holds it up."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from urbanbench.errors import BadInput
from urbanbench.progress import span
from urbanbench.run.planning.bounds import bounds, chain
from urbanbench.run.planning.groups import Group
from urbanbench.run.planning.jobs import Asks, Job, Node, Terms, alike, of_groups, of_portions
from urbanbench.run.planning.machine import memory_mb
from urbanbench.run.planning.simulate import simulate

__all__ = ["Outlook", "Prospect", "Wanted", "outlook"]

_NEAR = 1.05
"""Numbers of nodes that end within this of the soonest are as good."""


@dataclass(frozen=True)
class Wanted:
    """What a plan is asked for.

    Parameters
    ----------
    jobs
        Processes at once on this machine.
    nodes
        How many machines there could be.
    gpus_per_node
        GPUs of each.
    price_per_hour
        Of one node; None where nobody said.
    cores_per_node
        Cores of each; 0 for as many as `jobs` need, or a core a GPU where that is more.
    asks
        What a job asks of a node.
    most
        Most jobs at once on all nodes together; None for as many as they hold.
    """

    jobs: int = 1
    nodes: int = 1
    gpus_per_node: int = 0
    price_per_hour: float | None = None
    cores_per_node: int = 0
    asks: Asks = field(default_factory=Asks)
    most: int | None = None

    @property
    def node(self) -> Node:
        """One of the machines; its memory is that of this one."""
        cores = self.cores_per_node or max(self.jobs, self.gpus_per_node) * self.asks.cores
        return Node(cores, self.gpus_per_node, memory_mb() or math.inf)


@dataclass(frozen=True)
class Prospect:
    """How it would go on so many nodes.

    Parameters
    ----------
    nodes
        How many.
    seconds
        Until all is done.
    efficiency
        Work over what the nodes could have done in that time, [0, 1].
    holds
        What keeps it from ending sooner: "chain", "work" or "driver".
    price
        Of all nodes until the end; None where no price was given.
    """

    nodes: int
    seconds: float
    efficiency: float
    holds: str
    price: float | None = None


@dataclass(frozen=True, eq=False)
class Outlook:
    """A plan.

    Parameters
    ----------
    groups
        What is left, by vectors that cells share.
    wanted
        What was asked for.
    here
        This machine.
    spread
        Numbers of nodes up to those asked for; () where one was.
    reason
        What holds the most nodes up, in a sentence; "" where there is one.
    """

    groups: tuple[Group, ...]
    wanted: Wanted
    here: Prospect
    spread: tuple[Prospect, ...] = ()
    reason: str = ""

    @property
    def counts(self) -> dict[str, int]:
        """How many cells there are, and how many of them are left."""
        states = [one for group in self.groups for one in group.states]
        words = Counter(
            one.word if one.left else "kept" if one.word != "refused" else one.word for one in states
        )
        return {"cells": len(states), "left": sum(one.left for one in states), **dict(sorted(words.items()))}

    @property
    def unknown(self) -> int:
        """How many parts are of unknown length: vectors to be made, and heads."""
        return sum(group.unknown for group in self.groups)

    @property
    def memory_mb(self) -> float | None:
        """The highest memory that one process took for such vectors before; None where no row tells."""
        return max(
            (group.sizes.memory_mb for group in self.groups if group.heads and group.sizes.memory_mb),
            default=None,
        )

    @property
    def disk_mb(self) -> float:
        """Room for vectors and rows, as far as rows tell."""
        vectors = sum(group.sizes.vectors_mb or 0.0 for group in self.groups if group.makes)
        return vectors + sum((group.sizes.row_mb or 0.0) * len(group.heads) for group in self.groups)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as a JSON-like dict."""
        return {
            "counts": self.counts,
            "unknown": self.unknown,
            "groups": [_told(group) for group in self.groups],
            "here": asdict(self.here) | {"jobs": self.wanted.jobs},
            "nodes": [asdict(one) for one in self.spread],
            "reason": self.reason,
            "memory_mb": self.memory_mb,
            "disk_mb": round(self.disk_mb, 3),
        }


def outlook(groups: Sequence[Group], wanted: Wanted, terms: Terms) -> Outlook:
    """Return the plan of what is left; parts of unknown length count as nothing, and are counted.

    Raises
    ------
    BadInput
        A job needs more than a machine has.
    """
    here = _here(groups, wanted, terms)
    if wanted.nodes == 1 and not (wanted.gpus_per_node or wanted.cores_per_node):
        return Outlook(tuple(groups), wanted, here)
    _check_asked(wanted)
    jobs = of_groups(groups, wanted.asks, gpus=bool(wanted.gpus_per_node))
    terms = replace(terms, most=wanted.most)
    spread = tuple(_prospect(jobs, nodes, wanted, terms) for nodes in _steps(wanted.nodes))
    return Outlook(tuple(groups), wanted, here, spread, _reason(jobs, spread, terms))


def _here(groups: Sequence[Group], wanted: Wanted, terms: Terms) -> Prospect:
    """Play the processes of this machine, where nothing is shipped and one process starts no other."""
    portions = of_portions(groups, wanted.jobs)
    cells = sum(len(group.heads) for group in groups)
    each = terms.overhead_s * cells / len(portions) if portions else 0.0
    mine = Terms(each, 0.0, terms.start_s if cells else 0.0)
    nodes = [Node(wanted.jobs)]
    seconds = simulate(portions, nodes, mine, order="handed").makespan
    return _judged(portions, nodes, mine, seconds, wanted)


def _check_asked(wanted: Wanted) -> None:
    """Refuse jobs that ask for more than a machine has, in the words of the command line."""
    asks, node = wanted.asks, wanted.node
    for option, asked, there, mend in (
        ("--cores-per-job", asks.cores, node.cores, f"--cores-per-node {asks.cores:g}"),
        ("--gpus-per-job", asks.gpus, node.gpus, f"--gpus-per-node {math.ceil(asks.gpus)}"),
        (
            "--memory-per-job, in MB,",
            asks.memory_mb,
            node.memory_mb,
            "ask for less, or plan on such a machine",
        ),
    ):
        if asked > there:
            msg = f"{option} is {asked:g}, and the machines of this plan have {there:g}. Expected machines that hold a job. Mend: {mend}"
            raise BadInput(msg)


def _steps(nodes: int) -> list[int]:
    """Return the powers of two below a number, and the number."""
    return [*(2**k for k in range(math.ceil(math.log2(nodes)))), nodes]


def _prospect(jobs: Sequence[Job], n: int, wanted: Wanted, terms: Terms) -> Prospect:
    nodes = alike(n, wanted.node)
    return _judged(jobs, nodes, terms, simulate(jobs, nodes, terms, order="handed").makespan, wanted)


def _judged(
    jobs: Sequence[Job], nodes: Sequence[Node], terms: Terms, seconds: float, wanted: Wanted
) -> Prospect:
    could = seconds * sum(node.cores for node in nodes)
    done = sum(job.seconds * job.cores for job in jobs)
    price = (
        None
        if wanted.price_per_hour is None
        else round(wanted.price_per_hour * len(nodes) * seconds / 3600, 2)
    )
    held = bounds(jobs, nodes, terms).holds
    return Prospect(len(nodes), round(seconds, 3), round(done / could, 4) if could else 1.0, held, price)


def _reason(jobs: Sequence[Job], spread: Sequence[Prospect], terms: Terms) -> str:
    """Say what holds the most nodes up, and from how many on others are in vain."""
    if not jobs:
        return "Nothing is left to do."
    last, soonest = spread[-1], min(one.seconds for one in spread)
    enough = next(one.nodes for one in spread if one.seconds <= soonest * _NEAR)
    vain = f"More than {enough} node{'s' * (enough > 1)} would be in vain" if enough < last.nodes else ""
    added = terms.start_s + max(terms.ship_s.values(), default=0.0)
    if added > last.seconds / 3:
        held = f"{span(added)} are starting and shipping cities"
    elif last.holds == "driver":
        held = f"one driver hands out {len(jobs)} jobs, {1000 * terms.dispatch_s:.0f} ms each"
    elif last.holds == "work" and not vain:
        held = "more nodes would end it sooner"
    else:
        way = [jobs[one] for one in chain(jobs) if jobs[one].seconds]
        held = (
            " and then ".join(f"{job.name} takes {span(job.seconds)}" for job in way)
            + ", which nothing shortens"
        )
    said = f"{vain}: {held}." if vain else f"{held}."
    return said[0].upper() + said[1:]


def _told(group: Group) -> dict[str, Any]:
    cell = group.first.cell
    embed = group.embed
    return {
        "city": cell.city,
        "model": cell.model,
        "preset": cell.preset,
        "inputs": cell.inputs,
        "level": group.first.task.card.level,
        "model_seed": cell.model_seed,
        "tasks": sorted({one.order.cell.task for one in group.states}),
        "cells": len(group.states),
        "left": len(group.heads),
        "vectors": group.vectors,
        "embed_seconds": group.embed_seconds,
        "embed_seconds_gpu": group.gpu_seconds,
        "embed_hint": None if embed is None else {"seconds": embed.seconds, "basis": embed.basis},
        "head_seconds": group.head_seconds,
        "heads_unknown": sum(head.seconds is None for head in group.heads),
        **asdict(group.sizes),
    }
