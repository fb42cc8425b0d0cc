"""The page around the data: one file, whose policy lets nothing run but its own scripts."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

from urbanbench import __version__
from urbanbench.board.text import one_line
from urbanbench.report.library import library
from urbanbench.store import without_nan

__all__ = ["page_of"]

SCRIPTS = (
    "core",
    "marks",
    "filters",
    "table",
    "charts",
    "map",
    "overview",
    "results",
    "question",
    "run",
    "model",
    "task",
    "city",
    "help",
    "start",
)
"""Parts of the page's own script, in the order in which they build on one another."""


def page_of(content: Mapping[str, Any], *, state: str = "") -> str:
    """Write the page.

    Data stands in it as JSON in which no sign can end a script, and the script puts every text of it into text nodes. The page's policy names
    the hashes of its scripts and its style, so nothing else runs even if a text were to be read as markup.

    Parameters
    ----------
    content
        What `urbanbench.report.content.content_of` gave.
    state
        Of a live page a word for the results it shows: it asks the server that it came from for a newer one.
    """
    own, style = _own_script(), _part("style.css")
    title = escape(one_line(str(content["title"])), quote=True)
    scripts = [*([library()] if library() else []), own]
    return "".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{_policy(scripts, style, live=bool(state))}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            f'<meta name="generator" content="urbanbench {__version__}">\n<meta name="color-scheme" content="light dark">\n<title>{title}</title>\n',
            f"<style>{style}</style>\n</head>\n",
            _part("body.html").replace("{title}", title),
            f'<script type="application/json" id="data">{_json({**content, "version": __version__, "state": state})}</script>\n',
            *(f"<script>{script}</script>\n" for script in scripts),
            "</body>\n</html>\n",
        ]
    )


def _policy(scripts: list[str], style: str, *, live: bool) -> str:
    hashes = " ".join(f"'{_hash(one)}'" for one in scripts)
    own = "connect-src 'self'; " if live else ""
    return f"default-src 'none'; script-src {hashes}; style-src '{_hash(style)}'; img-src data: blob:; {own}base-uri 'none'; form-action 'none'"


def _hash(part: str) -> str:
    return f"sha256-{b64encode(hashlib.sha256(part.encode()).digest()).decode()}"


def _json(content: Mapping[str, Any]) -> str:
    r"""Write data for a script element: `<`, `>`, `&` and line separators as \u escapes, control and direction-changing signs as spaces."""
    text = json.dumps(without_nan(dict(content)), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.translate(_SAFE)


_ENDING = "<>&\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}"
_TURNING = (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F)
_SAFE = {ord(sign): f"\\u{ord(sign):04x}" for sign in _ENDING} | dict.fromkeys(_TURNING, " ")
"""Signs that could end a script element, and those that turn the direction of text."""


@cache
def _part(name: str) -> str:
    return files("urbanbench.report").joinpath("page", name).read_text(encoding="utf-8")


@cache
def _own_script() -> str:
    parts = "\n".join(_part(f"{name}.js") for name in SCRIPTS)
    return f'"use strict";(()=>{{\n{parts}\n}})();'
