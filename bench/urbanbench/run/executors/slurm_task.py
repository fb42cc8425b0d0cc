"""What a task of a SLURM array does: cells of its portion, as this machine does cells, into the results folder that all share."""

from __future__ import annotations

import json
import os
from pathlib import Path

from urbanbench.apart import Keeping, Limits, plugins_apart
from urbanbench.result import RunResult
from urbanbench.run.executors.contract import Work
from urbanbench.run.executors.errand import spec_from
from urbanbench.run.executors.journal import Journal
from urbanbench.run.executors.local import Local
from urbanbench.run.executors.sameness import difference
from urbanbench.run.order import resolve
from urbanbench.store import ResultStore

__all__ = ["portion"]


def portion(text: str) -> str:
    """Do a portion of cells and return "done"; how it goes is in its journal.

    Parameters
    ----------
    text
        JSON: specs, cwd, environment, store, journal, overwrite, device, keeping, limits and code.
    """
    told = json.loads(text)
    journal = Journal(Path(told["journal"]))
    differs = difference(told["code"])
    if differs:
        journal.add({"differs": differs})
        return "done"
    os.chdir(told["cwd"])
    os.environ.update(told["environment"])
    done = {line["run_id"] for line in journal.news()}  # where the scheduler itself has begun the task again

    def report(result: RunResult, new: bool) -> None:
        row = result.to_dict() if result.unsaved else None
        journal.add({"run_id": result.run_id, "new": new, "row": row, "unsaved": result.unsaved})

    foreign, all_cells, own = told["keeping"]
    limits = Limits(*told["limits"])
    with plugins_apart(Keeping(foreign, all_cells, limits, own)):
        orders = [
            order for order in map(resolve, map(spec_from, told["specs"])) if order.cell.run_id not in done
        ]
        store = ResultStore(Path(told["store"]))
        Local().run(Work(orders, store, told["overwrite"], told["device"], limits, report))
    return "done"
