"""Short answers of the web: a checksum, or JSON that names where a file is."""

from __future__ import annotations

import json
from typing import Any

from urbanbench.build.fetch.reading import is_web
from urbanbench.build.fetch.web import Patience, Refused, asked, host_of, next_address, pieces

__all__ = ["named_by_answer", "short_text"]

_ANSWER_BYTES = 2**20


def short_text(session: Any, address: str, patience: Patience) -> str:
    """Return a short text, such as a checksum; what is longer than a MiB is cut.

    Raises
    ------
    NoAnswer, Refused
        As `asked`.
    """
    text = b""
    with asked(session, address, patience) as answer:
        for piece in pieces(answer, address, patience):
            text += piece
            if len(text) > _ANSWER_BYTES:
                break
    return text.decode("utf-8", "replace")


def named_by_answer(session: Any, address: str, path: str, patience: Patience) -> str:
    """Return the address of a file that a JSON answer names.

    Parameters
    ----------
    session, patience
        As `asked`.
    address, path
        What is asked, and where in the answer the file's address stands: keys with dots between them.

    Raises
    ------
    NoAnswer, Refused
        As `asked`; an answer that names no address.
    """
    try:
        found = json.loads(short_text(session, address, patience))
        for key in path.split("."):
            found = found[key]
    except (ValueError, KeyError, TypeError, RecursionError):
        found = None
    if not isinstance(found, str) or not is_web(found):
        msg = f"{host_of(address)} names no file in its answer (at {path!r})"
        raise Refused(msg)
    return next_address(address, found)
