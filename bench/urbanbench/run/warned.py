"""A first look for leaks at the start of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from urbanbench.errors import UrbanbenchError
from urbanbench.leaks.walk import first_look
from urbanbench.parity.contract import DEFAULT
from urbanbench.registry import is_foreign, load_task
from urbanbench.task import labelled_targets

if TYPE_CHECKING:
    from urbanbench.city.city import City
    from urbanbench.result import RunSpec

__all__ = ["leak_warnings"]


def leak_warnings(specs: Sequence[RunSpec], cities: Mapping[str, City]) -> list[str]:
    """Return a line for each city and task in which something is found at first look; tasks of elsewhere are not looked at.

    Parameters
    ----------
    specs
        The cells of a run.
    cities
        What `urbanbench.run.plan.open_cities` gave.
    """
    asked = {
        (one.city, one.task): one.seeds for one in specs if one.protocol == DEFAULT and one.city in cities
    }
    lines = []
    for (city, task), seeds in asked.items():
        if is_foreign("task", task):
            continue
        found = load_task(task, city)
        try:
            targets = labelled_targets(found, cities[city])
            findings = first_look(cities[city], found.card, targets, seeds)
        except UrbanbenchError:  # its cells say why
            continue
        if findings:
            first = findings[0]
            more = f", and {len(findings) - 1} more" if len(findings) > 1 else ""
            lines.append(
                f"Leaks in {city} · {task}: {first.severity}, {first.check}: {first.told}{more}. See: urbanbench data leaks {city} -t {task}"
            )
    return lines
