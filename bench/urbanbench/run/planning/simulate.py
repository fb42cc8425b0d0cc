"""Simulation: work played on nodes event by event; the same work, nodes and seed give the same times on every machine.

Jobs wait in a list. Whenever something is free, the first job of the list that fits somewhere is handed out, as Graham's list
scheduling does ("Bounds on multiprocessing timing anomalies", SIAM J. Appl. Math. 17, 1969); what is added are the one driver that hands
out, cities that are shipped to a node once, and nodes that are lost and come back.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from urbanbench.errors import BadInput, UnknownName
from urbanbench.run.planning.jobs import Job, Node, Terms, check
from urbanbench.run.planning.lengths import rank

if TYPE_CHECKING:
    import numpy as np

__all__ = ["ORDERS", "Timeline", "simulate"]

ORDERS = {
    "asked": "as the cells stand: what shares a city, and vectors, together",
    "longest": "what has the longest way to the end first: its own seconds, and those of all that has to wait for it in turn",
    "handed": "the same by what jobs are thought to take, short ones as they stand: what executors do",
}
"""In which order jobs that could begin are handed out."""

_END, _LOST, _BACK, _FREE = range(4)
"""Kinds of events; of those at one time, jobs end first."""


@dataclass(frozen=True, eq=False)
class Timeline:
    """What happened.

    Parameters
    ----------
    begins, ends
        Seconds from the start at which each job began and ended, the last time it was tried.
    places
        The node of each.
    work_s, overhead_s, shipping_s, lost_s
        Seconds that jobs took themselves; that were added to them; that they waited for cities on their nodes; and of what was
        begun and lost, all of it together.
    driver_s
        Seconds in which the driver handed something out.
    losses
        How often a node was lost.
    """

    begins: tuple[float, ...]
    ends: tuple[float, ...]
    places: tuple[int, ...]
    work_s: float
    overhead_s: float
    shipping_s: float
    lost_s: float
    driver_s: float
    losses: int

    @property
    def makespan(self) -> float:
        """Seconds until all was done."""
        return max(self.ends, default=0.0)


def simulate(
    jobs: Sequence[Job], nodes: Sequence[Node], terms: Terms | None = None, *, order: str = "asked"
) -> Timeline:
    """Play jobs on nodes.

    Parameters
    ----------
    jobs
        In the order of the list; each waits for lower numbers alone.
    nodes
        Where they are done.
    terms
        What is added, and what goes wrong; nothing when left out.
    order
        A word of `ORDERS`.

    Raises
    ------
    BadInput
        Work that cannot be done on these nodes, or of which every node was lost for good.
    UnknownName
        No such order.
    """
    if order not in ORDERS:
        raise UnknownName("order of jobs", order, ORDERS)
    check(jobs, nodes)
    play = _Play(jobs, nodes, terms or Terms(), _ranks(jobs, order))
    play.run()
    return play.timeline()


def _ranks(jobs: Sequence[Job], order: str) -> list[tuple[float, int]]:
    """Return what jobs are sorted by while they wait."""
    if order == "asked":
        return [(0.0, number) for number in range(len(jobs))]
    if order == "longest":
        return [(-way, number) for number, way in enumerate(ways(jobs))]
    thought = [job if job.thought_s is None else replace(job, seconds=job.thought_s) for job in jobs]
    return [(rank(way), number) for number, way in enumerate(ways(thought))]


def ways(jobs: Sequence[Job], added_s: float = 0.0) -> list[float]:
    """Return the seconds from each job's beginning to the end of the longest chain that begins with it, with what is added to each."""
    found = [job.seconds + added_s for job in jobs]
    for number in range(len(jobs) - 1, -1, -1):
        for before in jobs[number].after:
            found[before] = max(found[before], jobs[before].seconds + added_s + found[number])
    return found


@dataclass
class _Nodes:
    """What is free of each node, and what it has; a node that is away has less than nothing free."""

    cores: np.ndarray
    gpus: np.ndarray
    memory: np.ndarray
    here: np.ndarray
    cities: dict[str, np.ndarray] = field(default_factory=dict)

    def place_for(self, job: Job) -> int | None:
        """Return the first node with the job's city on which it fits, else the one with most free cores; None where it fits on none."""
        import numpy as np

        fits = self.here & (self.cores >= job.cores - 1e-9) & (self.gpus >= job.gpus - 1e-9)
        fits &= self.memory >= job.memory_mb
        if not fits.any():
            return None
        near = fits & self.cities[job.city] if job.city in self.cities else fits
        if near.any() and job.city in self.cities:
            return int(near.argmax())
        return int(np.where(fits, self.cores, -np.inf).argmax())

    def take(self, node: int, job: Job, sign: float = -1.0) -> None:
        self.cores[node] += sign * job.cores
        self.gpus[node] += sign * job.gpus
        self.memory[node] += sign * job.memory_mb


def _empty(nodes: Sequence[Node]) -> _Nodes:
    import numpy as np

    table = np.array([[node.cores, node.gpus, node.memory_mb] for node in nodes], dtype=float)
    cores, gpus, memory = table.T.copy()
    return _Nodes(cores, gpus, memory, np.zeros(len(nodes), dtype=bool))


class _Play:
    """The state of a simulation."""

    def __init__(
        self, jobs: Sequence[Job], nodes: Sequence[Node], terms: Terms, ranks: Sequence[tuple[float, int]]
    ) -> None:
        import numpy as np

        self.jobs, self.terms, self.ranks = jobs, terms, ranks
        self.now, self.done, self.losses = 0.0, 0, 0
        self.events: list[tuple[float, int, int, int, int]] = []
        self._sequence = 0
        self.free = _empty(nodes)
        self.free.cities = {
            job.city: np.zeros(len(nodes), dtype=bool) for job in jobs if terms.ship_s.get(job.city)
        }
        self.shipped_at: dict[tuple[str, int], float] = {}
        self.driver_free = self.driver_s = 0.0
        self.runs: list[set[int]] = [set() for _ in nodes]
        self.tries = [0] * len(jobs)
        self.begins, self.ends, self.places = [math.nan] * len(jobs), [math.nan] * len(jobs), [-1] * len(jobs)
        self.waits_for = [len(set(job.after)) for job in jobs]
        self.followers: list[list[int]] = [[] for _ in jobs]
        for number, job in enumerate(jobs):
            for before in set(job.after):
                self.followers[before].append(number)
        self.ready: dict[tuple[float, float, float], list[tuple[tuple[float, int], int]]] = {}
        self.spent = {"work": 0.0, "overhead": 0.0, "shipping": 0.0, "lost": 0.0}
        self.waited = [0.0] * len(jobs)
        self.luck = [np.random.default_rng([terms.seed, node]) for node in range(len(nodes))]
        for node in range(len(nodes)):
            self._at(terms.start_s, _BACK, node)
        for number, left in enumerate(self.waits_for):
            if not left:
                self._wait(number)

    def run(self) -> None:
        """Take events one after the other until everything is done."""
        while self.done < len(self.jobs):
            if not self.events:
                msg = f"All nodes are lost and none comes back: {self.done} of {len(self.jobs)} jobs are done. Expected a node that stays, or nodes that come back."
                raise BadInput(msg)
            self.now = self.events[0][0]
            while self.events and self.events[0][0] == self.now:
                _, kind, _, what, trial = heapq.heappop(self.events)
                if kind == _END:
                    self._ended(what, trial)
                elif kind == _LOST:
                    self._lost(what)
                elif kind == _BACK:
                    self._back(what)
            self._hand_out()

    def _at(self, when: float, kind: int, what: int, trial: int = 0) -> None:
        if math.isfinite(when):
            self._sequence += 1
            heapq.heappush(self.events, (when, kind, self._sequence, what, trial))

    def _wait(self, number: int) -> None:
        job = self.jobs[number]
        waiting = self.ready.setdefault((job.cores, job.gpus, job.memory_mb), [])
        heapq.heappush(waiting, (self.ranks[number], number))

    def _hand_out(self) -> None:
        """Hand out the first job that fits somewhere, again and again, as far as the driver comes."""
        while self._may_hand_out() and (found := self._first_that_fits()) is not None:
            number, node = found
            self._begin(number, node)
            if self.terms.dispatch_s:
                self.driver_s += self.terms.dispatch_s
                self.driver_free = self.now + self.terms.dispatch_s
                self._at(self.driver_free, _FREE, 0)

    def _may_hand_out(self) -> bool:
        """Tell whether the driver is free, and no more jobs run than there may."""
        most = self.terms.most
        return self.driver_free <= self.now and (most is None or sum(map(len, self.runs)) < most)

    def _first_that_fits(self) -> tuple[int, int] | None:
        best: tuple[tuple[float, int], list[tuple[tuple[float, int], int]], int] | None = None
        for waiting in self.ready.values():
            if not waiting or (best is not None and best[0] <= waiting[0][0]):
                continue
            node = self.free.place_for(self.jobs[waiting[0][1]])
            if node is not None:
                best = (waiting[0][0], waiting, node)
        if best is None:
            return None
        return heapq.heappop(best[1])[1], best[2]

    def _begin(self, number: int, node: int) -> None:
        job, terms = self.jobs[number], self.terms
        begin = self.now + terms.dispatch_s
        there = begin
        if job.city in self.free.cities:
            if not self.free.cities[job.city][node]:
                self.free.cities[job.city][node] = True
                self.shipped_at[job.city, node] = begin + terms.ship_s[job.city]
            there = max(begin, self.shipped_at[job.city, node])
        self.free.take(node, job)
        self.runs[node].add(number)
        self.tries[number] += 1
        self.begins[number], self.places[number], self.waited[number] = begin, node, there - begin
        self._at(there + terms.overhead_s + job.seconds, _END, number, self.tries[number])

    def _ended(self, number: int, trial: int) -> None:
        node = self.places[number]
        if trial != self.tries[number] or number not in self.runs[node]:
            return  # it was lost with its node
        self.runs[node].remove(number)
        self.free.take(node, self.jobs[number], 1.0)
        self.ends[number] = self.now
        self.done += 1
        self.spent["work"] += self.jobs[number].seconds
        self.spent["overhead"] += self.terms.overhead_s
        self.spent["shipping"] += self.waited[number]
        for one in self.followers[number]:
            self.waits_for[one] -= 1
            if not self.waits_for[one]:
                self._wait(one)

    def _lost(self, node: int) -> None:
        """Take a node away; what ran there waits again, and its cities are gone."""
        self.losses += 1
        self.free.here[node] = False
        for number in sorted(self.runs[node]):
            self.free.take(node, self.jobs[number], 1.0)
            self.spent["lost"] += max(self.now - self.begins[number], 0.0)
            self._wait(number)
        self.runs[node].clear()
        for there in self.free.cities.values():
            there[node] = False
        self._at(self.now + self.terms.back_s, _BACK, node)

    def _back(self, node: int) -> None:
        self.free.here[node] = True
        if self.terms.lost_every_s is not None:
            self._at(self.now + float(self.luck[node].exponential(self.terms.lost_every_s)), _LOST, node)

    def timeline(self) -> Timeline:
        """Return what happened."""
        spent = self.spent
        return Timeline(
            tuple(self.begins),
            tuple(self.ends),
            tuple(self.places),
            spent["work"],
            spent["overhead"],
            spent["shipping"],
            spent["lost"],
            self.driver_s,
            self.losses,
        )
