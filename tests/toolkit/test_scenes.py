"""Scenes of groups of pictures: given, recognised by CLIP (a small random one saved to a folder), clustered, or none."""

import numpy as np
import pytest
import torch
from PIL import Image

from urbanbench.errors import BadInput, CityFaults, ExtraMissing, UnknownName
from urbanbench.toolkit.pictures.scenes import PROVIDERS, SCENES, given_scenes, label_scenes, scene_provider

GROUPS = np.array([[0, 1, -1, -1], [2, -1, -1, -1], [-1, -1, -1, -1], [3, 2, 1, 0]])


def picture(row):
    colour = [(255, 0, 0), (0, 0, 255), (0, 255, 0), (255, 255, 255)][row]
    noise = np.random.default_rng(row).integers(0, 256, (16, 16, 3))
    return Image.fromarray(((noise + 3 * np.array(colour)) // 4).astype(np.uint8))


def label(provider, **changed):
    given = {
        "pictures_of_group": GROUPS,
        "features": None,
        "open_image": picture,
        "given": None,
        "seed": 0,
        "encoder": "nobody/no-such-clip",
    }
    return label_scenes(provider, **(given | changed))


def expected_clip_choice(folder, rows):
    """Mean cosine over a group's pictures, written with the model's own methods, one picture and one text at a time."""
    from transformers import CLIPModel, CLIPTokenizer

    model = CLIPModel.from_pretrained(folder).eval()
    tokenizer = CLIPTokenizer.from_pretrained(folder)
    mean = torch.tensor([0.48145466, 0.4578275, 0.40821073])[:, None, None]
    std = torch.tensor([0.26862954, 0.26130258, 0.27577711])[:, None, None]
    scores = np.zeros(len(SCENES))
    with torch.no_grad():
        for row in rows:
            pixels = torch.tensor(np.asarray(picture(row))).permute(2, 0, 1) / 255
            for place, name in enumerate(SCENES):
                tokens = tokenizer(f"scene: {name}", return_tensors="pt")
                out = model(**tokens, pixel_values=((pixels - mean) / std)[None])
                scores[place] += float(out.image_embeds @ out.text_embeds.T) / len(rows)
    return int(scores.argmax())


def test_clip_chooses_the_scene_with_the_highest_mean_cosine(clip_folder):
    scenes = label("clip", encoder=str(clip_folder))
    expected = [
        expected_clip_choice(clip_folder, row[row >= 0]) if (row >= 0).any() else -1 for row in GROUPS
    ]
    assert scenes.of_group.tolist() == expected
    assert len(set(expected)) > 2, "the pictures show different scenes"
    assert (scenes.name, scenes.texts[0], len(scenes.texts)) == ("clip (tiny-clip)", "scene: beach", 21)


def test_pictures_that_cannot_be_opened_do_not_count(clip_folder):
    def broken(row):
        if row in {0, 2}:
            raise CityFaults("here", ["no picture"])
        return picture(row)

    scenes = label("clip", encoder=str(clip_folder), open_image=broken)
    alone = label("clip", encoder=str(clip_folder), pictures_of_group=np.array([[1], [3]]))
    both = label("clip", encoder=str(clip_folder), pictures_of_group=np.array([[3, 1]]))
    assert scenes.of_group.tolist() == [alone.of_group[0], -1, -1, both.of_group[0]]


def test_clusters_follow_the_mean_of_the_pictures():
    rng = np.random.default_rng(0)
    centres = np.eye(8)[:3]
    kind = rng.integers(0, 3, size=60)
    features = np.repeat(centres[kind] * rng.uniform(1, 9, (60, 1)), 2, axis=0)
    groups = np.arange(120).reshape(60, 2)
    groups[5] = -1
    scenes = label("kmeans", pictures_of_group=groups, features=features)
    known = np.arange(60) != 5
    assert scenes.of_group[5] == -1
    pairs = set(zip(kind[known].tolist(), scenes.of_group[known].tolist(), strict=True))
    assert len(pairs) == 3, "one cluster for one kind"
    assert scenes.texts == ("scene: cluster 0", "scene: cluster 1", "scene: cluster 2")


def test_clusters_of_a_sample_take_in_all_groups(monkeypatch):
    monkeypatch.setattr("urbanbench.toolkit.pictures.scenes.MOST_CLUSTERED", 100)
    kind = np.random.default_rng(2).integers(0, 5, size=400)
    features = (np.eye(8) * 10)[kind]
    scenes = label("kmeans", pictures_of_group=np.arange(400)[:, None], features=features)
    assert (scenes.of_group >= 0).all()
    pairs = set(zip(kind.tolist(), scenes.of_group.tolist(), strict=True))
    assert len(pairs) == len(set(scenes.of_group.tolist())) == 5, "one cluster for one kind"


def test_there_are_21_clusters_and_one_seed_gives_one_answer():
    features = np.random.default_rng(1).normal(size=(200, 6)).astype(np.float32)
    first, second = (
        label("kmeans", pictures_of_group=np.arange(200)[:, None], features=features) for _ in range(2)
    )
    assert (len(first.texts), first.name) == (21, "kmeans-21")
    np.testing.assert_array_equal(first.of_group, second.of_group)
    assert set(first.of_group.tolist()) == set(range(21))


def test_given_scenes_become_texts():
    given = np.array(["park", None, "market", "park"], dtype=object)
    scenes = label("precomputed", given=given)
    assert scenes.texts == ("scene: market", "scene: park")
    assert scenes.of_group.tolist() == [1, -1, 0, 1]


def test_a_group_has_the_most_frequent_scene_of_its_views():
    scene_of_view = {"a": "park", "b": "mall", "c": "mall", "d": None, "e": float("nan")}
    groups = [("a", "b", "c"), ("a", "b"), ("d",), ("e", "x"), ()]
    assert given_scenes(scene_of_view, groups).tolist() == ["mall", "park", None, None, None]


def test_auto_takes_what_is_given_then_clip_then_clusters(clip_folder):
    absent = "nobody/no-such-clip"
    assert scene_provider("auto", has_given=True, encoder=absent) == "precomputed"
    assert scene_provider("auto", has_given=False, encoder=str(clip_folder)) == "clip"
    assert scene_provider("auto", has_given=False, encoder=absent) == "kmeans"
    assert scene_provider("auto", has_given=False, encoder="/no/such/folder/at/all") == "kmeans"


def test_none_knows_no_scene():
    scenes = label("none")
    assert (scenes.texts, scenes.of_group.tolist(), scenes.name) == ((), [-1] * 4, "none")


def test_wrong_choices_are_told(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UnknownName, match="scene provider 'llama'"):
        label("llama")
    with pytest.raises(BadInput, match=r"no features/scenes.parquet"):
        label("precomputed")
    with pytest.raises(BadInput, match="no picture features"):
        label("kmeans")
    with pytest.raises(ExtraMissing, match="CLIP 'nobody/no-such-clip' cannot be loaded"):
        label("clip")
    assert "auto" in PROVIDERS
