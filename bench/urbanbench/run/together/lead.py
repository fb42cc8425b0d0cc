"""The first of several processes: it does the cells, and calls the others for every training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from urbanbench.apart import keeping
from urbanbench.errors import BadInput, TrainedApart
from urbanbench.run.executors import Local, Work
from urbanbench.run.workbench import Workbench

if TYPE_CHECKING:
    from urbanbench.cache import EmbeddingKey
    from urbanbench.city.view import View
    from urbanbench.result import RunResult
    from urbanbench.run.executors.choosing import Place
    from urbanbench.run.learning import School
    from urbanbench.run.order import Order
    from urbanbench.space import EmbeddingSpace
    from urbanbench.toolkit.training.session import Session
    from urbanbench.units import Units

__all__ = ["Leading", "check_alone"]


class Leading:
    """An executor: cells are done here, and trainings with all processes of a session.

    Heads, floors and plugins that are kept apart are the first process's alone.

    Parameters
    ----------
    session
        The processes.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def run(self, work: Work) -> dict[str, RunResult]:
        """Do the work; see `urbanbench.run.executors.Executor`.

        Raises
        ------
        TrainedApart
            A training failed in one process, and another could not be told; what is done is kept.
        """

        def report(result: RunResult, new: bool) -> None:
            work.report(result, new)
            if self._session.apart:
                raise TrainedApart(self._session.apart)

        bench = _LeadingBench(work.device, session=self._session)
        return Local(1, bench).run(replace(work, report=report))


class _LeadingBench(Workbench):
    """A workbench whose trainings are shared."""

    def __init__(self, device: str, *, session: Session) -> None:
        super().__init__(device)
        self._session = session

    def embedding(
        self, order: Order, view: View, units: Units, key: EmbeddingKey, school: School | None = None
    ) -> tuple[EmbeddingSpace, Mapping[str, Any], bool]:
        """See `Workbench.embedding`; the others are called where vectors may have to be trained."""
        made = super().embedding
        alone = order.foreign or order.passing or not order.model.card.seeded
        if alone or self.cache is None or self.has(key) or self.cache.holds(key.digest):
            return made(order, view, units, key, school)
        return self._session.lead(order.cell.run_id, lambda: made(order, view, units, key, school))


def check_alone(place: Place) -> None:
    """Refuse what cannot be done together.

    Raises
    ------
    BadInput
        Several jobs, another executor, or cells that run in processes of their own.
    """
    if place.executor != "local":
        msg = f"--executor {place.executor} is given to processes that train together. Expected --executor local: they do the cells themselves."
        raise BadInput(msg)
    if place.jobs > 1:
        msg = f"--jobs {place.jobs} is given to processes that train together. Expected --jobs 1: one cell after the other is done by all of them."
        raise BadInput(msg)
    if keeping().all_cells:
        msg = "--isolate, --time-limit or --memory-limit is given to processes that train together. Expected none: a cell of its own process trains alone."
        raise BadInput(msg)
