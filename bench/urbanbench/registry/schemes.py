"""Schemes: words like ``srai:Hex2VecEmbedder``, whose first part names a library and whose rest a class in it.

An adapter makes the model class of such a word. It is a private plugin folder, imported only when its scheme is asked for, and its
function ``model_class(name)`` gets the rest of the word.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache

from urbanbench.errors import PluginBroken, UrbanbenchError

__all__ = ["SCHEMES", "has_scheme", "load_by_scheme"]

SCHEMES: Mapping[str, str] = {"srai": "urbanbench.models._srai.adapter"}
"""Scheme to the module of its adapter."""


def has_scheme(word: str) -> bool:
    """Tell whether a word begins with a known scheme; ``toyville:tiny`` does not."""
    scheme, colon, _ = word.partition(":")
    return bool(colon) and scheme in SCHEMES


@cache
def load_by_scheme(word: str) -> type:
    """Return the model class of a word with a scheme; the same word gives the same class.

    Raises
    ------
    ExtraMissing
        The library is not installed, or in a version that does not work.
    UnknownName, BadInput
        The library has no such class, or one that cannot be benchmarked here.
    PluginBroken
        The library or class does not load for another reason.
    """
    scheme, _, name = word.partition(":")
    try:
        made: type = importlib.import_module(SCHEMES[scheme]).model_class(name)
    except UrbanbenchError:
        raise
    except Exception as error:
        msg = f"The model {word!r} does not load: {type(error).__name__}: {error}"
        raise PluginBroken(msg) from error
    return made
