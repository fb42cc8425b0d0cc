"""Bounds: what no number of nodes can beat, and what holds a plan up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from urbanbench.run.planning.jobs import Job, Node, Terms
from urbanbench.run.planning.simulate import ways

__all__ = ["Bounds", "bounds", "chain", "graham", "slots"]


@dataclass(frozen=True)
class Bounds:
    """Seconds below which work cannot end, each for a reason of its own.

    Parameters
    ----------
    chain_s
        The longest chain of jobs that wait for one another, with what is added to each.
    work_s
        All work, shared evenly by everything that can do it.
    driver_s
        All jobs, handed out one after the other.
    """

    chain_s: float
    work_s: float
    driver_s: float

    @property
    def seconds(self) -> float:
        """The highest of them."""
        return max(self.chain_s, self.work_s, self.driver_s)

    @property
    def holds(self) -> str:
        """Which is the highest: "chain", "work" or "driver"."""
        told: Mapping[str, float] = {"chain": self.chain_s, "driver": self.driver_s, "work": self.work_s}
        return max(told, key=lambda name: told[name])


def bounds(jobs: Sequence[Job], nodes: Sequence[Node], terms: Terms | None = None) -> Bounds:
    """Return what holds whatever the order of jobs is; losses and cities that are shipped are left out, and only lengthen it."""
    terms = terms or Terms()
    chain_s = max(ways(jobs, terms.overhead_s), default=0.0)
    first = terms.start_s + terms.dispatch_s if jobs else 0.0
    return Bounds(chain_s + first, _shared(jobs, nodes, terms) + first, terms.dispatch_s * len(jobs))


def _shared(jobs: Sequence[Job], nodes: Sequence[Node], terms: Terms) -> float:
    """Return all work over all cores, or that of GPUs over all GPUs, whichever is more."""
    cores, gpus = sum(node.cores for node in nodes), sum(node.gpus for node in nodes)
    of_cores = sum((job.seconds + terms.overhead_s) * job.cores for job in jobs) / cores if cores else 0.0
    of_gpus = sum((job.seconds + terms.overhead_s) * job.gpus for job in jobs) / gpus if gpus else 0.0
    return max(of_cores, of_gpus)


def chain(jobs: Sequence[Job]) -> list[int]:
    """Return the numbers of the jobs of the longest chain, the first first; of equals the lower ones."""
    if not jobs:
        return []
    way = ways(jobs)
    followers: dict[int, list[int]] = {}
    for number, job in enumerate(jobs):
        for before in job.after:
            followers.setdefault(before, []).append(number)
    found = [max(range(len(jobs)), key=lambda number: (way[number], -number))]
    while following := followers.get(found[-1]):
        found.append(max(following, key=lambda number: (way[number], -number)))
    return found


def graham(jobs: Sequence[Job], machines: int) -> float:
    """Return the seconds after which list scheduling has ended on so many equal machines, in whatever order, where nothing is added.

    work / m + (1 - 1/m) of the longest chain (Graham 1969); at most 2 - 1/m times the best there is.
    """
    work = sum(job.seconds for job in jobs)
    return work / machines + (1 - 1 / machines) * max(ways(jobs), default=0.0)


def slots(nodes: Sequence[Node], cores: float) -> int:
    """Return how many jobs of so many cores run at once."""
    return sum(int(node.cores // cores) for node in nodes)
