"""What a new plugin is called: on the command line, as a file, as a class and to people."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass

from urbanbench.errors import BadInput
from urbanbench.registry import names

__all__ = ["Named", "named"]

_NAME = re.compile("[a-z][a-z0-9]*([-_][a-z0-9]+)*")


@dataclass(frozen=True)
class Named:
    """The spellings of a name.

    Parameters
    ----------
    name, stem, title
        ``shop-counts``, ``shop_counts``, "Shop counts".
    """

    name: str
    stem: str
    title: str

    @property
    def kind(self) -> str:
        """The name of the class, ``ShopCounts``."""
        return "".join(part.capitalize() for part in self.stem.split("_"))


def named(kind: str, name: str) -> Named:
    """Judge a name and spell it.

    Raises
    ------
    BadInput
        It is no plain name, or something registered is called so.

    Examples
    --------
    >>> named("model", "shop-counts")
    Named(name='shop-counts', stem='shop_counts', title='Shop counts')
    """
    stem = name.replace("-", "_")
    if not _NAME.fullmatch(name) or keyword.iskeyword(stem):
        msg = f"The name {name!r} is no plain one. Expected small letters, digits and dashes, beginning with a letter, for example shop-counts."
        raise BadInput(msg)
    plain = stem.replace("_", "-")
    if plain in names(kind):
        msg = f"There is a registered {kind} {plain!r}. Expected a name of your own, for example my-{plain}."
        raise BadInput(msg)
    return Named(plain, stem, stem.replace("_", " ").capitalize())
