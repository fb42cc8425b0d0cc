"""Hooks of the docs site: links of guides that lead out of ``docs/`` go to the repository, and notebooks ask no other server."""

from __future__ import annotations

import posixpath
import re
from typing import Any

_LINK = re.compile(r"\]\((\.\./[^)\s]*)\)")
_BRANCH = "blob/main"
_DIAGRAMS = re.compile(
    r"<script type=\"module\">(?:(?!</script>).)*mermaid(?:(?!</script>).)*</script>", re.DOTALL
)
"""What the converter of notebooks puts into each page: it would fetch a library for diagrams, which no tutorial has."""


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """Write links to files beside ``docs/`` as addresses in the repository; those within stay."""

    def led(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page.file.src_uri), match[1]))
        if path.startswith("docs/"):
            return match[0]
        return f"]({config.extra['repository']}/{_BRANCH}/{path})"

    return _LINK.sub(led, markdown)


def on_post_page(output: str, **_: Any) -> str:
    """Take out what would be fetched from another server."""
    return _DIAGRAMS.sub("", output)
