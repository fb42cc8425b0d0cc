import copy
import dataclasses
import math

import numpy as np
import pytest
import torch
from transformers import get_linear_schedule_with_warmup

from urbanbench.parity._network_training import Perceptron, _batches, _rates, trained
from urbanbench.parity.cuts import Shares
from urbanbench.parity.evaluate import evaluate
from urbanbench.parity.forms import natural_form
from urbanbench.parity.network import GatedNetwork, Network
from urbanbench.parity.papers import PAPERS
from urbanbench.seeds import torch_generator
from urbanbench.space import EmbeddingSpace
from urbanbench.toolkit.ground.positions import degrees, encoded


def widths(net):
    return [
        (layer.in_features, layer.out_features)
        for layer in net.modules()
        if isinstance(layer, torch.nn.Linear)
    ]


@pytest.mark.parametrize(
    ("name", "kind", "level", "width", "expected"),
    [
        ("paper:cityfm", "regression", "region", 1536, [(1792, 256), (256, 128), (128, 1)]),
        ("paper:cityfm", "classification", "building", 1536, [(1792, 256), (256, 128), (128, 8)]),
        (
            "paper:urbanmfm",
            "regression",
            "region",
            1536,
            [(1536, 768), (1024, 512), (512, 256), (256, 128), (128, 1)],
        ),
        ("paper:hgi", "composition", "region", 64, [(64, 512), (512, 8)]),
    ],
)
def test_layers_are_those_of_the_released_code(name, kind, level, width, expected):
    head = PAPERS[name].question(kind, level).head
    beside = 256 if head.needs_position else 0
    outputs = 1 if kind == "regression" else 8
    assert widths(Perceptron(head, width, beside, outputs, torch_generator(0, "x"))) == expected


def test_weights_are_drawn_like_those_of_pytorch_without_its_global_generator():
    state = torch.get_rng_state()
    net = Perceptron(Network((500,)), 400, 0, 1, torch_generator(0, "x"))
    assert torch.equal(torch.get_rng_state(), state)
    theirs = torch.nn.Linear(400, 500)
    for mine, other in zip(net.layers[0].parameters(), theirs.parameters(), strict=True):
        assert mine.abs().max().item() == pytest.approx(1 / math.sqrt(400), rel=0.02)
        assert mine.std().item() == pytest.approx(other.std().item(), rel=0.1)


def test_training_equals_a_plain_loop(make_targets):
    """Batches are slices of the shuffled training rows, the loss is the RMSE of y / max(y), the best validation epoch counts."""
    targets, signal = make_targets(n=300)
    vectors, beside = signal.astype(np.float32), encoded(degrees(targets.xy, "EPSG:32631")) * 0.1
    head = Network((16, 8), batch=64, epochs=6, position=0.1)
    [split] = Shares(6, 2, 10, whole_parts=True).folds(targets, 0, "paper:x")
    outputs, epoch = trained(head, vectors, beside, targets, split, seed=0, name="paper:x", device="cpu")

    net = Perceptron(head, 3, 256, 1, torch_generator(0, "protocol", "paper:x", "weights"))
    plain = copy.deepcopy(net.layers)
    x = torch.from_numpy(np.concatenate([vectors, beside], axis=1).astype(np.float32))
    y = torch.from_numpy((targets.values / targets.values.max()).astype(np.float32))
    adam = torch.optim.Adam(plain.parameters(), lr=5e-3)
    errors, seen = [], []
    for _ in range(6):
        for start in range(0, len(split.train), 64):
            rows = split.train[start : start + 64]
            adam.zero_grad()
            torch.sqrt(torch.nn.MSELoss()(plain(x[rows]).squeeze(), y[rows])).backward()
            adam.step()
        with torch.no_grad():
            told = plain(x).squeeze().numpy() * targets.values.max()
        errors.append(np.sqrt(np.mean((told - targets.values)[split.val] ** 2)))
        seen.append(told)
    assert epoch == int(np.argmin(errors)) + 1
    np.testing.assert_allclose(natural_form(outputs, targets), seen[epoch - 1], rtol=1e-4, atol=1e-5)


def test_linear_decay_is_the_schedule_of_transformers():
    head = Network((4,), batch=10, epochs=3, decay="linear")
    adam = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=5e-3)
    theirs = get_linear_schedule_with_warmup(adam, 0, 25 // 10 * 3)
    for rate in _rates(head, 25):
        assert rate == pytest.approx(adam.param_groups[0]["lr"])
        adam.step()
        theirs.step()


def test_slow_decay_is_per_epoch():
    rates = list(_rates(Network((4,), batch=10, epochs=3, decay="slow", learning_rate=1.0), 25))
    assert rates == pytest.approx([1, 1, 1, 0.999, 0.999, 0.999, 0.998001, 0.998001, 0.998001])


def test_a_lone_last_row_is_never_normalised_alone():
    rows = np.arange(65)
    order = np.random.default_rng(0)
    normalised = Network((4,), batch=32, batch_norm=True)
    assert [len(batch) for batch in _batches(normalised, rows, order)] == [32, 33]
    assert [len(batch) for batch in _batches(Network((4,), batch=32), rows, order)] == [32, 32, 1]
    shuffled = np.concatenate(list(_batches(Network((4,), batch=32, shuffled=True), rows, order)))
    assert sorted(shuffled) == rows.tolist()
    assert shuffled.tolist() != rows.tolist()


def test_degrees_are_latitude_then_longitude():
    found = degrees(np.array([[500_000.0, 0.0]]), "EPSG:32631")
    np.testing.assert_allclose(found, [[0.0, 3.0]], atol=1e-9)


def test_the_gate_mixes_the_global_and_the_local_half_before_the_entry():
    parts = {"local": (1, 4), "global": (5, 8)}
    head = GatedNetwork((6,), entry=5)
    halves = head.halves(parts)
    net = Perceptron(head, 9, 0, 1, torch_generator(0, "x"), halves)
    x = torch.randn(7, 9)
    local, wide = x[:, 1:4], x[:, 5:8]
    weight, bias = net.gate.weight, net.gate.bias
    share = 1 / (1 + torch.exp(-(torch.hstack([wide, local]) @ weight.T + bias)))
    inner = torch.hstack([wide, share * wide + (1 - share) * local])
    torch.testing.assert_close(net(x, torch.empty(7, 0)), net.layers(net.entry(inner)))
    assert sum(one.numel() for one in net.gate.parameters()) == 6 * 3 + 3


@pytest.mark.parametrize("parts", [{}, {"global": (0, 3)}, {"global": (0, 3), "local": (3, 5)}])
def test_vectors_without_two_equal_halves_go_in_whole(parts):
    assert GatedNetwork((6,), entry=5).halves(parts) is None
    assert Network((6,)).halves({"global": (0, 3), "local": (3, 6)}) is None


def test_a_target_that_only_the_gate_can_read_is_learned_with_halves(make_targets, make_space, crs):
    targets, signal = make_targets(n=300)
    space, _ = make_space(targets, signal, dim=6)
    told = EmbeddingSpace(
        space.level, space.ids, space.vectors, space.covered, {"global": (0, 3), "local": (3, 6)}
    )
    question = dataclasses.replace(PAPERS["paper:urbanmfm"].question("regression", "region"), repeats=1)
    scores = evaluate(told, targets, question, name="paper:urbanmfm", crs=crs)
    assert scores.head_details[0]["gated"]
    plain = evaluate(space, targets, question, name="paper:urbanmfm", crs=crs)
    assert "gated" not in plain.head_details[0]
    assert scores.per_seed["r2"] != plain.per_seed["r2"]
