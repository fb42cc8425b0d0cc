"""The order in which leaks are looked for, and the short form that a run begins with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from urbanbench.city.changing.drawn import drawn_away
from urbanbench.inputs import INPUTS, LAYER_OF
from urbanbench.leaks.answers import answer_findings
from urbanbench.leaks.finding import Finding, sorted_findings
from urbanbench.leaks.sides import Distances, Splits, distances_of
from urbanbench.leaks.sources import source_findings
from urbanbench.leaks.twins import cell_findings, place_findings, twin_findings
from urbanbench.scoring.protocol import Protocol
from urbanbench.scoring.splits import make_splits

if TYPE_CHECKING:
    from urbanbench.card import TaskCard
    from urbanbench.city.city import City
    from urbanbench.scoring.targets import Targets

__all__ = ["LeakReport", "find_leaks", "first_look"]


@dataclass(frozen=True)
class LeakReport:
    """What was found of a task in a city.

    Parameters
    ----------
    findings
        The worst first; none where the task is clean.
    distances
        How far test units lie from training, for each split.
    """

    findings: tuple[Finding, ...]
    distances: tuple[Distances, ...]


def find_leaks(city: City, card: TaskCard, targets: Targets, splits: Splits) -> LeakReport:
    """Look for everything: reads the layers that hold the units and what models may see of them.

    Parameters
    ----------
    city, card, targets
        The city, the task's card and its labelled units in the order of their ids.
    splits
        The splits to look at.
    """
    inputs = frozenset(name for name in INPUTS if name not in LAYER_OF or LAYER_OF[name] in city.layers)
    hidden = targets.ids.tolist() if "target_building" in card.withholds else ()
    view = city.view(inputs - drawn_away(city, card.withholds), card.withholds, hidden)
    found = [
        *answer_findings(view, targets),
        *_of_sources(city, card, targets),
        *twin_findings(city, targets, splits),
        *cell_findings(targets, splits),
    ]
    return LeakReport(tuple(sorted_findings(found)), tuple(distances_of(targets, splits)))


def first_look(city: City, card: TaskCard, targets: Targets, seeds: Sequence[int]) -> list[Finding]:
    """Look for what the label alone tells, under the random split: cheap enough for every run."""
    protocol = Protocol("random", seeds=tuple(seeds))
    splits = {"random": make_splits(targets, protocol)}
    found = [
        *_of_sources(city, card, targets),
        *place_findings(targets, splits),
        *cell_findings(targets, splits),
    ]
    return sorted_findings(found)


def _of_sources(city: City, card: TaskCard, targets: Targets) -> list[Finding]:
    """Compare sources, unless the task withholds the labelled objects themselves."""
    if "target_building" in card.withholds and card.level == "building":
        return []
    return source_findings(city, card.label, INPUTS, len(targets))
