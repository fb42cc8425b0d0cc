"""Several processes share the trainings of a run: the first does the rest, what fails in one fails in all, and a killed one ends all."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from urbanbench.cli.app import main
from urbanbench.result import FAILED, OK, REFUSED
from urbanbench.space import EmbeddingSpace
from urbanbench.store import ResultStore

MODEL = '''
import os, signal
from dataclasses import dataclass
from pathlib import Path

from urbanbench.card import ModelCard
from urbanbench.errors import LayerMissing
from urbanbench.model import Model


@dataclass(frozen=True)
class Pairing(Model):
    """Trains a small net; `mode` says what goes wrong, after some steps, in process 1 or in all."""

    mode: str = "MODE"
    card = ModelCard(title="Pairing", summary="Trains.", needs=("poi",), embeds=("region",))

    def embed(self, view, *, units, seed, device):
        import numpy as np
        import torch
        from torch import nn

        from urbanbench.space import EmbeddingSpace
        from urbanbench.toolkit.training import seeded_torch, train_stage
        from urbanbench.toolkit.training.contrastive import info_nce
        from urbanbench.toolkit.training.distributed import gathered, own_part, process, processes
        from urbanbench.toolkit.training.schedule import Schedule

        mode, log = self.mode, Path(os.environ["EMBED_LOG"])
        with log.open("a") as told:
            told.write(f"{mode} {process()} of {processes()}\\n")
        if mode == "refused":
            raise LayerMissing("village", "clouds", [])
        points = torch.from_numpy(np.stack([np.arange(len(units.ids)), np.ones(len(units.ids))], 1).astype("float32") / 9)

        class Pairs:
            name, n_anchors, calls = "pairs", len(points), 0

            def __init__(self):
                with seeded_torch(seed, "pairs"):
                    self.net = nn.Linear(2, 4)

            def parameter_groups(self):
                return [{"params": [*self.net.parameters()], "lr": 0.01}]

            def modules(self):
                return (self.net,)

            def loss(self, anchors, rng):
                self.calls += self.net.training
                if mode == "one fails" and self.calls == 7 and process() == 1:
                    raise MemoryError("no room in process 1")
                if mode == "all fail" and self.calls == 7:
                    raise ValueError("never works")
                if mode == "killed" and self.calls == 7 and process() == 1 and "KILL" in os.environ:
                    os.kill(os.getpid(), signal.SIGKILL)
                own = points[anchors[own_part(len(anchors))]]
                noise = torch.from_numpy(rng.normal(size=(len(anchors), 2)).astype("float32"))[own_part(len(anchors))]
                return info_nce(gathered(self.net(own)), gathered(self.net(own + 0.1 * noise)))

        pairs = Pairs()
        train_stage(pairs, Schedule(batch=8, epochs=5, warmup=1, check_every=4), seed=seed, checkpoint=Path(f"{mode}.safetensors"))
        with torch.no_grad():
            vectors = pairs.net(points).numpy()
        return EmbeddingSpace("region", np.array(units.ids), vectors)
'''
START = [sys.executable, "-m", "urbanbench"]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--rdzv-backend", "c10d"]


@pytest.fixture
def pairing(tmp_path, monkeypatch, own_cache) -> Path:
    monkeypatch.setenv("EMBED_LOG", str(tmp_path / "embeds.log"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def words(folder, village, modes, *more):
    """Write a model for each mode, and return the words that name them."""
    for mode in modes:
        file = folder / f"{mode.replace(' ', '_')}.py"
        file.write_text(
            MODEL.replace("MODE", mode).replace("Pairing", f"Pairing{len(mode)}"), encoding="utf-8"
        )
    files = [str(folder / f"{mode.replace(' ', '_')}.py") for mode in modes]
    return ["-m", ",".join(files), "-c", str(village), "-t", "popdensity", "--device", "cpu", *more]


def asked(folder, village, modes, *more):
    usual = ("--head", "ridge", "--seeds", "2", "--no-isolate", "--no-floors")
    return ["run", *words(folder, village, modes, *usual, *more)]


def started(*arguments):
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stdout, done.stderr


def rows(folder):
    return {one.cell.parameters["mode"]: one for one in ResultStore(Path(folder)).load_all()}


def trained(mode):
    log = Path(os.environ["EMBED_LOG"])
    return sorted(
        line.removeprefix(f"{mode} ") for line in log.read_text().splitlines() if line.startswith(mode)
    )


def test_a_run_by_torchrun_shares_trainings_and_the_first_process_alone_tells(pairing, village, own_cache):
    code, out, err = started(*TORCHRUN, "-m", "urbanbench", *asked(pairing, village, ["fine"]))
    assert code == 0, err
    assert (out.count("village · popdensity · random"), err.count("Results: ")) == (1, 1)
    assert trained("fine") == ["0 of 2", "1 of 2"]
    [entry] = own_cache.glob("embeddings/*.json")
    assert json.loads(entry.read_text())["parts"]["device"] == "cpu x2"
    code, _, err = started(*START, *asked(pairing, village, ["fine"], "--processes", "2", "--head", "knn"))
    assert code == 0, err
    assert len(trained("fine")) == 2, "the vectors were there"
    assert len(ResultStore(Path("runs")).load_all()) == 2


def vectors_of(cache: Path) -> np.ndarray:
    """Return the only vectors of a cache."""
    [entry] = cache.glob("embeddings/*.safetensors")
    return EmbeddingSpace.load(entry).vectors


@pytest.mark.slow
def test_vectors_are_those_that_embed_makes_with_as_many_processes(tmp_path, monkeypatch, own_cache):
    monkeypatch.chdir(tmp_path)
    few = [
        "-m",
        "urban2vec",
        "-c",
        "toyville:tiny",
        "-t",
        "popdensity",
        "--device",
        "cpu",
        "--set",
        "max_steps=20",
        "--set",
        "min_steps=0",
    ]
    usual = ["--head", "ridge", "--seeds", "2", "--no-floors"]
    monkeypatch.setenv("URBANBENCH_CACHE", str(tmp_path / "embedded"))
    code, _, err = started(*TORCHRUN, "-m", "urbanbench", "embed", *few)
    assert code == 0, err
    [entry] = tmp_path.glob("embedded/embeddings/*.safetensors")
    monkeypatch.setenv("URBANBENCH_CACHE", str(own_cache))
    for out in ("made", "read"):
        code, _, err = started(*START, "run", *few, *usual, "--processes", "2", "--out", out)
        assert code == 0, err
        assert [one.name for one in own_cache.glob("embeddings/*.safetensors")] == [entry.name]
        assert np.array_equal(vectors_of(own_cache), vectors_of(tmp_path / "embedded"))
    [made], [read] = (ResultStore(tmp_path / out).load_all() for out in ("made", "read"))
    assert made.scores == read.scores
    assert (made.cost["embedding_cached"], read.cost["embedding_cached"]) == (False, True)


def test_what_fails_in_one_process_fails_in_all_and_the_run_goes_on(pairing, village):
    modes = ("one fails", "all fail", "refused", "fine")
    code, _, err = started(*START, *asked(pairing, village, modes, "--processes", "2"))
    found = rows("runs")
    assert {mode: one.status for mode, one in found.items()} == dict(
        zip(modes, (FAILED, FAILED, REFUSED, OK), strict=True)
    ), err
    assert (
        "processes that train together failed: MemoryError: no room in process 1" in found["one fails"].reason
    )
    assert found["all fail"].reason.startswith("ValueError: never works")
    assert code == 1, err
    assert "Traceback" not in err
    assert all(trained(mode) == ["0 of 2", "1 of 2"] for mode in modes)


def test_a_killed_process_ends_the_others_at_once_and_the_same_command_goes_on(pairing, village, monkeypatch):
    command = asked(pairing, village, ["killed"], "--processes", "2")
    monkeypatch.setenv("KILL", "1")
    began = time.monotonic()
    code, _, err = started(*START, *command)
    assert code == 1, err
    assert re.search(
        r"Error: Process 1 of those that train together was ended by SIGKILL, and the others with it\.", err
    )
    assert "The same command goes on from the last checkpoint: urbanbench run" in err
    assert "Traceback" not in err
    assert time.monotonic() - began < 120
    assert not rows("runs")
    monkeypatch.delenv("KILL")
    code, _, err = started(*START, *command)
    assert code == 0, err
    assert rows("runs")["killed"].status == OK


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--processes", "3"], "--processes 3 is given to 2 processes that torchrun started"),
        (["--jobs", "2"], "--jobs 2 is given to processes that train together"),
        (["--time-limit", "9"], "is given to processes that train together"),
    ],
)
def test_what_cannot_be_done_together_is_refused(more, says, pairing, village, monkeypatch, capsys):
    from contextlib import nullcontext

    from urbanbench.cli import run_command
    from urbanbench.toolkit.training import distributed, session

    class First:
        rank, apart = 0, ""

        def end(self, code):
            assert code

    for name, value in {
        "RANK": 0,
        "WORLD_SIZE": 2,
        "LOCAL_RANK": 0,
        "MASTER_ADDR": "localhost",
        "MASTER_PORT": 1,
    }.items():
        monkeypatch.setenv(name, str(value))
    assert distributed.started() == 2
    monkeypatch.setattr(session, "session", lambda _device: nullcontext(First()))
    line = [word for word in asked(pairing, village, ["fine"]) if word != "--no-isolate"]
    assert run_command is not None
    assert main([*line, *more]) == 2
    assert says in capsys.readouterr().err
