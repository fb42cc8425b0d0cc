"""Asking the web for one thing: with patience that ends, redirects that stay on the web, and a key that only its holder sees."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from urbanbench import __version__
from urbanbench.build.fetch.reading import is_web
from urbanbench.errors import DataMissing, ExtraMissing

__all__ = [
    "Busy",
    "NoAnswer",
    "Patience",
    "Refused",
    "asked",
    "host_of",
    "next_address",
    "pieces",
    "reader",
]

_AGENT = f"urbanbench/{__version__}"
_MOST_REDIRECTS = 5
_FINE = {200, 206, 416}
_AGAIN = {429, 500, 502, 503, 504}
_KEY = {401, 403}
_LONGEST_PAUSE_S = 60.0
_CHUNK = 2**18
_SLOWEST = 1024
"""Bytes that have to come within the time for one piece, or the server counts as hung."""


class NoAnswer(DataMissing):
    """Nobody answers at an address, or too slowly."""


class Refused(DataMissing):
    """An address answers, and not with a file."""


class Busy(Refused):
    """An address asks to come again later, maybe after some seconds."""

    def __init__(self, text: str, after_s: float) -> None:
        super().__init__(text)
        self.after_s = after_s


@dataclass(frozen=True)
class Patience:
    """How long to wait.

    Parameters
    ----------
    connect_s, read_s
        Seconds for a connection, and between two pieces of a file.
    tries
        How often a file that was cut short, or a busy server, is asked again.
    pause_s
        Seconds before the second try; doubled for each further one.
    sleep
        Waits.
    """

    connect_s: float = 6.0
    read_s: float = 30.0
    tries: int = 4
    pause_s: float = 2.0
    sleep: Callable[[float], None] = time.sleep


def reader() -> Any:
    """Return a session of requests, which takes no passwords from files.

    Raises
    ------
    ExtraMissing
        Packages of the extra `fetch` are not installed.
    """
    try:
        import pooch
        import requests
    except ImportError as error:
        msg = f"Fetching needs the packages pooch and requests, of which one is not installed ({error.name}). Mend: pip install 'urbanbench[fetch]'"
        raise ExtraMissing(msg) from error
    pooch.get_logger().setLevel("WARNING")
    session = requests.Session()
    session.auth = _as_it_is  # or a .netrc would overrule the header with the user's key
    session.headers.update({"User-Agent": _AGENT, "Accept-Encoding": "identity"})
    return session


def _as_it_is(request: Any) -> Any:
    return request


@contextmanager
def asked(
    session: Any,
    address: str,
    patience: Patience,
    *,
    headers: Mapping[str, str] | None = None,
    secret: Mapping[str, str] | None = None,
) -> Iterator[Any]:
    """Ask an address, follow its redirects, and give the answer as a stream.

    Parameters
    ----------
    session
        What `reader` gave.
    address, headers
        What is asked.
    secret
        Headers that are sent to the address's own host over https, or to this machine, alone.

    Raises
    ------
    NoAnswer
        Nobody answers in time.
    Refused
        The answer is no file: another status than 200, 206 or 416, or a redirect out of the web.
    """
    here = address
    for _ in range(_MOST_REDIRECTS + 1):
        shown = {**(headers or {}), **(secret if secret and _same_host(address, here) else {})}
        with _told(here):
            answer = session.get(
                here,
                headers=shown,
                stream=True,
                allow_redirects=False,
                timeout=(patience.connect_s, patience.read_s),
            )
        with answer:
            if not answer.is_redirect:
                _check_status(here, answer, bool(secret))
                yield answer
                return
            here = next_address(here, answer.headers.get("Location", ""))
    msg = f"{host_of(address)} sends in a circle, or through more than {_MOST_REDIRECTS} redirects"
    raise Refused(msg)


def _check_status(address: str, answer: Any, keyed: bool) -> None:
    status = answer.status_code
    if status in _FINE:
        return
    if status in _AGAIN:
        after = answer.headers.get("Retry-After", "")
        msg = f"{host_of(address)} is busy (status {status})"
        raise Busy(msg, min(float(after), _LONGEST_PAUSE_S) if after.isdecimal() else 0.0)
    hint = "; is the key a good one?" if status in _KEY and keyed else ""
    msg = f"{host_of(address)} answers with status {status}{hint}"
    raise Refused(msg)


def next_address(here: str, location: str) -> str:
    """Return the address that another one sends on to.

    Raises
    ------
    Refused
        It is none of the web, or leaves https.
    """
    there = urljoin(here, location)
    if not location or not is_web(there):
        msg = f"{host_of(here)} sends on to {location[:80]!r}, which is no address of the web"
        raise Refused(msg)
    if urlsplit(here).scheme == "https" and urlsplit(there).scheme != "https":
        msg = f"{host_of(here)} sends on from https to {host_of(there)} without it"
        raise Refused(msg)
    return there


def _same_host(address: str, here: str) -> bool:
    first, second = urlsplit(address), urlsplit(here)
    safe = second.scheme == "https" or second.hostname in {"localhost", "127.0.0.1", "::1"}
    return safe and (first.hostname, first.port) == (second.hostname, second.port)


def host_of(address: str) -> str:
    """Return an address's host, for messages."""
    return urlsplit(address).netloc


@contextmanager
def _told(address: str) -> Iterator[None]:
    """Say in a word why there is no answer."""
    import requests
    import urllib3

    try:
        yield
    except (requests.Timeout, urllib3.exceptions.ReadTimeoutError) as error:
        msg = f"{host_of(address)} does not answer in time"
        raise NoAnswer(msg) from error
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        msg = f"{host_of(address)} cannot be reached ({_reason(error)})"
        raise NoAnswer(msg) from error


def _reason(error: BaseException) -> str:
    """Name the innermost cause: the outer ones repeat the address, with all that stands in it."""
    seen = error
    while True:
        inner = getattr(seen, "reason", None) or seen.__cause__ or seen.__context__
        if not isinstance(inner, BaseException):
            break
        seen = inner
    return getattr(seen, "strerror", None) or type(seen).__name__


def pieces(answer: Any, address: str, patience: Patience) -> Iterator[bytes]:
    """Give the bytes of an answer as they come.

    Raises
    ------
    NoAnswer
        The connection breaks off, stands still or crawls.
    """
    began, came = time.monotonic(), 0
    while True:
        with _told(address):
            piece: bytes = answer.raw.read1(_CHUNK, decode_content=True)
        if not piece:
            return
        yield piece
        came += len(piece)
        if time.monotonic() - began > patience.read_s:
            if came < _SLOWEST:
                msg = f"{host_of(address)} sends next to nothing"
                raise NoAnswer(msg)
            began, came = time.monotonic(), 0
