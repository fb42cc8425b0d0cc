"""What a plugin's own environment may use of ours: packages that the contract speaks in, where nothing it has itself clashes with them.

A package is lent by its name: what is imported under another one is not found there, so a plugin cannot lean on what it does not state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions
from pathlib import Path

__all__ = [
    "CONTRACT",
    "MODULES",
    "TOOLS",
    "Lent",
    "canonical",
    "contract_beside",
    "held_in",
    "lent_to",
    "lent_tools",
    "lent_versions",
]

CONTRACT = ("geopandas", "numpy", "pandas", "pillow", "pyarrow", "shapely")
"""What a view and an embedding space are made of. An environment that clashes with them gets its own."""
MODULES = ("geopandas", "numpy", "pandas", "PIL.Image", "pyarrow.parquet", "shapely")
"""How these are imported."""
TOOLS = ("filelock", "psutil", "safetensors")
"""Small packages that stand alone and serve both sides of the exchange."""

_FOR_OLD_NUMPY = "pyarrow<21"
"""Later ones do not load beside numpy 1, and do not say so where an installer could read it."""

Lent = dict[str, str]
"""Name of a top-level module to the folder from which it comes."""


def canonical(name: str) -> str:
    """Return a package's name as indexes compare it.

    Examples
    --------
    >>> canonical("Pillow_SIMD.x")
    'pillow-simd-x'
    """
    import re

    return re.sub(r"[-_.]+", "-", name).lower()


def held_in(site: Path) -> dict[str, str]:
    """Return the packages of a folder of packages, with their versions, sorted."""
    found = {canonical(one.metadata["Name"]): one.version for one in distributions(path=[str(site)])}
    return dict(sorted(found.items()))


def lent_to(held: Mapping[str, str], *, same_python: bool) -> Lent | None:
    """Return what is lent to an environment that holds some packages; None where it needs a contract of its own.

    Parameters
    ----------
    held
        Its packages and their versions. They stand before what is lent, so what is lent must be able to do with them.
    same_python
        Whether its Python can load what is compiled for this one.
    """
    from packaging.requirements import Requirement

    if not same_python:
        return None
    for name in _family():
        for line in _needed_by(name):
            needed = Requirement(line)
            version = held.get(canonical(needed.name))
            if version is not None and not needed.specifier.contains(version, prereleases=True):
                return None
    return _modules((*_family(), *TOOLS))


def contract_beside(held: Mapping[str, str]) -> list[str]:
    """Return what an installer is asked for, so that an environment which holds some packages has the contract's."""
    old = held.get("numpy", "2").partition(".")[0] in {"0", "1"} and "pyarrow" not in held
    return [*CONTRACT, *([_FOR_OLD_NUMPY] if old else [])]


def lent_tools() -> Lent:
    """Return what is lent to every environment, also to one that has the contract's packages itself."""
    return _modules(TOOLS)


@cache
def lent_versions() -> Mapping[str, str]:
    """Return the packages that may be lent, with their versions here."""
    return {name: one.version for name in _family() if (one := _installed(name)) is not None}


@cache
def _family() -> tuple[str, ...]:
    """Name the packages of the contract and all that they need here."""
    from packaging.requirements import Requirement

    found, queue = list[str](), list(CONTRACT)
    while queue:
        name = canonical(queue.pop())
        if _installed(name) is not None and name not in found:
            found.append(name)
            queue += [Requirement(line).name for line in _needed_by(name)]
    return tuple(sorted(found))


def _needed_by(name: str) -> list[str]:
    from packaging.requirements import Requirement

    one = _installed(name)
    lines = (one.requires or []) if one is not None else []
    markers = [(line, Requirement(line).marker) for line in lines]
    return [line for line, marker in markers if marker is None or marker.evaluate({"extra": ""})]


def _modules(names: Iterable[str]) -> Lent:
    found: Lent = {}
    for one in filter(None, map(_installed, names)):
        for file in one.files or ():
            top = file.parts[0]
            if top in {"..", "__pycache__"} or top.endswith((".dist-info", ".libs", ".data", ".pth")):
                continue
            found[top.partition(".")[0]] = str(Path(str(one.locate_file(""))))
    return dict(sorted(found.items()))


def _installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None
