"""Inception-v3: the published sizes and names, the same numbers as a plain reading of its blocks, and folders."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from urbanbench.errors import ExtraMissing
from urbanbench.toolkit.pictures._inception import InceptionV3
from urbanbench.toolkit.pictures.image_encoders import load_image_encoder, name_image_encoder
from urbanbench.toolkit.training import seeded_torch

WIDTH = 1 / 16
PUBLISHED = 23_834_568
"""Parameters of the published network without its auxiliary classifier; its last layer has 1,000 classes."""

SHAPES = {
    "Conv2d_1a_3x3.conv.weight": (32, 3, 3, 3),
    "Conv2d_4a_3x3.bn.running_var": (192,),
    "Mixed_5b.branch_pool.conv.weight": (32, 192, 1, 1),
    "Mixed_5d.branch5x5_2.conv.weight": (64, 48, 5, 5),
    "Mixed_6a.branch3x3dbl_3.conv.weight": (96, 96, 3, 3),
    "Mixed_6c.branch7x7dbl_2.conv.weight": (160, 160, 7, 1),
    "Mixed_6e.branch7x7_3.conv.weight": (192, 192, 7, 1),
    "Mixed_7a.branch7x7x3_4.conv.weight": (192, 192, 3, 3),
    "Mixed_7b.branch3x3_2a.conv.weight": (384, 384, 1, 3),
    "Mixed_7c.branch3x3dbl_1.conv.weight": (448, 2048, 1, 1),
    "Mixed_7c.branch_pool.bn.weight": (192,),
}


def narrow():
    with seeded_torch(0, "test"):
        net = InceptionV3("narrow", WIDTH)
        for one in net.buffers():
            if one.is_floating_point():
                one.uniform_(0.5, 1.5)
    return net.eval()


def test_it_has_the_published_size_and_names():
    with torch.device("meta"):
        net = InceptionV3("inception_v3")
    state = net.state_dict()
    assert sum(one.numel() for one in net.parameters()) == PUBLISHED - 2048 * 1000 - 1000
    assert net.dim == 2048
    for name, shape in SHAPES.items():
        assert tuple(state[name].shape) == shape
    assert (net.mean, net.std) == ((0.5,) * 3, (0.5,) * 3)


def test_blocks_are_chains_beside_one_another():
    net = narrow()
    x = torch.rand(2, net.Mixed_7a.channels, 5, 5)
    block = net.Mixed_7b
    three, double = block.branch3x3_1(x), block.branch3x3dbl_2(block.branch3x3dbl_1(x))
    wanted = torch.cat(
        [
            block.branch1x1(x),
            block.branch3x3_2a(three),
            block.branch3x3_2b(three),
            block.branch3x3dbl_3a(double),
            block.branch3x3dbl_3b(double),
            block.branch_pool(functional.avg_pool2d(x, 3, 1, 1)),
        ],
        dim=1,
    )
    torch.testing.assert_close(block(x), wanted)
    x = torch.rand(2, net.Mixed_6e.channels, 9, 9)
    block = net.Mixed_7a
    seven = block.branch7x7x3_4(block.branch7x7x3_3(block.branch7x7x3_2(block.branch7x7x3_1(x))))
    wanted = torch.cat(
        [block.branch3x3_2(block.branch3x3_1(x)), seven, functional.max_pool2d(x, 3, 2)], dim=1
    )
    torch.testing.assert_close(block(x), wanted)
    x = torch.rand(2, net.Mixed_5d.channels, 9, 9)
    block = net.Mixed_6a
    double = block.branch3x3dbl_3(block.branch3x3dbl_2(block.branch3x3dbl_1(x)))
    torch.testing.assert_close(
        block(x), torch.cat([block.branch3x3(x), double, functional.max_pool2d(x, 3, 2)], dim=1)
    )


def test_pictures_shrink_as_published():
    net, sides = narrow(), {}
    for name, module in net.named_children():
        module.register_forward_hook(lambda _m, _i, made, name=name: sides.update({name: made.shape[-1]}))
    with torch.no_grad():
        made = net(torch.rand(1, 3, 299, 299))
    assert made.shape == (1, net.dim)
    wanted = {
        "Conv2d_1a_3x3": 149,
        "Conv2d_2b_3x3": 147,
        "Conv2d_3b_1x1": 73,
        "Conv2d_4a_3x3": 71,
        "Mixed_5b": 35,
    }
    wanted |= {"Mixed_6a": 17, "Mixed_6e": 17, "Mixed_7a": 8, "Mixed_7c": 8}
    assert {name: sides[name] for name in wanted} == wanted


@pytest.mark.parametrize("ending", ["model.safetensors", "inception_v3_google-0cc3c7bd.pth"])
def test_it_is_read_from_a_folder_without_the_classifiers(tmp_path, ending):
    net = narrow()
    state = net.state_dict() | {"fc.weight": torch.zeros(3, net.dim), "AuxLogits.fc.bias": torch.zeros(3)}
    (save_file if ending.endswith("safetensors") else torch.save)(state, tmp_path / ending)
    config = {"architecture": "inception_v3", "width": WIDTH}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    loaded = load_image_encoder(str(tmp_path))
    assert loaded.name == name_image_encoder(str(tmp_path))
    assert loaded.name.startswith(f"{tmp_path.name}@")
    pictures = torch.rand(2, 3, 80, 80)
    with torch.no_grad():
        np.testing.assert_array_equal(loaded(pictures), net(pictures))


def test_other_weights_and_empty_folders_are_refused(tmp_path, monkeypatch):
    (tmp_path / "config.json").write_text('{"architecture": "inception_v3"}', encoding="utf-8")
    with pytest.raises(ExtraMissing, match="no file of weights"):
        load_image_encoder(str(tmp_path))
    save_file({"weight": torch.zeros(2)}, tmp_path / "model.safetensors")
    with pytest.raises(ExtraMissing, match="does not fit Inception-v3"):
        load_image_encoder(str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ExtraMissing, match="'inception_v3' cannot be loaded"):
        load_image_encoder("inception_v3")


def test_the_tiny_network_tells_pictures_apart():
    with seeded_torch(0, "test"):
        net = load_image_encoder("tiny-cnn")
    with torch.no_grad():
        made = net(torch.rand(3, 3, 40, 40))
    assert made.shape == (3, net.dim)
    assert not torch.allclose(made[0], made[1])
