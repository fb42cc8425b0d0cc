"""The tag model: vectors of the words in tags, trained on the city's own tags or read from a file, and their means per entity."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.hashing import array_digest, code_digest, value_digest
from urbanbench.models._geovectors.judge import chance, context_samples, negative_sampling_loss
from urbanbench.models._geovectors.pretrained import CITY, chosen_words, read_word_vectors
from urbanbench.models._geovectors.training import Corpus, KeptTraining, fixed_hash, gensim_seed, train
from urbanbench.seeds import generator
from urbanbench.seen import saw
from urbanbench.toolkit.kept.versions import learned_versions
from urbanbench.toolkit.training.stage_log import StageLog

if TYPE_CHECKING:
    from gensim.models import FastText

    from urbanbench.models._geovectors.entities import Words
    from urbanbench.models.geovectors import GeoVectors

__all__ = ["entity_tag_vectors", "train_words", "word_vectors"]

PARAMETERS = ("tag_dim", "tag_window", "tag_epochs", "negative", "buckets")
NGRAMS = (3, 6)
"""Shortest and longest part of a word that has a vector of its own."""

JUDGED = 500
"""Entities on whose tags the training is judged."""


def entity_tag_vectors(model: GeoVectors, words: Words, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the plain mean of each entity's word vectors.

    Returns
    -------
    vectors, known
        float32 (n, dim) and bool (n,); zeros and False for an entity without a word that has a vector.
    """
    table, has = word_vectors(model, words, seed)
    counts = words.counts(has)
    total = np.asarray(counts.sum(axis=1)).ravel()
    mean = (counts @ table) / np.maximum(total, 1)[:, None]
    return np.asarray(mean, dtype=np.float32), total > 0


def word_vectors(model: GeoVectors, words: Words, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a vector per word, float32 (n_words, dim), and which words have one, bool (n_words,)."""
    source = chosen_words(model.words)
    if source != CITY:
        return read_word_vectors(source, words.names)
    if not words.names:
        return np.zeros((0, model.tag_dim), dtype=np.float32), np.zeros(0, dtype=bool)
    saw("poi", np.unique(words.row), of=words.n)  # all are trained on
    key = value_digest(
        {
            "stage": "tags",
            "parameters": {name: model.parameters()[name] for name in PARAMETERS},
            "words": array_digest(np.array(words.names, dtype=object), words.row, words.code),
            "seed": seed,
            "code": code_digest(Path(__file__)),
            "packages": learned_versions(),
        }
    )
    kept = KeptTraining(key)
    table = kept.vectors(lambda: train_words(model, words, seed, kept.checkpoint))
    return table, np.ones(len(table), dtype=bool)


def train_words(
    model: GeoVectors, words: Words, seed: int, checkpoint: Path | None = None
) -> tuple[np.ndarray, StageLog]:
    """Train fastText (skip-gram with subwords) on entities as sentences; return vectors (n_words, tag_dim) and the log."""
    rng = generator(seed, "geovectors", "tags")
    sentences = words.sentences()
    ordered = [sentences[one] for one in rng.permutation(len(sentences))]
    counts = np.bincount(words.code, minlength=len(words.names))
    net = _network(model, words.names, counts, seed)
    place = np.array([net.wv.key_to_index[one] for one in words.names], dtype=np.int64)
    log = StageLog(
        "tags", 0, 0, own_chance=chance(model.negative), own_held_out_chance=chance(model.negative)
    )
    if ordered:
        samples = context_samples(
            ordered[:JUDGED], counts, window=model.tag_window, negative=model.negative, rng=rng, pairs=True
        )

        def check() -> float:
            return negative_sampling_loss(net.wv.vectors[place], net.syn1neg[place], samples)

        corpus = Corpus(ordered, words.names)
        train(net, corpus, log, check, epochs=model.tag_epochs, seed=seed, checkpoint=checkpoint)
    return np.asarray(net.wv.vectors[place], dtype=np.float32), log


def _network(model: GeoVectors, names: tuple[str, ...], counts: np.ndarray, seed: int) -> FastText:
    """Return an untrained fastText model of the words."""
    from gensim.models import FastText

    made = FastText(
        vector_size=model.tag_dim,
        window=model.tag_window,
        negative=model.negative,
        sg=1,
        min_n=NGRAMS[0],
        max_n=NGRAMS[1],
        bucket=model.buckets,
        min_count=1,
        sample=0,
        seed=gensim_seed(seed, "tags", "weights"),
        workers=1,
        hashfxn=fixed_hash,
    )
    made.build_vocab_from_freq(dict(zip(names, counts.tolist(), strict=True)))
    return made
