"""Where a text mentions a name: whole words whatever their case and accents, names in scripts without spaces, and long names inside a run of letters."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["Letters", "folded", "letters_of", "spans"]

_SHORT = 3
"""A name of fewer signs is found only as it is written, as a whole word."""

_LONG = 8
"""Letters from which a name is found inside a run of others, as in "beaconstreet" or "Rosengartens"."""

_APART = 3
"""Signs that may stand between two words of a name, such as a space, a hyphen or an underscore."""

_LITTLE = frozenset(
    [
        "a",
        "an",
        "as",
        "at",
        "by",
        "he",
        "if",
        "in",
        "is",
        "it",
        "my",
        "no",
        "of",
        "on",
        "or",
        "so",
        "to",
        "up",
        "us",
        "we",
    ]
)
"""Words of two letters and fewer that begin sentences, so that a capital says nothing."""

_UNSPACED = (
    "CJK",
    "HIRAGANA",
    "KATAKANA",
    "HANGUL",
    "BOPOMOFO",
    "THAI",
    "LAO",
    "KHMER",
    "MYANMAR",
    "TIBETAN",
)
"""Scripts that write words without spaces between them, or hang particles on names, by the beginning of their letters' Unicode names."""

_FEWEST = 2
"""Letters of a name in such a script that is found inside a run: a single one is in every other word."""


@dataclass(frozen=True)
class Letters:
    """Letters and digits of a text, without case, accents and width.

    Parameters
    ----------
    text
        The text itself.
    signs
        Its letters and digits, folded.
    at
        Where in the text each of them stands; the same place several times where one sign folds to several, as "ß" to "ss".
    """

    text: str
    signs: str
    at: tuple[int, ...]


def letters_of(text: str) -> Letters:
    """Return the folded letters of a text and where they stand."""
    pairs = [(sign, place) for place, one in enumerate(text) for sign in _folded_sign(one)]
    return Letters(text, "".join(sign for sign, _ in pairs), tuple(place for _, place in pairs))


@lru_cache(maxsize=4096)
def _folded_sign(sign: str) -> str:
    plain = unicodedata.normalize("NFKD", sign).casefold()
    return "".join(one for one in unicodedata.normalize("NFKD", plain) if one.isalnum())


@lru_cache(maxsize=200_000)
def folded(name: str) -> str:
    """Return the letters and digits of a name, without case, accents and width.

    Examples
    --------
    >>> folded("Café-Straße 7")
    'cafestrasse7'
    """
    return letters_of(name).signs


def spans(text: Letters, name: str) -> Iterator[tuple[int, int]]:
    """Yield where a text mentions a name: (begin, end) in the text.

    Parameters
    ----------
    text
        Of `letters_of`.
    name
        Of a street, a district or a place. One of fewer than three signs is found as it is written and as a whole word, where it is no little
        word such as "In" that begins a sentence, and never a number.

    Examples
    --------
    >>> [list(spans(letters_of(text), "Beacon Street")) for text in ("Beacon street", "#beaconstreet", "a beacon in a street")]
    [[(0, 13)], [(1, 13)], []]
    """
    signs = folded(name)
    begin = text.signs.find(signs) if signs else -1
    while begin >= 0:
        last = begin + len(signs) - 1
        if _fits(text, begin, last, name, signs):
            yield text.at[begin], text.at[last] + 1
        begin = text.signs.find(signs, begin + 1)


def _fits(text: Letters, begin: int, last: int, name: str, signs: str) -> bool:
    """Judge letters of a text that are those of a name: by what stands before, between and behind them."""
    start, end = text.at[begin], text.at[last] + 1
    if (begin and text.at[begin - 1] == start) or (last + 1 < len(text.at) and text.at[last + 1] == end - 1):
        return False  # half of a sign
    whole = not _in_run(text, start - 1), not _in_run(text, end)
    if len(name) < _SHORT and not (len(signs) >= _FEWEST and _unspaced(name[0])):
        return all(whole) and text.text[start:end] == name and not _says_nothing(text.text, start, name)
    shown = text.text[start:end]
    if not _parted_alike(shown, name):
        return False
    compact = all(sign.isalnum() or _is_mark(sign) for sign in shown)
    free = compact and len(signs) >= _LONG
    edges = (shown[0], shown[-1])
    return all(
        one or ((free or (len(signs) >= _FEWEST and _unspaced(edge))) and not edge.isdigit())
        for one, edge in zip(whole, edges, strict=True)
    )


def _in_run(text: Letters, place: int) -> bool:
    return 0 <= place < len(text.text) and text.text[place].isalnum()


def _parted_alike(shown: str, name: str) -> bool:
    """Judge whether what is shown is parted only where the name is, and nowhere by much."""
    breaks = _breaks(name)
    return all(many <= _APART and at in breaks for at, many in _breaks(shown).items())


def _breaks(text: str) -> dict[int, int]:
    """Return after how many folded letters of a text how many signs stand that are none."""
    found: dict[int, int] = {}
    many = 0
    for sign in text:
        letters = len(_folded_sign(sign))
        if letters:
            many += letters
        elif many and not _is_mark(sign):
            found[many] = found.get(many, 0) + 1
    return found


def _is_mark(sign: str) -> bool:
    """Return whether a sign stands on or beside a letter without parting words: accents of their own, apostrophes, joiners."""
    return unicodedata.category(sign) in {"Mn", "Mc", "Cf"} or sign in "'\u2019"


@lru_cache(maxsize=4096)
def _unspaced(sign: str) -> bool:
    return unicodedata.name(sign, "").startswith(_UNSPACED)


def _says_nothing(text: str, start: int, name: str) -> bool:
    if name.isdigit() or (name.lower() == name and name in _LITTLE):
        return True
    before = text[:start].rstrip(" \t")
    return name.lower() in _LITTLE and (not before or before[-1] in ".!?:;\n…(\"'“")
