"""The gated fusion against its formulas, its attention against PyTorch's."""

import numpy as np
import pytest
import torch
from torch import nn

from urbanbench.errors import BadInput
from urbanbench.models._urbanmfm.fusion import Fusion, OneKeyAttention
from urbanbench.toolkit.training import seeded_torch


def made(dim=6, *, dropout=0.0, gate_relu=False):
    with seeded_torch(0, "fusion"):
        fusion = Fusion(dim, heads=2, dropout=dropout, gate_relu=gate_relu)
        for one in fusion.parameters():
            nn.init.normal_(one, std=0.7)
        return fusion, torch.randn(5, dim), torch.randn(5, dim)


def linear(layer, x):
    return x @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()


def entry(sequence, x):
    x = np.maximum(linear(sequence[0], x), 0)
    x = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)
    return x * sequence[2].weight.detach().numpy() + sequence[2].bias.detach().numpy()


@pytest.mark.parametrize("gate_relu", [False, True])
def test_fusion_is_what_its_equations_say(gate_relu):
    fusion, first, second = made(gate_relu=gate_relu)
    x, y = entry(fusion.first, first.numpy()), entry(fusion.second, second.numpy())
    x, y = (
        x + linear(fusion.to_second.out, linear(fusion.to_second.value, y)),
        y + linear(fusion.to_first.out, linear(fusion.to_first.value, x)),
    )
    logit = linear(fusion.gate, np.hstack([x, y]))
    gate = 1 / (1 + np.exp(-(np.maximum(logit, 0) if gate_relu else logit)))
    assert (gate >= 0.5).all() == gate_relu
    np.testing.assert_allclose(
        fusion(first, second).detach(), gate * x + (1 - gate) * y, rtol=1e-4, atol=1e-5
    )


def test_attention_to_one_key_equals_multi_head_attention():
    with seeded_torch(0, "attention"):
        theirs = nn.MultiheadAttention(8, 4, batch_first=True)
        mine = OneKeyAttention(8, heads=4, dropout=0.0)
        nn.init.normal_(theirs.in_proj_bias)
        query, key = torch.randn(3, 8), torch.randn(3, 8)
    mine.value.weight.data, mine.value.bias.data = theirs.in_proj_weight[16:], theirs.in_proj_bias[16:]
    mine.out.load_state_dict(theirs.out_proj.state_dict())
    wanted, weights = theirs(query[:, None], key[:, None], key[:, None])
    torch.testing.assert_close(mine(key), wanted[:, 0])
    assert (weights == 1).all()


def test_dropout_on_attention_leaves_out_whole_heads_in_training_only():
    mine = OneKeyAttention(8, heads=4, dropout=0.5)
    for layer in (mine.value, mine.out):
        nn.init.eye_(layer.weight)
    key = torch.rand(200, 8) + 1
    with seeded_torch(0, "drop"):
        ratio = (mine(key) / key).detach().view(200, 4, 2)
    assert set(ratio.unique().tolist()) == {0.0, 2.0}
    assert (ratio[..., 0] == ratio[..., 1]).all()
    torch.testing.assert_close(mine.eval()(key), key)


def test_gradients_reach_every_parameter_of_a_fusion():
    fusion, first, second = made(dropout=0.1)
    fusion(first, second).square().sum().backward()
    assert all(one.grad.any() for one in fusion.parameters())


def test_heads_must_divide_the_dimension():
    with pytest.raises(BadInput, match="a number that divides 6"):
        Fusion(6, heads=4, dropout=0.0)
