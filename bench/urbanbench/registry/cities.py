"""Cities by word: a folder, a name under the data folders, or a generated city that is built once into the cache."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.atomic import swept
from urbanbench.city.folder.new_folder import new_folder
from urbanbench.errors import BadInput, DataMissing, UnknownName
from urbanbench.home import CACHE_MEND, DATA_VARIABLE, cache_root, data_roots
from urbanbench.locks import locked
from urbanbench.progress import pulse
from urbanbench.registry.kinds import is_path
from urbanbench.registry.plugins import load_class, names, source_file
from urbanbench.registry.words import is_glob, is_there, split_words

if TYPE_CHECKING:
    from urbanbench.city.city import City
    from urbanbench.source import CitySource

__all__ = [
    "build_city",
    "city_folder",
    "city_names",
    "city_path",
    "city_word",
    "city_word_of",
    "cut_cities",
    "expand_cities",
    "folder_there",
    "is_source_file",
    "known_folders",
    "make_source",
    "open_city",
    "open_source",
    "source_path",
]

MANIFEST = "city.json"


def city_names() -> list[str]:
    """Return all cities that can be opened by name: city sources, then folders under URBANBENCH_DATA."""
    return [*names("city"), *known_folders()]


def is_source_file(word: str) -> bool:
    """Tell whether a word is the path of a plugin file that builds a city, with a size behind it or without one.

    Examples
    --------
    >>> is_source_file("./hamlet.py:tiny"), is_source_file("./hamlet"), is_source_file("hamlet:tiny")
    (True, False, False)
    """
    return _source_parts(word)[0].endswith(".py")


def source_path(word: str) -> Path | None:
    """Return the plugin file of a word that names one, without the size behind it; None for any other word."""
    return Path(_source_parts(word)[0]).expanduser() if is_source_file(word) else None


def _source_parts(word: str) -> tuple[str, str]:
    """Return a source's name or path, and its size."""
    path, colon, size = word.rpartition(".py")
    if colon and (not size or size.startswith(":")):
        return f"{path}.py", size.removeprefix(":")
    name, _, size = word.partition(":")
    return name, size


def city_path(word: str) -> Path | None:
    """Return the folder that a word means by itself: an existing city folder, or any word written as a path; None for a name.

    An existing folder with a city.json comes before every name, list and pattern. The file of a city source means no folder.
    """
    path = Path(word)
    if is_source_file(word):
        return None
    if is_path(word) or is_there(path / MANIFEST):
        return path.expanduser().absolute()
    return None


def cut_cities(words: str | Iterable[str]) -> list[str]:
    """Cut comma lists of cities; the path or name of a folder that exists stays whole, whatever signs are in it."""
    return split_words(words, lambda word: is_there(Path(word) / MANIFEST) or word in known_folders())


def expand_cities(words: str | Iterable[str]) -> list[str]:
    """Turn comma lists, ``all`` and globs over names into city words, each once; see `open_city` for the words."""
    from fnmatch import fnmatchcase

    listed = [words] if isinstance(words, str) else list(words)
    chosen: list[str] = []
    for word in cut_cities(listed):
        if city_path(word) is None and word not in known_folders() and (word == "all" or is_glob(word)):
            chosen += [name for name in city_names() if word == "all" or fnmatchcase(name, word)]
        else:
            chosen.append(city_word(word))
    if not chosen:
        raise _unknown(",".join(listed))
    return list(dict.fromkeys(chosen))


def city_word(word: str) -> str:
    """Check a city word without building anything and return its shortest spelling.

    Raises
    ------
    UnknownName
        No such city, or no such size of a generated city.
    DataMissing
        A path without a city folder.
    """
    if city_path(word) is not None or word in known_folders():
        city_folder(word)
        return word
    source = make_source(word)
    name = _source_parts(word)[0]
    name = name if is_source_file(word) else name.replace("_", "-")
    return name if source == load_class("city", name)() else f"{name}:{getattr(source, 'size', '')}"


def open_city(word: str) -> City:
    """Open a city.

    Parameters
    ----------
    word
        A path to a city folder, which comes before any name; the name of a folder under URBANBENCH_DATA; the name of a city source,
        alone or with a size (``toyville:tiny``). A generated city is built at first use into the cache folder.

    Raises
    ------
    UnknownName, DataMissing, CityFaults
        No such city; no folder there; a folder with faults.
    """
    from urbanbench.city.city import City

    return City.open(city_folder(word))


def open_source(source: CitySource) -> City:
    """Open a generated city, which is built at first use into the cache folder."""
    from urbanbench.city.city import City

    return City.open(_built(source))


def city_folder(word: str) -> Path:
    """Return the folder of a city word, building a generated city when it is not there yet."""
    path = city_path(word)
    if path is not None:
        if not path.is_dir():
            msg = f"No city folder {word!r}. Expected a folder with a {MANIFEST}. Check the path, or see `urbanbench list cities`."
            raise DataMissing(msg)
        return path
    if word in known_folders():
        return known_folders()[word]
    return _built(make_source(word))


def folder_there(word: str) -> Path | None:
    """Return the folder of a city word that is there; None where it would have to be built first, or where a file's code would."""
    path = city_path(word) or known_folders().get(word)
    if path is None and not is_source_file(word):
        path = _place(make_source(word))
    return path if path is not None and path.is_dir() else None


def city_word_of(folder: Path) -> str:
    """Return the shortest word that opens a folder: its name, that of the generated city it was built as, or its path."""
    place = folder.expanduser().resolve()
    for name, known in known_folders().items():
        if known.resolve() == place:
            return name
    for word in _source_words() if place.parent == _built_root().resolve() else ():
        if _place(make_source(word)).resolve() == place:
            return city_word(word)
    return str(place)


def _source_words() -> Iterator[str]:
    for name in names("city"):
        yield from (f"{name}:{size}" for size in load_class("city", name).sizes)
        yield name


def make_source(word: str, **fields: Any) -> CitySource:
    """Make a city source from its word and further fields, for example ``make_source("toyville:tiny", seed=3)``.

    The word may be the path of a plugin file, whose code then runs in this process.

    Raises
    ------
    UnknownName
        No such source or size.
    BadInput
        A field the source does not have.
    """
    name, size = _source_parts(word)
    if not is_source_file(word) and name.replace("_", "-") not in names("city"):
        raise _unknown(word)
    source = load_class("city", name)
    if size:
        fields["size"] = size
    if "size" in fields and fields["size"] not in source.sizes:
        kind = f"size of {name}"
        raise UnknownName(kind, str(fields["size"]), source.sizes)
    known = {f.name for f in dataclasses.fields(source)}
    for field in fields:
        if field not in known:
            msg = (
                f"City source {name!r} has no setting {field!r}. Expected one of: {', '.join(sorted(known))}."
            )
            raise BadInput(msg)
    made: CitySource = source(**fields)
    return made


def build_city(source: CitySource, folder: Path) -> Path:
    """Build a city into a folder that is not there yet, all or nothing.

    Raises
    ------
    BadInput
        The folder exists.
    """
    with new_folder(folder) as part, pulse(f"build {source.key()}"):
        source.build(part)
    return folder


def _unknown(word: str) -> UnknownName:
    """Say where cities come from, and what a folder of that name lacks."""
    from urbanbench.build.fetch.catalogue import recipe_named

    mend = f"Folders below {DATA_VARIABLE} go by their names; any other city folder by its path."
    if is_there(Path(word)):
        bare = " (it is empty)" if Path(word).is_dir() and not any(Path(word).iterdir()) else ""
        mend = f"There is a {word!r} here, but it is no folder with a {MANIFEST}{bare}. A city folder holds that and regions.parquet at least; see docs/city_format.md."
    elif recipe := recipe_named(word):
        mend += f" `urbanbench data fetch {recipe}` makes it of its publishers' files."
    return UnknownName("city", word.partition(":")[0], city_names(), mend)


def _built(source: CitySource) -> Path:
    folder = _place(source)
    if not folder.is_dir():
        with locked(folder.with_name(f"{folder.name}.lock"), mend=CACHE_MEND):
            if not folder.is_dir():
                swept(folder.parent)
                build_city(source, folder)
    return folder


def _place(source: CitySource) -> Path:
    """Return where a generated city lies, or would."""
    from urbanbench.hashing import code_digest, short

    return _built_root() / f"{source.key()}-{short(code_digest(source_file(type(source))))}"


def _built_root() -> Path:
    return cache_root() / "cities"


def known_folders() -> dict[str, Path]:
    """Return the city folders under URBANBENCH_DATA by name."""
    return _folders_under(os.environ.get(DATA_VARIABLE, ""))


@cache
def _folders_under(_variable: str) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for root in data_roots():
        for manifest in sorted(root.glob(f"*/{MANIFEST}")):
            found.setdefault(manifest.parent.name, manifest.parent)
    return found
