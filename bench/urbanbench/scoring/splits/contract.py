"""The contract of a rung: a card for people, and a cutter that gives every unit its side."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from urbanbench.seeds import generator

if TYPE_CHECKING:
    import numpy as np

    from urbanbench.scoring.protocol import Protocol
    from urbanbench.scoring.targets import Targets

__all__ = ["LEAST_TRAIN", "LEFT_OUT", "TEST", "TRAIN", "VAL", "Cut", "Facts", "Rung", "SplitInfo"]

TRAIN, VAL, TEST, LEFT_OUT = 0, 1, 2, -1
"""Sides of a unit."""

LEAST_TRAIN = 20
"""Fewest training units with which a rung that leaves units out is still a question about vectors."""

Facts = Mapping[str, float | int | str]
"""What a split says of itself, JSON-like."""


@dataclass(frozen=True)
class SplitInfo:
    """Name card of a split.

    Parameters
    ----------
    name
        Name on the command line.
    summary
        One line.
    version
        Raised whenever the same targets and seed give other sides; results of an earlier version are computed again.
    argument
        What may stand behind the name and a colon: "COLUMN" or "METRES"; "" for nothing.
    blocks
        Whether it cuts along square blocks, so that a block size may be asked for.
    shots
        Whether a number of units may stand behind the name and a plus, which the test side gives to training.
    """

    name: str
    summary: str
    version: int = 1
    argument: str = ""
    blocks: bool = False
    shots: bool = False


@dataclass(frozen=True, eq=False)
class Cut:
    """What a rung does to the units for one seed.

    Parameters
    ----------
    side
        int64 (n,): `TRAIN`, `VAL`, `TEST` or `LEFT_OUT`.
    atoms
        int64 (n,): numbers of what was not cut: units, parcels, blocks, groups or clusters.
    facts
        What is worth telling of it.
    """

    side: np.ndarray
    atoms: np.ndarray
    facts: Facts = field(default_factory=dict)


class Rung(ABC):
    """One way to hold units out, bound to the units of a task; what does not depend on the seed is done when it is made.

    A rung reads the targets and the protocol, never a model, so everybody is tested on the same units.

    Parameters
    ----------
    targets
        The labelled units.
    protocol
        Its fractions and block size count.
    argument
        What stood behind the colon of the word; "" for nothing.
    """

    info: ClassVar[SplitInfo]
    least_train: ClassVar[int] = 1

    @abstractmethod
    def __init__(self, targets: Targets, protocol: Protocol, argument: str = "") -> None:
        """Prepare what all seeds share.

        Raises
        ------
        BadInput
            These units cannot be cut so.
        """

    @classmethod
    def generator(cls, seed: int, *purpose: str) -> np.random.Generator:
        """Return a fresh generator of a seed; each purpose has its own."""
        return generator(seed, "split", cls.info.name, *purpose)

    @abstractmethod
    def cut(self, seed: int) -> Cut:
        """Cut the units for a seed, with nothing random but what `generator` gives: the same seed gives the same sides.

        Raises
        ------
        BadInput
            This seed leaves too little.
        """
