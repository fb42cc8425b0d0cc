"""Fingerprints of retrieval's scoring on made-up questions: candidate sets, and ranks with what is counted of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from fingerprint_book import Fingerprint, Numbers, summary, text_code
from fingerprint_scoring import wave

from urbanbench.items import Exam, Item
from urbanbench.scoring.retrieval.evaluate import evaluate
from urbanbench.scoring.retrieval.questions import Questions
from urbanbench.scoring.retrieval.sets import draw_sets
from urbanbench.scoring.retrieval.versions import DRAWING_VERSION, RANKING_VERSION
from urbanbench.space import EmbeddingSpace

PLACES, GROUPED = 130, 40
SEEDS = (0, 3)


def questions() -> Questions:
    """Ask 60 questions about places, and 40 about words in groups of their own."""
    places = [f"c{k:03d}" for k in range(PLACES)]
    words = [f"w{k:03d}" for k in range(GROUPED)]
    asked = [f"q{k:03d}" for k in range(100)]
    items = {one: Item(text=f"say {one}") for one in [*asked, *places, *words]}
    sides = {one: "query" if one in set(asked) else "candidate" for one in items}
    xy = 900.0 * wave(PLACES, 2, pace=0.61)
    none = np.full((GROUPED, 2), np.nan)
    return Questions(
        Exam(items, sides), tuple(asked), (*places[:60], *words), (*places, *words),
        likeness=tuple(["park", "shop", "", "home"][k % 4] for k in range(PLACES + GROUPED)),
        groups=(*["places"] * PLACES, *[f"words {k % 2}" for k in range(GROUPED)]),
        also_right={"q003": frozenset({"c100", "c101"})},
        query_xy=np.vstack([xy[:60], none]), candidate_xy=np.vstack([xy, none]),
    )  # fmt: skip


def retrieval_fingerprints() -> Iterator[Fingerprint]:
    """One of the candidate sets and one of the ranks."""
    raised = "scoring/retrieval/versions.py"
    yield Fingerprint("retrieval", "drawing", DRAWING_VERSION, f"DRAWING_VERSION in {raised}", _drawing, 1e-9)
    yield Fingerprint("retrieval", "ranking", RANKING_VERSION, f"RANKING_VERSION in {raised}", _ranking, 1e-6)


def _drawing() -> Numbers:
    return {
        f"sets of {one.size}": {"rows": text_code(one.rows.ravel()), "hard": text_code(one.hard)}
        for one in draw_sets(questions(), SEEDS)
    }


def _ranking() -> Numbers:
    """Rank vectors of which some are alike and some are missing."""
    asked = questions()
    vectors = np.round(wave(len(asked.ids), 6, pace=1.234)).astype(np.float32)
    covered = np.arange(len(vectors)) % 17 != 5
    vectors[~covered] = 0.0
    found = evaluate(EmbeddingSpace("item", asked.ids, vectors, covered), asked, SEEDS)
    ranks = found.predictions["predicted[rank]"]
    told = {
        "ranks": summary(ranks.astype(float)[:, None]),
        "first": {"code": text_code(found.predictions["first"])},
    }
    scores = {name: float(np.mean(numbers)) for name, numbers in found.per_seed.items()}
    return told | {
        "scores": scores,
        "chance": dict(found.section["chance"]),
        "oracle": dict(found.section["oracle"]),
    }
