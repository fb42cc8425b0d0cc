"""Conformance of a retrieval task on a city: its declaration, its questions, and what vectors without any knowledge score."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.city.folder.format import UNIT_LAYER
from urbanbench.errors import BadInput, Conformance, quoted
from urbanbench.scoring.retrieval.questions import Questions
from urbanbench.seeds import generator
from urbanbench.space import EmbeddingSpace

if TYPE_CHECKING:
    from urbanbench.city.city import City
    from urbanbench.items import Item
    from urbanbench.retrieval_task import RetrievalTask
    from urbanbench.scoring.evaluate import Scores

__all__ = ["check_questions"]

_SEEDS = tuple(range(5))
_SIGMAS = 6.0


def check_questions(name: str, task: RetrievalTask, city: City) -> None:
    """Check the questions of a retrieval task.

    The rules: the same city gives the same questions twice; items of each side consist of what the card names, and their pictures are there; no picture of a
    query, or of a candidate, is one of a lesson, and none was taken where one was; no text that asks and no graph tells what the card's `leaks` name; vectors that are all alike have no hit, and random ones score
    what lots do.

    Raises
    ------
    Conformance
        The first rule that is broken.
    RunRefused
        The city lacks what the task is made of.
    """
    questions = task.targets(city)
    if task.targets(city).digest() != questions.digest():
        msg = f"{name}.questions gave other questions for the same city the second time. Expected the same. Mend: draw by urbanbench.seeds.generator with a fixed seed."
        raise Conformance(msg)
    _check_items(name, task, questions)
    _check_pictures(name, questions, city)
    _check_leaks(name, task, questions, city)
    _check_levels(name, task, questions)


def _check_items(name: str, task: RetrievalTask, questions: Questions) -> None:
    """Look for items that consist of something else than the card says."""
    exam = questions.exam
    for side, parts in (("query", task.card.query), ("candidate", task.card.candidates)):
        for one, item in exam.items.items():
            strange = set(item.modalities) - set(parts) if exam.sides[one] == side else set()
            if strange:
                msg = f"{name}.questions has a {side} {one!r} with {' and '.join(sorted(strange))}. Expected {' or '.join(parts)}, which its card names. Mend: name it in the card, or leave it out."
                raise Conformance(msg)
    unused = sorted(set(exam.items) - {*questions.queries, *questions.pool})
    if unused:
        msg = f"{name}.questions shows {len(unused)} items that are neither asked nor chosen from ({quoted(unused)}). Expected none."
        raise Conformance(msg)


def _check_pictures(name: str, questions: Questions, city: City) -> None:
    """Look for pictures that are not there, and for those of the exam among lessons."""
    exam = questions.exam
    lessons = [side for one in exam.lessons for side in (one.anchor, one.positive)]
    asked, learned = _views(questions, list(exam.items.values())), _views(questions, lessons)
    if not asked and not learned:
        return
    frame = getattr(city, UNIT_LAYER["street_view"])
    absent = sorted((asked | learned) - set(frame.index))
    if absent:
        msg = f"{name}.questions names {len(absent)} pictures that {city.name!r} does not have ({quoted(absent)}). Expected ids of its street views."
        raise Conformance(msg)
    both = sorted(asked & learned)
    if both:
        msg = f"{name}.questions asks about {len(both)} pictures that stand in lessons, too ({quoted(both)}). Expected lessons from another part of the city."
        raise Conformance(msg)
    places = {
        side: {(round(one.x, 2), round(one.y, 2)) for one in frame.loc[sorted(views)].geometry}
        for side, views in (("asked", asked), ("learned", learned))
    }
    if shared := places["asked"] & places["learned"]:
        msg = f"{name}.questions asks about pictures taken at {len(shared)} places where pictures of lessons were taken. Expected whole blocks on one side: neighbours show the same."
        raise Conformance(msg)


def _check_leaks(name: str, task: RetrievalTask, questions: Questions, city: City) -> None:
    """Look for names, streets, districts and coordinates where the card says that there are none."""
    from urbanbench.asking.secrets import Secrets, told_secrets
    from urbanbench.graph.build import build_graph

    if not {"pois", "roads", "street_views"} & set(city.layers):
        return
    told = told_secrets(questions.exam, Secrets(build_graph(city)), task.card.leaks)
    if told:
        msg = f"{name}.questions tells what its card says that nobody is told, {len(told)} times: {told[0]}. Expected no {', '.join(task.card.leaks)}. Mend: urbanbench.asking.secrets.Secrets(graph).veil(text)."
        raise Conformance(msg)


def _views(questions: Questions, items: list[Item]) -> set[str]:
    keys = questions.exam.pictures
    return {keys.get(one.image, one.image) for one in items if one.image}


def _check_levels(name: str, task: RetrievalTask, questions: Questions) -> None:
    """Score vectors that know nothing."""
    n, ids = len(questions.ids), questions.ids
    try:
        same = _scores(task, questions, np.ones((n, 4), dtype=np.float32))
        noise = generator(0, "check", "retrieval").standard_normal((n, 64), dtype=np.float32)
        drawn = _scores(task, questions, noise)
    except BadInput as error:
        msg = f"{name} cannot be scored on {len(ids)} items ({error})."
        raise Conformance(msg) from error
    if any(same.per_seed["hit@1"]):
        msg = f"{name} gives hits to vectors that are all alike. Expected none: ties count against the model."
        raise Conformance(msg)
    main, chance = questions.main_metric, same.section["chance"]
    expected, found = chance[main], float(np.mean(drawn.per_seed[main]))
    spread = np.sqrt(max(expected * (1 - expected), 1e-4) / len(questions))
    if abs(found - expected) > _SIGMAS * spread:
        msg = f"{name} gives random vectors {main} {found:.3f} where lots score {expected:.3f}. Expected the same within chance. Mend: look for queries that are right candidates of many."
        raise Conformance(msg)


def _scores(task: RetrievalTask, questions: Questions, vectors: np.ndarray) -> Scores:
    space: Any = EmbeddingSpace("item", questions.ids, vectors)
    return task.evaluate(space, questions, protocol=replace(task.protocol, seeds=_SEEDS))
