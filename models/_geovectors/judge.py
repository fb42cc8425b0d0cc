"""The loss that gensim minimises, computed on the side for a few fixed samples: does the training learn?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Samples", "chance", "context_samples", "negative_sampling_loss"]


@dataclass(frozen=True, eq=False)
class Samples:
    """Words with their contexts, and noise drawn for them.

    Parameters
    ----------
    word
        int64 (b,): the words to be told from noise.
    sample, context
        int64 (c,): the context words, and the sample each belongs to.
    noise
        int64 (b, negative): words drawn in proportion to count^0.75 (word2vec).
    """

    word: np.ndarray
    sample: np.ndarray
    context: np.ndarray
    noise: np.ndarray


def chance(negative: int) -> float:
    """Return the loss of vectors that tell nothing: every probability is one half."""
    return float((1 + negative) * np.log(2))


def context_samples(
    sentences: Sequence[np.ndarray],
    counts: np.ndarray,
    *,
    window: int,
    negative: int,
    rng: np.random.Generator,
    pairs: bool = False,
) -> Samples:
    """Take every word of some sentences with its neighbours in the sentence, at most `window` before and after it.

    Parameters
    ----------
    sentences
        Word numbers, each int (length,) with at least two.
    counts
        How often each word occurs in training, (n_words,).
    window, negative
        As in training.
    rng
        Draws the noise.
    pairs
        Whether each neighbour is a sample of its own (skip-gram), instead of all neighbours of a word together (CBOW).
    """
    word, sample, context, first = [], [], [], 0
    for sentence in sentences:
        apart = np.abs(np.subtract.outer(np.arange(len(sentence)), np.arange(len(sentence))))
        centre, other = np.nonzero((apart > 0) & (apart <= window))
        word.append(sentence[centre] if pairs else sentence)
        sample.append(first + (np.arange(len(centre)) if pairs else centre))
        context.append(sentence[other])
        first += len(word[-1])
    words = np.concatenate(word)
    noise = _noise(counts, (len(words), negative), rng)
    return Samples(words, np.concatenate(sample), np.concatenate(context), noise)


def _noise(counts: np.ndarray, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Draw words in proportion to count^0.75."""
    share = np.cumsum(np.asarray(counts, dtype=np.float64) ** 0.75)
    drawn = np.searchsorted(share, rng.random(shape) * share[-1], side="right")
    return np.asarray(np.minimum(drawn, len(share) - 1))


def negative_sampling_loss(inputs: np.ndarray, outputs: np.ndarray, samples: Samples) -> float:
    """Return the mean of -ln p(h·o) - Σ ln p(-h·o') over samples: p is the logistic function, h the context's mean input vector.

    Source: Mikolov, Sutskever, Chen, Corrado, Dean: Distributed Representations of Words and Phrases (2013), Eq. 4.

    Parameters
    ----------
    inputs, outputs
        float (n_words, dim): vectors of words as context and as word.
    samples
        What to tell from noise.
    """
    n = len(samples.word)
    hidden = np.zeros((n, inputs.shape[1]))
    np.add.at(hidden, samples.sample, inputs[samples.context])
    hidden /= np.bincount(samples.sample, minlength=n)[:, None]
    right = np.einsum("bd,bd->b", hidden, outputs[samples.word])
    wrong = np.einsum("bd,bkd->bk", hidden, outputs[samples.noise])
    return float(np.mean(np.logaddexp(0, -right) + np.logaddexp(0, wrong).sum(axis=1)))
