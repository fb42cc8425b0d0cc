"""Keys of users: read from the environment, asked for where they are missing, shown to nobody else."""

from __future__ import annotations

import os

from urbanbench.build.fetch.recipe import Key

__all__ = ["asks_for", "key_of", "secret_headers"]


def key_of(key: Key) -> str:
    """Return the user's key; "" where the environment has none, or one that no header can carry."""
    found = os.environ.get(key.variable, "").strip()
    return found if found.isascii() and found.isprintable() else ""


def secret_headers(key: Key | None) -> dict[str, str]:
    """Return the headers that carry the user's key; {} for a file that needs none."""
    if key is None:
        return {}
    name, _, value = key.header.partition(":")
    return {name.strip(): value.strip().replace("{key}", key_of(key))}


def asks_for(key: Key) -> str:
    """Say whose key is needed, where to get it, which terms hold, and which variable carries it."""
    return f"needs a key of {key.holder} (from {key.page}; terms: {key.terms}) in the environment variable {key.variable}"
