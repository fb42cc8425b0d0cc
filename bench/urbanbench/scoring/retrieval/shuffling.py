"""Shuffled lists of which only some places are asked for: a keyed permutation of numbers, the same on every machine."""

from __future__ import annotations

import numpy as np

__all__ = ["shuffled"]

_ROUNDS = 5
_LEAST_HALF = 3
_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9))
_TURNS = np.arange(1, _ROUNDS + 1, dtype=np.uint64) * _MIX[1]
_SHIFT = np.uint64(29)


def shuffled(places: np.ndarray, lengths: np.ndarray, salts: np.ndarray) -> np.ndarray:
    """Return which number stands at places of shuffled lists 0 … length - 1.

    A Feistel network permutes the numbers of the next larger domain; those beyond the list walk on until they are in it (cycle walking, Black
    and Rogaway 2002). So a place costs the same however long the list, and different places hold different numbers.

    Parameters
    ----------
    places
        int64 (p,), each below its length.
    lengths
        int64 (p,).
    salts
        uint64 (s, p): another shuffling each.

    Returns
    -------
    numpy.ndarray
        int64 (s, p).
    """
    half = np.maximum(_LEAST_HALF, (np.ceil(np.log2(np.maximum(lengths, 2))).astype(np.int64) + 1) // 2)
    shape = salts.shape
    state = np.broadcast_to(places.astype(np.uint64), shape).ravel()
    width = np.broadcast_to(half.astype(np.uint64), shape).ravel()
    limit = np.broadcast_to(lengths.astype(np.uint64), shape).ravel()
    key = salts.ravel()
    found = _permuted(state, width, key)
    outside = np.flatnonzero(found >= limit)
    while len(outside):
        found[outside] = _permuted(found[outside], width[outside], key[outside])
        outside = outside[found[outside] >= limit[outside]]
    return found.astype(np.int64).reshape(shape)


def _permuted(numbers: np.ndarray, width: np.ndarray, key: np.ndarray) -> np.ndarray:
    mask = (np.uint64(1) << width) - np.uint64(1)
    left, right = numbers >> width, numbers & mask
    for turn in _TURNS:
        mixed = (right * _MIX[0]) ^ (key + turn)
        mixed ^= mixed >> _SHIFT
        mixed *= _MIX[1]
        mixed ^= mixed >> _SHIFT
        left, right = right, left ^ (mixed & mask)
    permuted: np.ndarray = (left << width) | right
    return permuted
