import subprocess
import sys

import numpy as np
import pytest
import torch

from urbanbench.scoring.features import Features
from urbanbench.scoring.heads._mlp_adam import Adam
from urbanbench.scoring.heads._mlp_batches import Batches, steps_per_epoch
from urbanbench.scoring.heads._mlp_net import StackedMlp
from urbanbench.scoring.heads._mlp_training import Wanted
from urbanbench.scoring.heads.mlp import MlpHead
from urbanbench.scoring.protocol import Protocol
from urbanbench.scoring.splits import make_splits
from urbanbench.seeds import torch_generator


@pytest.mark.parametrize("soft", [False, True])
def test_handwritten_gradients_equal_autograd(soft):
    torch.manual_seed(0)
    width = 3 if soft else 1
    net = StackedMlp.drawn([5, 7, 4, width], [torch_generator(seed, "t") for seed in range(3)], "cpu")
    x, index = torch.randn(3, 6, 5), torch.randint(0, 20, (3, 6))
    values = torch.softmax(torch.randn(20, width), dim=1) if soft else torch.randn(20, width)
    ones = torch.ones(3, 1, width)
    wanted = Wanted(values, ones, 0 * ones, soft=soft)
    weight = torch.rand(3, 6, 1)
    wanted.loss(net.forward(x)[-1], index, weight).sum().backward()
    expected = [layer.grad.clone() for layer in net.layers]
    with torch.no_grad():
        outputs = net.forward(x)
        net.backward(x, outputs, wanted.slope(outputs[-1], index, weight))
    for layer, gradient in zip(net.layers, expected, strict=True):
        torch.testing.assert_close(layer.grad, gradient)


@pytest.mark.parametrize("kind", ["regression", "classification", "composition"])
@pytest.mark.parametrize("split", ["random", "block"])
def test_ten_stacked_seeds_equal_each_seed_alone(build_features, build_targets, kind, split):
    targets = build_targets(kind, n=150)
    features = build_features(n=150, covered=np.arange(150) % 8 != 0)
    splits = make_splits(targets, Protocol(split=split, block_size_m=1200.0))
    head = MlpHead(batch_size=32, max_epochs=40, patience=6, patience_updates=1)
    stacked = head.fit_predict(features, targets, splits, seeds=list(range(10)), device="cpu")
    epochs = [output.details["epochs"] for output in stacked]
    assert len(set(epochs)) > 1
    for seed in range(10):
        alone = head.fit_predict(features, targets, [splits[seed]], seeds=[seed], device="cpu")[0]
        assert alone.details == stacked[seed].details
        if kind == "classification":
            assert np.array_equal(alone.predicted_test, stacked[seed].predicted_test)
        else:
            np.testing.assert_allclose(
                alone.predicted_test, stacked[seed].predicted_test, rtol=1e-3, atol=1e-4
            )


def test_same_seeds_give_the_same_bits(build_features, build_targets):
    targets, features = build_targets(), build_features(dim=40)
    splits = make_splits(targets, Protocol())
    first, second = (
        MlpHead(max_epochs=30).fit_predict(features, targets, splits, seeds=list(range(10)), device="cpu")
        for _ in range(2)
    )
    for one, other in zip(first, second, strict=True):
        assert one.predicted_test.tobytes() == other.predicted_test.tobytes()


def test_global_random_state_is_left_alone(build_features, build_targets):
    targets = build_targets()
    splits = make_splits(targets, Protocol(seeds=(0,)))
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    MlpHead(max_epochs=2).fit_predict(build_features(), targets, splits, seeds=[0], device="cpu")
    assert torch.equal(torch.rand(3), expected)


def test_training_stops_after_patience_and_uses_the_best_epoch(build_features, build_targets):
    noise = np.random.default_rng(0).normal(size=120)
    targets, features = build_targets(values=noise), build_features(dim=60)
    splits = make_splits(targets, Protocol(seeds=(0, 1, 2)))
    outputs = MlpHead(patience=7, patience_updates=1).fit_predict(
        features, targets, splits, seeds=[0, 1, 2], device="cpu"
    )
    for seed, output in enumerate(outputs):
        best = output.details["best_epoch"]
        assert output.details["epochs"] == best + 7
        short = MlpHead(max_epochs=best, patience=best).fit_predict(
            features, targets, [splits[seed]], seeds=[seed], device="cpu"
        )[0]
        np.testing.assert_allclose(short.predicted_test, output.predicted_test, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("batch_size", "expected"), [(128, 200), (36, 100), (2, 20)])
def test_patience_is_of_updates_where_an_epoch_has_few(build_features, build_targets, batch_size, expected):
    targets = build_targets(values=np.random.default_rng(0).normal(size=120))
    splits = make_splits(targets, Protocol(seeds=(0,)))
    head = MlpHead(batch_size=batch_size)
    details = head.fit_predict(build_features(dim=60), targets, splits, seeds=[0], device="cpu")[0].details
    assert details["epochs"] - details["best_epoch"] == expected


def test_an_epoch_takes_every_training_row_once_with_equal_weight():
    rows = [np.arange(10, 47), np.arange(100, 130)]
    steps = steps_per_epoch(60, 8)
    batches = Batches(rows, steps, [np.random.default_rng(seed) for seed in range(2)])
    index, weight = batches.shuffled([0, 1]), batches.weights([0, 1])[..., 0]
    assert index.shape == weight.shape == (steps, 2, -(-37 // steps))
    np.testing.assert_allclose(weight.sum(axis=2), 1, rtol=1e-6)
    for k, part in enumerate(rows):
        taken = index[:, k][weight[:, k] > 0]
        assert sorted(taken) == part.tolist()
        assert (np.diff([np.sum(w > 0) for w in weight[:, k]]) <= 1).all()
    assert not np.array_equal(index, batches.shuffled([0, 1]))


def test_steps_do_not_depend_on_a_seeds_training_part():
    assert [steps_per_epoch(n, 128) for n in (1, 100, 213, 214, 2166)] == [1, 1, 1, 1, 11]


def test_gathered_rows_equal_those_of_the_features(build_features, build_targets):
    from urbanbench.scoring.heads.mlp import _inputs

    features = build_features(covered=np.arange(120) % 7 != 0)
    features.vectors[1] *= 100
    splits = make_splits(build_targets(), Protocol(seeds=(0, 1)))
    index = np.stack([np.arange(120)[::-1], np.arange(120)])
    got = _inputs(features, splits, "cpu").gather(torch.from_numpy(index.copy()))
    for k, split in enumerate(splits):
        expected = features.rows(index[k], features.scaler(split))
        np.testing.assert_allclose(got[k].numpy(), expected, atol=1e-5)


def test_wide_inputs_are_gathered_in_parts(build_targets, monkeypatch):
    from urbanbench.scoring.heads import _mlp_training

    targets = build_targets(n=150)
    rng = np.random.default_rng(0)
    features = Features(rng.normal(size=(150, 50)).astype(np.float32), np.ones(150, dtype=bool))
    splits = make_splits(targets, Protocol(seeds=(0, 1)))
    head = MlpHead(max_epochs=5)
    whole = head.fit_predict(features, targets, splits, seeds=[0, 1], device="cpu")
    monkeypatch.setattr(_mlp_training, "_MAX_GATHERED", 2 * 50 * 7)
    parts = head.fit_predict(features, targets, splits, seeds=[0, 1], device="cpu")
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one.predicted_test, other.predicted_test, rtol=1e-4, atol=1e-5)


def test_steps_have_the_bits_of_torch_adamw_also_when_seeds_leave():
    torch.manual_seed(0)
    first = [torch.randn(3, 5, 4), torch.randn(3, 1, 4)]
    theirs, ours = ([layer.clone().requires_grad_() for layer in first] for _ in range(2))
    class_of_torch = torch.optim.AdamW(theirs, lr=0.02, weight_decay=0.1, fused=True)
    own = Adam.of(ours, 0.02, 0.1)
    staying = torch.tensor([0, 2])
    for step in range(6):
        if step == 3:
            own, ours = own.keep(staying), [layer.detach()[staying].requires_grad_() for layer in ours]
        for mine, its in zip(ours, theirs, strict=True):
            its.grad = torch.randn_like(its)
            mine.grad = its.grad if step < 3 else its.grad[staying]
        class_of_torch.step()
        with torch.no_grad():
            own.step(ours)
    for mine, its in zip(ours, theirs, strict=True):
        assert torch.equal(mine, its[staying])


def test_a_perceptron_is_fitted_without_loading_the_compiler_of_torch():
    """It takes as long to load as an embedding of some hundred regions to be scored."""
    program = (
        "import sys, torch\n"
        "from urbanbench.scoring.heads._mlp_adam import Adam\n"
        "layer = torch.ones(1, 2, 2)\n"
        "layer.grad = torch.ones(1, 2, 2)\n"
        "Adam.of([layer], 0.01, 0.1).step([layer])\n"
        "assert not (layer == 1).any()\n"
        "assert 'torch._dynamo' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.gpu
def test_gpu_equals_cpu(build_features, build_targets):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    targets, features = build_targets(n=300), build_features(n=300)
    splits = make_splits(targets, Protocol(seeds=(0, 1, 2)))
    head = MlpHead(max_epochs=20, patience=20)
    on = {
        device: head.fit_predict(features, targets, splits, seeds=[0, 1, 2], device=device)
        for device in ("cpu", "cuda")
    }
    for one, other in zip(on["cpu"], on["cuda"], strict=True):
        np.testing.assert_allclose(one.predicted_test, other.predicted_test, rtol=1e-2, atol=1e-3)


def test_read_only_vectors_are_no_trouble(build_targets):
    vectors = np.random.default_rng(0).normal(size=(120, 4)).astype(np.float32)
    vectors.flags.writeable = False
    targets = build_targets()
    splits = make_splits(targets, Protocol(seeds=(0,)))
    features = Features(vectors, np.ones(120, dtype=bool))
    output = MlpHead(max_epochs=2).fit_predict(features, targets, splits, seeds=[0], device="cpu")[0]
    assert np.isfinite(output.predicted_test).all()
