"""Whether a file is the one that is meant: by the recipe, by its publisher's checksum, or by what an earlier fetch noted."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from urbanbench.build.fetch.answers import short_text
from urbanbench.build.fetch.lock import LOCK_FILE, Noted, today
from urbanbench.build.fetch.recipe import Source
from urbanbench.build.fetch.web import Patience, Refused
from urbanbench.errors import DataCorrupt
from urbanbench.hashing import sha256_of

__all__ = ["published_hash", "verified"]

_CHECKSUM = re.compile(r"\b(?:[0-9a-fA-F]{64}|[0-9a-fA-F]{32})\b")
_MD5_DIGITS = 32


def verified(source: Source, path: Path, noted: Noted | None) -> Noted:
    """Return the note of a file that lies there.

    Parameters
    ----------
    source, path
        The file.
    noted
        What an earlier fetch noted; None where there was none.

    Raises
    ------
    DataCorrupt
        It has another hash than the recipe or the note.
    """
    found = Noted(sha256_of(path), path.stat().st_size, fetched=today())
    expected = source.sha256 or (noted.sha256 if noted is not None else found.sha256)
    if found.sha256 == expected:
        return noted or found
    who = (
        "the recipe says"
        if source.sha256
        else f"{LOCK_FILE} beside it noted on {noted.fetched if noted else ''}"
    )
    msg = f"{path} has the sha256 {found.sha256}. Expected {expected}, as {who}. Remove the file to fetch it again."
    raise DataCorrupt(msg)


def published_hash(source: Source, session: Any, patience: Patience) -> tuple[str | None, str]:
    """Return what a file's hash has to be, as pooch writes it, and who says so.

    Returns
    -------
    expected
        "sha256:…" or "md5:…"; None where nobody says.
    who
        "recipe" or "publisher's checksum".

    Raises
    ------
    NoAnswer, Refused
        The publisher's checksum cannot be read.
    """
    if source.sha256:
        return f"sha256:{source.sha256}", "recipe"
    if not source.checksum:
        return None, ""
    found = _CHECKSUM.search(short_text(session, source.checksum, patience))
    if found is None:
        msg = f"{source.checksum} holds no MD5 or SHA-256"
        raise Refused(msg)
    digits = found[0].lower()
    return f"{'md5' if len(digits) == _MD5_DIGITS else 'sha256'}:{digits}", "publisher's checksum"
