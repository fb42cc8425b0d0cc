"""Fingerprints of what retrieval tasks ask of the generated city."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from fingerprint_book import Fingerprint, Numbers, summary, text_code
from fingerprint_cities import city

from urbanbench.registry import load_task
from urbanbench.registry.plugins import names
from urbanbench.retrieval_task import RetrievalTask

ALIKE = 5e-6


def task_fingerprints() -> Iterator[Fingerprint]:
    """The retrieval tasks that there are."""
    for name in names("task"):
        task = load_task(name)
        if isinstance(task, RetrievalTask):
            version = task.card.version
            yield Fingerprint("task", name, version, f"card.version of {name}", _maker(task), ALIKE)


def _maker(task: RetrievalTask):
    return lambda: _asked(task)


def _asked(task: RetrievalTask) -> Numbers:
    asked = task.targets(city())
    exam = asked.exam
    graphs = list(exam.graphs.values())
    said = {name: [item.text, item.image, item.graph, item.instruction] for name, item in exam.items.items()}
    taught = [[one.kind, one.anchor.text, one.anchor.image, one.positive.text] for one in exam.lessons]
    told = {
        "queries": len(asked),
        "items": text_code(sorted(said.items())),
        "right": text_code(asked.positive),
        "answers": text_code([*(asked.answers or ()), *(asked.likeness or ()), *(asked.groups or ())]),
        "lessons": text_code(taught),
        "graphs": text_code([word for graph in graphs for word in graph.text]),
    }
    found = {"words": {name: float(number) for name, number in told.items()}}
    if graphs:
        found["offsets"] = summary(np.concatenate([graph.offset_m for graph in graphs]))
    places = asked.query_xy[asked.placed] if asked.query_xy is not None else np.zeros((0, 2))
    return found | ({"places": summary(places)} if len(places) else {})
