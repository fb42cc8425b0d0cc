"""A city in blocks of whole regions: what a training step keeps stays small in large cities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch.utils.checkpoint import checkpoint

from urbanbench.models._hgi.segments import Segments

MOST_POIS = 32_768
"""POIs of a block, unless a single region has more: so many that 64 numbers of each fit a processor's cache."""

BLOCKS_KEPT = 64
"""With more blocks, what a block needs for its gradient is computed again, some tenths more time, instead of kept, 3 MB per 1,000 POIs; the POIs' vectors are kept in any case."""


@dataclass(frozen=True, eq=False)
class Block:
    """Some regions in a row.

    Parameters
    ----------
    pois
        Rows of their POIs.
    regions
        Rows of the regions.
    segments
        Runs of the POIs by region.
    """

    pois: slice
    regions: slice
    segments: Segments


def region_blocks(sizes: np.ndarray, device: str) -> tuple[Block, ...]:
    """Cut regions with `sizes` POIs, int64 (g,), into blocks of about 32,768 POIs."""
    end = np.cumsum(sizes)
    begin = end - sizes
    cuts = np.append(np.unique(begin // MOST_POIS, return_index=True)[1], len(sizes))
    return tuple(
        Block(
            slice(int(begin[first]), int(end[last - 1])),
            slice(first, last),
            Segments(sizes[first:last], device),
        )
        for first, last in pairwise(cuts.tolist())
    )


def forgetful(blocks: Sequence[Block], work: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function for one block that keeps nothing for the gradient but computes it again; as it is for up to 64 blocks."""

    def worked(*given: Any) -> Any:
        if len(blocks) <= BLOCKS_KEPT or not torch.is_grad_enabled():
            return work(*given)
        return checkpoint(work, *given, use_reentrant=False, preserve_rng_state=False)

    return worked
