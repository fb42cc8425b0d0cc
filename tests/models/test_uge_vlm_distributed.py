"""Two processes that share a batch of uge-vlm train what one process trains, with each other's answers as wrong ones."""

import os
import socket
import subprocess
import sys

import numpy as np
import pytest

SCRIPT = """
import sys
from pathlib import Path
import torch
from urbanbench.checks.practice import practice
from urbanbench.city.city import City
from urbanbench.models.uge_vlm import UgeVLM
from urbanbench.toolkit.training.distributed import joined

torch.set_num_threads(1)
weights, city, out = map(Path, sys.argv[1:])
with joined("cpu") as number:
    model = UgeVLM(
        weights=str(weights), batch=4, max_steps=2, epochs=None, min_epochs=0, held_out=0.0, dropout=0.0, graph_dim=16, lr=1e-2,
        lr_graph=1e-2, temperature=0.1, choose="loss", pixels=28 * 28,
    )
    view, _ = practice(City.open(city), model.card)
    model.learn(view, seed=0, device="cpu").save(out / f"{number}.safetensors")
"""


def start(folder, count, *words):
    folder.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {"WORLD_SIZE": count, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": 1}
    return [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, *map(str, words), str(folder)],
            env=os.environ | {k: str(v) for k, v in ({"RANK": rank, "LOCAL_RANK": rank} | common).items()},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(count)
    ]


@pytest.mark.slow
def test_two_processes_train_what_one_trains(vlm_folder, tiny_toyville, tmp_path):
    from urbanbench.learned import Learned

    started = [
        start(tmp_path / name, count, vlm_folder, tiny_toyville) for name, count in (("one", 1), ("two", 2))
    ]
    for one in (process for those in started for process in those):
        said = one.communicate(timeout=300)[1]
        assert one.returncode == 0, said
    alone, first, second = (
        Learned.load(tmp_path / place)[0].arrays
        for place in ("one/0.safetensors", "two/0.safetensors", "two/1.safetensors")
    )
    moved = [name for name in alone if "lora_B" in name]
    assert moved
    assert all(np.abs(alone[name]).max() > 1e-3 for name in moved), "B begins at zero"
    for name, array in alone.items():
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)
        np.testing.assert_allclose(first[name], array, rtol=1e-3, atol=1e-4, err_msg=name)
