"""Whom lists of credits name."""

from __future__ import annotations

__all__ = ["credit_of"]

_NONE = "none needed"


def credit_of(attribution: str) -> str:
    """Return whom a list of credits names for what has this attribution; "" for nobody, also where a folder says that none is needed.

    Examples
    --------
    >>> credit_of("© OpenStreetMap contributors"), credit_of("none needed")
    ('© OpenStreetMap contributors', '')
    """
    return "" if attribution.strip().casefold() == _NONE else attribution
