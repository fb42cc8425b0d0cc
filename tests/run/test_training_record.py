"""A model that trains: its stages in the result, its checkpoints while it trains, its vectors made by several processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from urbanbench.result import FAILED, OK, RunResult, RunSpec
from urbanbench.run import Workbench, execute
from urbanbench.space import EmbeddingSpace
from urbanbench.store import ResultStore

TRAINED = """
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from urbanbench.card import ModelCard
from urbanbench.model import Model
from urbanbench.space import EmbeddingSpace


class Pull:
    def __init__(self, name, counts, stop_at):
        import torch
        from torch import nn
        from urbanbench.toolkit.training import seeded_torch

        self.name, self.stop_at, self.n_anchors = name, stop_at, len(counts)
        self.x = torch.from_numpy(np.column_stack([counts, counts**0.5]).astype("float32")) / 10
        with seeded_torch(0, name):
            self.net = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 4))

    def parameter_groups(self):
        return [{"params": self.net.parameters(), "lr": 0.01}]

    def modules(self):
        return (self.net,)

    def loss(self, anchors, rng):
        import torch
        from urbanbench.toolkit.training.contrastive import info_nce
        from urbanbench.toolkit.training.distributed import gathered, own_part

        if self.net.training:
            with Path(os.environ["STEP_LOG"]).open("a") as log:
                log.write(self.name + "\\n")
                log.flush()
            told = Path(os.environ["STEP_LOG"]).read_text().split()
            if self.stop_at and told.count(self.name) == self.stop_at and self.name == "second":
                raise RuntimeError("stopped")
        noise = torch.from_numpy(rng.normal(size=(2, len(anchors), 2)).astype("float32")) / 10
        part = own_part(len(anchors))
        query, key = (self.net(self.x[anchors[part]] + one[part]) for one in noise)
        return info_nce(gathered(query), gathered(key))


@dataclass(frozen=True)
class Trained(Model):
    card = ModelCard(title="Trained", summary="Trains.", needs=("poi",), embeds=("region",))

    def embed(self, view, *, units, seed, device):
        from urbanbench.toolkit.training.schedule import Schedule
        from urbanbench.toolkit.training import train_stage

        counts = view.pois["region_id"].value_counts().reindex(list(units.ids)).fillna(0).to_numpy()
        schedule = Schedule(batch=8, epochs=5, warmup=1, check_every=1, patience=99)
        stop_at = int(os.environ.get("STOP_AT", 0))
        first, second = Pull("first", counts, 0), Pull("second", counts, stop_at)
        train_stage(first, schedule, seed=seed, device=device)
        train_stage(second, schedule, seed=seed, device=device)
        vectors = np.hstack([one.net(one.x).detach().numpy() for one in (first, second)])
        return EmbeddingSpace("region", np.array(units.ids), vectors)
"""


@pytest.fixture
def trained(tmp_path, own_cache, monkeypatch):
    path = tmp_path / "trained.py"
    path.write_text(textwrap.dedent(TRAINED), encoding="utf-8")
    monkeypatch.setenv("STEP_LOG", str(tmp_path / "steps.log"))
    return path


def spec_of(trained, village):
    return RunSpec(str(trained), "popdensity", str(village), head="ridge", seeds=(0, 1))


def test_a_result_keeps_what_every_stage_did(trained, village, tmp_path):
    result = execute(spec_of(trained, village))
    assert result.status == OK, result.traceback
    assert [stage["name"] for stage in result.training] == ["first", "second"]
    steps = (tmp_path / "steps.log").read_text().split()
    assert [stage["steps"] for stage in result.training] == [steps.count("first"), steps.count("second")]
    store = ResultStore(tmp_path / "results")
    written = json.loads(store.save(result).read_text(encoding="utf-8"))
    assert written["training"] == result.training
    assert [dict(one) for one in store.read(store.path_of(result.cell)).training] == result.training
    again = execute(spec_of(trained, village), bench=Workbench())
    assert again.cost["embedding_cached"]
    assert again.training == result.training, "a cached embedding remembers its training"


def test_results_without_training_have_no_such_section(village, counting, own_cache):
    whole = execute(RunSpec(str(counting), "popdensity", str(village), head="ridge", seeds=(0,))).to_dict()
    assert "training" not in whole
    assert RunResult.from_dict(whole).to_dict() == whole


def test_stopped_training_goes_on_and_leaves_no_checkpoints(
    trained, village, tmp_path, own_cache, monkeypatch
):
    monkeypatch.setattr("urbanbench.toolkit.training.checkpoint.PAUSE_S", 0.0)
    calm = execute(spec_of(trained, village), bench=Workbench(cache=None))
    (tmp_path / "steps.log").unlink()
    monkeypatch.setenv("STOP_AT", "9")
    stopped = execute(spec_of(trained, village))
    assert (stopped.status, stopped.error_type) == (FAILED, "RuntimeError")
    [folder] = (own_cache / "training").iterdir()
    assert sorted(one.name for one in folder.glob("*.safetensors")) == [
        "01-first.safetensors",
        "02-second.safetensors",
    ]
    monkeypatch.delenv("STOP_AT")
    result = execute(spec_of(trained, village))
    assert result.status == OK
    assert result.scores == calm.scores
    steps, planned = (tmp_path / "steps.log").read_text().split(), calm.training[0]["steps"]
    assert steps.count("first") == planned, "the finished stage was trained again"
    assert planned < steps.count("second") <= planned + 9 - 6
    assert not list((own_cache / "training").iterdir())


@pytest.mark.slow
def test_torchrun_embeds_with_two_processes_and_writes_once(trained, village, tmp_path, own_cache):
    def embed(start, out):
        words = ["-m", "urbanbench", "embed", "-m", str(trained), "-c", str(village), "--device", "cpu"]
        env = os.environ | {"OMP_NUM_THREADS": "1", "URBANBENCH_CACHE": str(own_cache)}
        done = subprocess.run(
            [*start, *words, "--out", str(out)],
            capture_output=True,
            text=True,
            check=False,
            env=env,
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout, EmbeddingSpace.load(out)

    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    said, shared = embed(torchrun, tmp_path / "two.parquet")
    assert said.count("EmbeddingSpace") == 1
    steps = (tmp_path / "steps.log").read_text().split()
    _, alone = embed([sys.executable], tmp_path / "one.parquet")
    np.testing.assert_allclose(shared.vectors, alone.vectors, atol=1e-5)
    assert len((tmp_path / "steps.log").read_text().split()) == 1.5 * len(steps), (
        "each process takes each step"
    )
    said, again = embed(torchrun, tmp_path / "again.parquet")
    assert np.array_equal(again.vectors, shared.vectors)
    assert len((tmp_path / "steps.log").read_text().split()) == 1.5 * len(steps), "the cache was not used"
