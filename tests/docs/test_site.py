"""The site has every page, and its parts name what exists; the build itself is a step of the checks of the repository."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
NAMED = re.findall(
    r": ([\w/.-]+\.(?:md|ipynb))$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE
)


def test_every_page_stands_in_the_contents_once():
    pages = [
        path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*") if path.suffix in {".md", ".ipynb"}
    ]
    assert sorted(NAMED) == sorted(pages)


def test_no_font_is_fetched_and_no_address_is_asked_for_stars():
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert "font: false" in text
    assert "\nrepo_url" not in text


@pytest.mark.parametrize("page", sorted((DOCS / "reference").glob("*.md")), ids=lambda path: path.stem)
def test_the_reference_names_what_there_is(page):
    for word in re.findall(r"^::: (\S+)$", page.read_text(encoding="utf-8"), re.MULTILINE):
        module, _, name = word.rpartition(".")
        found = importlib.import_module(module)
        assert hasattr(found, name) or importlib.import_module(word), word


def test_links_out_of_the_docs_go_to_the_repository():
    told: dict = {}
    exec(compile((DOCS / "_site/links.py").read_text(encoding="utf-8"), "links.py", "exec"), told)

    class Config:
        extra = {"repository": "https://example.org/r"}  # noqa: RUF012 - stands for what mkdocs gives
        config_file_path = str(ROOT / "mkdocs.yml")

    class Page:
        class file:  # noqa: N801 - same
            src_uri = "models/hgi.md"

    text = (
        "[a](../../models/hgi.py) [b](../protocol.md#converged) [c](https://x.org/y) [d](#e) [f](../schema)"
    )
    assert told["on_page_markdown"](text, page=Page, config=Config) == (
        "[a](https://example.org/r/blob/main/models/hgi.py) [b](../protocol.md#converged) [c](https://x.org/y) [d](#e) "
        "[f](https://example.org/r/blob/main/docs/schema)"
    )
