"""The location model: one vector per entity, from walks in the graph of near entities."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.hashing import array_digest, code_digest, value_digest
from urbanbench.models._geovectors.graph import (
    NearGraph,
    nearest_graph,
    sample_walks,
    sliding_graph,
    spatial_order,
)
from urbanbench.models._geovectors.judge import chance, context_samples, negative_sampling_loss
from urbanbench.models._geovectors.training import Corpus, KeptTraining, fixed_hash, gensim_seed, train
from urbanbench.seeds import generator
from urbanbench.toolkit.kept.versions import learned_versions
from urbanbench.toolkit.training.stage_log import StageLog

if TYPE_CHECKING:
    from gensim.models import Word2Vec

    from urbanbench.models.geovectors import GeoVectors

__all__ = ["chosen_nodes", "node_vectors", "train_nodes"]

PARAMETERS = ("graph", "neighbours", "walks", "walk_length", "location_dim", "window", "negative", "epochs")
HELD_OUT = 1000
"""Walks that are drawn beside those of the training, to judge it."""


def chosen_nodes(n: int, most: int | None, seed: int) -> np.ndarray:
    """Return the entities the location model is trained on, int64 rising: all, or a random sample where there are more than `most`."""
    if most is None or n <= most:
        return np.arange(n)
    return np.sort(generator(seed, "geovectors", "nodes").choice(n, size=most, replace=False))


def node_vectors(model: GeoVectors, xy: np.ndarray, seed: int) -> np.ndarray:
    """Return a vector for each entity, float32 (n, location_dim), trained now or before.

    Parameters
    ----------
    model
        Its parameters.
    xy
        float64 (n, 2): metres; fewer than two entities have nothing between them and give zeros.
    seed
        Seed of walks and training.
    """
    if len(xy) < 2:
        return np.zeros((0, model.location_dim), dtype=np.float32)
    key = value_digest(
        {
            "stage": "location",
            "parameters": {name: model.parameters()[name] for name in PARAMETERS},
            "places": array_digest(xy),
            "seed": seed,
            "code": code_digest(Path(__file__)),
            "packages": learned_versions(),
        }
    )
    kept = KeptTraining(key)
    return kept.vectors(lambda: train_nodes(model, xy, seed, kept.checkpoint))


def train_nodes(
    model: GeoVectors, xy: np.ndarray, seed: int, checkpoint: Path | None = None
) -> tuple[np.ndarray, StageLog]:
    """Build the graph, draw walks and train CBOW on them; return vectors (n, location_dim) and the log."""
    build = nearest_graph if model.graph == "nearest" else sliding_graph
    order = spatial_order(xy)
    graph = build(xy[order], model.neighbours)
    walks = sample_walks(graph, per_node=model.walks, length=model.walk_length, seed=seed)
    counts = np.bincount(walks[walks >= 0], minlength=len(xy))
    net = _network(model, counts, seed)
    place = np.array([net.wv.key_to_index[node] for node in range(len(xy))], dtype=np.int64)
    samples = context_samples(
        _held_out(graph, model, seed),
        counts,
        window=model.window,
        negative=model.negative,
        rng=generator(seed, "geovectors", "location", "noise"),
    )
    log = StageLog(
        "location", 0, 0, own_chance=chance(model.negative), own_held_out_chance=chance(model.negative)
    )

    def check() -> float:
        return negative_sampling_loss(net.wv.vectors[place], net.syn1neg[place], samples)

    train(net, Corpus(walks), log, check, epochs=model.epochs, seed=seed, checkpoint=checkpoint)
    vectors = np.empty((len(xy), model.location_dim), dtype=np.float32)
    vectors[order] = net.wv.vectors[place]
    return vectors, log


def _network(model: GeoVectors, counts: np.ndarray, seed: int) -> Word2Vec:
    """Return an untrained CBOW model whose words are the entities' numbers."""
    from gensim.models import Word2Vec

    made = Word2Vec(
        vector_size=model.location_dim,
        window=model.window,
        negative=model.negative,
        sg=0,
        min_count=1,
        seed=gensim_seed(seed, "location", "weights"),
        workers=1,
        hashfxn=fixed_hash,
    )
    made.build_vocab_from_freq(dict(enumerate(counts.tolist())))
    return made


def _held_out(graph: NearGraph, model: GeoVectors, seed: int) -> list[np.ndarray]:
    """Draw walks of the same kind that are no part of the training."""
    drawn = sample_walks(graph, per_node=1, length=model.walk_length, seed=seed, purpose="held-out")[
        :HELD_OUT
    ]
    return [one[one >= 0] for one in drawn if (one >= 0).sum() > 1]
