"""A recipe: which files a city is made of, where they come from, and the build that turns them into a folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["BuildCall", "Key", "Made", "Number", "Recipe", "Source", "Text"]


@dataclass(frozen=True)
class Key:
    """What a publisher wants to see before it gives a file.

    Parameters
    ----------
    variable
        Environment variable that carries the user's key.
    holder, page, terms
        Who gives keys, the address where, and the address of the terms that hold.
    header
        The header of a request that carries the key: "NAME: VALUE" with ``{key}`` in the value.
    """

    variable: str
    holder: str
    page: str
    terms: str
    header: str = "Authorization: Bearer {key}"


@dataclass(frozen=True)
class Source:
    """A file of a recipe.

    Parameters
    ----------
    name, what
        Its name in the folder, and what it is.
    page
        The publisher's page about it.
    licence, date, attribution, publisher
        For the credits in city.json.
    addresses
        Where it is, the first first; () for a file that can only be fetched by hand.
    answer
        Dots and keys to the file's address in the JSON answer of `addresses`; "" where these give the file itself.
    size
        About how many bytes it has.
    sha256
        Its hash; "" where the publisher changes the file.
    checksum
        Address of the publisher's own checksum, a line that begins with an MD5 or SHA-256.
    changes
        How often the file changes, in words; its hash is then noted at the first download.
    unpack
        What comes out of it: a folder of an archive's files, or one file. "" where it is read as it is.
    optional
        Whether it is fetched only when asked for.
    how
        How to get it by hand, where there is no address.
    key
        What the publisher wants to see; None for an open file.
    """

    name: str
    what: str
    page: str
    licence: str
    publisher: str
    date: str = ""
    attribution: str = ""
    addresses: tuple[str, ...] = ()
    answer: str = ""
    size: int = 0
    sha256: str = ""
    checksum: str = ""
    changes: str = ""
    unpack: str = ""
    optional: bool = False
    how: str = ""
    key: Key | None = None


@dataclass(frozen=True)
class Text:
    """A column of text in a made table: a column, in capitals, or its signs from one place to another."""

    column: str
    upper: bool = False
    cut: tuple[int, int] | None = None


@dataclass(frozen=True)
class Number:
    """A column of numbers in a made table: columns added up, divided by another, times a factor.

    Parameters
    ----------
    columns, over, times
        What is added up; what it is divided by, "" for nothing; what it is multiplied with.
    nil, unknown
        Words that mean 0; words that mean that nothing is known.
    """

    columns: tuple[str, ...]
    over: str = ""
    times: float = 1.0
    nil: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Made:
    """A table made from a publisher's: some rows, some columns, maybe added up.

    Parameters
    ----------
    file, source
        What is made, and from which file of the recipe.
    separator
        Between the columns of `source`.
    starts
        How the text of a column begins in the rows that are kept.
    texts, numbers
        Columns by name.
    add_up
        Whether rows with the same texts become one, their numbers added up.
    """

    file: str
    source: str
    separator: str = ","
    starts: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, Text] = field(default_factory=dict)
    numbers: Mapping[str, Number] = field(default_factory=dict)
    add_up: bool = False


@dataclass(frozen=True)
class BuildCall:
    """The call of ``data build``; fields as its options. `osm`, `regions` and `flows` may name files of the recipe."""

    regions: str
    osm: str = ""
    flows: str = ""
    id: str = ""
    region_name: str = ""
    layer: str = ""
    file_crs: str = ""
    within: str = ""
    min_area: float = 0.0
    max_area: float = float("inf")
    crs: str = ""
    reach: float = 200.0


@dataclass(frozen=True)
class Recipe:
    """A recipe.

    Parameters
    ----------
    name, title, about
        The city's name, its name for people, and what comes out, in a few sentences.
    path
        The file it was read from.
    sources, made
        The publishers' files, and tables made from them.
    build
        The call of ``data build``.
    labels
        Sections as `urbanbench.build.labels.wish.make_wish` reads them; `source`, `date`, `licence` and `attribution` are those of their file
        where a section does not say otherwise.
    pictures
        Names of providers of pictures that the city's papers used.
    """

    name: str
    title: str
    about: str
    path: Path
    sources: tuple[Source, ...]
    build: BuildCall
    made: tuple[Made, ...] = ()
    labels: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    pictures: tuple[str, ...] = ()

    def source(self, name: str) -> Source | None:
        """Return the publisher's file of this name, or the one it is unpacked or made from; None for another name."""
        for made in self.made:
            if made.file == name:
                return self.source(made.source)
        for source in self.sources:
            inside = source.unpack and name.startswith(f"{source.unpack}/")
            if name in {source.name, source.unpack or source.name} or inside:
                return source
        return None
