"""What is done for a GPU, forced on the CPU: losses read late, checkpoints written by a thread, samples told ahead; the same bits."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
import torch
from torch import nn

from urbanbench.errors import BadInput
from urbanbench.toolkit.training import checkpoint as checkpoints
from urbanbench.toolkit.training import fit as fits
from urbanbench.toolkit.training import seeded_torch, train_stage
from urbanbench.toolkit.training.checkpoint import Checkpoint
from urbanbench.toolkit.training.contrastive import info_nce
from urbanbench.toolkit.training.joint import train_joint
from urbanbench.toolkit.training.schedule import Schedule
from urbanbench.toolkit.training.transfer import HostCopies, numbers, on_device

SCHEDULE = Schedule(batch=16, epochs=6, warmup=2, check_every=7, patience=9)
IDENTITY = {"objective": "one"}


class Stop(Exception):
    pass


class Pairs:
    """Two noisy views of a point belong together; it notes what it hears of the next step."""

    def __init__(self, name="pairs", n=120, stop_at=None, broken_at=None):
        self.name, self.n_anchors, self.stop_at, self.broken_at = name, n, stop_at, broken_at
        self.calls, self.told, self.asked = 0, [], []
        with seeded_torch(0, "pairs"):
            self.points = torch.randn(n, 6)
            self.body = nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Dropout(0.3), nn.Linear(12, 4))

    def parameter_groups(self):
        return [{"params": list(self.body.parameters()), "lr": 0.03}]

    def modules(self):
        return (self.body,)

    def expect(self, anchors, rng):
        self.told.append((anchors.tolist(), rng.normal()))

    def loss(self, anchors, rng):
        noise = torch.from_numpy(rng.normal(size=(2, len(anchors), 6)).astype(np.float32))
        if self.body.training:
            self.calls += 1
            if self.calls == self.stop_at:
                raise Stop
            self.asked.append((anchors.tolist(), float(noise[0, 0, 0])))
        loss = info_nce(*(self.body(self.points[anchors] + 0.3 * one) for one in noise))
        return loss * torch.nan if self.calls == self.broken_at else loss

    def state(self):
        return [one.clone() for one in self.body.state_dict().values()]


@pytest.fixture
def as_on_a_gpu(monkeypatch):
    """Let the loop and its checkpoints take the CPU for a device that works behind the host."""
    monkeypatch.setattr(fits, "runs_behind", lambda device: True)
    monkeypatch.setattr(checkpoints, "runs_behind", lambda device: True)
    monkeypatch.setattr(checkpoints, "PAUSE_ON_GPU_S", 0.0)


def trained(problem, path=None):
    log = train_stage(problem, SCHEDULE, seed=3, checkpoint=path)
    return log.steps, log.checks, problem.state()


def same(one, other):
    return one[:2] == other[:2] and all(torch.equal(a, b) for a, b in zip(one[2], other[2], strict=True))


def test_losses_that_are_read_late_are_the_same(as_on_a_gpu, monkeypatch):
    late = trained(Pairs())
    monkeypatch.undo()
    assert same(late, trained(Pairs()))
    assert len(late[0]) == 36


def test_dynamic_weights_follow_losses_that_are_read_late(as_on_a_gpu, monkeypatch):
    def weighed():
        stages = [Pairs(), Pairs("other", 70)]
        logs = train_joint(stages, SCHEDULE, weights="dwa", seed=3)
        return [one.steps for one in logs], [one.checks for one in logs], stages[0].state()

    late = weighed()
    monkeypatch.undo()
    assert same(late, weighed())


def test_a_loss_that_is_not_finite_is_found_with_its_step_though_it_is_read_late(as_on_a_gpu):
    with pytest.raises(BadInput, match="'pairs' has loss nan at step 5"):
        trained(Pairs(broken_at=5))


def test_an_objective_hears_of_the_next_step_what_its_loss_is_called_with(as_on_a_gpu):
    problem = Pairs()
    trained(problem)
    assert len(problem.told) == 35
    assert [anchors for anchors, _ in problem.told] == [anchors for anchors, _ in problem.asked[1:]]
    drawn = [number for _, number in problem.told]
    np.testing.assert_allclose(drawn, [number for _, number in problem.asked[1:]], rtol=1e-6)


def test_on_the_cpu_nobody_is_told_ahead():
    problem = Pairs()
    trained(problem)
    assert problem.told == []


@pytest.mark.parametrize("stop_at", [9, 30])
def test_training_goes_on_from_a_checkpoint_that_a_thread_wrote_to_the_same_bits(
    tmp_path, as_on_a_gpu, stop_at
):
    path = tmp_path / "stage.safetensors"
    calm = trained(Pairs())
    with pytest.raises(Stop):
        trained(Pairs(stop_at=stop_at), path)
    resumed = Pairs()
    assert same(calm, trained(resumed, path))
    assert resumed.calls < 36


def test_a_checkpoint_holds_what_was_when_it_was_saved(tmp_path):
    kept = Checkpoint(tmp_path / "x.safetensors", behind=True)
    weights = {"now.0": torch.arange(5.0)}
    for value in (1.0, 2.0):
        weights["now.0"].fill_(value)
        kept.save(weights, {"step": value}, IDENTITY)
        weights["now.0"].fill_(-1.0)
    kept.settle()
    tensors, facts = kept.load(IDENTITY)
    assert tensors["now.0"].tolist() == [2.0] * 5
    assert facts["step"] == 2.0


def test_saving_does_not_wait_for_the_file(tmp_path, monkeypatch):
    gate, write = threading.Event(), checkpoints._write
    monkeypatch.setattr(checkpoints, "_write", lambda *given: (gate.wait(30), write(*given)))
    kept = Checkpoint(tmp_path / "x.safetensors", behind=True)
    kept.save({"now.0": torch.ones(3)}, {}, IDENTITY)
    assert not (tmp_path / "x.safetensors").exists()
    gate.set()
    kept.settle()
    assert (tmp_path / "x.safetensors").exists()


def test_what_the_thread_could_not_write_is_said_and_training_goes_on(tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    kept = Checkpoint(tmp_path / "file" / "x.safetensors", behind=True)
    kept.save({"now.0": torch.ones(3)}, {}, IDENTITY)
    kept.settle()
    assert "A checkpoint is not kept: Cannot write" in capsys.readouterr().err


def test_a_checkpoint_is_due_at_checks_after_its_pause_and_between_them_after_a_minute(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    path = tmp_path / "x.safetensors"
    every, some, none = Checkpoint(path), Checkpoint(path, pause_s=30.0), Checkpoint(None)

    def due(seconds):
        now[0] = 100.0 + seconds
        return [one.due(at_check=at) for one in (every, some, none) for at in (True, False)]

    assert due(0) == [True, False, False, False, False, False]
    assert due(31) == [True, False, True, False, False, False]
    assert due(60) == [True, True, True, True, False, False]
    some.save({"now.0": torch.ones(1)}, {}, IDENTITY)
    assert due(61)[2:4] == [False, False]


def test_copies_are_made_in_memory_that_is_used_again():
    copies, one = HostCopies(), torch.arange(4.0)
    copies.take({"a": one})
    first = copies.tensors()["a"]
    one += 1
    copies.take({"a": one, "b": torch.ones(2, 2)})
    assert copies.tensors()["a"] is first
    assert first.tolist() == [1.0, 2.0, 3.0, 4.0]
    copies.take({"a": torch.ones(2, dtype=torch.int64)})
    assert {name: (tuple(t.shape), t.dtype) for name, t in copies.tensors().items()} == {
        "a": ((2,), torch.int64)
    }


def test_numbers_come_as_they_are():
    values = [torch.tensor(value, dtype=torch.float32) for value in (0.1, 2.0, -3.5)]
    assert numbers(values) == [float(one) for one in values]
    assert numbers([]) == []


@pytest.mark.gpu
def test_arrays_reach_a_gpu_as_they_are():
    for array in (np.arange(6).reshape(2, 3), np.array([True, False]), np.empty((0, 3), dtype=np.float32)):
        there = on_device(array, "cuda")
        assert there.is_cuda
        np.testing.assert_array_equal(there.cpu().numpy(), array)


class OnGpu(Pairs):
    def __init__(self, **settings):
        super().__init__(**settings)
        self.points, self.body = self.points.cuda(), self.body.cuda()

    def loss(self, anchors, rng):
        noise = on_device(rng.normal(size=(2, len(anchors), 6)).astype(np.float32), "cuda")
        if self.body.training:
            self.calls += 1
            if self.calls == self.stop_at:
                raise Stop
        rows = on_device(anchors, "cuda")
        return info_nce(*(self.body(self.points[rows] + 0.3 * one) for one in noise))


@pytest.mark.gpu
def test_training_on_a_gpu_goes_on_from_pinned_copies(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "PAUSE_ON_GPU_S", 0.0)
    path = tmp_path / "stage.safetensors"
    calm = train_stage(OnGpu(), SCHEDULE, seed=3, device="cuda")
    with pytest.raises(Stop):
        train_stage(OnGpu(stop_at=30), SCHEDULE, seed=3, device="cuda", checkpoint=path)
    resumed = OnGpu()
    again = train_stage(resumed, SCHEDULE, seed=3, device="cuda", checkpoint=path)
    assert resumed.calls < 36
    np.testing.assert_allclose(again.steps, calm.steps, rtol=1e-4)


@pytest.mark.gpu
def test_a_gpu_is_trained_by_one_kernel_for_all_weights_to_nearly_the_losses_of_the_cpu():
    schedule = Schedule(batch=16, epochs=6, warmup=2, check_every=7, patience=9, precision="float32")
    problem, other = Pairs(), OnGpu()
    for body in (problem.body, other.body):
        body[2].p = 0.0
    here = train_stage(problem, schedule, seed=3)
    there = train_stage(other, schedule, seed=3, device="cuda")
    np.testing.assert_allclose(there.steps, here.steps, rtol=2e-3)
