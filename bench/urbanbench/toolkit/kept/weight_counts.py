"""How many weights a model trains, and how many of frozen encoders it loads."""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

__all__ = ["WeightCounts", "counting_weights", "counts_elsewhere", "loads_weights", "trains_weights"]


class _Shaped(Protocol):
    """A tensor or an array."""

    @property
    def shape(self) -> Any:
        """Its sides."""


class _Network(Protocol):
    """A torch module."""

    def parameters(self) -> Iterator[_Shaped]:
        """Its weights."""


Net = TypeVar("Net", bound=_Network)


@dataclass
class WeightCounts:
    """Numbers in the weights that were trained or loaded inside a block; what is named several times counts once, trained before loaded."""

    trained: dict[int, int] = field(default_factory=dict)
    loaded: dict[int, int] = field(default_factory=dict)
    _names: dict[int, tuple[weakref.ref[Any], int]] = field(default_factory=dict)
    _given: int = 0

    def name(self, weights: _Shaped) -> int:
        """Return the number by which weights are known: the same for the same object, and never that of one that is gone."""
        known = self._names.get(id(weights))
        if known is None or known[0]() is not weights:
            self._given += 1
            known = self._names[id(weights)] = (weakref.ref(weights), self._given)
        return known[1]

    def to_record(self) -> dict[str, int]:
        """Return what a result keeps: {"trained": …, "frozen": …}."""
        frozen = {name: size for name, size in self.loaded.items() if name not in self.trained}
        return {"trained": sum(self.trained.values()), "frozen": sum(frozen.values())}


_open: ContextVar[WeightCounts | None] = ContextVar("weights in use", default=None)


@contextmanager
def counting_weights() -> Iterator[WeightCounts]:
    """Count the weights that are trained or loaded inside the block.

    Examples
    --------
    >>> import numpy as np
    >>> table = np.zeros((3, 4))
    >>> with counting_weights() as counts:
    ...     trains_weights([table])
    ...     trains_weights([table, np.zeros(5)])
    >>> counts.to_record()
    {'trained': 17, 'frozen': 0}
    """
    counts = WeightCounts()
    token = _open.set(counts)
    try:
        yield counts
    finally:
        _open.reset(token)


def counts_elsewhere(record: Mapping[str, int]) -> None:
    """Add what was counted in another process: a record as `WeightCounts.to_record` gives it."""
    counts = _open.get()
    if counts is not None:
        for kind, of in (("trained", counts.trained), ("frozen", counts.loaded)):
            counts._given += 1  # noqa: SLF001 - of this module
            of[counts._given] = int(record[kind])  # noqa: SLF001 - same


def trains_weights(weights: Iterable[_Shaped]) -> None:
    """Say which tensors or arrays are trained; the training functions do it themselves."""
    counts = _open.get()
    if counts is not None:
        counts.trained |= {counts.name(one): math.prod(one.shape) for one in weights}


def loads_weights(net: Net) -> Net:
    """Say that a network was loaded whose weights come from elsewhere or stay as they are drawn, and return it."""
    counts = _open.get()
    if counts is not None:
        counts.loaded |= {counts.name(one): math.prod(one.shape) for one in net.parameters()}
    return net
