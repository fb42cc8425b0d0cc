"""Small exams for UGE, whose answers are known: what a picture's graph holds is what its text says, and pictures tell nothing."""

from itertools import combinations

import numpy as np

from urbanbench.city.item_view import ItemView
from urbanbench.items import Exam, Item, Lesson, LocalGraph

PLACES = ("cafe", "park", "school", "church", "harbour", "market", "museum", "stadium")
ASKING = "Find what is said of this picture."


def draw_graph(words, *, seed=0, n_other=2):
    """A picture with a place for each word around it, and others that are joined with these alone."""
    rng = np.random.default_rng(seed)
    n = 1 + len(words) + n_other
    offset = np.vstack([[0.0, 0.0], rng.uniform(-300, 300, size=(n - 1, 2))])
    near = np.arange(1, 1 + len(words))
    far = np.arange(1 + len(words), n)
    source = np.concatenate([np.zeros(len(near), dtype=np.int64), near[far % len(near)]])
    target = np.concatenate([near, far])
    apart = offset[target] - offset[source]
    return LocalGraph(
        kind=np.array([4] + [0] * (n - 1), dtype=np.int8),
        text=("a place with a picture", *(f"a {word}" for word in words), *["a bench"] * n_other),
        offset_m=offset,
        hops=np.array([0] + [1] * len(near) + [2] * len(far)),
        source=source,
        target=target,
        relation=np.zeros(len(source), dtype=np.int8),
        distance_m=np.hypot(*apart.T),
        bearing=np.degrees(np.arctan2(*apart.T)) % 360.0,
    )


def planted_exam(city, n_lessons=64, n_asked=16):
    """Lessons and questions in which a graph of two places belongs to a text that names both."""
    pairs = list(combinations(PLACES, 2))
    chosen = [pairs[k % len(pairs)] for k in range(n_lessons + n_asked)]
    views = list(city.street_views.index[: n_lessons + n_asked])
    graphs = {f"g{k}": draw_graph(words, seed=k) for k, words in enumerate(chosen)}
    sides = [
        (
            Item(image=views[k], graph=f"g{k}", instruction=ASKING),
            Item(text=f"There is a {one}. There is a {other}."),
        )
        for k, (one, other) in enumerate(chosen)
    ]
    lessons = tuple(Lesson("caption", *pair) for pair in sides[:n_lessons])
    items = {
        f"{letter}{k:02d}": side
        for k, pair in enumerate(sides[n_lessons:])
        for letter, side in zip("qc", pair, strict=True)
    }
    items = dict(sorted(items.items()))
    told = {name: "query" if name[0] == "q" else "candidate" for name in items}
    return Exam(items, told, graphs, lessons)


def planted_view(city, inputs=("street_view", "graph"), **sizes):
    return ItemView(city, frozenset(inputs), exam=planted_exam(city, **sizes))
