"""Weights from a folder, this machine's cache of the hub, or the hub itself; without a network that is said at once."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from urbanbench.errors import BadInput

__all__ = ["hub_refusal", "read_here_or_there"]

_Read = TypeVar("_Read")

_HUB = "https://huggingface.co"
_LONGEST_S = 5.0


def read_here_or_there(
    place: str, read: Callable[[bool], _Read], missing: Callable[[Exception], Exception]
) -> _Read:
    """Read weights from this machine, else from the hub, else say how to mend it.

    Parameters
    ----------
    place
        A folder, or a name on the hub.
    read
        Reads it; true allows local files only. OSError and ValueError mean that it is not there.
    missing
        Makes the error that is raised, of why it is not there.

    Raises
    ------
    Exception
        What `missing` makes, where it is neither here nor on the hub.
    BadInput
        It is there, and not what was expected.
    """
    try:
        return read(True)
    except BadInput:
        raise
    except (OSError, ValueError) as error:
        if Path(place).is_dir() or os.environ.get("HF_HUB_OFFLINE"):
            raise missing(error) from error
    refusal = hub_refusal(os.environ.get("HF_ENDPOINT", _HUB))
    if refusal:
        refused = OSError(refusal)
        raise missing(refused) from refused
    try:
        return read(False)
    except BadInput:
        raise
    except (OSError, ValueError) as error:
        raise missing(error) from error


@cache
def hub_refusal(address: str) -> str:
    """Return why the hub cannot be reached, asked once a process and in seconds; "" where it answers.

    The hub's own client tries every file five times, minutes in all, before it says so.
    """
    host = urlsplit(address).hostname or address
    try:
        request = Request(address, method="HEAD")  # noqa: S310 - the hub's address, or the user's own
        with urlopen(request, timeout=_LONGEST_S):  # noqa: S310 - same
            return ""
    except HTTPError as error:
        return "" if error.code < 500 and error.code not in {403, 407} else f"{host} answers {error.code}"
    except (OSError, ValueError, socket.gaierror) as error:
        reason = getattr(error, "reason", error)
        return f"no way to {host}: {getattr(reason, 'strerror', None) or reason}"
