"""What is counted of uge-vlm is what torch's counter finds in real steps, and the sizes are those of the public weights."""

import sys
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

PROGRAMS = Path(__file__).resolve().parents[1] / "benchmarks" / "programs"


@pytest.fixture
def arithmetic(monkeypatch):
    monkeypatch.syspath_prepend(PROGRAMS)
    import vlm_arithmetic

    yield vlm_arithmetic
    sys.modules.pop("vlm_arithmetic", None)


def test_configurations_have_as_many_weights_as_their_public_ones(arithmetic):
    for name, public in (("Qwen2-VL-2B", 2_208_985_600), ("Qwen2.5-VL-3B", 3_754_622_976)):
        made = arithmetic.built(arithmetic.CONFIGS[name])
        adapters = sum(one.numel() for one in made.peft.parameters() if one.requires_grad)
        assert sum(one.numel() for one in made.peft.parameters()) - adapters == public
        text = arithmetic.CONFIGS[name][2]
        dim, head = text["hidden_size"], text["hidden_size"] // text["num_attention_heads"]
        assert adapters == text["num_hidden_layers"] * 16 * (dim + dim + dim + 2 * head)


def test_arithmetic_counted_without_content_is_that_of_a_real_step(arithmetic):
    counted, real = (arithmetic.built(arithmetic.THIN["thin"], device=device) for device in ("meta", "cpu"))
    for back in (True, False):
        assert arithmetic.language(counted, 9, back=back)[0] == arithmetic.language(real, 9, back=back)[0]
    layers = real.inner.language_model.layers
    weights = sum(one.weight.numel() for one in layers.modules() if isinstance(one, torch.nn.Linear))
    forward = arithmetic.language(real, 9, back=False)[0]
    assert forward == pytest.approx(2 * weights * 9 + 4 * 9 * 9 * 32 * len(layers), rel=0.01)
    grid = torch.tensor([[1, 4, 4]])
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        real.inner.visual(torch.zeros(16, 1176), grid_thw=grid)
    assert arithmetic.pictures(real, 16) == pytest.approx(counter.get_total_flops(), rel=0.01)


def test_checkpointing_keeps_less_and_computes_a_forward_pass_more(arithmetic):
    again, kept = (
        arithmetic.built(arithmetic.THIN["thin"], checkpointing=one, device="cpu") for one in (True, False)
    )
    few, many = (arithmetic.language(one, 64, back=True) for one in (again, kept))
    forward, _ = arithmetic.language(again, 64, back=False)
    last = 2 * 2 * 48 * 32 * 64  # the last product of both layers is not needed for the gradient
    assert few[0] == pytest.approx(many[0] + forward - last, rel=1e-3)
    assert few[1] < many[1] / 3
