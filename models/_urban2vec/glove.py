"""Vectors of words from a text file such as GloVe's, one word and its numbers a line."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

from urbanbench.errors import BadInput, DataMissing
from urbanbench.hashing import file_digest, short

__all__ = ["RANDOM", "name_word_vectors", "read_word_vectors"]

RANDOM = "random"


def name_word_vectors(word: str) -> str:
    """Return the honest name of where word vectors come from; that of a file tells its content too."""
    file = Path(word)
    return f"{file.name}@{short(file_digest(file))}" if word != RANDOM and file.is_file() else word


def read_word_vectors(file: Path, wanted: Collection[str], dim: int) -> Mapping[str, np.ndarray]:
    """Read the vectors float32 (dim,) of the wanted words that the file has, a line at a time.

    Raises
    ------
    DataMissing
        No such file.
    BadInput
        A vector of another length.
    """
    if not file.is_file():
        msg = f"There is no file of word vectors {str(file)!r}. Expected 'random', or a text file such as glove.6B.200d.txt."
        raise DataMissing(msg)
    sought, found = set(wanted), dict[str, np.ndarray]()
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            word, _, rest = line.rstrip("\n").partition(" ")
            if word not in sought:
                continue
            vector = np.array(rest.split(), dtype=np.float32)
            if len(vector) != dim:
                msg = f"Word vectors of {file.name!r} have length {len(vector)}. Expected {dim}, as the regions'. For example --set dim={len(vector)}"
                raise BadInput(msg)
            found[word] = vector
    return found
