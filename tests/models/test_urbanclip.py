"""UrbanCLIP as a whole on a tiny city: what it reads, trains, gives and refuses."""

import dataclasses
import json
import re
import shutil

import numpy as np
import pytest
import torch

from urbanbench.checks import check_model
from urbanbench.city.city import City
from urbanbench.city.folder.tags import tag_table
from urbanbench.errors import BadInput, ExtraMissing, InputMasked, RunRefused, UnknownName
from urbanbench.models.urbanclip import UrbanCLIP
from urbanbench.toolkit.training import seeded_torch
from urbanbench.units import Units

QUICK = {
    "dim": "16", "image_tower": "scratch", "size": "32", "patch": "16", "image_layers": "1", "text_layers": "1",
    "decoder_layers": "1", "heads": "2", "queries": "2", "batch": "16", "max_steps": "2",
}  # fmt: skip
TAGGED = frozenset({"satellite", "poi", "polygon", "road"})


def quick(**changes):
    return UrbanCLIP.from_settings("small", QUICK | {name: str(one) for name, one in changes.items()})


@pytest.fixture(scope="module")
def city(tiny_toyville):
    return City.open(tiny_toyville)


@pytest.fixture(scope="module")
def captioned(city, add_captions, tmp_path_factory):
    folder = shutil.copytree(city.path, tmp_path_factory.mktemp("captioned") / "city")
    ids = city.regions.index.tolist()
    add_captions(
        folder,
        [
            (one, f"Word{k % 7} of {('park', 'road', 'house')[k % 3]}.")
            for k, one in enumerate(ids[:40])
            for _ in range(2)
        ],
    )
    return City.open(folder)


@pytest.fixture(autouse=True)
def _fresh_cache(own_cache):
    """Nothing trained or encoded comes from another test."""


def embedded(model, view, ids=None, seed=0):
    return model.embed(view, units=Units("region", ids or view.region_ids), seed=seed, device="cpu")


def told_by(trained, row):
    return [trained.captions.sentences[one] for one in trained.captions.of_region.take(np.array([row]))[0]]


def test_vectors_have_length_one_in_the_order_asked_for_and_follow_the_seed(city):
    view = city.view({"satellite"})
    space, turned = embedded(quick(), view), embedded(quick(), view, view.region_ids[::-1][:9])
    np.testing.assert_allclose(np.linalg.norm(space.vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(turned.vectors, space.vectors[::-1][:9])
    assert space.mask.all()
    assert np.ptp(space.vectors, axis=0).max() > 1e-3
    assert not np.array_equal(space.vectors, embedded(quick(), view, seed=1).vectors)


def test_pictures_that_were_held_out_find_their_sentences_after_training(city, add_captions, tmp_path):
    import pandas as pd
    from PIL import Image

    folder, rng = shutil.copytree(city.path, tmp_path / "city"), np.random.default_rng(0)
    colours = {"red": (220, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 220), "grey": (120, 120, 120)}
    images, ids = pd.read_parquet(folder / "satellite.parquet")["image"], city.satellite.index
    named = [list(colours)[k % 4] for k in range(len(ids))]
    for path, name in zip(images, named, strict=True):
        noise = rng.integers(-20, 20, (16, 16, 3))
        Image.fromarray(np.clip(noise + colours[name], 0, 255).astype(np.uint8)).save(folder / path)
    add_captions(folder, [(one, f"All is {name} here.") for one, name in zip(ids, named, strict=True)])
    model = quick(max_steps=80, lr=0.003)
    trained = model.pretrain(City.open(folder).view({"satellite", "captions"}), seed=0)
    log = trained.log
    assert log.held_out_chance > 1.5
    assert log.best < 0.3 * log.held_out_chance
    assert np.mean(log.steps[-10:]) < 0.3 * log.chance


def test_captions_of_the_city_are_read_alone_where_it_has_them(captioned):
    view = captioned.view(TAGGED | {"captions"})
    trained = quick().pretrain(view, seed=0)
    assert view.touched == {"satellite", "captions"}
    assert told_by(trained, 3) == ["Word3 of park."] * 2
    assert told_by(trained, 45) == []
    assert trained.objective.n_anchors == 40
    assert embedded(quick(), view).mask.all()
    assert quick().variant(view)["captions"] == "precomputed"


def test_the_template_reads_what_may_be_seen_and_names_it(captioned):
    for inputs, read in (
        ({"satellite"}, "colours of the picture"),
        ({"satellite", "poi"}, "poi, colours of the picture"),
        (TAGGED, "poi, polygon, road, colours of the picture"),
    ):
        view = captioned.view(inputs)
        assert quick().variant(view)["captions"] == f"template ({read})"
        trained = quick().pretrain(view, seed=0)
        assert view.touched == set(inputs)
        assert all(told_by(trained, row) for row in range(len(view.region_ids)))


def test_the_template_says_nothing_of_land_use(city):
    import pandas as pd

    frames = {name: getattr(city, name) for name in ("regions", "pois", "buildings", "roads", "satellite")}
    for name in ("pois", "buildings"):
        tags = frames[name]["tags"]
        tagged = [[*one, ("landuse", "quarry")] for one in tags]
        frames[name] = frames[name].assign(tags=pd.Series(tagged, index=tags.index, dtype=tags.dtype))
    told = City(city.path, city.manifest, frames)
    assert "quarry" in tag_table(told.view(TAGGED).pois["tags"]).value
    expected = quick().pretrain(city.view(TAGGED), seed=0).captions
    for withheld in ((), ("landuse",)):
        made = quick().pretrain(told.view(TAGGED, withheld), seed=0).captions
        assert made.sentences == expected.sentences
        np.testing.assert_array_equal(made.of_region.member, expected.of_region.member)
    assert any("places such as" in one for one in expected.sentences)


def test_the_template_agrees_with_counting(city):
    view = city.view({"satellite", "poi"})
    trained, pois = quick().pretrain(view, seed=0), view.pois
    from urbanbench.toolkit.texts.place_texts import CLASS_KEYS, is_place

    kept = is_place(tag_table(pois["tags"]))
    for row in (0, 7, 20):
        count = {}
        for tags, region, good in zip(pois["tags"], pois["region_id"], kept, strict=True):
            for key, value in tags if good and region == view.region_ids[row] else ():
                if key in CLASS_KEYS:
                    name = (key if value == "yes" else value).replace("_", " ")
                    count[name] = count.get(name, 0) + 1
        best = sorted(count, key=lambda one: (-count[one], one.replace(" ", "_")))[:3]
        [sentence] = told_by(trained, row)
        found = re.search(r"places such as (.*)\.", sentence)
        assert (re.split(r", | and ", found[1]) if found else []) == best


def test_regions_without_a_picture_that_opens_are_not_covered(city, tmp_path):
    import pandas as pd

    folder = shutil.copytree(city.path, tmp_path / "city")
    frame = pd.read_parquet(folder / "satellite.parquet")
    (folder / frame["image"][0]).write_bytes(b"no picture")
    frame.drop(index=[5]).to_parquet(folder / "satellite.parquet", index=False)
    told = (folder / "city.json").read_text()
    manifest = json.loads(told)
    manifest["layers"]["satellite"].pop("count", None)
    (folder / "city.json").write_text(json.dumps(manifest))
    view = City.open(folder).view({"satellite"})
    for changes in ({}, {"tile": "fixed_1km"}):
        space = embedded(quick(**changes), view)
        assert np.flatnonzero(~space.mask).tolist() == [0, 5]
        assert not space.vectors[[0, 5]].any()


def test_too_few_pairs_are_refused(city, captioned, add_captions, tmp_path):
    import pandas as pd

    folder = shutil.copytree(city.path, tmp_path / "city")
    pd.read_parquet(folder / "satellite.parquet")[:6].to_parquet(folder / "satellite.parquet", index=False)
    told = json.loads((folder / "city.json").read_text())
    told["layers"]["satellite"].pop("count", None)
    (folder / "city.json").write_text(json.dumps(told))
    with pytest.raises(
        RunRefused, match=r"Only 6 of 60 regions of 'toyville' have a picture. Expected at least 16"
    ):
        embedded(quick(), City.open(folder).view(TAGGED))
    folder = shutil.copytree(city.path, tmp_path / "other")
    add_captions(folder, [(one, "A park.") for one in city.regions.index[:9]])
    with pytest.raises(RunRefused, match="Only 9 of 60 regions of 'toyville' have both"):
        embedded(quick(), City.open(folder).view({"satellite", "captions"}))
    with pytest.raises(RunRefused, match="none can be seen"):
        embedded(quick(captions="precomputed"), captioned.view({"satellite"}))
    with pytest.raises(InputMasked):
        embedded(quick(), city.view({"poi"}))


def test_a_square_kilometre_shows_more_than_the_bounding_box(city):
    view = city.view({"satellite"})
    box, wide = (quick(tile=one).pretrain(view, seed=0).tiles for one in ("bbox", "fixed_1km"))
    extent = wide.box[:, 2:] - wide.box[:, :2]
    np.testing.assert_allclose(extent, 1000.0)
    np.testing.assert_allclose(wide.box[:, :2] + 500, (box.box[:, :2] + box.box[:, 2:]) / 2)
    for row in (0, 30):
        reach = wide.box[row]
        met = [
            k for k, one in enumerate(wide.image_box)
            if k != row and one[0] <= reach[2] and one[2] >= reach[0] and one[1] <= reach[3] and one[3] >= reach[1]
        ]  # fmt: skip
        first, last = wide.sources.start[row : row + 2]
        assert wide.sources.member[first:last].tolist() == met
    assert not box.sources.sizes.any()


@pytest.fixture(scope="module")
def blip_folder(tmp_path_factory):
    """A tiny image-to-text model with random weights."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BlipConfig, BlipForConditionalGeneration, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("weights") / "tiny-blip"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[BOS]", *(f"w{k}" for k in range(25))]
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = {**sizes, "vocab_size": len(words), "encoder_hidden_size": 16, "projection_dim": 8}
    config = BlipConfig(
        text_config={**text, "bos_token_id": 4, "eos_token_id": 3, "sep_token_id": 3, "pad_token_id": 0},
        vision_config={**sizes, "image_size": 32, "patch_size": 16},
    )
    with seeded_torch(0, "tiny-blip"):
        model = BlipForConditionalGeneration(config)
        with torch.no_grad():
            for one in model.parameters():
                one.add_(0.5 * torch.randn_like(one))
    model.save_pretrained(folder)
    tokenizer = Tokenizer(models.WordLevel({word: k for k, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]", bos_token="[BOS]"
    ).save_pretrained(folder)
    told = {"size": {"height": 32, "width": 32}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    (folder / "preprocessor_config.json").write_text(json.dumps(told))
    return folder


def test_an_image_to_text_model_of_a_folder_writes_the_captions_once(city, blip_folder, monkeypatch):
    from urbanbench.models._urbanclip import captioner

    view = city.view({"satellite"})
    model = quick(captions="vlm", captioner=blip_folder, caption_tokens=6)
    trained = model.pretrain(view, seed=0)
    assert view.touched == {"satellite"}
    assert all(re.fullmatch(r"(w\d+|\[UNK\])( (w\d+|\[UNK\]))*", one) for one in trained.captions.sentences)
    monkeypatch.setattr(captioner, "_generate", None)
    assert model.pretrain(view, seed=0).captions.sentences == trained.captions.sentences
    assert re.fullmatch(r"vlm \(tiny-blip@\w+\)", model.variant(view)["captions"])


def test_captions_are_written_anew_when_the_model_generates_otherwise(city, blip_folder):
    from urbanbench.models._urbanclip.captioner import load_captioner, written_captions
    from urbanbench.models._urbanclip.tiles import gather_tiles

    tiles = gather_tiles(city.view({"satellite"}), "bbox")
    captioner = load_captioner(str(blip_folder), longest=4)
    before = written_captions(tiles, "pictures", captioner, "cpu")
    told = sorted({int(one[1:]) + 5 for text in before for one in text.split() if one[0] == "w"})
    captioner.model.text_decoder.generation_config.suppress_tokens = told
    after = " ".join(written_captions(tiles, "pictures", captioner, "cpu")).split()
    assert told
    assert not {f"w{one - 5}" for one in told} & set(after)


def test_a_captioner_must_be_named_and_there(city, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    view = city.view({"satellite"})
    with pytest.raises(BadInput, match="--set captioner="):
        embedded(quick(captions="vlm"), view)
    with pytest.raises(ExtraMissing, match=r"Image-to-text model .* cannot be loaded"):
        embedded(quick(captions="vlm", captioner=tmp_path), view)


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory):
    """A tiny CLIP with random weights."""
    from transformers import CLIPConfig, CLIPModel, CLIPTokenizer

    folder = tmp_path_factory.mktemp("weights") / "tiny-clip"
    letters = list("abcdefghijklmnopqrstuvwxyz.,-0123456789")
    words = [*letters, *(f"{one}</w>" for one in letters), "<|startoftext|>", "<|endoftext|>"]
    end = len(words) - 1
    sizes = {
        "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "projection_dim": 16,
    }  # fmt: skip
    text = {
        **sizes, "vocab_size": len(words), "max_position_embeddings": 77, "bos_token_id": end - 1, "eos_token_id": end, "pad_token_id": end,
    }  # fmt: skip
    config = CLIPConfig(
        text_config=text, vision_config={**sizes, "image_size": 32, "patch_size": 8}, projection_dim=16
    )
    with seeded_torch(1, "tiny-clip"):
        CLIPModel(config).save_pretrained(folder)
    CLIPTokenizer(vocab={word: row for row, word in enumerate(words)}, merges=[]).save_pretrained(folder)
    return folder


def of_paper(folder, **changes):
    """The paper's preset with a small CLIP and few steps."""
    word = f"clip:{folder}"
    few = {"dim": 16, "size": 32, "queries": 4, "decoder_layers": 1, "batch": 8, "max_steps": 2, "heads": 2}
    return dataclasses.replace(UrbanCLIP(image_tower=word, text_tower=word, lr=1e-3, **few), **changes)


def test_the_paper_preset_trains_both_towers_of_clip_from_a_folder(city, clip_folder):
    model, view = of_paper(clip_folder), city.view(TAGGED)
    trained = model.pretrain(view, seed=0)
    from transformers import CLIPModel

    before = CLIPModel.from_pretrained(clip_folder).state_dict()
    now = trained.net.image.encoder.model.state_dict()
    moved = {name for name in before if not torch.equal(before[name], now[name])}
    assert {"visual_projection.weight", "text_projection.weight"} <= moved
    assert any(name.startswith("text_model.encoder") for name in moved)
    assert any(name.startswith("vision_model.encoder") for name in moved)
    with torch.no_grad():
        vector = trained.net.see(torch.tensor([0, 3]))[0]
        _, own = trained.net.image(torch.tensor([0, 3]))
    torch.testing.assert_close(vector, torch.nn.functional.normalize(own, dim=1))
    assert re.fullmatch(r"tiny-clip@\w+ \(trained, 32 px\)", model.variant(view)["image"])
    assert re.fullmatch(r"tiny-clip@\w+ \(trained\)", model.variant(view)["text"])


def test_a_frozen_clip_keeps_its_weights(city, clip_folder):
    model = of_paper(clip_folder, train_image_tower=False, train_text_tower=False, grid=2)
    trained = model.pretrain(city.view({"satellite"}), seed=0)
    assert trained.net.image(torch.tensor([0]))[0].shape == (1, 5, 16)
    assert not any(one.requires_grad for one in trained.net.text.parameters())
    with pytest.raises(BadInput, match="reads pictures of 32 pixels"):
        embedded(of_paper(clip_folder, size=64), city.view({"satellite"}))


def test_weights_that_are_not_there_are_told(city, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ExtraMissing, match="CLIP 'openai/clip-vit-large-patch14' cannot be loaded"):
        embedded(UrbanCLIP(), city.view({"satellite"}))


@pytest.mark.parametrize(
    "changes", [{"text_tower": "hashing"}, {"fixed_caption": True}, {"captions": "template"}]
)
def test_choices_change_the_vectors(captioned, changes):
    view = captioned.view(TAGGED if "fixed_caption" in changes else TAGGED | {"captions"})
    assert not np.array_equal(embedded(quick(), view).vectors, embedded(quick(**changes), view).vectors)


def test_a_frozen_encoder_that_is_trained_along_changes(city):
    view = city.view({"satellite"})
    changes = {"image_tower": "random-efficientnet-lite0", "train_image_tower": True, "batch": 8}
    trained = quick(**changes).pretrain(view, seed=0)
    with seeded_torch(0, "urbanclip", "image"):
        from urbanbench.toolkit.pictures.image_encoders import load_image_encoder

        first = load_image_encoder("random-efficientnet-lite0").state_dict()
    name = "_conv_head.weight"
    assert not torch.equal(first[name], trained.net.image.encoder.state_dict()[name])


@pytest.mark.parametrize("inputs", [{"satellite"}, TAGGED | {"captions"}])
def test_keeps_its_contract(captioned, inputs):
    check_model(quick(tile="fixed_1km"), captioned.view(inputs))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"captions": "llama"}, UnknownName),
        ({"tile": "hexagon"}, UnknownName),
        ({"heads": 3}, BadInput),
        ({"queries": 0}, BadInput),
        ({"caption_weight": -1.0}, BadInput),
        ({"max_words": 2}, BadInput),
    ],
)
def test_impossible_parameters_are_refused(changes, error):
    with pytest.raises(error):
        UrbanCLIP(**{"dim": 16, "heads": 2} | changes)
