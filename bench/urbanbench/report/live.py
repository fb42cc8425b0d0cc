"""A live page of results on this machine alone: written again when results change."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from urbanbench.errors import BadInput, UrbanbenchError
from urbanbench.hashing import value_digest

__all__ = ["HOST", "LivePage", "server_of", "state_of"]

HOST = "127.0.0.1"


def state_of(folders: list[Path]) -> str:
    """Return a word for what result files there are, and when each was written."""
    files = sorted(path for folder in folders for path in folder.glob("*/*/*__*.json"))
    return value_digest([[str(path), path.stat().st_mtime_ns] for path in files if path.exists()])


class LivePage:
    """The newest page of some results. Asking for its state starts a new one where results have changed, and never waits for it.

    Parameters
    ----------
    make
        Writes a page; given its state.
    look
        Tells the state of the results.
    tell
        Told when a page is written anew, or why it cannot be.
    """

    def __init__(
        self, make: Callable[[str], str], look: Callable[[], str], tell: Callable[[str], None]
    ) -> None:
        self._make, self._look, self._tell = make, look, tell
        self._lock = threading.Lock()
        self._tried = self.state = look()
        self.page = make(self.state)

    def ask(self) -> str:
        """Return the state of the page that is there."""
        if self._lock.acquire(blocking=False):
            if self._look() == self._tried:
                self._lock.release()
            else:
                threading.Thread(target=self._renew, daemon=True).start()
        return self.state

    def _renew(self) -> None:
        try:
            self._tried = now = self._look()
            self.page, self.state = self._make(now), now
            self._tell("Results have changed: the page is new.")
        except UrbanbenchError as error:
            self._tell(f"Results have changed, and the page stays as it was: {error}")
        finally:
            self._lock.release()


def server_of(live: LivePage, port: int) -> ThreadingHTTPServer:
    """Return a server of a page at 127.0.0.1, not started; port 0 takes any that is free.

    It answers two addresses, and only browsers that asked for this machine by name: a page from elsewhere cannot read it.

    Raises
    ------
    BadInput
        The port is taken, or may not be used.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host = (self.headers.get("Host") or "").rpartition(":")[0] or self.headers.get("Host")
            if host not in {HOST, "localhost"}:
                self._answer(HTTPStatus.FORBIDDEN, "text/plain", "Ask for 127.0.0.1.")
            elif self.path in {"/", "/index.html"}:
                self._answer(HTTPStatus.OK, "text/html", live.page)
            elif self.path == "/state":
                self._answer(HTTPStatus.OK, "text/plain", live.ask())
            else:
                self._answer(HTTPStatus.NOT_FOUND, "text/plain", "There is one page, at /.")

        def _answer(self, status: HTTPStatus, kind: str, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *words: object) -> None:  # noqa: A002 - the name of the base class
            """Say nothing of single requests."""

    try:
        return ThreadingHTTPServer((HOST, port), Handler)
    except (OSError, OverflowError) as error:
        msg = f"Port {port} of {HOST} cannot be used ({error}). Expected a free one. Mend: --port 0 takes any that is free."
        raise BadInput(msg) from error
