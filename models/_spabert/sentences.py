"""Pseudo-sentences: a pivot's name, then the names of its neighbours, the nearest first, each token with its distance from the pivot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from urbanbench.models._spabert.entities import Entities
from urbanbench.models._spabert.words import Words
from urbanbench.toolkit.ground.neighbours import nearest_centres

STEP_M = 11.1
"""Metres that count as 1: the length of 0.0001 degrees of latitude."""

NOBODY = -2


@dataclass(frozen=True)
class Form:
    """How sentences are written.

    Parameters
    ----------
    neighbours
        Most neighbours in a sentence.
    max_tokens
        Most tokens, [CLS] and the closing [SEP] among them; at least 3.
    separators
        Whether a [SEP] stands between entities.
    fill
        Distance, in both axes, of tokens that belong to no entity.
    """

    neighbours: int = 20
    max_tokens: int = 300
    separators: bool = True
    fill: float = 20.0


@dataclass(frozen=True, eq=False)
class Batch:
    """b sentences, padded to the longest, l tokens.

    Parameters
    ----------
    token
        int64 (b, l).
    offset
        float32 (b, l, 2): east and north from the pivot, in steps of `STEP_M`.
    entity
        int64 (b, l): which entity of the sentence a token belongs to, 0 the pivot, -1 for special tokens.
    seen
        bool (b, l): what attention reaches: all but [CLS], the closing [SEP] and padding.
    """

    token: np.ndarray
    offset: np.ndarray
    entity: np.ndarray
    seen: np.ndarray

    def __len__(self) -> int:
        return len(self.token)

    def part(self, rows: slice) -> Batch:
        """Return some of the sentences, at the same length."""
        return Batch(self.token[rows], self.offset[rows], self.entity[rows], self.seen[rows])


@dataclass(frozen=True, eq=False)
class Sentences:
    """One sentence per pivot, written when asked for.

    Parameters
    ----------
    words
        Tokens of all strings.
    xy, name
        float64 (n, 2), metres, and int64 (n,): place and string of every entity.
    pivot_xy, pivot_name
        The same of the pivots, (p, 2) and (p,).
    neighbour
        int64 (p, k): entities near each pivot, the nearest first, -1 where there is none.
    form
        How they are written.
    """

    words: Words
    xy: np.ndarray
    name: np.ndarray
    pivot_xy: np.ndarray
    pivot_name: np.ndarray
    neighbour: np.ndarray
    form: Form

    def __len__(self) -> int:
        return len(self.pivot_name)

    def take(self, rows: np.ndarray) -> Batch:
        """Write the sentences of some pivots, int64 (b,)."""
        near = self.neighbour[rows]
        names = np.column_stack([self.pivot_name[rows], np.where(near >= 0, self.name[near], -1)])
        offsets = np.zeros((len(rows), names.shape[1], 2), dtype=np.float32)
        offsets[:, 1:] = (self.xy[near] - self.pivot_xy[rows][:, None]) / STEP_M
        return write_sentences(self.words, names, offsets, self.form)

    def lengths(self) -> np.ndarray:
        """Return about how many tokens each sentence has, int64 (p,)."""
        sizes = self.words.tokens.sizes
        near = np.where(self.neighbour >= 0, sizes[self.name[self.neighbour]] + self.form.separators, 0)
        return np.asarray(np.minimum(sizes[self.pivot_name] + near.sum(axis=1) + 2, self.form.max_tokens))


def sentences_of(entities: Entities, words: Words, form: Form) -> Sentences:
    """Prepare the sentence of every entity as a pivot; `words` holds the entities' strings in their order."""
    near = neighbours_of(
        entities.xy, entities, k=form.neighbours, own=np.arange(len(entities), dtype=np.int64)
    )
    return Sentences(words, entities.xy, entities.name, entities.xy, entities.name, near, form)


def sentences_at(xy: np.ndarray, name: int, entities: Entities, words: Words, form: Form) -> Sentences:
    """Prepare sentences of places (p, 2) that are no entities and are all called by one string of `words`."""
    near = neighbours_of(xy, entities, k=form.neighbours, own=np.full(len(xy), NOBODY))
    return Sentences(words, entities.xy, entities.name, xy, np.full(len(xy), name), near, form)


def neighbours_of(xy: np.ndarray, entities: Entities, *, k: int, own: np.ndarray) -> np.ndarray:
    """Find the k nearest entities of places, of those whose string begins with a letter.

    Parameters
    ----------
    xy
        float64 (p, 2), metres.
    entities
        Who can be near.
    k
        How many.
    own
        int64 (p,): the entity that a place is itself, which is left out; `NOBODY` where it is none.

    Returns
    -------
    numpy.ndarray
        int64 (p, k): rows of `entities`, the nearest first, -1 where there are no more.
    """
    spoken = np.flatnonzero(entities.spoken)
    index, _ = nearest_centres(xy, entities.xy[spoken], radius_m=np.inf, cap=k + 1)
    index = np.where(index >= 0, np.append(spoken, -1)[index], -1)
    itself = index == own[:, None]
    itself[~itself.any(axis=1), -1] = True  # one too many was asked for
    return np.asarray(index[~itself].reshape(len(xy), k), dtype=np.int64)


def write_sentences(words: Words, names: np.ndarray, offsets: np.ndarray, form: Form) -> Batch:
    """Write sentences: [CLS], the entities with [SEP] between them, [SEP].

    A sentence ends before the first entity that does not fit wholly; a pivot that is too long is cut.

    Parameters
    ----------
    words
        Tokens of all strings.
    names
        int64 (b, e): strings of the pivot and its neighbours; -1, where there is none, has only -1 behind it.
    offsets
        float32 (b, e, 2): distances from the pivot in steps.
    form
        How they are written.
    """
    special, gap = words.tokenizer, int(form.separators)
    there = names >= 0
    sizes = np.where(there, words.tokens.sizes[names], 0)
    sizes[:, 0] = np.minimum(sizes[:, 0], form.max_tokens - 2)
    spans = np.cumsum(np.where(there, sizes + gap, 0), axis=1)
    ends = 2 + spans - gap
    kept = there & (ends <= form.max_tokens)
    length = np.where(kept, ends, 0).max(axis=1)
    sentence, entity = np.nonzero(kept)
    size = sizes[sentence, entity]
    start = 1 + spans[sentence, entity] - gap - size
    owner = np.repeat(np.arange(len(size)), size)
    inside = np.arange(len(owner)) - np.repeat(np.cumsum(size) - size, size)
    row, column = sentence[owner], start[owner] + inside
    made = _blank(len(names), int(length.max(initial=0)), special.pad, form.fill)
    first = words.tokens.start[names[sentence, entity]]
    made.token[row, column] = words.tokens.member[first[owner] + inside]
    made.offset[row, column] = offsets[sentence, entity][owner]
    made.entity[row, column] = entity[owner]
    made.seen[row, column] = True
    made.token[:, 0] = special.cls
    if form.separators:
        made.token[sentence, start + size] = special.sep
        made.seen[sentence, start + size] = True
    closing = np.arange(len(names)), length - 1
    made.token[closing], made.seen[closing] = special.sep, False
    return made


def _blank(b: int, length: int, pad: int, fill: float) -> Batch:
    return Batch(
        np.full((b, length), pad, dtype=np.int64),
        np.full((b, length, 2), fill, dtype=np.float32),
        np.full((b, length), -1, dtype=np.int64),
        np.zeros((b, length), dtype=bool),
    )
