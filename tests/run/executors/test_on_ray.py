"""A Ray cluster of three nodes on this machine, each with a cache of its own: the rows of a local run, whatever befalls it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.run.executors.spread_cells import rows_in, specs_of

from urbanbench.apart import Keeping, Limits, plugins_apart
from urbanbench.errors import BadInput, DataMissing, NodeDiffers
from urbanbench.result import FAILED, OK
from urbanbench.run.executors.on_ray import OnRay
from urbanbench.run.executors.shelf import SHIPPED
from urbanbench.run.loop import run
from urbanbench.store import ResultStore

pytest.importorskip("ray", reason="the extra ray is not installed")

STORE_BYTES = 80_000_000


class ThreeNodes:
    """A cluster, its nodes' caches, and what befalls it."""

    def __init__(self, root: Path) -> None:
        from ray.cluster_utils import Cluster

        self.root = root
        self.cluster = Cluster(
            initialize_head=True, head_node_args=self._node(0) | {"include_dashboard": False}
        )
        self.nodes = [self.cluster.add_node(**self._node(number)) for number in (1, 2)]

    def _node(self, number: int) -> dict:
        variables = {"URBANBENCH_CACHE": str(self.cache(number)), "OMP_NUM_THREADS": "1"}
        return {"num_cpus": 1, "object_store_memory": STORE_BYTES, "env_vars": variables}

    def cache(self, number: int) -> Path:
        return self.root / f"cache{number}"

    @property
    def address(self) -> str:
        return self.cluster.address

    def workers(self) -> list[psutil.Process]:
        raylets = [
            info.process.pid
            for node in self.cluster.list_all_nodes()
            for info in node.all_processes.get("raylet", [])
        ]
        below = [one for pid in raylets for one in psutil.Process(pid).children()]
        return [one for one in below if one.name() in {"ray::IDLE", "ray::work"}]

    def close(self) -> None:
        self.cluster.shutdown()


@pytest.fixture(scope="module")
def three(tmp_path_factory) -> Iterator[ThreeNodes]:
    import ray

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    nodes = ThreeNodes(tmp_path_factory.mktemp("nodes"))
    try:
        yield nodes
    finally:
        ray.shutdown()
        nodes.close()


@pytest.fixture
def store(tmp_path) -> ResultStore:
    return ResultStore(tmp_path / "on-ray")


def test_rows_are_those_of_a_local_run_and_what_only_this_machine_has_arrives_once_per_node(
    village, counting, three, store, local_rows
):
    counting.write_text(counting.read_text().replace("pause_s: float = 0.0", "pause_s: float = 0.3"))
    specs = specs_of([counting, "poi-counts"], village, ["popdensity", "income", "gdp"], ["ridge"])
    results = run(specs, store, executor=OnRay(three.address))
    assert [(one.status, one.reason) for one in results] == [(OK, "")] * 6
    assert rows_in(store.folder) == local_rows(specs)
    arrived = [
        path.relative_to(three.root).parts
        for path in three.root.glob(f"cache*/{SHIPPED}/*/*/")
        if path.name in {"village", "files"}
    ]
    assert len(set(arrived)) == len(arrived)
    assert len({sha for _, _, sha, what in arrived if what == "village"}) == 1


def test_killed_workers_and_a_removed_node_change_nothing(village, counting, three, store, local_rows):
    specs = specs_of([counting, "poi-counts"], village, ["popdensity", "income", "gdp"], ["ridge", "knn"])
    befallen = []

    def befall(_result, _new) -> None:
        befallen.append(len(befallen))
        if befallen[-1] == 1:
            three.cluster.remove_node(three.nodes.pop())
        if befallen[-1] in {3, 7}:
            for one in three.workers()[:1]:
                one.send_signal(signal.SIGKILL)

    results = run(specs, store, executor=OnRay(three.address), progress=befall)
    assert [(one.status, one.reason) for one in results] == [(OK, "")] * 12
    assert rows_in(store.folder) == local_rows(specs)


def test_limits_hold_on_nodes(village, counting, three, store):
    with plugins_apart(Keeping(foreign=True, all_cells=True, limits=Limits(seconds=1.5))):
        specs = specs_of([counting], village, ["income"], settings=(("pause_s", "60"),))
        first, second = run(specs, store, executor=OnRay(three.address))
    assert (first.status, second.status) == (FAILED, FAILED)
    assert "the time limit being 1.5 s" in first.reason
    assert second.reason.startswith(
        "WorkerDied: not tried, because a cell with the same vectors failed: it was ended"
    )


def test_other_code_on_nodes_is_refused(village, three, store, monkeypatch):
    from urbanbench.run.executors import errands

    here = errands.this_code()
    monkeypatch.setattr(errands, "this_code", lambda: here | {"urbanbench": "0" * 32})
    with pytest.raises(NodeDiffers, match=r"Node '\S+' has other code of urbanbench"):
        run(specs_of(["poi-counts"], village, ["income"], ["ridge"]), store, executor=OnRay(three.address))


def test_a_cluster_that_does_not_answer_is_named(village, store):
    specs = specs_of(["poi-counts"], village, ["income"], ["ridge"])
    for address in ("127.0.0.1:9", "nowhere", "ray://127.0.0.1:9"):
        with pytest.raises(DataMissing, match=rf"No Ray cluster at --address {address}: .* Expected `auto`"):
            run(specs, store, executor=OnRay(address))


def test_an_address_beside_a_connection_is_refused_and_the_connection_is_used(village, three, store):
    import ray

    ray.init(address=three.address, log_to_driver=False, logging_level="ERROR")
    try:
        specs = specs_of(["poi-counts"], village, ["income"], ["ridge"])
        with pytest.raises(BadInput, match="is connected to a Ray cluster already"):
            run(specs, store, executor=OnRay(three.address))
        [result] = run(specs, store, executor=OnRay())
        assert result.status == OK
        assert ray.is_initialized()
    finally:
        ray.shutdown()


@pytest.mark.slow
def test_a_stopped_command_leaves_nothing_running_and_goes_on_where_it_was(village, counting, tmp_path):
    """The command starts a cluster of its own; Ctrl-C ends it with all that it has started."""
    counting.write_text(counting.read_text().replace("pause_s: float = 0.0", "pause_s: float = 2.0"))
    words = [
        "run",
        "-m",
        str(counting),
        "-t",
        "popdensity,income,gdp,crime",
        "-c",
        str(village),
        "--head",
        "ridge",
    ]
    words += [
        "--seeds",
        "2",
        "--no-floors",
        "--executor",
        "ray",
        "--jobs",
        "1",
        "--out",
        str(tmp_path / "runs"),
    ]
    line = [sys.executable, "-m", "urbanbench", *words]
    command = subprocess.Popen(line, stderr=subprocess.PIPE, text=True)
    for said in command.stderr:
        if said.startswith("[1/4]"):
            break
    below = psutil.Process(command.pid).children(recursive=True)
    command.send_signal(signal.SIGINT)
    rest = command.communicate(timeout=120)[1]
    assert "of 4 cells are done and kept" in rest
    _, alive = psutil.wait_procs(below, timeout=20)
    assert alive == []
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    assert "[4/4]" in done.stderr
    assert len(list((tmp_path / "runs").glob("*/*/*.json"))) == 4
