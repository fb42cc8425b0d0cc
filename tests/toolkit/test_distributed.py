"""Two processes that share a batch train what one process trains."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest
import torch

from urbanbench.toolkit.training.distributed import (
    agreed,
    gathered,
    joined,
    own_part,
    process,
    processes,
    stacked,
)

SCRIPT = """
import json, sys
from dataclasses import replace
from pathlib import Path
import numpy as np
import torch
from torch import nn
from urbanbench.errors import BadInput
from urbanbench.toolkit.training.contrastive import info_nce
from urbanbench.toolkit.training.distributed import agreed, gathered, joined, own_part, process, stacked
from urbanbench.toolkit.training.joint import train_joint
from urbanbench.toolkit.training.schedule import Schedule
from urbanbench.toolkit.training import seeded_torch, take_rows, train_stage

torch.set_num_threads(1)


class Pairs:
    def __init__(self, name, n, dropout=0.0, share=True, stop_at=-1):
        self.name, self.n_anchors, self.share, self.calls, self.stop_at = name, n, share, 0, stop_at
        draw = torch.Generator().manual_seed(n)
        self.points = torch.randn(n, 5, generator=draw)
        with seeded_torch(process() + 1, name):  # processes begin with different weights; the first one's count
            self.net = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Dropout(dropout), nn.Linear(8, 4))
            self.rare = nn.Parameter(torch.randn(n, 4))

    def parameter_groups(self):
        return [{"params": [*self.net.parameters(), self.rare], "lr": 0.01}]

    def modules(self):
        return (self.net,)

    def loss(self, anchors, rng):
        self.calls += self.net.training
        if self.calls == self.stop_at:
            raise KeyboardInterrupt
        noise = torch.from_numpy(rng.normal(size=(2, len(anchors), 5)).astype(np.float32))
        part = own_part(len(anchors)) if self.share else slice(None)
        own = anchors[part]
        query, key = (self.net(self.points[own] + 0.1 * one[part]) for one in noise)
        first = own == anchors[0]
        if first.any():  # used by one of the processes only
            rows = torch.from_numpy(own[first])
            query = query + torch.from_numpy(first)[:, None] * take_rows(self.rare, rows).sum(0)
        return info_nce(gathered(query), gathered(key)) if self.share else info_nce(query, key)


def told(logs, *problems):
    weights = [one.flatten().tolist() for p in problems for one in [*p.net.parameters(), p.rare]]
    return {"steps": [log.steps for log in logs], "checks": [log.checks for log in logs],
            "refit": [log.refit for log in logs], "batch": [log.batch for log in logs], "weights": sum(weights, [])}


def work(folder):
    schedule = Schedule(batch=16, epochs=4, warmup=2, check_every=4, patience=1, min_gain=0.2, max_falls=99)
    found = {}
    one = Pairs("one", 90)
    found["stage"] = told([train_stage(one, schedule, seed=0)], one)
    whole = Pairs("whole", 90, share=False)
    found["unshared"] = told([train_stage(whole, schedule, seed=0)], whole)
    pair = Pairs("one", 90), Pairs("two", 50)
    found["joint"] = told(train_joint(pair, schedule, weights="uncertainty", seed=0), *pair)
    found["odd"] = told([train_stage(Pairs("one", 90), replace(schedule, batch=17, epochs=1), seed=0)])
    calm = Pairs("calm", 90, dropout=0.5)
    found["calm"] = told([train_stage(calm, schedule, seed=0)], calm)
    try:
        train_stage(Pairs("calm", 90, dropout=0.5, stop_at=12), schedule, seed=0, checkpoint=folder / "c.safetensors")
    except KeyboardInterrupt:
        pass
    again = Pairs("calm", 90, dropout=0.5)
    found["again"] = told([train_stage(again, schedule, seed=0, checkpoint=folder / "c.safetensors")], again)
    found["again_calls"] = again.calls
    last = replace(schedule, refit=True, held_out=0.3)
    for name, share in (("refit", True), ("unshared refit", False)):
        every = Pairs("every", 90, share=share)
        found[name] = told([train_stage(every, last, seed=0)], every)
    pair = Pairs("every", 90), Pairs("two", 50)
    found["joint refit"] = told(train_joint(pair, last, weights="dwa", seed=0), *pair)
    wet = Pairs("wet", 90, dropout=0.5)
    found["wet refit"] = told([train_stage(wet, last, seed=0)], wet)
    stop_at = len(found["wet refit"]["steps"][0]) + 3
    try:
        train_stage(Pairs("wet", 90, dropout=0.5, stop_at=stop_at), last, seed=0, checkpoint=folder / "r.safetensors")
    except KeyboardInterrupt:
        pass
    again = Pairs("wet", 90, dropout=0.5)
    found["wet refit again"] = told([train_stage(again, last, seed=0, checkpoint=folder / "r.safetensors")], again)
    found["wet refit calls"] = again.calls
    found["agreed"], found["stacked"] = agreed(process() + 5.0), stacked(torch.tensor([process()])).tolist()
    try:
        own_part(7)
    except BadInput as error:
        found["uneven"] = str(error)
    return found


with joined("cpu") as number:
    found = work(Path(sys.argv[1]))
Path(sys.argv[1], f"{number}.json").write_text(json.dumps(found))
"""


def start(folder, count):
    folder.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = []
    for rank in range(count):
        words = {
            "RANK": rank,
            "LOCAL_RANK": rank,
            "WORLD_SIZE": count,
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": port,
        }
        env = os.environ | {name: str(word) for name, word in words.items()} | {"OMP_NUM_THREADS": "1"}
        started.append(
            subprocess.Popen(
                [sys.executable, "-W", "error", "-c", SCRIPT, str(folder)],
                env=env,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    return started


def finish(folder, started):
    said = [one.communicate(timeout=300)[1] for one in started]
    assert [one.returncode for one in started] == [0] * len(started), said
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(len(started))]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """What one process found, then what each of two found; all three run at once."""
    folder = tmp_path_factory.mktemp("processes")
    started = {name: start(folder / name, count) for name, count in (("one", 1), ("two", 2))}
    return [found for name, those in started.items() for found in finish(folder / name, those)]


@pytest.mark.parametrize("kind", ["stage", "unshared", "joint"])
def test_two_processes_train_what_one_trains(outcomes, kind):
    alone, *both = (one[kind] for one in outcomes)
    assert both[0] == both[1], "processes drift apart"
    for name in ("steps", "weights"):
        np.testing.assert_allclose(np.array(both[0][name]), np.array(alone[name]), rtol=1e-4, atol=1e-5)


def test_two_processes_that_are_stopped_go_on_to_the_same_bits(outcomes):
    for one in outcomes:
        assert one["again"] == one["calm"]
        assert one["again_calls"] < len(one["calm"]["steps"][0])


@pytest.mark.parametrize("kind", ["refit", "unshared refit", "joint refit"])
def test_two_processes_take_the_last_fit_on_all_anchors_as_one_does(outcomes, kind):
    alone, *both = (one[kind] for one in outcomes)
    assert both[0] == both[1], "processes drift apart"
    assert min(map(len, alone["refit"])) > 0
    assert [len(one) for one in both[0]["refit"]] == [len(one) for one in alone["refit"]]
    for name in ("steps", "refit"):
        for mine, wanted in zip(both[0][name], alone[name], strict=True):
            np.testing.assert_allclose(mine, wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(both[0]["weights"], alone["weights"], rtol=1e-4, atol=1e-5)


def test_two_processes_that_are_stopped_in_the_last_fit_go_on_to_the_same_bits(outcomes):
    for one in outcomes:
        assert one["wet refit again"] == one["wet refit"]
        assert one["wet refit calls"] <= len(one["wet refit"]["refit"][0]), (
            "the first fit was not taken again"
        )


def test_batches_are_rounded_to_equal_parts(outcomes):
    assert [one["odd"]["batch"] for one in outcomes] == [[17], [16], [16]]


def test_processes_draw_different_dropout(outcomes):
    alone, first, _ = outcomes
    assert not np.allclose(alone["calm"]["steps"], first["calm"]["steps"], rtol=1e-4)


def test_the_first_process_decides_and_parts_are_equal(outcomes):
    alone, *both = outcomes
    assert alone["agreed"] == 5.0
    assert [one["agreed"] for one in both] == [5.0, 5.0]
    assert [one["stacked"] for one in both] == [[[0], [1]]] * 2
    assert all("7 anchors cannot be shared by 2 processes" in one["uneven"] for one in both)
    assert "uneven" not in alone


def test_alone_everything_is_the_identity():
    vectors = torch.ones(3, 2)
    with joined("cpu") as number:
        assert number == process() == 0
    assert processes() == 1
    assert own_part(5) == slice(0, 5)
    assert gathered(vectors) is vectors
    assert agreed(2.5) == 2.5
    assert stacked(vectors).shape == (1, 3, 2)
