"""Recipes read from TOML: every key known, every name plain, every address one of the web."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from urbanbench.build.fetch.recipe import BuildCall, Key, Made, Number, Recipe, Source, Text
from urbanbench.build.files import there
from urbanbench.build.order import BLOCKS, CELLS
from urbanbench.city.folder.manifest import is_name
from urbanbench.city.packing.names import name_fault
from urbanbench.errors import BadInput, UnknownName

__all__ = ["read_recipe"]

_VERSION = 1
_SHA256 = re.compile(r"[0-9a-f]{64}")
_ADDRESSES = ("page", "checksum", "terms")
_ALIKE: Mapping[str, str] = {"from": "source"}
"""Keys that cannot be names in Python."""

_BOX_EDGES = 4


def read_recipe(path: Path) -> Recipe:
    """Read and judge a recipe.

    Raises
    ------
    DataMissing
        No such file.
    BadInput, UnknownName
        It is no TOML, or says what a recipe cannot say.
    """
    try:
        raw = tomllib.loads(there(path, "a recipe").read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{path.name}: expected a recipe in TOML, found a fault ({error})."
        raise BadInput(msg) from error
    if raw.pop("recipe", None) != _VERSION:
        raise _wrong(path.name, "recipe", f"{_VERSION}, the version of recipes that is read here")
    sources = tuple(_source(path.name, one) for one in _listed(path.name, raw, "files"))
    made = tuple(_made(path.name, one) for one in _listed(path.name, raw, "tables"))
    call = _filled(BuildCall, path.name, "[build]", _table(path.name, raw.pop("build", None), "build"))
    labels = _table(path.name, raw.pop("labels", {}), "labels")
    recipe: Recipe = _filled(
        Recipe,
        path.name,
        "the recipe",
        {**raw, "path": path, "sources": sources, "made": made, "build": call, "labels": labels},
    )
    _check(recipe)
    return recipe


def _listed(where: str, raw: dict[str, Any], key: str) -> list[Any]:
    found = raw.pop(key, [])
    if not isinstance(found, list):
        raise _wrong(where, key, f"sections [[{key}]]")
    return found


def _table(where: str, found: Any, what: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise _wrong(where, what, f"a section [{what}]")
    return {_ALIKE.get(str(key), str(key)): value for key, value in found.items()}


def _source(where: str, found: Any) -> Source:
    section = _table(where, found, "files")
    part = f"file {str(section.get('name', '?'))[:60]!r}"
    if "address" in section:
        section["addresses"] = [section.pop("address"), *section.get("addresses", [])]
    if "key" in section:
        section["key"] = _filled(Key, where, part, _table(where, section["key"], f"{part} key"))
    made: Source = _filled(Source, where, part, section)
    return made


def _made(where: str, found: Any) -> Made:
    section = _table(where, found, "tables")
    part = f"table {str(section.get('file', '?'))[:60]!r}"
    for key, kind in (("texts", Text), ("numbers", Number)):
        columns = _table(where, section.get(key, {}), f"{part} {key}")
        section[key] = {
            name: _filled(kind, where, part, _table(where, column, key)) for name, column in columns.items()
        }
    made: Made = _filled(Made, where, part, section)
    return made


def _filled(kind: type[Any], where: str, part: str, section: Mapping[str, Any]) -> Any:
    """Make a dataclass of a section, every key known, every value of its type."""
    known = {one.name: one for one in fields(kind)}
    for key in section:
        if key not in known:
            word = f"key of {part} in {where}"
            raise UnknownName(word, key, known)
    for name, one in known.items():
        if one.default is MISSING and one.default_factory is MISSING and section.get(name, "") == "":
            msg = f"{where}: {part} does not tell {name!r}. Expected it in words."
            raise BadInput(msg)
    return kind(
        **{
            key: _typed(where, f"{part}, {key}", str(known[key].type), value)
            for key, value in section.items()
        }
    )


def _typed(where: str, what: str, wanted: str, value: Any) -> Any:
    if wanted.startswith("tuple[str"):
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            return tuple(value)
        raise _wrong(where, what, "a list of texts")
    if wanted.startswith("tuple[int"):
        if isinstance(value, list) and len(value) == 2 and all(isinstance(one, int) for one in value):
            return tuple(value)
        raise _wrong(where, what, "two places such as [0, 11]")
    if wanted.startswith("Mapping[str, str]"):
        if isinstance(value, dict) and all(isinstance(one, str) for one in value.values()):
            return value
        raise _wrong(where, what, "texts by column")
    plain = {"str": str, "bool": bool, "int": int, "float": int | float}.get(wanted)
    if plain is not None and (not isinstance(value, plain) or (isinstance(value, bool) and wanted != "bool")):
        raise _wrong(where, what, {"str": "text", "bool": "true or false"}.get(wanted, "a number"))
    return value


def _check(recipe: Recipe) -> None:
    where = recipe.path.name
    if not is_name(recipe.name):
        raise _wrong(where, "name", "letters, digits, '_', '-' and '.', the first a letter or digit")
    if not recipe.sources:
        raise _wrong(where, "files", "one section [[files]] at least")
    names = [one for source in recipe.sources for one in (source.name, source.unpack) if one]
    names += [made.file for made in recipe.made]
    for name in names:
        fault = name_fault(name) or ("a path with a folder" if "/" in name else "")
        if fault or name.startswith("."):
            raise _wrong(
                where, f"the name {name[:60]!r}", f"a plain name of a file, not {fault or 'a hidden one'}"
            )
    twice = [name for name in names if [one.casefold() for one in names].count(name.casefold()) > 1]
    if twice:
        raise _wrong(where, f"the name {twice[0]!r}", "every name once, in capitals or not")
    for source in recipe.sources:
        _check_source(where, source)
    _check_links(recipe)


def _check_source(where: str, source: Source) -> None:
    part = f"file {source.name!r}"
    if not source.addresses and not source.how:
        raise _wrong(where, part, 'address = "https://…", or how = "…" for a file that is fetched by hand')
    if source.addresses and source.size <= 0:
        raise _wrong(where, part, "size = N, about how many bytes it has")
    if source.addresses and not source.sha256 and not source.changes:
        raise _wrong(where, part, 'sha256 = "…", or changes = "…" where the publisher changes the file')
    if source.sha256 and not _SHA256.fullmatch(source.sha256):
        raise _wrong(where, f"{part}, sha256", "64 hexadecimal digits")
    pages = [(one, getattr(source, one)) for one in _ADDRESSES[:2]]
    keyed = [(one, getattr(source.key, one)) for one in ("page", "terms")] if source.key is not None else []
    for what, address in [*(("address", one) for one in source.addresses), *pages, *keyed]:
        if address and not is_web(address):
            raise _wrong(where, f"{part}, {what} {address[:80]!r}", "an address of the web, https://…")
    if source.key is not None and ("{key}" not in source.key.header or ":" not in source.key.header):
        raise _wrong(where, f"{part}, key.header", 'a header such as "Authorization: Bearer {key}"')


def is_web(address: str) -> bool:
    """Tell whether an address is of the web: http or https, with a host and without a password."""
    try:
        cut = urlsplit(address)
    except ValueError:
        return False
    return cut.scheme in {"http", "https"} and bool(cut.hostname) and "@" not in cut.netloc


def _check_links(recipe: Recipe) -> None:
    """Make sure that every file that a part names is one of the recipe."""
    build, where = recipe.build, recipe.path.name
    made = build.regions == BLOCKS or build.regions.startswith(CELLS)
    wanted = [("build.osm", build.osm), ("build.flows", build.flows)]
    wanted += [("build.regions", "" if made else build.regions)]
    wanted += [("build.within", build.within if len(build.within.split(",")) != _BOX_EDGES else "")]
    files = [source.unpack or source.name for source in recipe.sources]
    for number, one in enumerate(recipe.made):
        before = [*files, *(other.file for other in recipe.made[:number])]
        if one.source not in before and not _in_archive(recipe, one.source):
            word = f"file (table {one.file!r}, from) in {where}"
            raise UnknownName(word, one.source, before)
    for name, section in recipe.labels.items():
        if not isinstance(section, dict):
            raise _wrong(where, f"labels.{name}", f"a section [labels.{name}]")
        wanted.append((f"labels.{name}, file", str(section.get("file", ""))))
    for what, name in wanted:
        if name and (recipe.source(name) is None or name_fault(name)):
            word = f"file ({what}) in {where}"
            raise UnknownName(word, name, [*files, *(one.file for one in recipe.made)])
    for what, name in (("osm", build.osm), ("regions", "" if made else build.regions)):
        source = recipe.source(name) if name else None
        if source is not None and source.optional:
            raise _wrong(where, f"build.{what}, {name!r}", "a file that is not optional")


def _in_archive(recipe: Recipe, name: str) -> bool:
    inside = any(source.unpack and name.startswith(f"{source.unpack}/") for source in recipe.sources)
    return inside and not name_fault(name)


def _wrong(where: str, what: str, expected: str) -> BadInput:
    return BadInput(f"{where}: {what} is not what a recipe can say. Expected {expected}.")
