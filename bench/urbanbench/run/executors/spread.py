"""Cells spread over a grid: first one of each group that shares vectors, which makes them, then the others, which are brought them.

The rows are those of a local run, and this process alone writes them. A cell whose worker or node is lost is handed in again; how often is
bounded. A cell is handed in under its lock, so several commands may share a results folder.
"""

from __future__ import annotations

import heapq
import math
import time
from collections import deque
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from urbanbench.errors import NodeDiffers, UrbanbenchError
from urbanbench.progress import note
from urbanbench.result import OK, RunResult
from urbanbench.run.cell import marked, save
from urbanbench.run.executors.carrying import carried, put_down
from urbanbench.run.executors.contract import Work
from urbanbench.run.executors.errand import Answer
from urbanbench.run.executors.errands import Errands
from urbanbench.run.executors.grid import Grid, Lost, Ticket
from urbanbench.run.executors.homeward import row_of, said_in
from urbanbench.run.executors.lost import lost_row, not_tried
from urbanbench.run.order import Order
from urbanbench.run.planning.lengths import rank

__all__ = ["BLAMED_TRIES", "TRIES", "Spread"]

TRIES, BLAMED_TRIES = 30, 5
"""How often a cell is handed in whose workers or nodes are lost: a worker runs no plugin itself, so its end is hardly ever the cell's
fault; and how often where the process of the cell was killed, or memory ran out."""

_LOOK_S = 0.5
"""How often cells that another command has are looked at."""


@dataclass(eq=False)
class _Group:
    """Cells that share vectors: where they stand and when they are handed out, all, those that wait for them, whether one makes them now, whether they are made, and where they are."""

    number: int
    place: tuple[float, int] = (0.0, 0)
    orders: list[Order] = field(default_factory=list)
    waiting: deque[Order] = field(default_factory=deque)
    embeds: bool = False
    made: bool = False
    names: list[str] = field(default_factory=list)
    vectors: Any = None
    answered: bool = False


@dataclass(eq=False)
class _Flight:
    """A cell that was handed in, with its lock, its group and whether it is the one that makes vectors."""

    order: Order
    group: _Group
    embeds: bool
    lock: ExitStack
    kept: RunResult | None


class Spread:
    """One work on one grid.

    Parameters
    ----------
    work
        What is to be done.
    grid
        Where.
    errands
        Writes what is said to the nodes.
    """

    def __init__(self, work: Work, grid: Grid, errands: Errands) -> None:
        self._work, self._grid, self._errands = work, grid, errands
        self._done: dict[str, RunResult] = {}
        self._flying: dict[Ticket, _Flight] = {}
        self._heads: list[tuple[tuple[float, int], int, Order, _Group]] = []
        self._counted = count()
        self._elsewhere: list[tuple[Order, _Group]] = []
        self._losses: dict[str, list[bool]] = {}
        self._groups = self._grouped(work.orders)

    def _grouped(self, orders: Iterable[Order]) -> list[_Group]:
        """Put cells that share vectors together, what has the longest way to the end first."""
        groups: dict[tuple[object, ...], _Group] = {}
        for number, order in enumerate(orders):
            if order.passing:  # nothing of it is kept, so nothing is waited for
                self._wait_for_place(order, _Group(number, made=True))
            else:
                groups.setdefault(order.embedding_group, _Group(number)).orders.append(order)
        for group in groups.values():
            group.waiting.extend(group.orders)
            group.place = rank(self._work.lengths.way_s(group.orders)), group.number
        return sorted(groups.values(), key=lambda group: group.place)

    def _wait_for_place(self, order: Order, group: _Group, *, first: bool = False) -> None:
        """Let a cell whose vectors are there wait; one that was lost goes before all others."""
        before = -math.inf if first else rank(self._work.lengths.head_s(order))
        heapq.heappush(self._heads, ((before, group.number), next(self._counted), order, group))

    def run(self) -> dict[str, RunResult]:
        """Do the work; what was handed in is ended when this is left in the middle."""
        looked = 0.0
        try:
            while len(self._done) < len(self._work.orders):
                self._hand_in()
                for ticket in self._grid.wait(self._flying, _LOOK_S):
                    self._take(ticket)
                if self._elsewhere and time.monotonic() - looked > _LOOK_S:
                    looked = time.monotonic()
                    self._look_again()
        finally:
            self._grid.cancel(list(self._flying))
            for flight in self._flying.values():
                flight.lock.close()
        return self._done

    def _hand_in(self) -> None:
        """Hand in as much as the grid takes, what has the longest way to the end first: cells that make vectors, and those that have theirs."""
        groups = deque(one for one in self._groups if one.waiting and not one.embeds and not one.made)
        while groups or self._heads:
            heads_next = not groups or (bool(self._heads) and self._heads[0][0] < groups[0].place)
            if self._room(embeds=not heads_next):
                self._hand_in_next(groups, heads=heads_next)
            elif self._room(embeds=heads_next) and (groups if heads_next else self._heads):
                self._hand_in_next(groups, heads=not heads_next)
            else:
                return

    def _hand_in_next(self, groups: deque[_Group], *, heads: bool) -> None:
        if heads:
            *_, order, group = heapq.heappop(self._heads)
            self._try(order, group, embeds=False)
        else:
            group = groups.popleft()
            self._try(group.waiting.popleft(), group, embeds=True)

    def _room(self, *, embeds: bool) -> bool:
        mine, beside = self._in_flight(embeds=embeds), self._in_flight(embeds=not embeds)
        return mine < self._grid.most(embeds=embeds, beside=beside)

    def _in_flight(self, *, embeds: bool) -> int:
        return sum(flight.embeds == embeds for flight in self._flying.values())

    def _try(self, order: Order, group: _Group, *, embeds: bool) -> None:
        """Hand in a cell, unless another command has it or it is kept whatever it rests on."""
        group.embeds = group.embeds or embeds
        work, lock = self._work, ExitStack()
        if not lock.enter_context(work.store.lock(order.cell, wait=False)):
            self._elsewhere.append((order, group))
            return
        work.began(order)
        found = None if work.overwrite == "always" else work.store.find(order.cell)
        kept = found if found is not None and found.status == OK else None
        if kept is not None and work.overwrite == "never":
            self._tell(order, kept, new=False)
            self._land(group, lock, embeds=embeds)
            return
        if embeds and not group.names:
            self._bring(group)
        try:
            ticket = self._errands.hand_in(order, kept, group.names, group.vectors, embeds=embeds)
        except BaseException:
            lock.close()
            raise
        self._flying[ticket] = _Flight(order, group, embeds, lock, kept)

    def _bring(self, group: _Group) -> None:
        """Take vectors that this machine has, as from an earlier run."""
        names = self._errands.vectors_here(group.orders)
        piece = carried(names) if names else b""
        if piece:
            group.names, group.vectors = names, self._grid.put(piece)

    def _look_again(self) -> None:
        """Try cells again that another command had."""
        again, self._elsewhere = self._elsewhere, []
        for order, group in again:
            self._try(order, group, embeds=not group.made)

    def _take(self, ticket: Ticket) -> None:
        flight = self._flying.pop(ticket)
        try:
            answer, files = self._said(ticket)
        except Lost as lost:
            self._mourn(flight, lost)
            return
        except BaseException:
            flight.lock.close()
            raise
        for node, what in answer.arrived:
            note(f"{what} is on node {node} now.")
        order, group = flight.order, flight.group
        if flight.embeds and answer.new and not answer.reason:
            self._keep_vectors(ticket, group, list(answer.vectors))
        if answer.reason:
            self._tell(order, self._saved(lost_row(order, answer.reason)), new=True)
        elif not answer.new and flight.kept is not None:
            self._tell(order, marked(flight.kept, order, self._work.store), new=False)
        else:
            row = row_of(files, order, self._work.store)
            self._tell(order, self._saved(row), new=True)
        if answer.over_limit and not group.answered:
            self._give_up(group, answer.reason)
        group.answered = group.answered or not answer.reason
        self._land(group, flight.lock, embeds=flight.embeds)

    def _said(self, ticket: Ticket) -> tuple[Answer, dict[str, bytes]]:
        """Return what became of an errand; one whose process was killed is lost."""
        answer, files = said_in(self._grid.answer(ticket))
        if answer.differs:
            raise NodeDiffers(answer.differs)
        if answer.killed:
            raise Lost(answer.reason, blamed=True)
        return answer, files

    def _keep_vectors(self, ticket: Ticket, group: _Group, names: list[str]) -> None:
        """Fetch vectors, keep them in the cache here, and put them where every node finds them; lost ones are made again."""
        if names and set(names) <= set(group.names):
            group.made = True
            return
        try:
            piece = self._grid.vectors(ticket)
        except Lost:
            return
        if not piece:
            return
        try:
            put_down(piece)
        except UrbanbenchError as error:
            note(f"Vectors are not kept: {error}")
        group.made, group.names, group.vectors = True, names, self._grid.put(piece)

    def _saved(self, result: RunResult) -> RunResult:
        return save(result, self._work.store)

    def _tell(self, order: Order, result: RunResult, *, new: bool) -> None:
        self._done[order.cell.run_id] = result
        self._work.report(result, new)

    def _land(self, group: _Group, lock: ExitStack, *, embeds: bool) -> None:
        """Let the lock go; a group whose vectors are there goes on with all cells at once, any other with its next one."""
        lock.close()
        group.embeds = group.embeds and not embeds
        if group.made:
            for order in group.waiting:
                self._wait_for_place(order, group)
            group.waiting.clear()
        if group in self._groups and not group.waiting and not group.embeds:
            self._groups.remove(group)

    def _give_up(self, group: _Group, reason: str) -> None:
        """Save failed rows for the cells of a group whose first took more than a limit."""
        for order in group.waiting:
            with self._work.store.lock(order.cell):
                self._tell(order, self._saved(lost_row(order, not_tried(reason))), new=True)
        group.waiting.clear()

    def _mourn(self, flight: _Flight, lost: Lost) -> None:
        """Hand a cell in again whose worker was lost, or save the row that says why not."""
        order, group = flight.order, flight.group
        losses = self._losses.setdefault(order.cell.run_id, [])
        losses.append(lost.blamed)
        if len(losses) < TRIES and sum(losses) < BLAMED_TRIES:
            note(f"Handed in again: {order.cell} ({lost})")
            if flight.embeds:
                group.waiting.appendleft(order)
            else:
                self._wait_for_place(order, group, first=True)
        else:
            reason = str(lost) if lost.blamed else f"it was lost {len(losses)} times on its way: {lost}"
            self._tell(order, self._saved(lost_row(order, reason)), new=True)
        self._land(group, flight.lock, embeds=flight.embeds)
