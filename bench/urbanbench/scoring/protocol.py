"""Protocol: how a task is scored, as data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from urbanbench.errors import BadInput

__all__ = ["Protocol"]


@dataclass(frozen=True)
class Protocol:
    """Split, head and seeds of an evaluation.

    Parameters
    ----------
    split
        A name in `urbanbench.scoring.splits.SPLITS`, or ``file:PATH``; looked up where the splits are made.
    head
        A name in `urbanbench.scoring.heads.HEADS`; looked up where the head is fitted.
    seeds
        One split and one head fit per seed.
    block_size_m
        Side of the square blocks of the block split in metres; None: from the label's autocorrelation range.
    fractions
        Shares of units in (train, validation, test), adding up to 1. None: 60/20/20 for regression and composition,
        50/25/25 for classes.

    Raises
    ------
    BadInput
        No seeds or repeated ones, a block size that is not positive, fractions that are not three positive shares.
    """

    split: str = "random"
    head: str = "mlp"
    seeds: tuple[int, ...] = tuple(range(10))
    block_size_m: float | None = None
    fractions: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "seeds", tuple(int(seed) for seed in self.seeds))
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            msg = f"The protocol has seeds {self.seeds}. Expected at least one seed, each once."
            raise BadInput(msg)
        if self.block_size_m is not None and not 0 < self.block_size_m < float("inf"):
            msg = f"The protocol has block_size_m {self.block_size_m}. Expected metres > 0, or None for the autocorrelation range."
            raise BadInput(msg)
        if self.fractions is not None:
            _check_fractions(self.fractions)

    def to_dict(self) -> dict[str, Any]:
        """Return the protocol as a JSON-like dict."""
        return {name: list(part) if isinstance(part, tuple) else part for name, part in asdict(self).items()}


def _check_fractions(fractions: tuple[float, float, float]) -> None:
    if len(fractions) != 3 or min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-6:
        msg = f"The protocol has fractions {fractions}. Expected three positive shares (train, validation, test) that add up to 1."
        raise BadInput(msg)
