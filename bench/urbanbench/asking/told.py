"""What lies around a picture in sentences: context captions, and ways that lead to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.asking.where import seen_from_above
from urbanbench.graph.captions import context_captions
from urbanbench.graph.walks import walk_from
from urbanbench.graph.words import told_steps

if TYPE_CHECKING:
    from urbanbench.asking.ground import Ground

__all__ = ["caption_texts", "path_texts"]


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


def path_texts(ground: Ground, chosen: np.ndarray, many: int) -> list[Sequence[str]]:
    """Write ways that end at pictures, at most so many for each; none where the city has neither streets nor POIs.

    A way is a walk that began at the picture, told from its other end: its last step leads to the picture.
    """
    if not ground.has_surroundings:
        return [() for _ in chosen]
    plan = replace(ground.plan, paths=many)
    walks = walk_from(ground.graph, ground.rows[chosen], plan)
    return [[_told(ground, walk) for walk in some] for some in walks]


def _told(ground: Ground, walk: np.ndarray) -> str:
    # Step 2 e goes along edge e and step 2 e + 1 against it.
    return ground.secrets.veil(str(told_steps(ground.graph, walk[::-1] ^ 1)["text"]))
