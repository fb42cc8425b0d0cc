"""Under which licences the parts of a city stand, and who has to be credited."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from urbanbench.city.credits import credit_of
from urbanbench.city.folder.manifest import Manifest

__all__ = ["licence_lines"]

_NONE = "no licence stated"


def licence_lines(manifest: Manifest) -> list[str]:
    """Say for each licence of a city's parts which parts stand under it, and whom they credit.

    Returns
    -------
    list of str
        Such as ``"ODbL 1.0: buildings, pois (© OpenStreetMap contributors)"``, sorted; parts without a licence last.
    """
    parts: dict[tuple[str, str], list[str]] = {}
    for part, entry in manifest.entries.items():
        parts.setdefault(
            (_word(entry, "licence") or _NONE, credit_of(_word(entry, "attribution"))), []
        ).append(part)
    ordered = sorted(parts.items(), key=lambda one: (one[0][0] == _NONE, one[0]))
    return [
        f"{licence}: {', '.join(sorted(named))}{f' ({credit})' if credit else ''}"
        for (licence, credit), named in ordered
    ]


def _word(entry: Mapping[str, Any], key: str) -> str:
    found = entry.get(key)
    text = " ".join(found.split()) if isinstance(found, str) else ""
    return "".join(sign if sign.isprintable() else "?" for sign in text)
