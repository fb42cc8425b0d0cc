"""From sentences to vectors of their pivots, kept in the cache folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from urbanbench.hashing import array_digest, code_digest, value_digest
from urbanbench.models._spabert.net import pivot_means, read_batch
from urbanbench.progress import tracking
from urbanbench.toolkit.kept.feature_store import cached_features, encoder_digest

if TYPE_CHECKING:
    from urbanbench.models._spabert.net import SpatialBert
    from urbanbench.models._spabert.sentences import Sentences

TOKENS_AT_ONCE = 8192

HASHED_AT_ONCE = 4096
"""Sentences that are written at once to be hashed."""


def pivot_vectors(net: SpatialBert, sentences: Sentences, rows: np.ndarray, device: str) -> np.ndarray:
    """Return the vectors of some pivots, float32 (n, dim), from the cache where the same net has read the same sentences before.

    Parameters
    ----------
    net
        In eval mode.
    sentences
        One per pivot.
    rows
        int64 (n,): pivots.
    device
        Where the net is.
    """
    reader = [encoder_digest(net, device), net.bert.config.to_json_string(), code_digest(Path(__file__))]
    return cached_features(
        "sentences",
        value_digest(reader),
        _digest(sentences, rows),
        lambda: read_sentences(net, sentences, rows, device),
    )


@torch.inference_mode()
def read_sentences(net: SpatialBert, sentences: Sentences, rows: np.ndarray, device: str) -> np.ndarray:
    """Return the same without the cache. Sentences of similar length are read together, so little is spent on padding."""
    vectors = np.empty((len(rows), net.dim), dtype=np.float32)
    lengths = sentences.lengths()[rows]
    order = np.argsort(lengths, kind="stable")
    with tracking(f"encode {len(rows)} sentences", len(rows)) as bar:
        for part in _parts(order, lengths[order]):
            batch = sentences.take(rows[part])
            hidden = read_batch(net, batch, torch.from_numpy(batch.token), device)
            entity = torch.from_numpy(batch.entity).to(device)
            vectors[part] = pivot_means(hidden, entity).float().cpu().numpy()
            bar.advance(len(part))
    return vectors


def _digest(sentences: Sentences, rows: np.ndarray) -> str:
    """Hash what the sentences of some pivots say, and their order."""
    cuts = range(0, len(rows), HASHED_AT_ONCE)
    written = (sentences.take(rows[cut : cut + HASHED_AT_ONCE]) for cut in cuts)
    return value_digest([array_digest(one.token, one.offset, one.entity, one.seen) for one in written])


def _parts(order: np.ndarray, lengths: np.ndarray) -> list[np.ndarray]:
    """Cut rows, sorted by length, so that no part has more than about `TOKENS_AT_ONCE` tokens."""
    part = np.cumsum(lengths) // TOKENS_AT_ONCE
    return np.split(order, np.flatnonzero(np.diff(part)) + 1) if len(order) else []
