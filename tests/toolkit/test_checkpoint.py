"""Training that is stopped and goes on: the same bits as training that was never stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from urbanbench.toolkit.training import seeded_torch, train_stage
from urbanbench.toolkit.training.checkpoint import checkpoints_in
from urbanbench.toolkit.training.contrastive import info_nce
from urbanbench.toolkit.training.joint import train_joint
from urbanbench.toolkit.training.schedule import Schedule
from urbanbench.toolkit.training.stage_log import recording

SCHEDULE = Schedule(batch=16, epochs=8, warmup=3, check_every=4, patience=3, max_falls=1)


class Stop(Exception):
    pass


class Pairs:
    """Two noisy views of a point belong together; the network has dropout and a running mean."""

    def __init__(self, name="pairs", n=120, stop_at=None, body=None):
        self.name, self.n_anchors, self.stop_at, self.calls = name, n, stop_at, 0
        with seeded_torch(0, "pairs"):
            self.points = torch.randn(n, 6)
            self.body = body or nn.Sequential(
                nn.Linear(6, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Dropout(0.3)
            )
            self.head = nn.Linear(12, 4)
            self.unused = nn.Parameter(torch.ones(2))

    def parameter_groups(self):
        groups = [
            {"params": list(self.body.parameters()), "lr": 0.03},
            {"params": self.head.parameters(), "lr": 0.01},
        ]
        return [*groups, {"params": [self.unused]}]

    def modules(self):
        return (self.body, self.head)

    def loss(self, anchors, rng):
        if self.body.training:
            self.calls += 1
            if self.calls == self.stop_at:
                raise Stop
        noise = torch.from_numpy(rng.normal(size=(2, len(anchors), 6)).astype(np.float32))
        query, key = (self.head(self.body(self.points[anchors] + 0.3 * one)) for one in noise)
        return info_nce(query, key)

    def state(self):
        return [one.clone() for module in self.modules() for one in module.state_dict().values()]


def train(problem, path, *, seed=3, schedule=SCHEDULE, joint=False):
    if not joint:
        return [train_stage(problem, schedule, seed=seed, checkpoint=path)], problem.state()
    other = Pairs("other", 70, body=problem.body)
    logs = train_joint([problem, other], schedule, weights=joint, seed=seed, checkpoint=path)
    return logs, problem.state() + other.state()


def kept_in(folder):
    return sorted(one.name for one in folder.glob("*.safetensors"))


def equal(logs, others):
    return [replace(one, seconds=0) for one in logs] == [replace(one, seconds=0) for one in others]


@pytest.mark.parametrize("joint", [False, "equal", "uncertainty", "dwa"])
@pytest.mark.parametrize("stop_at", [2, 9, 30])
def test_stopped_training_goes_on_to_the_same_bits(tmp_path, stop_at, joint):
    path = tmp_path / "stage.safetensors"
    logs, state = train(Pairs(), None, joint=joint)
    assert len(logs[0].steps) > 30, "the stop would come too late"
    with pytest.raises(Stop):
        train(Pairs(stop_at=stop_at), path, joint=joint)
    resumed = Pairs()
    again, same = train(resumed, path, joint=joint)
    assert equal(logs, again)
    assert all(torch.equal(a, b) for a, b in zip(state, same, strict=True))
    assert resumed.calls < len(logs[0].steps) or stop_at == 2


def test_training_can_be_stopped_at_every_check_it_comes_to(tmp_path):
    path = tmp_path / "stage.safetensors"
    logs, state = train(Pairs(), None)
    for _ in range(50):
        try:
            again, same = train(Pairs(stop_at=6), path)
            break
        except Stop:
            continue
    assert equal(logs, again)
    assert all(torch.equal(a, b) for a, b in zip(state, same, strict=True))


def test_a_finished_stage_is_not_trained_again(tmp_path):
    path = tmp_path / "stage.safetensors"
    logs, state = train(Pairs(), path)
    problem = Pairs(stop_at=1)
    again, same = train(problem, path)
    assert equal(logs, again)
    assert again[0].seconds >= logs[0].seconds * 0.9
    assert all(torch.equal(a, b) for a, b in zip(state, same, strict=True))


def test_random_state_outside_is_left_alone_by_a_resumed_stage(tmp_path):
    path = tmp_path / "stage.safetensors"
    with pytest.raises(Stop):
        train(Pairs(stop_at=20), path)
    problem = Pairs()
    before = torch.get_rng_state()
    train(problem, path)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 4}, "seed"),
        ({"schedule": replace(SCHEDULE, epochs=9)}, "schedule"),
        ({"problem": lambda: Pairs("others")}, "objective"),
        ({"problem": lambda: Pairs(n=121)}, "number of anchors"),
        ({"problem": lambda: Pairs(body=nn.Sequential(nn.Linear(6, 12)))}, "shapes of weights"),
    ],
)
def test_a_checkpoint_of_other_training_is_never_loaded(tmp_path, change, named):
    path = tmp_path / "stage.safetensors"
    train(Pairs(), path)
    make = change.get("problem", Pairs)
    settings = {name: value for name, value in change.items() if name != "problem"}

    def fresh(where):
        with seeded_torch(5, "body"):
            return train(make(), where, **settings)

    wanted, state = fresh(None)
    with pytest.warns(UserWarning, match=f"not used: it was made with another .*{named}"):
        logs, same = fresh(path)
    assert equal(logs, wanted)
    assert all(torch.equal(a, b) for a, b in zip(state, same, strict=True))


def test_other_weights_to_start_from_are_another_training(tmp_path):
    path = tmp_path / "stage.safetensors"
    train(Pairs(), path)
    problem = Pairs()
    problem.head.weight.data[0, 0] += 1e-6
    with pytest.warns(UserWarning, match="another weights to start from"):
        train(problem, path)


def test_a_broken_checkpoint_is_replaced(tmp_path):
    path = tmp_path / "stage.safetensors"
    logs, _ = train(Pairs(), path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.warns(UserWarning, match="cannot be read"):
        again, _ = train(Pairs(), path)
    assert equal(logs, again)
    assert equal(logs, train(Pairs(stop_at=1), path)[0])


def test_a_checkpoint_holds_no_code(tmp_path):
    path = tmp_path / "stage.safetensors"
    with pytest.raises(Stop):
        train(Pairs(stop_at=20), path)
    size = int.from_bytes(path.read_bytes()[:8], "little")
    assert path.read_bytes()[8:9] == b"{"
    assert b"adam.0.exp_avg_sq" in path.read_bytes()[8 : 8 + size]
    assert {one.suffix for one in tmp_path.iterdir()} == {".safetensors", ".lock"}


def test_stages_in_a_folder_of_checkpoints_are_found_again_in_their_order(tmp_path):
    def both(second):
        with checkpoints_in(tmp_path / "new"), recording() as stages:
            train(Pairs(), None)
            train(second, None, seed=8)
        return stages, second.state()

    with pytest.raises(Stop):
        both(Pairs(stop_at=5))
    first = Pairs(stop_at=1)
    with checkpoints_in(tmp_path / "new"):
        train(first, None)
    names = kept_in(tmp_path / "new")
    stages, _ = both(Pairs())
    assert names == ["01-pairs.safetensors"]
    assert kept_in(tmp_path / "new") == [*names, "02-pairs.safetensors"]
    assert equal(stages, [train(Pairs(), None)[0][0], train(Pairs(), None, seed=8)[0][0]])


KILLED = """
import os, signal, sys
from pathlib import Path
import importlib.util
import torch
torch.set_num_threads(1)
spec = importlib.util.spec_from_file_location("checkpoints", sys.argv[1])
tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tests)
at = int(sys.argv[3])

class Killed(tests.Pairs):
    def loss(self, anchors, rng):
        if self.body.training and self.calls == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().loss(anchors, rng)

logs, state = tests.train(Killed(), Path(sys.argv[2]))
import hashlib
print(hashlib.sha256(b"".join(one.numpy().tobytes() for one in state)).hexdigest(), logs[0].steps[-1], logs[0].checks)
"""


@pytest.mark.slow
def test_a_killed_process_goes_on_to_the_same_bits(tmp_path):
    def run(path, at):
        words = [sys.executable, "-c", KILLED, str(Path(__file__)), str(path), str(at)]
        return subprocess.run(words, capture_output=True, text=True, check=False, env=dict(os.environ))

    calm = run(tmp_path / "calm.safetensors", -1)
    assert calm.returncode == 0, calm.stderr
    path = tmp_path / "killed.safetensors"
    for at in (7, 13, 17):
        assert run(path, at).returncode == -signal.SIGKILL
    assert run(path, -1).stdout == calm.stdout
