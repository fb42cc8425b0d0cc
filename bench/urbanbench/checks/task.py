"""Conformance of a task on a city: its declaration, its targets, what it hides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.card import TaskCard
from urbanbench.checks.retrieval import check_questions
from urbanbench.city.folder.tags import tag_table
from urbanbench.errors import Conformance, UrbanbenchError
from urbanbench.inputs import INPUTS
from urbanbench.retrieval_task import RetrievalTask
from urbanbench.scoring.targets import Targets
from urbanbench.space import EmbeddingSpace
from urbanbench.task import Task

if TYPE_CHECKING:
    from urbanbench.city.city import City

__all__ = ["check_task"]


def check_task(task: Task | type[Task], city: City, *, held: Callable[[str], None] | None = None) -> None:
    """Check that a task keeps its contract on a city.

    The rules: the card is complete; targets are finite, of unique units, all of them in the city; the floor `mean` gets finite
    scores on the task's own split; what the task withholds cannot be seen through a view. Of a retrieval, those of
    `urbanbench.checks.retrieval.check_questions`.

    Parameters
    ----------
    task
        The task, or its class.
    city
        A city that has the task's label.
    held
        Called with a sentence for every rule that holds, as soon as it is known.

    Raises
    ------
    Conformance
        The first rule that is broken.
    RunRefused
        The city lacks the label.
    """
    built = task() if isinstance(task, type) else task
    name = type(built).__name__
    tell = held if held is not None else (lambda _rule: None)
    _check_card(name, built)
    tell("the card is complete")
    if isinstance(built, RetrievalTask):
        check_questions(name, built, city)
        tell("questions, candidates and what is withheld keep the contract")
        return
    targets = built.targets(city)
    _check_targets(name, built.card, targets, city)
    tell("targets are finite, of unique units of the city")
    _check_floor(name, built, targets)
    tell("the floor `mean` gets finite scores")
    _check_withheld(name, built.card, targets, city)
    tell("what is withheld cannot be seen")


def _check_card(name: str, task: Task) -> None:
    card = getattr(task, "card", None)
    if not isinstance(card, TaskCard):
        msg = f"{name} has no card. Expected a class attribute `card` of type TaskCard, got {type(card).__name__}. Mend: card = TaskCard(...)."
        raise Conformance(msg)
    asked = ("title", "question") if isinstance(task, RetrievalTask) else ("title", "question", "label")
    for field in asked:
        if not getattr(card, field):
            msg = f"The card of {name} has an empty {field!r}. Expected it filled in. Mend: TaskCard({field}=...)."
            raise Conformance(msg)
    if card.version < 1:
        msg = f"The card of {name} has version {card.version}. Expected 1 or more."
        raise Conformance(msg)


def _check_targets(name: str, card: TaskCard, targets: Any, city: City) -> None:
    if not isinstance(targets, Targets):
        msg = (
            f"{name}.targets returned {type(targets).__name__}. Expected urbanbench.scoring.targets.Targets."
        )
        raise Conformance(msg)
    if (targets.level, targets.kind) != (card.level, card.kind):
        msg = (
            f"{name}.targets does not fit its card. Expected {card.kind} targets of level {card.level}, "
            f"got {targets.kind} of level {targets.level}."
        )
        raise Conformance(msg)
    if targets.kind != "classification" and not np.isfinite(targets.values).all():
        msg = f"{name}.targets holds NaN or infinite values. Mend: leave units without a known value out."
        raise Conformance(msg)
    strange = sorted(set(targets.ids.tolist()) - set(city.unit_ids(card.level)))
    if strange or len(set(targets.ids.tolist())) != len(targets.ids):
        msg = f"{name}.targets has units that stand twice or are not in city {city.name!r} ({', '.join(strange[:3])}). Expected ids of its {card.level}s."
        raise Conformance(msg)


def _check_floor(name: str, task: Task, targets: Targets) -> None:
    """Score the floor `mean`: a constant column and the head that ignores it."""
    space = EmbeddingSpace(targets.level, targets.ids, np.ones((len(targets), 1), dtype=np.float32))
    protocol = replace(task.protocol, head="mean", seeds=task.protocol.seeds[:1])
    try:
        scores = task.evaluate(space, targets, protocol=protocol)
    except UrbanbenchError as error:
        msg = f"{name} cannot score the floor 'mean' ({error}). Expected finite metrics from any vectors."
        raise Conformance(msg) from error
    bad = [metric for metric, values in scores.per_seed.items() if not np.isfinite(values).all()]
    if bad or not scores.per_seed:
        msg = f"{name} gives the floor 'mean' no finite {', '.join(bad) or 'metric at all'}. Expected finite metrics on its own split {protocol.split!r}."
        raise Conformance(msg)


def _check_withheld(name: str, card: TaskCard, targets: Targets, city: City) -> None:
    ids = targets.ids.tolist() if card.level == "building" else []
    view = city.view(frozenset(INPUTS), card.withholds, ids)
    for layer, given in (("pois", "poi"), ("buildings", "polygon")):
        if "landuse" in card.withholds and view.has(given):
            _refuse(name, layer, "landuse", (tag_table(getattr(view, layer)["tags"]).key == "landuse").sum())
    if "target_building" in card.withholds and ids:
        _check_hidden_buildings(name, view, ids)


def _check_hidden_buildings(name: str, view: Any, ids: Sequence[str]) -> None:
    import shapely

    targets = view.buildings.loc[list(ids)]
    _refuse(name, "buildings", "target_building", len(tag_table(targets["tags"])))
    if view.has("poi"):
        points = np.asarray(view.pois.geometry)
        inside = shapely.STRtree(np.asarray(targets.geometry)).query(points, predicate="within")[0]
        _refuse(name, "pois", "target_building", len(np.unique(inside)))


def _refuse(name: str, layer: str, word: str, count: int) -> None:
    if count:
        msg = f"{name} withholds {word!r}, but {count} tags or places of it can be seen in view.{layer}. Expected none: they give the answer away."
        raise Conformance(msg)
