"""The other processes of several: they train what the first one says, and write and tell nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from urbanbench.run.embedding_here import embed_order
from urbanbench.run.order import resolve
from urbanbench.run.sources import distinct
from urbanbench.run.workbench import Workbench

if TYPE_CHECKING:
    from urbanbench.result import RunSpec
    from urbanbench.toolkit.training.session import Session

__all__ = ["follow"]


def follow(session: Session, specs: Iterable[RunSpec]) -> int:
    """Do what the first process says, and return the exit code that it ends with.

    Parameters
    ----------
    session
        The processes.
    specs
        The same cells as the first process has.

    Raises
    ------
    TrainedApart
        A training failed here alone, and the first process cannot be told.
    """
    os.environ["URBANBENCH_QUIET"] = "1"  # one bar is enough
    orders = distinct(map(resolve, specs))

    def train(run_id: str) -> None:
        embed_order(orders[run_id], bench)

    bench = Workbench(session.device)
    return session.follow(train)
