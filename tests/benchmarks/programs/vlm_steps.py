"""Seconds and memory of a LoRA step of UGE on a vision-language model of a public size with random weights, on a GPU; prints JSON.

Tokens, pictures and graphs are noise of the sizes that `vlm_arithmetic.py` counts, so that both can be held against each other. Without a
GPU it says so and measures nothing. With `--smallest` a thin model takes its steps on the CPU, which shows that the program runs.
"""

import argparse
import json
import sys
import time

import numpy as np
import torch
from vlm_arithmetic import CONFIGS, THIN, Work, built, graph_encoder

from urbanbench.models._uge_vlm.net import UgeVlm
from urbanbench.models._uge_vlm.prompts import NODE, PICTURE, Turns
from urbanbench.models.uge_vlm import UgeVLM
from urbanbench.toolkit.graphs.flat import Batch
from urbanbench.toolkit.training.contrastive import info_nce

WARM, STEPS, EDGES_PER_NODE = 2, 5, 4
SMALLEST = Work(lessons=2, picture_patches=16, nodes=4, left_words=3, right_words=5)


def noise(net, work, rng, *, left):
    """Return items of noise: pictures, nodes and words, or words alone."""
    words, pictures, nodes = (
        (work.left_words, work.picture_patches // 4, work.nodes) if left else (work.right_words, 0, 0)
    )
    kind = np.concatenate([np.full(pictures, PICTURE), np.full(nodes, NODE), np.zeros(words, dtype=np.int64)])
    ids = rng.integers(5, 250, (work.lessons, len(kind)))
    ids[:, kind == PICTURE] = net.backbone.config.image_token_id
    kinds = np.tile(kind, (work.lessons, 1)).astype(np.int64)
    last = np.full(work.lessons, len(kind) - 1)
    tensors = [torch.from_numpy(one) for one in (ids, np.ones_like(ids), kinds, last)]
    side = int(work.picture_patches**0.5)
    pixels = {
        "pixel_values": torch.randn(work.lessons * work.picture_patches, 1176),
        "image_grid_thw": torch.tensor([[1, side, side]] * work.lessons),
    }
    return Turns(tensors[0], tensors[1], tensors[2], tensors[3], pixels if pictures else {})


def graphs_of(work, rng):
    """Return a graph of noise for each lesson."""
    n, m = work.nodes, EDGES_PER_NODE * work.nodes
    first = np.arange(work.lessons) * n
    ends = np.sort(rng.integers(0, n, (work.lessons, m)), axis=1) + first[:, None]
    sources = rng.integers(0, n, (work.lessons, m)) + first[:, None]
    total = work.lessons * n
    return Batch(
        rng.integers(0, 50, total), rng.normal(0, 300, (total, 2)).astype(np.float32), first,
        np.repeat(np.arange(work.lessons), n), sources.ravel(), ends.ravel(),
        rng.uniform(0, 100, ends.size).astype(np.float32), rng.uniform(0, 360, ends.size).astype(np.float32),
    )  # fmt: skip


def measured(sizes, work, device, *, checkpointing):
    """Return seconds of a step and the most memory it took."""
    rng, on_gpu = np.random.default_rng(0), device == "cuda"
    torch.manual_seed(0)
    backbone = built(sizes, checkpointing=checkpointing, device=device, attention="sdpa")
    if on_gpu:
        for one in backbone.peft.parameters():
            one.data = one.data if one.requires_grad else one.data.bfloat16()
        torch.cuda.reset_peak_memory_stats()
    net = UgeVlm(backbone, graph_encoder(backbone, device)).train()
    texts = torch.randn(50, backbone.dim, device=device)
    optimiser = torch.optim.Adam([one for one in net.parameters() if one.requires_grad], lr=UgeVLM().lr)
    left, right, graphs = (
        noise(net, work, rng, left=True),
        noise(net, work, rng, left=False),
        graphs_of(work, rng),
    )
    seconds = []
    for _ in range(WARM + STEPS):
        began = time.perf_counter()
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast(device, dtype=torch.bfloat16, enabled=on_gpu):
            loss = info_nce(
                net(left, graphs, texts), net(right, None, texts), temperature=UgeVLM().temperature
            )
        loss.backward()
        optimiser.step()
        if on_gpu:
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
    made = {"seconds": float(np.median(seconds[WARM:])), "loss": float(loss.detach())}
    return made | ({"GiB": torch.cuda.max_memory_allocated() / 2**30} if on_gpu else {})


def main(*, smallest):
    """Print what steps take."""
    if smallest:
        return {"thin": measured(THIN["thin"], SMALLEST, "cpu", checkpointing=True)}
    if not torch.cuda.is_available():
        return {"measured": "nothing: there is no GPU"}
    found = {"device": torch.cuda.get_device_name()}
    for name, sizes in CONFIGS.items():
        for nodes in (100, 500, 1000):
            found[f"{name}, {nodes} nodes"] = measured(sizes, Work(nodes=nodes), "cuda", checkpointing=True)
            torch.cuda.empty_cache()
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smallest", action="store_true")
    json.dump(main(smallest=parser.parse_args().smallest), sys.stdout, indent=1)
