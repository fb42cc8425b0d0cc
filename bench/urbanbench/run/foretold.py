"""Foretold: what is said of hours before they are spent, and which cells are refused because no limit of theirs can be kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from urbanbench.errors import RunRefused, UrbanbenchError
from urbanbench.progress import note, span
from urbanbench.result import REFUSED, RunResult
from urbanbench.run.cell import save
from urbanbench.run.embedding_here import key_here
from urbanbench.run.planning.costs import BY_SIZE, ELSEWHERE, OTHERWISE, SAME
from urbanbench.run.walk import without_scores
from urbanbench.run.workbench import Workbench

if TYPE_CHECKING:
    from urbanbench.run.executors.contract import Work
    from urbanbench.run.order import Order
    from urbanbench.run.planning.lengths import Lengths

__all__ = ["HOPELESS", "LONG_S", "tell_long", "without_hopeless"]

LONG_S = 3600.0
"""Vectors that take longer are told of before a run begins."""

HOPELESS = 4.0
"""Vectors that never took less than so many times their limit on such a machine are refused; threads and other programs seldom change as much."""

_NAMED = 4
"""How many are named."""
_WORDS = {
    SAME: "as before",
    OTHERWISE: "going by rows with other settings",
    ELSEWHERE: "as in another city",
    BY_SIZE: BY_SIZE,
}


def tell_long(orders: Iterable[Order], lengths: Lengths) -> None:
    """Say which vectors take more than an hour, as far as earlier rows tell."""
    told = []
    for group in _groups(orders):
        found = lengths.vectors(group[0])
        if found is not None and found.seconds >= LONG_S and lengths.embed_s(group):
            told.append(
                f"{_name(group[0])}: about {span(found.seconds)} on a {_PROCESSOR[lengths.device]}, {_WORDS[found.basis]}{_sooner(group[0], lengths.device)}."
            )
    told = list(dict.fromkeys(told))
    for line in told[:_NAMED]:
        note(line)
    if len(told) > _NAMED:
        note(f"And {len(told) - _NAMED} more that take over an hour; --dry-run tells all.")


def without_hopeless(work: Work, do: Callable[[Work], dict[str, RunResult]]) -> dict[str, RunResult]:
    """Save refused rows of cells that cannot keep the time limit, and let the others be done."""
    reasons = _hopeless(work)
    done = {}
    for order in work.orders:
        if order.cell.run_id in reasons:
            work.began(order)
            row = without_scores(order, REFUSED, RunRefused(reasons[order.cell.run_id]))
            with work.store.lock(order.cell):
                done[order.cell.run_id] = save(row, work.store)
            work.report(done[order.cell.run_id], True)
    rest = [order for order in work.orders if order.cell.run_id not in reasons]
    return done | (do(replace(work, orders=rest)) if rest or not reasons else {})


def _hopeless(work: Work) -> dict[str, str]:
    """Return the run ids of cells whose vectors always took far longer than they may now, with the reason."""
    limit = work.limits.seconds
    if limit is None:
        return {}
    found: dict[str, str] = {}
    bench = Workbench(work.device)
    for group in _groups(work.orders):
        least = work.lengths.least_here(group[0])
        if least is not None and least >= HOPELESS * limit and _from_nothing(group, work.lengths, bench):
            reason = (
                f"{_name(group[0])} took at least {span(least)} on a machine like this one, with these settings, whenever it was made. "
                f"Expected what ends within the time limit of {span(limit)}. Mend: --time-limit {least * 1.5:.0f}{_sooner(group[0], work.device)}"
            )
            found |= {order.cell.run_id: reason for order in group if not work.lengths.done(order)}
    return found


def _from_nothing(group: Sequence[Order], lengths: Lengths, bench: Workbench) -> bool:
    """Tell whether vectors have to be made, and no stopped training has begun them: it would go on from there."""
    if not lengths.embed_s(group) or bench.cache is None:
        return False
    try:
        digest = key_here(group[0].spec, bench).digest
    except UrbanbenchError:  # why there is none, the cell's row will say
        return False
    return not (bench.cache.holds(digest) or (bench.cache.folder.parent / "training" / digest).is_dir())


def _groups(orders: Iterable[Order]) -> list[list[Order]]:
    """Put cells together that share vectors of a learned model which this process may ask for its key."""
    found: dict[tuple[object, ...], list[Order]] = {}
    for order in orders:
        if not (order.model.card.floor or order.passing or order.foreign or order.cell.train_city):
            found.setdefault(order.embedding_group, []).append(order)
    return list(found.values())


_PROCESSOR = {"cpu": "processor", "cuda": "GPU"}


def _name(order: Order) -> str:
    return f"{order.cell.model}{f' ({order.cell.preset})' if order.cell.preset else ''} in {order.cell.city}"


def _sooner(order: Order, device: str) -> str:
    """Say what may be sooner; "" where nothing is known that may."""
    ways = ["a GPU"] if device == "cpu" else []
    ways += ["--preset quick"] if "quick" in order.model.presets and order.cell.preset != "quick" else []
    return f"; may be sooner: {' or '.join(ways)}" if ways else ""
