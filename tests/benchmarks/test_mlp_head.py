"""The stacked MLP head against the same networks trained one after another with plain torch.nn.

Run with ``pytest tests/benchmarks --benchmark-only -o addopts=""``; the ratio stands in ``extra_info``.
"""

import copy
import time

import numpy as np
import pytest
import torch

from urbanbench.scoring.features import Features
from urbanbench.scoring.heads.mlp import MlpHead
from urbanbench.scoring.split import Split
from urbanbench.scoring.targets import Targets
from urbanbench.seeds import generator, torch_generator


def _problem(n, dim, seeds):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(n, dim)).astype(np.float32)
    values = vectors[:, 0] + np.tanh(vectors[:, 1]) + 0.5 * rng.normal(size=n)
    targets = Targets(
        ids=np.array([f"r{row:05d}" for row in range(n)]),
        level="region",
        kind="regression",
        values=values,
        classes=(),
        unit="",
        xy=rng.uniform(size=(n, 2)),
    )
    splits = []
    for seed in seeds:
        order = np.random.default_rng(seed).permutation(n)
        # Training parts of different lengths, as block splits have them.
        first, second = int(0.6 * n) - 3 * seed, int(0.8 * n)
        splits.append(Split(*map(np.sort, (order[:first], order[first:second], order[second:]))))
    return Features(vectors, np.ones(n, dtype=bool)), targets, splits


def _plain_network(dim, seed, device):
    net = torch.nn.Sequential(
        torch.nn.Linear(dim, 256),
        torch.nn.ReLU(),
        torch.nn.Linear(256, 128),
        torch.nn.ReLU(),
        torch.nn.Linear(128, 1),
    )
    source = torch_generator(seed, "head", "mlp", "weights")
    with torch.no_grad():
        for layer in net[::2]:
            bound = layer.in_features**-0.5
            drawn = torch.rand(layer.in_features, layer.out_features, generator=source)
            layer.weight.copy_(((drawn * 2 - 1) * bound).T)
            layer.bias.copy_((torch.rand(layer.out_features, generator=source) * 2 - 1) * bound)
    return net.to(device)


def _plain_fit(features, targets, split, seed, head, device="cpu"):
    """Return the test predictions of one network, written as anyone would."""
    train, val, test = (
        torch.from_numpy(features.vectors[side]).to(device) for side in (split.train, split.val, split.test)
    )
    mean, spread = train.mean(dim=0), train.std(dim=0, correction=0)
    train, val, test = (((side - mean) / spread).clamp(-5, 5) for side in (train, val, test))
    known = torch.from_numpy(targets.values[split.train]).float().to(device)
    centre, scale = known.mean(), known.std(correction=0)
    known = (known - centre) / scale
    judge = (torch.from_numpy(targets.values[split.val]).float().to(device) - centre) / scale
    net = _plain_network(features.vectors.shape[1], seed, device)
    optimizer = torch.optim.AdamW(net.parameters(), lr=head.learning_rate, weight_decay=head.weight_decay)
    steps = max(1, -(-int(0.6 * len(targets)) // head.batch_size))
    order = generator(seed, "head", "mlp", "order")
    best, lowest, waited = copy.deepcopy(net.state_dict()), float("inf"), 0
    for _ in range(head.max_epochs):
        permuted = torch.from_numpy(order.permutation(len(train))).to(device)
        for k in range(steps):
            rows = permuted[k * len(train) // steps : (k + 1) * len(train) // steps]
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(net(train[rows])[:, 0], known[rows])
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            error = torch.nn.functional.mse_loss(net(val)[:, 0], judge).item()
        waited += 1
        if error < lowest:
            best, lowest, waited = copy.deepcopy(net.state_dict()), error, 0
        if waited >= head.patience:
            break
    net.load_state_dict(best)
    with torch.no_grad():
        return (net(test)[:, 0] * scale + centre).cpu().numpy()


def test_stacked_seeds_equal_plain_networks_trained_one_by_one():
    seeds = range(4)
    features, targets, splits = _problem(240, 12, seeds)
    head = MlpHead(max_epochs=40, patience=5, patience_updates=1, batch_size=32)
    stacked = head.fit_predict(features, targets, splits, seeds=list(seeds), device="cpu")
    assert len({output.details["epochs"] for output in stacked}) > 1
    for seed, split, output in zip(seeds, splits, stacked, strict=True):
        plain = _plain_fit(features, targets, split, seed, head)
        np.testing.assert_allclose(output.predicted_test, plain, rtol=1e-3, atol=1e-3)


def _compare(benchmark, device, epochs, threads):
    seeds = list(range(10))
    features, targets, splits = _problem(2166, 768, seeds)
    head = MlpHead(max_epochs=epochs, patience=epochs)
    head.fit_predict(features, targets, splits[:1], seeds=seeds[:1], device=device)

    def one_by_one():
        for seed, split in zip(seeds, splits, strict=True):
            _plain_fit(features, targets, split, seed, head, device)

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        plain = []
        for _ in range(2):
            start = time.perf_counter()
            one_by_one()
            plain.append(time.perf_counter() - start)
        benchmark.pedantic(
            head.fit_predict, (features, targets, splits), {"seeds": seeds, "device": device}, rounds=3
        )
    finally:
        torch.set_num_threads(before)
    benchmark.extra_info["one_by_one_s"] = min(plain)
    benchmark.extra_info["ratio"] = min(plain) / benchmark.stats.stats.min
    benchmark.extra_info["threads"] = threads


@pytest.mark.parametrize("threads", [1, 2])
def test_ten_stacked_seeds_against_ten_plain_fits(benchmark, threads):
    _compare(benchmark, "cpu", epochs=20, threads=threads)


@pytest.mark.gpu
def test_ten_stacked_seeds_against_ten_plain_fits_on_gpu(benchmark):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    _compare(benchmark, "cuda", epochs=50, threads=torch.get_num_threads())
