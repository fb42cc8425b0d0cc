"""Comma lists of the command line, cut so that a path which exists stays whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

__all__ = ["is_glob", "is_there", "split_words"]


def split_words(words: str | Iterable[str], there: Callable[[str], bool] = lambda _word: False) -> list[str]:
    """Cut comma lists into words; several parts that together name something that is there stay one word.

    Parameters
    ----------
    words
        A list, or several.
    there
        Tells whether a word is a path that exists.

    Examples
    --------
    >>> split_words("a, b,c,,d", lambda word: word == "b,c")
    ['a', 'b,c', 'd']
    """
    listed = [words] if isinstance(words, str) else list(words)
    return [word for one in listed for word in _cut(one.split(","), there) if word]


def _cut(parts: Sequence[str], there: Callable[[str], bool]) -> Iterator[str]:
    start = 0
    while start < len(parts):
        ends = range(len(parts), start + 1, -1)
        joined = ((end, ",".join(parts[start:end])) for end in ends)
        end, word = next(
            ((end, word) for end, word in joined if there(word) or there(word.strip())),
            (start + 1, parts[start]),
        )
        yield word if there(word) else word.strip()
        start = end


def is_glob(word: str) -> bool:
    """Tell whether a word holds a sign of a pattern over names."""
    return any(sign in word for sign in "*?[")


def is_there(path: Path) -> bool:
    """Tell whether there is such a file or folder; a word that can be no path is none."""
    try:
        return path.expanduser().exists()
    except (OSError, ValueError, RuntimeError):  # too long, a null byte, an unknown user
        return False
