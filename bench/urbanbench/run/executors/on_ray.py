"""Cells done on a Ray cluster."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from urbanbench.result import RunResult
from urbanbench.run.executors.contract import Work
from urbanbench.run.executors.errands import Errands
from urbanbench.run.executors.here import Here
from urbanbench.run.executors.local import does_not_load
from urbanbench.run.executors.ray_cluster import Needs, RayGrid, joined
from urbanbench.run.executors.spread import Spread
from urbanbench.run.order import Order

__all__ = ["OnRay"]


@dataclass(frozen=True)
class OnRay:
    """A Ray cluster; nodes need the same urbanbench and no file of this machine.

    Parameters
    ----------
    address
        "" for a cluster on this machine; else "auto", HOST:PORT or ``ray://HOST:PORT``.
    needs
        What a job takes.
    jobs
        Most jobs at once; None for as many as keep the cluster busy.
    """

    address: str = ""
    needs: Needs = field(default_factory=Needs)
    jobs: int | None = None

    def run(self, work: Work) -> dict[str, RunResult]:
        """Do the work; see `urbanbench.run.executors.contract.Executor`.

        Raises
        ------
        ExtraMissing, DataMissing, BadInput
            Ray is not installed; no cluster answers; jobs do not fit into this machine.
        NodeDiffers
            A node has other code or packages.
        """
        stay = [order for order in work.orders if _stays(order)]
        done = Here().run(replace(work, orders=stay)) if stay else {}
        rest = replace(work, orders=[order for order in work.orders if not _stays(order)])
        if not rest.orders:
            return done
        cores = (self.jobs or 0) * self.needs.cores
        with (
            tempfile.TemporaryDirectory(prefix="urbanbench-") as folder,
            joined(self.address, cores) as ours,
        ):
            grid = RayGrid(self.needs, work.device, jobs=self.jobs, fixed=ours)
            errands = Errands(rest, grid, Path(folder), cores=self.needs.cores)
            return done | Spread(rest, grid, errands).run()


def _stays(order: Order) -> bool:
    """Tell whether a cell cannot travel: its plugin does not load, or is a class of this session."""
    return does_not_load(order) or order.lives_here
