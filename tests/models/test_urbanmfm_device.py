"""What UrbanMFM's steps ask of a device: on one that never answers they run to the end, and what is done for a GPU gives what a CPU gives."""

from contextlib import nullcontext

import pytest
import torch
from transformers import BertConfig, BertModel, BertTokenizer, ResNetConfig, ResNetModel

from urbanbench.city.city import City
from urbanbench.datasets.toyville import Toyville
from urbanbench.models._urbanmfm import pretrain as training
from urbanbench.models._urbanmfm.material import gather_material
from urbanbench.models._urbanmfm.stages import Workshop, objective_of
from urbanbench.models.urbanmfm import STAGES, UrbanMFM
from urbanbench.toolkit.features._feature_rows import TunedPictures, TunedTexts
from urbanbench.toolkit.training import fit as fits
from urbanbench.toolkit.training import seeded_torch
from urbanbench.toolkit.training.schedule import Schedule
from urbanbench.toolkit.training.stage import Stage
from urbanbench.toolkit.training.weighing import Equal

ALL = frozenset({"poi", "polygon", "road", "street_view", "satellite"})
NOWHERE = "meta"
"""A device of torch that has shapes and no numbers: whatever would make the host wait for a GPU's answer is an error there."""

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "name", "amenity", "shop", "office", "building", ":"]
SMALL = {
    "dim": "16", "raster_size": "16", "street_size": "16", "satellite_size": "16", "batch": "12",
    "max_neighbours": "4", "region_pois": "4", "fusion_heads": "4", "heads": "2", "head_dim": "4",
}  # fmt: skip


@pytest.fixture(scope="module")
def shop_of(tmp_path_factory):
    """Make everything that objectives are made of, on the CPU, with encoders that are trained or not."""
    folder = tmp_path_factory.mktemp("device")
    with seeded_torch(0, "encoders"):
        sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
        BertModel(BertConfig(vocab_size=len(WORDS), **sizes)).save_pretrained(folder / "bert")
        widths = {"embedding_size": 16, "hidden_sizes": [16, 16], "depths": [1, 1]}
        ResNetModel(ResNetConfig(**widths, layer_type="basic")).save_pretrained(folder / "resnet")
    BertTokenizer(vocab={word: row for row, word in enumerate(WORDS)}).save_pretrained(folder / "bert")
    Toyville(size="tiny").build(folder / "city")
    view = City.open(folder / "city").view(ALL)
    encoders = {"text_encoder": f"{folder}/bert", "image_encoder": f"{folder}/resnet"}

    def make(**settings):
        model = UrbanMFM.from_settings("paper", encoders | SMALL | settings)
        material = gather_material(model, view)
        backbones = training.build_backbones(model, view, material, 0, "cpu")
        backbones.compute_all()
        return Workshop(model, view, material, training.build_net(model, backbones, 0), backbones, 0, "cpu")

    return make


def sent_nowhere(objective, shop):
    """Move an objective that was made on the CPU, and all it reads, to the device that never answers."""
    shop.net.to(NOWHERE)
    backbones, micro = shop.backbones, getattr(objective, "micro", None)
    for one in (backbones.texts(), backbones.street_pictures(), backbones.overhead_pictures()):
        one.features = one.features.to(NOWHERE)
    for shapes in {id(one): one for one in (backbones.shapes(), micro and micro.shapes) if one}.values():
        shapes.features, shapes.surface = shapes.features.to(NOWHERE), shapes.surface.to(NOWHERE)
    for part in (objective, micro):
        if part is not None:
            part.device = NOWHERE
    if getattr(objective, "scene_text", None) is not None:
        objective.scene_text = objective.scene_text.to(NOWHERE)
    if isinstance(getattr(objective, "texts", None), TunedTexts):
        objective.texts = TunedTexts(backbones.text_encoder, objective.texts.texts, NOWHERE)
    if isinstance(getattr(objective, "pictures", None), TunedPictures):
        objective.pictures = TunedPictures(backbones.image_encoder, objective.pictures.pictures, NOWHERE)
    return objective


@pytest.mark.parametrize("name", STAGES)
def test_a_step_never_waits_for_the_device(shop_of, name, own_cache, monkeypatch):
    tuned = "true" if name in {"poi", "svi", "macro"} else "false"
    shop = shop_of(train_text_encoder=tuned, train_image_encoder=tuned)
    objective = sent_nowhere(objective_of(name, shop), shop)
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())  # torch knows none for this device
    monkeypatch.setattr(fits, "READ_EVERY_S", float("inf"))
    schedule = Schedule(batch=12, epochs=50)
    stage = Stage(objective, schedule, seed=0)
    loop = fits.Fit([stage], schedule, Equal(), total=100, device=NOWHERE, seed=0)
    for _ in range(3):
        loop.take_step()
    assert loop.state.step == 3
    assert stage.log.steps == []
