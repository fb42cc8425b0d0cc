"""Runs: from words to results. `walk` reads as the story of one run, `plan` makes cells, `loop` does many, by an executor."""

from __future__ import annotations

from urbanbench.run.loop import OVERWRITE, run
from urbanbench.run.order import Order, resolve
from urbanbench.run.plan import Plan, open_cities, plan, with_floors
from urbanbench.run.walk import execute
from urbanbench.run.workbench import Workbench

__all__ = [
    "OVERWRITE",
    "Order",
    "Plan",
    "Workbench",
    "execute",
    "open_cities",
    "plan",
    "resolve",
    "run",
    "with_floors",
]
