"""Providers of street views and pictures from above: whose key is needed, and which of them is asked at all."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from urbanbench.build.fetch.catalogue import FOLDER
from urbanbench.errors import BadInput

__all__ = ["Provider", "picture_folder", "provider_lines", "providers"]

_FILE = FOLDER / "_pictures.toml"


@dataclass(frozen=True)
class Provider:
    """Who has pictures.

    Parameters
    ----------
    title, gives
        Its name, and what it has: "street views", "pictures from above".
    page, terms
        Where its interface is described and keys are given; the terms that hold.
    """

    title: str
    gives: str
    page: str
    terms: str


@cache
def providers() -> Mapping[str, Provider]:
    """Return the providers by name."""
    sections = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {name: Provider(**section) for name, section in sections.items()}


def provider_lines(names: tuple[str, ...]) -> list[str]:
    """Say where the pictures of a city's papers are from, and that they are not fetched."""
    known = providers()
    return [
        f"{known[name].title} ({known[name].gives}): {known[name].page}; terms: {known[name].terms}"
        for name in names
    ]


def picture_folder(word: str, option: str) -> Path:
    """Return the folder or file of pictures that an option names.

    Raises
    ------
    BadInput
        It names a provider whose pictures are not fetched.
    """
    provider = providers().get(word)
    if provider is None or Path(word).exists():
        return Path(word)
    msg = (
        f"{provider.title} gives {provider.gives} to holders of a key ({provider.page}) under its terms ({provider.terms}), and is not asked from here. "
        f"Expected a folder of pictures that you may use. Mend: {option} FOLDER, as docs/your_city.md describes it."
    )
    raise BadInput(msg)
