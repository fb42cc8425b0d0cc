"""Frozen picture models against loops over pictures: which pictures count for a unit, tables, masks, refusals."""

import shutil

import numpy as np
import pandas as pd
import pytest
import torch

from urbanbench.checks import check_model
from urbanbench.city.city import City
from urbanbench.errors import BadInput, ExtraMissing
from urbanbench.models.clip import Clip
from urbanbench.models.imagenet_features import ImagenetFeatures
from urbanbench.models.resnet18 import ResNet18
from urbanbench.result import RunSpec
from urbanbench.run import execute
from urbanbench.toolkit.pictures.clip_encoders import load_clip_encoder
from urbanbench.toolkit.pictures.image_encoders import load_image_encoder
from urbanbench.toolkit.pictures.table import PictureTable, normalise
from urbanbench.units import Units

SIZE = 32
INPUTS = {"street_view", "satellite"}


@pytest.fixture(scope="module")
def built(tiny_toyville):
    return tiny_toyville


@pytest.fixture
def folder(built, tmp_path):
    """A copy in which one satellite picture is empty, and a view lacks a picture and has a broken one."""
    copy = tmp_path / "city"
    shutil.copytree(built, copy)
    views = pd.read_parquet(copy / "street_views.parquet")
    (copy / views["east"][0]).write_bytes(b"broken")
    (copy / views["west"][0]).unlink()
    regions = pd.read_parquet(copy / "satellite.parquet")
    (copy / regions["image"][1]).write_bytes(b"")
    return copy


@pytest.fixture(autouse=True)
def _fresh_cache(own_cache):
    """Features never come from another test."""


def encoded(encoder, view, path, size):
    pixels, ok = PictureTable(view.open_image, [path], size).pixels(np.array([0]))
    if not ok[0]:
        return None
    with torch.inference_mode():
        return encoder.eval()(normalise(torch.from_numpy(pixels), encoder.mean, encoder.std))[0].numpy()


def view_vectors(encoder, view, size):
    """Mean over the pictures of each view that can be opened; views without any are left out."""
    found = {}
    for name, row in view.street_views.iterrows():
        paths = [
            row[side] for side in ("image", "east", "south", "west", "north") if isinstance(row[side], str)
        ]
        made = [encoded(encoder, view, path, size) for path in dict.fromkeys(paths)]
        made = [one for one in made if one is not None]
        if made:
            found[name] = np.mean(made, axis=0)
    return found


def expected_regions(encoder, view, ids, size):
    of_view = view_vectors(encoder, view, size)
    region = view.street_views["region_id"]
    rows = []
    for one in ids:
        inside = [vector for name, vector in of_view.items() if region[name] == one]
        street = np.mean(inside, axis=0) if inside else np.zeros(encoder.dim)
        shown = view.satellite["image"].get(one)
        above = encoded(encoder, view, shown, size) if shown else None
        rows.append(
            [*street, bool(inside), *(np.zeros(encoder.dim) if above is None else above), above is not None]
        )
    return np.array(rows, dtype=np.float32)


def test_regions_are_means_over_views_beside_the_picture_from_above(folder, resnet_folder):
    city = City.open(folder)
    view = city.view(INPUTS)
    ids = view.region_ids[::-1][:9]
    space = ResNet18(str(resnet_folder), SIZE).embed(view, units=Units("region", ids), seed=0, device="cpu")
    wanted = expected_regions(load_image_encoder(str(resnet_folder)), view, ids, SIZE)
    np.testing.assert_allclose(space.vectors, wanted, atol=2e-5)
    np.testing.assert_array_equal(space.mask, (wanted[:, [12, 25]] > 0).any(axis=1))


def test_views_are_means_over_their_pictures(folder, resnet_folder):
    view = City.open(folder).view({"street_view"})
    ids = tuple(view.street_views.index[:7])
    model = ResNet18(str(resnet_folder), SIZE)
    space = model.embed(view, units=Units("street_view", ids), seed=0, device="cpu")
    wanted = view_vectors(load_image_encoder(str(resnet_folder)), view, SIZE)
    np.testing.assert_allclose(space.vectors, [wanted[one] for one in ids], atol=2e-5)
    assert space.mask.all()


def test_a_view_none_of_whose_pictures_opens_is_not_covered(folder, resnet_folder):
    city = City.open(folder)
    name = city.street_views.index[3]
    for path in city.street_views.loc[name, ["east", "south", "west", "north"]]:
        (folder / path).write_bytes(b"")
    view = City.open(folder).view({"street_view"})
    units = Units("street_view", tuple(view.street_views.index[2:5]))
    space = ResNet18(str(resnet_folder), SIZE).embed(view, units=units, seed=0, device="cpu")
    assert space.mask.tolist() == [True, False, True]
    assert not space.vectors[1].any()


def test_an_image_that_repeats_a_direction_counts_once(built, tmp_path, resnet_folder):
    folder = tmp_path / "city"
    shutil.copytree(built, folder)
    plain = City.open(folder).view({"street_view"})
    units = Units("street_view", tuple(plain.street_views.index[:2]))
    model = ResNet18(str(resnet_folder), SIZE)
    before = model.embed(plain, units=units, seed=0, device="cpu").vectors
    import pyarrow.parquet as pq

    table = pq.read_table(folder / "street_views.parquet")
    pq.write_table(table.append_column("image", table["south"]), folder / "street_views.parquet")
    after = model.embed(City.open(folder).view({"street_view"}), units=units, seed=0, device="cpu").vectors
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("inputs", [{"street_view"}, {"satellite"}])
def test_an_input_that_is_masked_has_no_block(built, inputs):
    view = City.open(built).view(inputs)
    model = ImagenetFeatures(size=SIZE)
    space = model.embed(view, units=Units("region", view.region_ids[:3]), seed=0, device="cpu")
    assert space.dim == 1281
    assert view.touched == inputs


def test_neither_input_is_a_refusal_with_the_reason(built, tiny_toyville_without_pictures):
    cell = RunSpec("imagenet-features", "popdensity", str(built), inputs="poi", head="ridge", seeds=(0,))
    found = execute(cell)
    assert found.status == "refused"
    assert "needs input 'street_view' or 'satellite'. City 'toyville' has" in found.reason
    assert "which --inputs poi masks" in found.reason
    bare = tiny_toyville_without_pictures
    found = execute(RunSpec("imagenet-features", "popdensity", str(bare), head="ridge", seeds=(0,)))
    assert "has no layer 'street_views' nor 'satellite'" in found.reason


def table(folder, name, vectors, key="view_id"):
    (folder / "features").mkdir(exist_ok=True)
    pd.DataFrame({key: list(vectors), "feature": list(vectors.values())}).to_parquet(
        folder / f"features/{name}.parquet"
    )


def random_table(ids):
    rng = np.random.default_rng(0)
    return {one: rng.normal(size=5).astype(np.float16) for one in ids}


def unit(vector):
    wide = np.asarray(vector, dtype=np.float32)
    return wide / np.linalg.norm(wide)


def test_clip_reads_a_table_at_length_one(folder, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    views = City.open(folder).street_views
    given = random_table(views.index[:-4])
    table(folder, "clip_vitl14", given)
    view = City.open(folder).view(INPUTS)
    model = Clip(image_encoder="nobody/no-such-clip")
    units = Units("street_view", tuple(views.index[-8:]))
    space = model.embed(view, units=units, seed=0, device="cpu")
    assert space.mask.tolist() == [True] * 4 + [False] * 4
    np.testing.assert_allclose(space.vectors[:4], [unit(given[one]) for one in units.ids[:4]], atol=1e-6)
    regions = Units("region", view.region_ids)
    space = model.embed(view, units=regions, seed=0, device="cpu")
    for row, one in enumerate(regions.ids):
        inside = [unit(given[name]) for name in views.index[views["region_id"] == one] if name in given]
        wanted = [*np.mean(inside, axis=0), 1] if inside else [0] * 6
        np.testing.assert_allclose(space.vectors[row], wanted, atol=1e-6)
    assert model.variant(view) == {
        "street_view": "features/clip_vitl14",
        "satellite": "none (no feature table, and CLIP is not on this machine)",
    }


def test_clip_reads_tables_and_encodes_the_rest(folder, clip_folder):
    views = City.open(folder).street_views
    table(folder, "clip_vitl14", random_table(views.index))
    view = City.open(folder).view(INPUTS)
    model = Clip(image_encoder=str(clip_folder))
    ids = view.region_ids[:4]
    space = model.embed(view, units=Units("region", ids), seed=0, device="cpu")
    encoder = load_clip_encoder(str(clip_folder), mend="")
    assert space.dim == 5 + 1 + encoder.dim + 1
    for row, one in enumerate(ids):
        shown = encoded(encoder, view, view.satellite["image"][one], encoder.size)
        wanted = [0] * 9 if shown is None else [*shown, 1]
        np.testing.assert_allclose(space.vectors[row, 6:], wanted, atol=2e-5)
    assert model.variant(view)["satellite"].startswith("tiny-clip@")


def test_clip_without_table_and_weights_says_what_to_do(built, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    view = City.open(built).view(INPUTS)
    with pytest.raises(ExtraMissing, match=r"cannot be loaded .*add features/clip_vitl14.parquet"):
        Clip().embed(view, units=Units("region", view.region_ids), seed=0, device="cpu")


def test_a_table_with_two_vector_columns_is_refused(folder):
    views = City.open(folder).street_views
    given = random_table(views.index)
    (folder / "features").mkdir()
    frame = pd.DataFrame({"view_id": list(given), "a": list(given.values()), "b": list(given.values())})
    frame.to_parquet(folder / "features/clip_vitl14.parquet")
    view = City.open(folder).view({"street_view"})
    with pytest.raises(BadInput, match=r"has 2 columns of vectors \(a, b\)"):
        Clip().embed(view, units=Units("region", view.region_ids), seed=0, device="cpu")


def test_street_views_conform(built, clip_folder, resnet_folder):
    city = City.open(built)
    for model in (Clip(str(clip_folder)), ResNet18(str(resnet_folder), SIZE)):
        check_model(model, city, level="street_view")
