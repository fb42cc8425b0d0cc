"""Versions of the packages that decide learned vectors, for the keys of all that is kept of them."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version

__all__ = ["LEARNED_WITH", "installed_version", "learned_versions"]

LEARNED_WITH = (
    "torch",
    "torch-geometric",
    "transformers",
    "tokenizers",
    "gensim",
    "numpy",
    "scipy",
    "scikit-learn",
    "shapely",
    "pillow",
)
"""Packages that compute, draw, decode, cluster or tokenize on the way from a view to learned vectors."""


def installed_version(name: str) -> str | None:
    """Return a package's installed version without importing it; None where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def learned_versions() -> dict[str, str | None]:
    """Return the installed version of each of `LEARNED_WITH`."""
    return dict(_learned_versions())


@cache
def _learned_versions() -> dict[str, str | None]:
    return {name: installed_version(name) for name in LEARNED_WITH}
