"""What numba compiles of regression trees; all in one file, for numba's cache on disk does not follow changes across files.

Draws of columns, the order in which numbers are added, ties, thresholds and the order of nodes are those of scikit-learn (after ``sklearn.tree`` and
``sklearn.utils._sorting``, BSD-3-Clause), so that it does not matter to a score whether numba is installed. Arrays go from function to function one by one and with
offsets: a tuple or a slice of them costs more than most nodes of a tree.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit

__all__ = ["SAME", "answer", "grow"]

SAME = np.float32(1e-7)
"""Values no farther apart are one value to scikit-learn's trees."""

_Work = TypeVar("_Work", bound=Callable[..., Any])


def _compiled(work: _Work) -> _Work:
    return cast("_Work", njit(nogil=True, cache=True, error_model="numpy")(work))


_TINY = np.finfo(np.float64).eps
_A, _B, _C, _RANGE = np.uint32(13), np.uint32(17), np.uint32(5), np.uint32(2**31)
_DEALT, _ONE, _NONE, _TOP = np.uint64(0x03F79D71B4CB0A89), np.uint64(1), np.uint64(0), np.uint64(58)
_WORD, _IN_WORD = np.uint32(6), np.uint32(63)
_SMALL, _FEW = 15, 12


def _places() -> np.ndarray:
    """Return which of 64 bits is set, by the top six bits of its product with a de Bruijn number (Leiserson, Prokop and Randall 1998)."""
    places = np.zeros(64, np.uint64)
    for bit in range(64):
        places[((int(_DEALT) << bit) % 2**64) >> 58] = bit
    return places


_PLACES = _places()


@_compiled
def grow(  # noqa: PLR0912, PLR0915 - what is carried over from node to node would have to travel in tuples
    order: Any,
    rank: Any,
    value: Any,
    tied: Any,
    apart: Any,
    y: Any,
    w: Any,
    wy: Any,
    looked_at: int,
    state: Any,
    column: Any,
    threshold: Any,
    children: Any,
    said: Any,
) -> int:
    """Grow depth first, left before right, write the nodes and return their number; arguments as in `_compiled_trees`."""
    dim, n = order.shape
    rows, values = np.flatnonzero(w).astype(np.int32), np.empty(n, np.float32)
    drawn, constant, whole = np.arange(dim), np.empty(dim, np.int64), w.sum()
    words, inside = np.zeros((n + 63) // 64, np.uint64), np.zeros(n, np.uint8)
    room, other, sums, masses = (
        np.empty(n + 1, np.int32),
        np.empty(n + 1, np.float32),
        np.empty(n),
        np.empty(n),
    )
    spans, spreads = np.empty((2 * n + 1, 5), np.int64), np.empty(2 * n + 1)
    spans[0, 0], spans[0, 1], spans[0, 2], spans[0, 3], spans[0, 4] = 0, len(rows), -1, 0, 0
    waiting, nodes = 1, 0
    while waiting:
        waiting -= 1
        first, end, parent = spans[waiting, 0], spans[waiting, 1], spans[waiting, 2]
        known, spread = spans[waiting, 4], spreads[waiting]
        total, squares, mass = _totals(rows, first, end, y, w, wy)
        if nodes == 0:
            spread = _spread(squares, total, mass)
        else:
            children[parent, spans[waiting, 3]] = nodes
        node = nodes
        nodes += 1
        column[node], said[node] = -1, total / mass
        if end - first < 2 or spread <= _TINY:
            continue
        wide = 3 * (end - first) > n
        if wide:
            _mark(inside, rows, first, end, 1)
        best, cut, asked, limit = -np.inf, end, 0, 0.0
        left, seen, found, skipped, constants = dim, 0, 0, 0, known
        while left > constants and (seen < looked_at or seen <= found + skipped):
            seen += 1
            state ^= np.uint32(state << _A)
            state ^= np.uint32(state >> _B)
            state ^= np.uint32(state << _C)
            at = skipped + np.int64(np.uint32(state % _RANGE)) % (left - found - skipped)
            if at < known:
                drawn[skipped], drawn[at] = drawn[at], drawn[skipped]
                skipped += 1
                continue
            at += found
            here = drawn[at]
            if tied[here] or end - first <= _FEW:
                _sort(rank, value, here, rows, values, first, end)
            elif wide:
                _walk(order, value, here, inside, rows, values, first, end, room, other)
            else:
                _read_bits(order, rank, value, here, words, rows, values, first, end)
            if values[end - 1] <= values[first] + SAME:
                drawn[at], drawn[constants] = drawn[constants], drawn[at]
                found += 1
                constants += 1
                continue
            left -= 1
            drawn[left], drawn[at] = drawn[at], drawn[left]
            if apart[here] or _all_apart(values, first, end):
                best, place = _cut_anywhere(rows, first, end, w, wy, total, mass, best, sums, masses)
            else:
                best, place = _cut_between(rows, values, first, end, w, wy, total, mass, best)
            if place >= 0:
                cut, asked = place, here
                limit = np.float64(values[place - 1]) / 2.0 + np.float64(values[place]) / 2.0
        if wide:
            _mark(inside, rows, first, end, 0)
        for at in range(known):
            drawn[at] = constant[at]
        for at in range(known, constants):
            constant[at] = drawn[at]
        if cut == end:
            continue
        _divide(rank, value, asked, limit, rows, first, end)
        have, have_mass = _carried(rows, first, cut, end, 0.0, 0.0, w, wy, total, mass)
        low = 0.0
        for at in range(first, cut):
            low += wy[rows[at]] * y[rows[at]]
        yes, no = _spread(low, have, have_mass), _spread(squares - low, total - have, mass - have_mass)
        gain = mass / whole * (spread - (mass - have_mass) / mass * no - have_mass / mass * yes)
        if gain + _TINY < 0.0:
            continue
        column[node], threshold[node] = asked, limit
        for start, stop, side, its in ((cut, end, 1, no), (first, cut, 0, yes)):
            spans[waiting, 0], spans[waiting, 1], spans[waiting, 2] = start, stop, node
            spans[waiting, 3], spans[waiting, 4], spreads[waiting] = side, constants, its
            waiting += 1
    return nodes


@_compiled
def answer(rows: Any, column: Any, threshold: Any, children: Any, said: Any, found: Any) -> None:
    """Write a tree's answers for rows float32 (m, dim) into `found` (m,)."""
    for at in range(len(rows)):
        node = 0
        while column[node] >= 0:
            node = children[node, 0 if np.float64(rows[at, column[node]]) <= threshold[node] else 1]
        found[at] = said[node]


@_compiled
def _totals(rows: Any, first: int, end: int, y: Any, w: Any, wy: Any) -> tuple[float, float, float]:
    """Return the sum, the sum of squares and the weight of a node."""
    total, squares, mass = 0.0, 0.0, 0.0
    for at in range(first, end):
        row = rows[at]
        total += wy[row]
        squares += wy[row] * y[row]
        mass += w[row]
    return total, squares, mass


@_compiled
def _spread(squares: float, total: float, mass: float) -> float:
    mean = total / mass
    return squares / mass - mean * mean


@_compiled
def _mark(inside: Any, rows: Any, first: int, end: int, flag: int) -> None:
    for at in range(first, end):
        inside[rows[at]] = flag


@_compiled
def _walk(
    order: Any,
    value: Any,
    here: int,
    inside: Any,
    rows: Any,
    values: Any,
    first: int,
    end: int,
    room: Any,
    other: Any,
) -> None:
    """Put a large node's rows, which all differ, in the order of a column by walking over all of its places; no comparison, no branch."""
    at = 0
    for place in range(order.shape[1]):
        row = order[here, place]
        room[at], other[at] = row, value[here, place]
        at += inside[row]
    for at in range(end - first):
        rows[first + at], values[first + at] = room[at], other[at]


@_compiled
def _read_bits(
    order: Any, rank: Any, value: Any, here: int, words: Any, rows: Any, values: Any, first: int, end: int
) -> None:
    """Do the same for a smaller node by setting a bit at each row's place and reading the bits in turn."""
    for at in range(first, end):
        place = np.uint32(rank[here, rows[at]])
        words[place >> _WORD] |= _ONE << np.uint64(place & _IN_WORD)
    at = first
    for word in range(len(words)):
        bits = words[word]
        words[word] = _NONE
        while bits != _NONE:
            lowest = bits & (~bits + _ONE)
            place = np.uint64(word << 6) + _PLACES[(lowest * _DEALT) >> _TOP]
            rows[at], values[at] = order[here, place], value[here, place]
            at += 1
            bits ^= lowest


@_compiled
def _all_apart(values: Any, first: int, end: int) -> bool:
    near = False
    for at in range(first, end - 1):
        near |= values[at + 1] <= values[at] + SAME
    return not near


@_compiled
def _cut_anywhere(
    rows: Any,
    first: int,
    end: int,
    w: Any,
    wy: Any,
    total: float,
    mass: float,
    best: float,
    sums: Any,
    masses: Any,
) -> tuple[float, int]:
    """Return the better of `best` and the best cut between any two neighbours, and its place or -1."""
    have, have_mass, found, last = 0.0, 0.0, -1, end - first - 1
    for at in range(last):
        row = np.uint32(rows[first + at])
        have += wy[row]
        have_mass += w[row]
        sums[at], masses[at] = have, have_mass
    for at in range(last):
        rest = total - sums[at]
        sums[at] = sums[at] * sums[at] / masses[at] + rest * rest / (mass - masses[at])
    for at in range(last):
        if sums[at] > best:
            best, found = sums[at], first + at + 1
    return best, found


@_compiled
def _cut_between(
    rows: Any, values: Any, first: int, end: int, w: Any, wy: Any, total: float, mass: float, best: float
) -> tuple[float, int]:
    """Do the same where only values that differ may be parted."""
    have, have_mass, found, at, behind = 0.0, 0.0, -1, first, first
    while True:
        at += 1
        while at < end and values[at] <= values[at - 1] + SAME:
            at += 1
        if at >= end:
            return best, found
        have, have_mass = _carried(rows, behind, at, end, have, have_mass, w, wy, total, mass)
        behind = at
        rest = total - have
        worth = have * have / have_mass + rest * rest / (mass - have_mass)
        if worth > best:
            best, found = worth, at


@_compiled
def _carried(
    rows: Any,
    behind: int,
    at: int,
    end: int,
    have: float,
    have_mass: float,
    w: Any,
    wy: Any,
    total: float,
    mass: float,
) -> tuple[float, float]:
    """Return sum and weight left of a place, from those at an earlier place or, where that is nearer, from the end."""
    if at - behind <= end - at:
        for one in range(behind, at):
            have += wy[rows[one]]
            have_mass += w[rows[one]]
        return have, have_mass
    have, have_mass = total, mass
    for one in range(end - 1, at - 1, -1):
        have -= wy[rows[one]]
        have_mass -= w[rows[one]]
    return have, have_mass


@_compiled
def _divide(rank: Any, value: Any, asked: int, limit: float, rows: Any, first: int, end: int) -> None:
    """Put rows at or below a threshold first, by swapping the others with the end."""
    while first < end:
        if np.float64(value[asked, rank[asked, rows[first]]]) <= limit:
            first += 1
        else:
            end -= 1
            rows[first], rows[end] = rows[end], rows[first]


@_compiled
def _sort(rank: Any, value: Any, here: int, rows: Any, values: Any, first: int, end: int) -> None:
    """Put rows in the order of a column as scikit-learn's sort does, which decides the order of equal ones."""
    for at in range(first, end):
        values[at] = value[here, rank[here, rows[at]]]
    if end - first <= _SMALL:
        _insert(values, rows, first, end - first)
    else:
        _introsort(values, rows, first, end - first, 2 * int(math.log2(end - first)))


@_compiled
def _introsort(values: Any, rows: Any, first: int, count: int, depth: int) -> None:
    while count > _SMALL:
        if depth <= 0:
            _heapsort(values, rows, first, count)
            return
        depth -= 1
        pivot = _median(values[first], values[first + count // 2], values[first + count - 1])
        at, below, above = 0, 0, count
        while at < above:
            one = values[first + at]
            if one < pivot:
                _swap(values, rows, first + at, first + below)
                at += 1
                below += 1
            elif one > pivot:
                above -= 1
                _swap(values, rows, first + at, first + above)
            else:
                at += 1
        _introsort(values, rows, first, below, depth)
        first += above
        count -= above
    _insert(values, rows, first, count)


@_compiled
def _median(one: float, two: float, three: float) -> float:
    if one < two:
        if two < three:
            return two
        return max(one, three)
    if two < three:
        return min(one, three)
    return two


@_compiled
def _insert(values: Any, rows: Any, first: int, count: int) -> None:
    for here in range(first + 1, first + count):
        one, row, place = values[here], rows[here], here
        while place > first and values[place - 1] > one:
            values[place], rows[place] = values[place - 1], rows[place - 1]
            place -= 1
        values[place], rows[place] = one, row


@_compiled
def _heapsort(values: Any, rows: Any, first: int, count: int) -> None:
    for root in range((count - 2) // 2, -1, -1):
        _sift(values, rows, first, root, count)
    for end in range(count - 1, 0, -1):
        _swap(values, rows, first, first + end)
        _sift(values, rows, first, 0, end)


@_compiled
def _sift(values: Any, rows: Any, first: int, root: int, end: int) -> None:
    while True:
        child, largest = root * 2 + 1, root
        if child < end and values[first + largest] < values[first + child]:
            largest = child
        if child + 1 < end and values[first + largest] < values[first + child + 1]:
            largest = child + 1
        if largest == root:
            return
        _swap(values, rows, first + root, first + largest)
        root = largest


@_compiled
def _swap(values: Any, rows: Any, one: int, other: int) -> None:
    values[one], values[other] = values[other], values[one]
    rows[one], rows[other] = rows[other], rows[one]
