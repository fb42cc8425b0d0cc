"""Captions of a model in a folder: a tiny random BLIP, saved as real ones are and read back through transformers."""

import shutil

import pytest
from PIL import Image

from urbanbench.city.pictures import open_picture
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


@pytest.fixture(scope="module")
def llava_folder(tmp_path_factory):
    """A tiny LLaVA that chats: asked in the words of its template, it repeats the question before it answers."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import (
        CLIPImageProcessor,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
        PreTrainedTokenizerFast,
    )

    folder = tmp_path_factory.mktemp("weights") / "tiny-llava"
    words = ["<pad>", "<unk>", "</s>", "<image>", *WORDS[6:]]
    made = Tokenizer(models.WordLevel({word: k for k, word in enumerate(words)}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", unk_token="<unk>", eos_token="</s>",
        additional_special_tokens=["<image>"],
    )  # fmt: skip
    size = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    vision = {
        "model_type": "clip_vision_model",
        "image_size": 32,
        "patch_size": 16,
        "projection_dim": 8,
        **size,
    }
    text = {
        "model_type": "llama",
        "vocab_size": len(words),
        "num_key_value_heads": 2,
        "eos_token_id": 2,
        "pad_token_id": 0,
        **size,
    }
    torch.manual_seed(0)
    config = LlavaConfig(vision_config=vision, text_config=text, image_token_id=3, vision_feature_layer=-1)
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    LlavaProcessor(
        CLIPImageProcessor(size={"height": 32, "width": 32}, crop_size={"height": 32, "width": 32}),
        tokenizer, patch_size=16, vision_feature_select_strategy="default", num_additional_image_tokens=1,
        chat_template="{% for m in messages %}{% for c in m['content'] %}{% if c['type'] == 'image' %}<image> {% else %}{{ c['text'] }} {% endif %}{% endfor %}{% endfor %}",
    ).save_pretrained(folder)  # fmt: skip
    return folder


def test_a_model_that_chats_is_asked_and_only_its_answer_is_kept(llava_folder, toy, graph):
    captioner = load_captioner(llava_folder)
    paths = graph.nodes.pictures[graph.nodes.rows("image")[0]]
    picture = open_picture(toy.path / paths[0])
    said = captioner.say(picture)
    asked = captioner._asked(picture)
    whole = captioner._model.generate(**asked, max_new_tokens=60, do_sample=False)[0]
    question = asked["input_ids"].shape[1]
    assert whole[:question].tolist() == asked["input_ids"][0].tolist()
    answer = captioner._processor.tokenizer.decode(whole[question:], skip_special_tokens=True)
    assert said == " ".join(answer.split())
    assert "street" in captioner._processor.tokenizer.decode(whole[:question], skip_special_tokens=True)
    assert "LlavaForConditionalGeneration" in captioner.used


def test_a_qwen_vl_writes_of_a_picture_without_torchvision(vlm_folder, toy, graph):
    captioner = load_captioner(vlm_folder)
    assert captioner.used.startswith("model tiny-qwen2-vl@")
    path = graph.nodes.pictures[graph.nodes.rows("image")[0]][0]
    picture = open_picture(toy.path / path)
    asked = captioner._asked(picture)
    tokenizer = captioner._processor.tokenizer
    place = tokenizer.convert_tokens_to_ids("<|image_pad|>")
    parts = int(asked["image_grid_thw"].prod()) // 4
    assert parts > 1
    assert int((asked["input_ids"] == place).sum()) == parts == int(asked["mm_token_type_ids"].sum())
    assert "Describe this street view" in tokenizer.decode(asked["input_ids"][0])
    whole = captioner._model.generate(**asked, max_new_tokens=60, do_sample=False)[0]
    answer = tokenizer.decode(whole[asked["input_ids"].shape[1] :], skip_special_tokens=True)
    assert captioner.say(picture) == " ".join(answer.split()) == captioner.say(picture)


def test_the_chat_template_of_a_qwen_vl_is_used(vlm_folder, tmp_path):
    folder = shutil.copytree(vlm_folder, tmp_path / "chats")
    (folder / "chat_template.jinja").write_text(
        "{% for m in messages %}Q: {% for c in m['content'] %}{% if c['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
        "{% else %}{{ c['text'] }}{% endif %}{% endfor %} A:{% endfor %}"
    )
    captioner = load_captioner(folder)
    asked = captioner._asked(Image.new("RGB", (56, 56), "olive"))
    said = captioner._processor.tokenizer.decode(asked["input_ids"][0])
    assert said.startswith("Q: <|vision_start|><|image_pad|>")
    assert said.endswith("where it is. A:")


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
