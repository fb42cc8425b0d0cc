"""What lies around a picture in sentences: context captions, and ways that lead to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.asking.where import seen_from_above
from urbanbench.graph.captions import context_captions
from urbanbench.graph.tables import kind_code
from urbanbench.graph.walks import walk_from
from urbanbench.graph.words import fact, told_steps

if TYPE_CHECKING:
    from urbanbench.asking.ground import Ground

__all__ = ["Way", "caption_texts", "paths_to"]


def caption_texts(ground: Ground, chosen: np.ndarray) -> list[str]:
    """Write a sentence or several about what lies around pictures, without names, streets, districts and coordinates.

    Where the city has neither streets nor POIs it is what the captions of the region say; "" where there are none either.

    Parameters
    ----------
    ground, chosen
        The city, and pictures of it, int64 (m,).
    """
    if not ground.has_surroundings:
        above = seen_from_above(ground)
        texts = [f"A place that looks from above like this: {above[k]}" if above[k] else "" for k in chosen]
        return [ground.secrets.veil(one) for one in texts]
    told = context_captions(ground.graph, ground.rows[chosen], ground.plan)
    return [ground.secrets.veil(str(one["text"])) for one in told]


@dataclass(frozen=True)
class Way:
    """A way that ends at a picture.

    Parameters
    ----------
    text
        What is told of it.
    ends
        Pictures that it might end at as well: those to which the last place is joined by a step that is told in the same words, the picture itself too.
    """

    text: str
    ends: frozenset[int]


def paths_to(ground: Ground, chosen: np.ndarray, many: int) -> list[Sequence[Way]]:
    """Return ways that end at pictures, at most so many for each; none where the city has neither streets nor POIs.

    A way is a walk that began at the picture, told from its other end: its last step leads to the picture.
    """
    if not ground.has_surroundings:
        return [() for _ in chosen]
    plan = replace(ground.plan, paths=many)
    walks = walk_from(ground.graph, ground.rows[chosen], plan)
    # Step 2 e goes along edge e and step 2 e + 1 against it.
    return [[_way(ground, walk[::-1] ^ 1) for walk in some] for some in walks]


def _way(ground: Ground, steps: np.ndarray) -> Way:
    graph, last = ground.graph, int(steps[-1])
    others, _ = graph.steps.take(graph.step_to[[last ^ 1]])
    others = others[graph.nodes.kind[graph.step_to[others]] == kind_code("image")]
    told = fact(graph, last)["text"]
    alike = [step for step in others.tolist() if fact(graph, step)["text"] == told]
    ends = frozenset(ground.number.get(int(graph.step_to[step]), -1) for step in alike)
    return Way(ground.secrets.veil(str(told_steps(graph, steps)["text"])), ends)
