"""Plugins by name: from the plugin folders, from entry points of installed packages, and from single files.

A plugin file holds one public subclass of its contract; its name on the command line is the file's stem with `-` for `_`.
Files whose stem starts with an underscore are private to their neighbours.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from urbanbench.apart import is_apart, keeping, state_kept
from urbanbench.errors import BadInput, DataMissing, EnvironmentFaulty, PluginBroken, UnknownName
from urbanbench.isolated.needs import Needs, needs_of
from urbanbench.reasons import place_in, told
from urbanbench.registry.files import carded, import_file, only_class
from urbanbench.registry.kinds import KINDS, VECTOR_FILES, Entry, Kind, is_path
from urbanbench.registry.live import is_live, live_class, live_file
from urbanbench.registry.schemes import has_scheme, load_by_scheme

__all__ = [
    "BUILT_IN",
    "is_foreign",
    "listing",
    "load_class",
    "load_model",
    "names",
    "needs_apart",
    "no_environment",
    "origin_of",
    "plugin_name",
    "source_file",
]

BUILT_IN = "built in"


@dataclass(frozen=True)
class _Source:
    """How to load one plugin."""

    origin: str
    load: Callable[[], type] = field(repr=False)


def names(kind: str) -> list[str]:
    """Return all registered names of a kind, sorted; nothing is imported."""
    return sorted(_sources(kind))


def listing(kind: str) -> list[Entry]:
    """Load every plugin of a kind and return one row for each; those that do not load say why."""
    return [entry_of(kind, name) for name in names(kind)]


def entry_of(kind: str, name: str) -> Entry:
    """Load a registered plugin and return its row of a listing."""
    origin = _sources(kind)[name].origin
    try:
        plugin = _loaded(kind, name)
    except PluginBroken as error:
        return Entry(name, origin, error=str(error))
    card = getattr(plugin, "card", None)
    title = card.title if card is not None else str(getattr(plugin, "title", name))
    return Entry(name, origin, card=card, title=title)


def origin_of(kind: str, name: str) -> str:
    """Return where a registered plugin comes from: "built in", or the package that offers it."""
    return _sources(kind)[name].origin


def is_foreign(kind: str, word: str) -> bool:
    """Tell whether a word names code that is not this package's: a plugin file elsewhere, or what another package offers.

    Examples
    --------
    >>> is_foreign("model", "mean"), is_foreign("model", "./mine.py"), is_foreign("model", "vectors.parquet")
    (False, True, False)
    """
    if is_live(word) or (kind == "model" and has_scheme(word)):
        return False
    if is_path(word):
        path = Path(word).resolve()
        return path.suffix not in VECTOR_FILES and kind != "city" and not _is_built_in(kind, path)
    source = _sources(kind).get(word.replace("_", "-") if kind != "city" else word.partition(":")[0])
    return source is not None and source.origin != BUILT_IN


def load_model(word: str) -> Any:
    """Return a model class by name, by path to its file, by scheme (``srai:Hex2VecEmbedder``), or for a file of finished vectors.

    Raises
    ------
    UnknownName
        No such name.
    PluginBroken
        The plugin does not load; the message holds the reason.
    ExtraMissing
        The library that a scheme names is not installed.
    """
    if has_scheme(word):
        return load_by_scheme(word)
    if is_path(word) and word.endswith(VECTOR_FILES):
        from urbanbench.registry.given import given_model

        return given_model(Path(word).expanduser())
    return load_class("model", word)


def load_class(kind: str, word: str) -> Any:
    """Return the class of a plugin by name, path or word of this session; both spellings, ``poi-counts`` and ``poi_counts``, are accepted."""
    if is_live(word):
        return live_class(kind, word)
    if is_path(word):
        return _load_file(kind, Path(word).expanduser())
    known = _sources(kind)
    name = word.replace("_", "-")
    if name not in known:
        raise UnknownName(KINDS[kind].word, word, known)
    return _loaded(kind, name)


def plugin_name(kind: str, word: str) -> str:
    """Return the name under which results of a model or task are kept: a registered name, a word with a scheme (labels too), or the stem of a path.

    Raises
    ------
    BadInput
        A file that has the name of a registered plugin but is another file.
    """
    if is_live(word) or (kind == "model" and has_scheme(word)):
        return word
    if kind == "task" and word.startswith("label:"):
        return word
    if not is_path(word):
        return word.replace("_", "-")
    path = Path(word).expanduser().resolve()
    name = path.stem.replace("_", "-") if path.suffix else path.name
    clash = _sources(kind).get(name)
    if clash is not None and source_file(load_class(kind, name)) != path:
        mend = "Give it one with --name" if path.suffix in VECTOR_FILES else "Rename the file"
        msg = f"The file {word!r} would be kept under {name!r}, which is a registered {kind}. Expected another name. {mend}."
        raise BadInput(msg)
    return name


def source_file(plugin: type) -> Path:
    """Return the Python file a plugin class was read from, or the vectors' file for given vectors."""
    given = getattr(plugin, "vectors_file", None) or getattr(plugin, "plugin_file", None) or live_file(plugin)
    return _resolved(Path(given if given is not None else inspect.getfile(plugin)).absolute())


@cache
def _resolved(path: Path) -> Path:
    """Follow a path's links, once: every cell of a run asks many times for its plugins' files."""
    return path.resolve()


@cache
def _sources(kind: str) -> dict[str, _Source]:
    found = dict(_from_folder(KINDS[kind]))
    for point in sorted(entry_points(group=f"urbanbench.{KINDS[kind].folder}"), key=lambda point: point.name):
        name = point.name.replace("_", "-")
        origin = f"package {point.dist.name}" if point.dist is not None else "entry point"
        if name in found:
            found[f"{name}@{origin.rsplit(maxsplit=1)[-1]}"] = _Source(origin, _taken(name))
        else:
            found[name] = _Source(origin, _from_point(point))
    return found


def _from_folder(kind: Kind) -> Iterator[tuple[str, _Source]]:
    package = importlib.import_module(f"urbanbench.{kind.folder}")
    for folder in package.__path__:
        for path in sorted(Path(folder).glob("*.py")):
            if not path.stem.startswith("_"):
                module = f"urbanbench.{kind.folder}.{path.stem}"
                yield path.stem.replace("_", "-"), _Source(BUILT_IN, _from_module(kind, module))


def _from_module(kind: Kind, module: str) -> Callable[[], type]:
    return lambda: only_class(importlib.import_module(module), kind)


def _from_point(point: EntryPoint) -> Callable[[], type]:
    def load() -> type:
        found: type = point.load()
        return found

    return load


def _taken(name: str) -> Callable[[], type]:
    def load() -> type:
        msg = f"The name {name!r} is taken by another plugin. Expected a free name. Rename the entry point."
        raise PluginBroken(msg)

    return load


@cache
def _loaded(kind: str, name: str) -> type:
    with _explained(kind, name):
        return carded(_sources(kind)[name].load(), KINDS[kind])


def _load_file(kind: str, path: Path) -> type:
    if not path.is_file():
        msg = f"No plugin file {str(path)!r}. Expected a Python file with one {KINDS[kind].base.__name__} subclass."
        raise DataMissing(msg)
    needs = needs_apart(kind, str(path))
    if needs is None:
        return _load_file_at(kind, path.resolve(), path.stat().st_mtime_ns)
    if kind != "model":
        raise EnvironmentFaulty(no_environment(kind, needs))
    return _load_elsewhere(needs, path.stat().st_mtime_ns)


def needs_apart(kind: str, word: str) -> Needs | None:
    """Return what a plugin's file states that it needs, where it runs in an environment of its own; None where it runs in this one.

    Raises
    ------
    EnvironmentFaulty
        What it states cannot be read.
    """
    if not (keeping().own and is_path(word) and is_foreign(kind, word) and Path(word).expanduser().is_file()):
        return None
    try:
        return needs_of(Path(word).expanduser())
    except BadInput as error:
        raise EnvironmentFaulty(str(error)) from error


def no_environment(kind: str, needs: Needs) -> str:
    """Say why a plugin that is no model has no environment of its own."""
    return (
        f"The {kind} plugin {needs.file.name!r} states dependencies in {needs.stated_in}. Expected none: only models run in an environment of their own. "
        "Mend: install them here and take them out, or run with --no-isolate, which reads none."
    )


@cache
def _load_elsewhere(needs: Needs, _mtime_ns: int) -> type:
    from urbanbench.isolated.remote import remote_model

    return remote_model(needs, str(needs.file))


@cache
def _load_file_at(kind: str, path: Path, _mtime_ns: int) -> type:
    if _is_built_in(kind, path):
        return _loaded(kind, path.stem.replace("_", "-"))
    with _explained(kind, str(path), path):
        return carded(only_class(import_file(path), KINDS[kind]), KINDS[kind])


def _is_built_in(kind: str, path: Path) -> bool:
    folders = importlib.import_module(f"urbanbench.{KINDS[kind].folder}").__path__
    return any(path.parent == Path(folder).resolve() for folder in folders)


@contextmanager
def _explained(kind: str, name: str, *files: Path) -> Iterator[None]:
    """Say which plugin does not load, why, and in which of its lines; what it changes in this process is put back."""
    try:
        with state_kept():
            yield
    except (PluginBroken, EnvironmentFaulty):
        raise
    except KeyboardInterrupt:
        if not is_apart():
            raise
        msg = f"The {kind} plugin {name!r} does not load: KeyboardInterrupt."
        raise PluginBroken(msg) from None
    except BaseException as error:  # a file that leaves by sys.exit while it loads must not end the command
        msg = f"The {kind} plugin {name!r} does not load: {told(error)}{place_in(error, files)}"
        raise PluginBroken(msg) from error
