"""From words to names: comma lists, globs and group words of the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from urbanbench.card import ModelCard
from urbanbench.errors import PluginBroken, UnknownName
from urbanbench.registry.faces import Face, entries, face_of
from urbanbench.registry.kinds import is_path
from urbanbench.registry.label_tasks import is_label
from urbanbench.registry.live import is_live
from urbanbench.registry.plugins import names
from urbanbench.registry.schemes import has_scheme
from urbanbench.registry.words import is_glob, is_there, split_words

__all__ = ["GROUPS", "broken", "expand", "expand_heads", "expand_splits", "expand_words"]

GROUPS: Mapping[str, Callable[[ModelCard], bool]] = {
    "floors": lambda card: card.floor and not card.family,
    "attribution": lambda card: card.family == "attribution",
    "retrieval": lambda card: card.family == "retrieval",
    "learned": lambda card: not card.floor,
}
"""Words that stand for several models."""


def expand(kind: str, words: str | Iterable[str]) -> list[str]:
    """Turn words into plugin names and paths, in the order given and each once.

    Parameters
    ----------
    kind
        "model" or "task".
    words
        Names, paths, comma lists, globs (``poi-*``), ``all``; for models the words of `GROUPS` and words with a scheme; for tasks labels
        (``label:executives``, ``label:*``), which are kept as they are: see `urbanbench.registry.label_tasks.expand_labels`.

    Raises
    ------
    UnknownName
        A name that is not registered, or a glob that fits nothing.
    PluginBroken
        A plugin asked for by its name does not load; one that is kept apart stays, and its cells fail. Those that a glob or group word
        meets are left out; see `broken`.
    """
    chosen: list[str] = []
    for word in split_words(words, _is_file):
        if kind == "task" and is_label(word):
            chosen.append(word)
        elif kind == "model" and word in GROUPS:
            chosen += [
                entry.name
                for entry in entries(kind)
                if isinstance(entry.card, ModelCard) and GROUPS[word](entry.card)
            ]
        elif word == "all" or (is_glob(word) and not is_path(word)):
            chosen += _globbed(kind, word)
        else:
            face_of(kind, word)
            kept = is_path(word) or is_live(word) or (kind == "model" and has_scheme(word))
            chosen.append(word if kept else word.replace("_", "-"))
    return list(dict.fromkeys(chosen))


def expand_words(kind: str, words: str | Iterable[str], known: Sequence[str]) -> list[str]:
    """Turn comma lists, globs and ``all`` into words of a fixed list, for example of splits or heads."""
    chosen: list[str] = []
    for word in split_words(words):
        fitting = [name for name in known if word == "all" or fnmatchcase(name, word)]
        if not fitting:
            raise UnknownName(kind, word, known)
        chosen += fitting
    return list(dict.fromkeys(chosen))


def expand_heads(words: str | Iterable[str]) -> list[str]:
    """Turn comma lists, globs and ``all`` into names of heads; the word of retrievals (`cosine`) stays and is no part of ``all``.

    Raises
    ------
    UnknownName
        No such head.

    Examples
    --------
    >>> expand_heads("ridge,cosine")
    ['ridge', 'cosine']
    """
    from urbanbench.scoring.heads import HEADS
    from urbanbench.scoring.retrieval.words import COSINE

    found = [
        name
        for word in split_words(words)
        for name in ([word] if word == COSINE else expand_words("head", word, list(HEADS)))
    ]
    return list(dict.fromkeys(found))


def expand_splits(words: str | Iterable[str]) -> list[str]:
    """Turn comma lists, globs and ``all`` into split words; ``ladder`` stays, and so do what stands behind a colon and the word of retrievals (`area`).

    Raises
    ------
    UnknownName, BadInput
        No such split, or something behind a colon that does not belong there.

    Examples
    --------
    >>> expand_splits("random,group:street,buffered:500.0,ladder")
    ['random', 'group:street', 'buffered:500', 'ladder']
    """
    from urbanbench.scoring.retrieval.words import AREA
    from urbanbench.scoring.splits import LADDER, SPLITS, plain_word

    chosen: list[str] = []
    for word in split_words(words):
        if word in {LADDER, AREA}:
            chosen.append(word)
        elif word == "all" or is_glob(word):
            chosen += expand_words("split", word, list(SPLITS))
        else:
            chosen.append(plain_word(word))
    return list(dict.fromkeys(chosen))


def broken(kind: str) -> dict[str, str]:
    """Return the plugins of a kind that do not load, with the reason."""
    return {entry.name: entry.error for entry in entries(kind) if entry.error is not None}


def _globbed(kind: str, word: str) -> list[str]:
    pattern = "*" if word == "all" else word.replace("_", "-")
    fitting = [name for name in names(kind) if fnmatchcase(name, pattern)]
    if not fitting:
        raise UnknownName(kind, word, names(kind))
    sound = []
    for name in fitting:
        try:
            plugin = face_of(kind, name)
        except PluginBroken:
            continue
        if not (isinstance(plugin, Face) and plugin.fault):
            sound.append(name)
    return sound


def _is_file(word: str) -> bool:
    return is_path(word) and is_there(Path(word))
