"""Vega-Lite, bundled from an installed package: the page draws with it and asks no server for it."""

from __future__ import annotations

from functools import cache

__all__ = ["MEND", "library"]

MEND = "pip install 'urbanbench[report]'"


@cache
def library() -> str:
    """Return Vega, Vega-Lite and Vega-Embed (BSD-3-Clause) as one script that sets `vegaEmbed`; "" where the extra `report` is not installed.

    Some 0.9 MB. The bundle is made by the package vl-convert-python from the copies that it carries, in about two seconds.
    """
    try:
        from vl_convert import javascript_bundle
    except ImportError:
        return ""
    return str(javascript_bundle("window.vegaEmbed=vegaEmbed;"))
