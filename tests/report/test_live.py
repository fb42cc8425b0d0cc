"""The live page: it renews itself, speaks to this machine alone, and outlives results that cannot be read."""

from __future__ import annotations

import http.client
import threading
import time

import pytest

from urbanbench.errors import BadInput
from urbanbench.report.live import LivePage, server_of, state_of


@pytest.fixture
def served():
    servers = []

    def serve(live):
        server = server_of(live, 0)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return server.server_port

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def get(port, path, host="127.0.0.1"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers={"Host": f"{host}:{port}"})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def until(holds):
    for _ in range(200):
        if holds():
            return True
        time.sleep(0.02)
    return False


def test_a_page_is_new_when_results_have_changed(served):
    states, told = ["one"], []
    live = LivePage(lambda state: f"page of {state}", lambda: states[-1], told.append)
    port = served(live)
    assert get(port, "/") == (200, "page of one")
    assert get(port, "/state") == (200, "one")
    states.append("two")
    assert until(lambda: get(port, "/state") == (200, "two"))
    assert get(port, "/index.html") == (200, "page of two")
    assert told == ["Results have changed: the page is new."]


def test_it_stays_as_it_was_where_results_cannot_be_read(served):
    states, told = ["one"], []

    def make(state):
        if state == "two":
            msg = "A result cannot be read."
            raise BadInput(msg)
        return state

    port = served(LivePage(make, lambda: states[-1], told.append))
    states.append("two")
    get(port, "/state")
    assert until(lambda: told)
    assert get(port, "/") == (200, "one")
    assert "stays as it was: A result cannot be read." in told[0]


def test_only_this_machine_by_its_name_gets_an_answer(served):
    port = served(LivePage(str, lambda: "one", print))
    assert get(port, "/", host="elsewhere.example")[0] == 403
    assert get(port, "/", host="localhost")[0] == 200
    assert get(port, "/../pyproject.toml")[0] == 404


def test_a_port_that_is_taken_is_told(served):
    live = LivePage(str, lambda: "one", print)
    port = served(live)
    with pytest.raises(BadInput, match=f"Port {port} of 127.0.0.1 cannot be used"):
        server_of(live, port)


def test_a_new_result_changes_the_state(tmp_path):
    folder = tmp_path / "village" / "income"
    folder.mkdir(parents=True)
    before = state_of([tmp_path])
    (folder / "a__b.json").write_text("{}", encoding="utf-8")
    assert state_of([tmp_path]) != before == state_of([tmp_path / "none"])
