"""The preset `paper`, which trains both encoders along, end to end with a small BERT and a small ResNet of random weights."""

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel, BertTokenizer, ResNetConfig, ResNetModel

from urbanbench.city.city import City
from urbanbench.models.urbanmfm import STAGES, UrbanMFM
from urbanbench.toolkit.features._feature_rows import TunedTexts
from urbanbench.toolkit.pictures.image_encoders import load_image_encoder
from urbanbench.toolkit.texts.text_encoders import load_text_encoder
from urbanbench.toolkit.training import seeded_torch
from urbanbench.toolkit.training.state import TrainingState
from urbanbench.units import Units

ALL = frozenset({"poi", "polygon", "road", "street_view", "satellite"})
TRAINED_IN = {"text": {"poi"}, "image": {"svi", "macro"}}
DIM = 32
WORDS = [
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    *("name", "amenity", "shop", "office", "leisure", "building", "cafe", "school", "bakery", ":", ","),
]


@pytest.fixture(scope="module")
def encoders(tmp_path_factory):
    """Folders of the two encoders, as they are downloaded or saved by transformers."""
    text, image = (tmp_path_factory.mktemp("weights") / name for name in ("small-bert", "small-resnet"))
    with seeded_torch(0, "small encoders"):
        sizes = {"hidden_size": 12, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
        BertModel(BertConfig(vocab_size=len(WORDS), **sizes)).save_pretrained(text)
        widths = {"embedding_size": 8, "hidden_sizes": [8, 12], "depths": [1, 1]}
        ResNetModel(ResNetConfig(**widths, layer_type="basic")).save_pretrained(image)
    BertTokenizer(vocab={word: row for row, word in enumerate(WORDS)}).save_pretrained(text)
    return {"text_encoder": str(text), "image_encoder": str(image)}


@pytest.fixture(scope="module")
def view(tiny_toyville):
    return City.open(tiny_toyville).view(ALL)


@pytest.fixture
def last_weights_stay(monkeypatch):
    """Keep the weights of the last step: after two steps those before any training may well be the best."""
    monkeypatch.setattr(TrainingState, "restore_best", lambda state: setattr(state, "done", True))


def paper(encoders, **settings):
    small = {
        "dim": str(DIM),
        "raster_size": "16",
        "street_size": "16",
        "satellite_size": "16",
        "batch": "16",
        "max_steps": "2",
    }
    return UrbanMFM.from_settings("paper", encoders | small | settings)


def state(encoder):
    return {name: one.detach().clone() for name, one in encoder.state_dict().items()}


def parameters(encoder):
    return {name for name, _ in encoder.named_parameters()}


def test_the_preset_trains_all_stages_and_embeds_regions(view, encoders, own_cache):
    space = paper(encoders).embed(view, units=Units("region", view.region_ids), seed=0, device="cpu")
    assert space.vectors.shape == (60, 2 * DIM + 2)
    assert space.mask.all()
    assert np.isfinite(space.vectors).all()
    assert np.ptp(space.vectors[:, :DIM], axis=0).all()
    assert np.ptp(space.vectors[:, DIM : 2 * DIM], axis=0).all()


@pytest.mark.usefixtures("last_weights_stay")
def test_an_encoder_moves_in_the_stages_that_train_it_and_in_no_other(view, encoders, own_cache):
    before = {
        "text": state(load_text_encoder(encoders["text_encoder"])),
        "image": state(load_image_encoder(encoders["image_encoder"])),
    }
    for number, stage in enumerate(STAGES, start=1):
        trained = paper(encoders, stages=",".join([*STAGES][:number])).pretrain(view, seed=0)
        assert [one.name for one in trained.log] == [*STAGES][:number]
        assert len(trained.log[-1].steps) == 2
        backbones = trained.backbones
        for kind, encoder in (("text", backbones.text_encoder), ("image", backbones.image_encoder)):
            now = state(encoder)
            moved = {name for name, one in now.items() if not torch.equal(one, before[kind][name])}
            assert moved == (parameters(encoder) if stage in TRAINED_IN[kind] else set()), (stage, kind)
            before[kind] = now


@pytest.mark.usefixtures("last_weights_stay")
def test_features_after_training_are_those_of_the_trained_encoders(view, encoders, own_cache):
    trained = paper(encoders).pretrain(view, seed=0)
    backbones, places = trained.backbones, trained.places
    with torch.inference_mode():
        texts = backbones.text_encoder(backbones.text_encoder.tokenize(places.texts))
    torch.testing.assert_close(trained.texts.features, texts, atol=1e-5, rtol=1e-4)
    first = load_text_encoder(encoders["text_encoder"])
    with torch.inference_mode():
        assert not torch.allclose(texts, first(first.tokenize(places.texts)), atol=1e-5)
    drawn = backbones.encode_shapes(places.shapes[:5]).features
    torch.testing.assert_close(trained.shapes.features[:5], drawn, atol=1e-5, rtol=1e-4)


def test_texts_of_a_trained_encoder_come_in_the_order_asked_for(encoders):
    encoder = load_text_encoder(encoders["text_encoder"])
    texts = ["amenity: cafe " * (1 + row * 7 % 11) for row in range(150)]
    asked = torch.tensor([140, 3, 3, *range(90)])
    with torch.inference_mode():
        made = TunedTexts(encoder, texts, "cpu").rows(asked)
        wanted = torch.cat([encoder(encoder.tokenize([texts[row]])) for row in asked.tolist()])
    torch.testing.assert_close(made, wanted, atol=1e-5, rtol=1e-4)


@pytest.mark.usefixtures("last_weights_stay")
def test_joint_training_moves_both_encoders(view, encoders, own_cache):
    trained = paper(encoders, mode="joint").pretrain(view, seed=0)
    backbones = trained.backbones
    for encoder, first in (
        (backbones.text_encoder, load_text_encoder(encoders["text_encoder"])),
        (backbones.image_encoder, load_image_encoder(encoders["image_encoder"])),
    ):
        old, new = state(first), state(encoder)
        assert all(not torch.equal(new[name], old[name]) for name in parameters(encoder))


@pytest.mark.usefixtures("last_weights_stay")
def test_frozen_encoders_stay_as_they_were(view, encoders, own_cache):
    frozen = {"train_text_encoder": "false", "train_image_encoder": "false"}
    backbones = paper(encoders, **frozen).pretrain(view, seed=0).backbones
    for encoder, first in (
        (backbones.text_encoder, load_text_encoder(encoders["text_encoder"])),
        (backbones.image_encoder, load_image_encoder(encoders["image_encoder"])),
    ):
        old = state(first)
        assert all(torch.equal(one, old[name]) for name, one in state(encoder).items())
