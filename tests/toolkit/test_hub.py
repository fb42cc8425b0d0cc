"""Weights from the hub: no way to it is said at once, once, and before anything is tried five times."""

from __future__ import annotations

import socket

import pytest

from urbanbench.errors import BadInput, ExtraMissing
from urbanbench.toolkit.kept import hub


@pytest.fixture
def closed_port(monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
    for name in ("http_proxy", "HTTP_PROXY", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_ENDPOINT", address)


def test_without_a_way_to_the_hub_only_local_files_are_tried(closed_port):
    tried = []

    def read(local_only):
        tried.append(local_only)
        raise OSError("not here")

    with pytest.raises(ExtraMissing, match=r"no way to 127\.0\.0\.1: Connection refused"):
        hub.read_here_or_there("some/model", read, lambda error: ExtraMissing(str(error)))
    assert tried == [True]


def test_what_is_here_needs_no_hub_and_what_is_wrong_is_not_missing(closed_port):
    assert hub.read_here_or_there("some/model", lambda local_only: local_only, ExtraMissing) is True

    def wrong(local_only):
        raise BadInput("no model")

    with pytest.raises(BadInput, match="no model"):
        hub.read_here_or_there("some/model", wrong, ExtraMissing)
