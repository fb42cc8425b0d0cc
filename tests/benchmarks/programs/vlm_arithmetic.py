"""What a LoRA step of UGE on a vision-language model costs: weights, arithmetic and memory, counted on torch's meta device; prints JSON.

Nothing is computed, so models of any size are counted on any machine. The language model runs forward and backward on tensors without
content, under torch's own counter and with the tensors noted that it keeps for the gradient; the picture tower, which is frozen and runs
forward once, is counted by its layers. Elementwise work is not counted. With `--smallest` a model of two thin layers shows that the
program runs.
"""

import argparse
import json
import sys
from dataclasses import dataclass

import torch
import transformers
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

from urbanbench.models._uge_vlm.backbone import Lora, with_adapters
from urbanbench.models._uge_vlm.families import FAMILIES
from urbanbench.models.uge_vlm import UgeVLM
from urbanbench.toolkit.graphs._node_net import GraphSizes, NodeEncoder

ROPE = {"rope_type": "default", "rope_theta": 1_000_000.0, "mrope_section": [16, 24, 24]}
VISION = {"depth": 32, "num_heads": 16}
CONFIGS = {
    "Qwen2-VL-2B": ("qwen2_vl", "Qwen2VLConfig", {
        "hidden_size": 1536, "intermediate_size": 8960, "num_hidden_layers": 28, "num_attention_heads": 12,
        "num_key_value_heads": 2, "vocab_size": 151_936, "rope_parameters": ROPE,
    }, {"embed_dim": 1280, "mlp_ratio": 4, "hidden_size": 1536, **VISION}),
    "Qwen2.5-VL-3B": ("qwen2_5_vl", "Qwen2_5_VLConfig", {
        "hidden_size": 2048, "intermediate_size": 11_008, "num_hidden_layers": 36, "num_attention_heads": 16,
        "num_key_value_heads": 2, "vocab_size": 151_936, "rope_parameters": ROPE,
    }, {"hidden_size": 1280, "intermediate_size": 3420, "out_hidden_size": 2048, **VISION}),
}  # fmt: skip
"""Sizes as in the public config.json of both."""
THIN = {"thin": ("qwen2_vl", "Qwen2VLConfig", {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    "vocab_size": 300, "rope_parameters": {**ROPE, "mrope_section": [1, 1, 2]},
}, {"embed_dim": 16, "mlp_ratio": 2, "hidden_size": 32, "depth": 2, "num_heads": 2})}  # fmt: skip

NARROW, WIDE = 2, 4
"""Bytes of a number: frozen weights and inner values in bfloat16; what is trained in float32."""
PER_TRAINED = 5 * WIDE
"""Weight, gradient, two means of Adam, and the copy of the best step."""


@dataclass(frozen=True)
class Work:
    """A device's part of a batch: lessons, and what a left side (picture, nodes, words) and a right side (words) have."""

    lessons: int = 8
    picture_patches: int = 32 * 32
    nodes: int = 500
    left_words: int = 60
    right_words: int = 160

    @property
    def left(self) -> int:
        """Tokens of a left side."""
        return self.picture_patches // 4 + self.nodes + self.left_words


def built(sizes, *, checkpointing=True, device="meta", attention="eager"):
    """Return a model of random weights with adapters; on the meta device it takes no memory.

    Torch's counter sees the products of attention only where it is "eager".
    """
    kind, config_class, text, vision = sizes
    signs = {"image_token_id": text["vocab_size"] - 1, "video_token_id": text["vocab_size"] - 2}
    config = getattr(transformers, config_class)(
        text_config=text | {"bos_token_id": None, "eos_token_id": None},
        vision_config=vision,
        tie_word_embeddings=True,
        **signs,
    )
    config._attn_implementation = attention
    with torch.device(device):
        model = getattr(transformers, FAMILIES[kind].model_class)(config)
        model.tie_weights()
        return with_adapters(
            FAMILIES[kind], model, None, None, Lora(), device=device, checkpointing=checkpointing
        )


def graph_encoder(backbone, device="meta"):
    """Return the graph encoder that the published settings give it."""
    model = UgeVLM()
    with torch.device(device):
        return NodeEncoder(
            GraphSizes(
                backbone.dim, model.graph_dim, backbone.dim, model.graph_heads, model.graph_layers, model.edge_dim, place=True,
                edges=True, dropout=model.dropout,
            )
        )  # fmt: skip


def language(backbone, length, *, back):
    """Count the language model on a row of tokens: operations, and bytes that are kept for the gradient.

    Weights are not counted, nor what attention says of pairs of tokens, which fused attention computes again.
    """
    own = {_storage(one) for one in backbone.peft.parameters()}
    kept = {}

    def note(tensor):
        pairs = tensor.ndim > 2 and tensor.shape[-2:] == (length, length)
        if _storage(tensor) not in own and not pairs:
            kept[_storage(tensor)] = (tensor.untyped_storage().nbytes(), tensor)
        return tensor

    home = backbone.words.weight.device
    given = torch.zeros(1, length, backbone.dim, device=home, requires_grad=back)
    place = torch.arange(length, device=home).expand(3, 1, length)
    backbone.peft.train(back)
    with (
        FlopCounterMode(display=False) as counter,
        saved_tensors_hooks(note, lambda one: one),
        torch.set_grad_enabled(back),
    ):
        made = backbone.inner.language_model(inputs_embeds=given, position_ids=place, use_cache=False)
        if back:
            made.last_hidden_state.sum().backward()
    backbone.peft.eval()
    return counter.get_total_flops(), sum(size for size, _ in kept.values())


def _storage(tensor):
    return tensor.untyped_storage()._cdata


def pictures(backbone, patches, windows=1):
    """Count the picture tower on one picture, forward: products of its layers, and attention among all patches or within windows."""
    tower = backbone.inner.visual
    whole = set(getattr(tower, "fullatt_block_indexes", range(len(tower.blocks))))
    total = 2 * _weights(tower.patch_embed) * patches + 2 * _weights(tower.merger) * (patches // 4)
    for k, block in enumerate(tower.blocks):
        parts = 1 if k in whole else windows
        total += (
            2 * _weights(block) * patches + 4 * parts * (patches // parts) ** 2 * block.attn.qkv.in_features
        )
    return total


def _weights(module):
    return sum(one.weight.numel() for one in module.modules() if isinstance(one, nn.Linear | nn.Conv3d))


def counted(sizes, work):
    """Return the costs of a step of a configuration."""
    again, kept = built(sizes), built(sizes, checkpointing=False)
    trained = sum(one.numel() for one in again.peft.parameters() if one.requires_grad)
    base = sum(one.numel() for one in again.peft.parameters()) - trained
    graphs = sum(one.numel() for one in graph_encoder(again).parameters())
    windows = max(1, work.picture_patches // 64)
    left, right = (language(again, n, back=True) for n in (work.left, work.right_words))
    left_kept, right_kept = (language(kept, n, back=True)[1] for n in (work.left, work.right_words))
    layers = again.config.text_config.num_hidden_layers
    step = work.lessons * (left[0] + right[0] + pictures(again, work.picture_patches, windows))
    # the meta run is in float32, a real one in bfloat16
    narrow = NARROW / WIDE * work.lessons
    return {
        "weights": base, "adapters": trained, "graph encoder": graphs,
        "tokens left": work.left, "tokens right": work.right_words, "lessons": work.lessons,
        "language forward, left, TFLOP": language(again, work.left, back=False)[0] / 1e12,
        "pictures forward, one, TFLOP": pictures(again, work.picture_patches, windows) / 1e12,
        "step, TFLOP": step / 1e12,
        "GiB": {
            "frozen weights": base * NARROW / 2**30,
            "trained": (trained + graphs) * PER_TRAINED / 2**30,
            "kept between layers": narrow * (left[1] + right[1]) / 2**30,
            "one layer again": narrow * left_kept / layers / 2**30,
            "without checkpointing": narrow * (left_kept + right_kept) / 2**30,
        },
    }  # fmt: skip


def main(*, smallest):
    """Print the costs of every configuration."""
    if smallest:
        work = Work(lessons=2, picture_patches=16, nodes=4, left_words=3, right_words=5)
        return {name: counted(sizes, work) for name, sizes in THIN.items()}
    return {
        name: {f"{nodes} nodes": counted(sizes, Work(nodes=nodes)) for nodes in (0, 500, 1000)}
        for name, sizes in CONFIGS.items()
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smallest", action="store_true")
    json.dump(main(smallest=parser.parse_args().smallest), sys.stdout, indent=1)
