"""Made-up questions of retrieval for tests: as many queries as candidates, anywhere on a square."""

import numpy as np

from urbanbench.items import Exam, Item
from urbanbench.scoring.retrieval.questions import Questions


def asked(n=40, pool=None, seed=0, side=2000.0, **columns):
    """Return n queries, the k-th of which has the k-th candidate for its right one, and positions of both."""
    pool = pool or n
    draw = np.random.default_rng(seed)
    queries, candidates = [f"q{k:05d}" for k in range(n)], [f"c{k:05d}" for k in range(pool)]
    items = {one: Item(text=f"question {one}") for one in queries}
    items |= {one: Item(text=f"answer {one}") for one in candidates}
    sides = dict.fromkeys(queries, "query") | dict.fromkeys(candidates, "candidate")
    xy = draw.uniform(0, side, size=(pool, 2))
    told = {"query_xy": xy[:n], "candidate_xy": xy} | columns
    return Questions(Exam(items, sides), tuple(queries), tuple(candidates[:n]), tuple(candidates), **told)
