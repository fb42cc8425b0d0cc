"""A web of one server on this machine, with the manners and the faults of real ones."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class LocalWeb:
    """Files by path, and what a path does with a request.

    `files` are sent as they are; `faults` names what is done with a path instead: a status, or one of the words of `_Handler`.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, object] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.over = threading.Event()
        self.address = ""

    def add(self, path: str, data: bytes, fault: object = None) -> str:
        """Put a file on the web and return its address."""
        self.files[path] = data
        if fault is not None:
            self.faults[path] = fault
        return self.address + path

    def paths(self) -> list[str]:
        """Paths in the order they were asked for."""
        return [path for path, _ in self.asked]

    def ranges(self, path: str) -> list[str]:
        """Ranges that were asked of a path, "" for all of it."""
        return [headers.get("range", "") for asked, headers in self.asked if asked == path]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        web: LocalWeb = self.server.web
        headers = {name.lower(): value for name, value in self.headers.items()}
        web.asked.append((self.path, headers))
        fault = web.faults.get(self.path)
        if isinstance(fault, list):  # one after the other
            fault = fault.pop(0) if fault else None
        if isinstance(fault, tuple):  # a status with headers
            self._answer(fault[0], b"", fault[1])
        elif isinstance(fault, int):
            self._answer(fault, b"<html>no</html>", {})
        elif fault == "hang":
            web.over.wait(20)
            self.close_connection = True
        elif self.path not in web.files:
            self._answer(404, b"", {})
        else:
            self._file(web.files[self.path], headers, fault)

    def _file(self, data: bytes, headers: dict[str, str], fault: object) -> None:
        tag = f'"{hashlib.md5(data).hexdigest()}"'
        more = {} if fault == "no tag" else {"ETag": tag}
        asked = headers.get("range", "")
        current = headers.get("if-range", tag) == tag
        if not asked or not current or fault in {"no ranges", "cut, no ranges"}:
            self._answer(200, data, more, fault)
            return
        start = int(asked.removeprefix("bytes=").rstrip("-"))
        if start >= len(data):
            self._answer(416, b"", {"Content-Range": f"bytes */{len(data)}"})
            return
        if fault == "wrong range":
            start = 0
        more["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        self._answer(206, data[start:], more, fault)

    def _answer(self, status: int, body: bytes, headers: dict[str, str], fault: object = None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        web: LocalWeb = self.server.web
        if fault in {"cut", "cut, no ranges"}:
            self.wfile.write(body[: max(len(body) // 2, 1)])
            self.close_connection = True
        elif fault == "stand still":
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            web.over.wait(20)
            self.close_connection = True
        elif fault == "crawl":
            for k in range(len(body)):
                self.wfile.write(body[k : k + 1])
                self.wfile.flush()
                if web.over.wait(0.02):
                    break
        elif fault == "slow":
            for k in range(0, len(body), 4096):
                self.wfile.write(body[k : k + 4096])
                self.wfile.flush()
                time.sleep(0.02)
        else:
            self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        """Say nothing when a client leaves."""


@contextmanager
def local_web() -> Iterator[LocalWeb]:
    """Serve on this machine while the block runs."""
    web = LocalWeb()
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.web = web
        web.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield web
        finally:
            web.over.set()
            server.shutdown()
            thread.join()
