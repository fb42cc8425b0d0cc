"""Captions of a model in a folder: a tiny random BLIP, saved as real ones are and read back through transformers."""

import pytest

from urbanbench.errors import DataMissing, ExtraMissing
from urbanbench.graph.captions import model_captions
from urbanbench.graph.image_to_text import load_captioner

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]", "a", "street", "with", "trees", "houses"]


@pytest.fixture(scope="module")
def blip_folder(tmp_path_factory):
    import torch
    from transformers import (
        BertTokenizer,
        BlipConfig,
        BlipForConditionalGeneration,
        BlipImageProcessor,
        BlipProcessor,
    )

    folder = tmp_path_factory.mktemp("weights") / "tiny-blip"
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    text = {
        "vocab_size": len(WORDS), "hidden_size": 16, "encoder_hidden_size": 16, "intermediate_size": 32,
        "num_hidden_layers": 1, "num_attention_heads": 2, "bos_token_id": 5, "eos_token_id": 3, "sep_token_id": 3,
        "pad_token_id": 0,
    }  # fmt: skip
    vision = {
        "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
        "image_size": 32, "patch_size": 16,
    }  # fmt: skip
    torch.manual_seed(0)
    model = BlipForConditionalGeneration(BlipConfig(text_config=text, vision_config=vision, projection_dim=8))
    model.save_pretrained(folder)
    BlipProcessor(
        BlipImageProcessor(size={"height": 32, "width": 32}), BertTokenizer(str(folder / "vocab.txt"))
    ).save_pretrained(folder)
    return folder


def test_a_model_in_a_folder_writes_a_caption_and_says_what_it_is(blip_folder, toy, graph, plan):
    rows = graph.nodes.rows("image")[:3]
    found = list(model_captions(toy, graph, rows, blip_folder, plan))
    assert [f"image/{one['image']}" for one in found] == graph.nodes.ids[rows].tolist()
    for one, row in zip(found, rows, strict=True):
        assert one["picture"] == graph.nodes.pictures[row][0]
        assert set(one["text"].split()) <= set(WORDS)
        assert one["from"].startswith("model tiny-blip@")
        assert "BlipForConditionalGeneration" in one["from"]
    assert found == list(model_captions(toy, graph, rows, blip_folder, plan))


def test_the_number_of_weights_is_told(blip_folder):
    from safetensors import safe_open

    with safe_open(blip_folder / "model.safetensors", "pt") as stored:
        least = sum(stored.get_tensor(name).numel() for name in stored.keys())  # noqa: SIM118
    told = int(load_captioner(blip_folder).used.split(", ")[1].removesuffix(" weights)").replace(",", ""))
    assert told >= least


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(DataMissing, match=r"No folder .* with an image-to-text model"):
        load_captioner(tmp_path / "none")
    with pytest.raises(ExtraMissing, match=r"cannot be loaded .*save_pretrained of model and processor"):
        load_captioner(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ExtraMissing, match="cannot be loaded"):
        load_captioner(tmp_path)
