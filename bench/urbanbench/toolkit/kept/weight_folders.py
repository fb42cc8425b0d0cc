"""Names of folders with an encoder's weights that tell their content apart."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from urbanbench.hashing import file_digest, short, value_digest

__all__ = ["folder_name"]

KINDS = frozenset({".safetensors", ".bin", ".pth", ".json", ".txt", ".model"})
"""Endings of weights (also in several parts), settings, vocabularies and tokenizers."""


def folder_name(folder: Path) -> str:
    """Name a folder with an encoder by its own name and its files' content, such as "my-bert@1a2b3c4d5e".

    A file is read again only where its size or its time of change is another than before.
    """
    files = sorted(one for one in folder.iterdir() if one.suffix in KINDS and one.is_file())
    return f"{folder.name}@{short(value_digest([[one.name, _content(one)] for one in files]))}"


def _content(file: Path) -> str:
    found = file.stat()
    return _digest(file.resolve(), found.st_size, found.st_mtime_ns)


@cache
def _digest(file: Path, _size: int, _mtime_ns: int) -> str:
    return file_digest(file)
