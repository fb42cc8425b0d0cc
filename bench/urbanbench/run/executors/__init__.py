"""Executors: where cells are done. `contract` is what all keep, `here` and `processes` are the two ways of this machine, `local` chooses between them."""

from __future__ import annotations

from urbanbench.run.executors.contract import Executor, Progress, Work, unheard
from urbanbench.run.executors.local import Local

__all__ = ["Executor", "Local", "Progress", "Work", "unheard"]
