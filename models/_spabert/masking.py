"""Which tokens of a sentence are hidden: single tokens, or all tokens of some entities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from urbanbench.models._spabert.sentences import Batch

ENTITY_SHARE = 0.5
"""Share of sentences in which whole entities are hidden."""


def draw_masks(
    batch: Batch, rng: np.random.Generator, *, share: float = 0.15, shifted: bool = False
) -> np.ndarray:
    """Draw what is replaced by [MASK], bool (b, l).

    A coin decides for each sentence between single tokens and whole entities, the pivot among them; either is hidden with
    probability `share`. Special tokens are not hidden. In a batch in which nothing is drawn, one pivot's first token is.

    Parameters
    ----------
    batch
        Sentences.
    rng
        Source of randomness.
    share
        Probability in [0, 1].
    shifted
        Move whole-entity masks one token to the left, as the authors' code does: they then hide [CLS] or a separator, and not
        an entity's last token.
    """
    named = batch.entity >= 0
    slots = int(batch.entity.max(initial=0)) + 1
    by_entity = rng.random(len(batch)) < ENTITY_SHARE
    drawn = rng.random((len(batch), slots)) < share
    whole = named & np.take_along_axis(drawn, np.maximum(batch.entity, 0), axis=1)
    if shifted:
        whole = np.concatenate([whole[:, 1:], np.zeros((len(batch), 1), dtype=bool)], axis=1)
    single = named & (rng.random(batch.token.shape) < share)
    masks = np.where(by_entity[:, None], whole, single)
    if not masks.any():
        masks[0, 1] = True
    return np.asarray(masks)
