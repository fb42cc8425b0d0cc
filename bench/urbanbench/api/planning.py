"""From what is asked to cells: models, tasks and cities expanded, the rungs of the ladder, the floors beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from urbanbench.errors import BadInput

if TYPE_CHECKING:
    from urbanbench.result import RunSpec
    from urbanbench.run.plan import Plan

__all__ = ["cells", "planned"]


def planned(
    models: Sequence[str], tasks: Sequence[str], cities: Sequence[str], heads: Iterable[str], **more: Any
) -> Plan:
    """Expand words into a plan.

    Parameters
    ----------
    models, tasks, cities, heads
        Names, paths, comma lists, globs and group words.
    **more
        The other parts of `urbanbench.run.plan.Plan`, as it has them.

    Raises
    ------
    UnknownName, DataMissing, PluginBroken
        What is named does not exist or does not load.
    BadInput
        No model or no task.
    """
    from urbanbench.registry import expand, expand_cities, expand_heads, expand_labels
    from urbanbench.run.plan import Plan

    found = expand_cities(cities)
    return Plan(
        models=_some("model", expand("model", models)),
        tasks=expand_labels(_some("task", expand("task", tasks)), found),
        cities=found,
        heads=expand_heads(heads),
        **more,
    )


def _some(kind: str, names: list[str]) -> list[str]:
    if not names:
        msg = f"No {kind} given. Expected a name; see `urbanbench list {kind}s`."
        raise BadInput(msg)
    return names


def cells(asked: Iterable[Plan], *, floors: bool) -> tuple[list[RunSpec], list[str]]:
    """Return the cells of plans, with the floors beside them where they are wanted, and what is to be said before they run.

    Raises
    ------
    DataMissing, CityFaults
        A city that cannot be opened.
    """
    from urbanbench.run.finished import reports
    from urbanbench.run.ladder import with_rungs
    from urbanbench.run.plan import open_cities, plan, with_floors
    from urbanbench.run.warned import leak_warnings

    specs = [spec for one in asked for spec in plan(one)]
    cities = open_cities(specs)
    specs, left_out = with_rungs(specs, cities)
    notes = [*left_out, *reports(specs, cities), *leak_warnings(specs, cities)]
    return (with_floors(specs, cities) if floors else specs), notes
