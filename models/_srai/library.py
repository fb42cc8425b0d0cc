"""The library srai: whether it is installed and usable, and its classes and tag filters by name."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from urbanbench.errors import BadInput, ExtraMissing, UnknownName
from urbanbench.toolkit.kept.versions import installed_version

__all__ = ["INSTALL", "embedder_class", "installed_versions", "require_lightning", "tag_filter"]

INSTALL = 'pip install "srai>=0.10.2,<0.11" "polars<2" pytorch-lightning'

REFUSED: Mapping[str, str] = {
    "GeoVexEmbedder": "convolves over rings of H3 hexagons, and a city's regions are no H3 cells",
    "S2VecEmbedder": "reads grids of S2 cells, and a city's regions are no S2 cells",
    "GTFS2VecEmbedder": "reads public-transport timetables (GTFS), which are no input of a city folder",
}
"""Classes of srai.embedders that cannot run here, with the reason."""

_FILTER_MODULES = ("srai.loaders.osm_loaders.filters", "srai.loaders.osm_way_loader.constants")
_NO_EMBEDDERS = ("Embedder", "Model", "ModelT")


def embedder_class(name: str) -> type:
    """Return an embedder class: one of srai.embedders by its name, or any by ``module:Class``.

    Raises
    ------
    ExtraMissing
        srai is not installed, or polars is too new for it.
    UnknownName
        No such class.
    BadInput
        A class that cannot run here, or that is no embedder.
    """
    _check_installed(name)
    if name in REFUSED:
        msg = f"srai's {name} {REFUSED[name]}. Expected an embedder that works on any regions. Choose another, for example srai:Hex2VecEmbedder."
        raise BadInput(msg)
    module, _, attribute = name.rpartition(":")
    home = importlib.import_module(module or "srai.embedders")
    found = getattr(home, attribute, None)
    if attribute in _NO_EMBEDDERS or not inspect.isclass(found):
        kind = f"class of {home.__name__}"
        raise UnknownName(kind, attribute, [] if module else _offered(home))
    if not callable(getattr(found, "transform", None)):
        msg = f"The class {name!r} has no method transform. Expected an embedder in the manner of srai. See docs/models/srai.md."
        raise BadInput(msg)
    return found


def _offered(home: Any) -> list[str]:
    return [one for one in home.__all__ if one not in (*REFUSED, *_NO_EMBEDDERS)]


def _check_installed(name: str) -> None:
    srai, polars = installed_version("srai"), installed_version("polars")
    if srai is None:
        msg = f"The model 'srai:{name}' needs the package srai, which is not installed. Install it with: {INSTALL}"
        raise ExtraMissing(msg)
    if polars is not None and _leading(srai) <= (0, 10) and _leading(polars) >= (2,):
        msg = f"srai {srai} does not work with polars {polars}. Expected polars 1. Install it with: {INSTALL}"
        raise ExtraMissing(msg)


def _leading(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


def require_lightning(name: str) -> None:
    """Check that the package embedders train with is there.

    Raises
    ------
    ExtraMissing
        It is not installed.
    """
    if find_spec("pytorch_lightning") is None:
        msg = f"The model 'srai:{name}' trains with the package pytorch-lightning, which is not installed. Install it with: {INSTALL}"
        raise ExtraMissing(msg)


def installed_versions() -> dict[str, str]:
    """Return the versions of the packages that decide what an embedder gives."""
    names = ("srai", "polars", "pytorch-lightning")
    return {name: found for name in names if (found := installed_version(name)) is not None}


def tag_filter(name: str) -> Mapping[str, Any]:
    """Return one of srai's tag filters, for example HEX2VEC_FILTER: key to values, or group to such a filter.

    Raises
    ------
    UnknownName
        No such filter.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for module in map(importlib.import_module, _FILTER_MODULES):
        found |= {one: value for one, value in vars(module).items() if one.isupper() and _is_filter(value)}
    if name not in found:
        kind = "filter of srai"
        raise UnknownName(kind, name, found)
    return found[name]


def _is_filter(value: object) -> bool:
    """Tell lists of values and groups of filters from srai's other constants."""
    return isinstance(value, dict) and all(
        isinstance(one, list | dict) or one is True for one in value.values()
    )
