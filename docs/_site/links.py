"""Hooks of the docs site: links of guides to folders, or out of ``docs/``, go to the repository, and notebooks ask no other server."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

_LINK = re.compile(r"\]\(((?![a-z]+:|#)[^)\s#]+)\)")
_BRANCH = "blob/main"
_DIAGRAMS = re.compile(
    r"<script type=\"module\">(?:(?!</script>).)*mermaid(?:(?!</script>).)*</script>", re.DOTALL
)
"""What the converter of notebooks puts into each page: it would fetch a library for diagrams, which no tutorial has."""


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """Write links to folders, and to what lies beside ``docs/``, as addresses in the repository; those to pages stay."""

    def led(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page.file.src_uri), match[1]))
        if path.startswith("docs/") and not (Path(config.config_file_path).parent / path).is_dir():
            return match[0]
        return f"]({config.extra['repository']}/{_BRANCH}/{path})"

    return _LINK.sub(led, markdown)


def on_post_page(output: str, **_: Any) -> str:
    """Take out what would be fetched from another server."""
    return _DIAGRAMS.sub("", output)
