"""Every form vectors are written into says the same: ids, coverage and numbers to the bit, and scores with them."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from urbanbench.cli.app import main
from urbanbench.errors import BadInput
from urbanbench.space import FORMS, EmbeddingSpace
from urbanbench.vectors.files import ids_file, vectors_digest

IDS = ["007", "a,b", 'say "x"', "上海", "plain"]


@pytest.fixture
def space():
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(5, 6)).astype(np.float32) * np.float32(1e-3)
    vectors[1] = [np.float32(1) / 3, 1e-38, 3.4e38, -0.0, 7, 16777217]
    return EmbeddingSpace("region", np.array(IDS), vectors, np.array([True, False, True, True, True]))


@pytest.mark.parametrize("suffix", FORMS)
def test_what_is_written_is_read_again_to_the_bit(space, tmp_path, suffix):
    path = tmp_path / f"vectors{suffix}"
    space.save(path)
    back = EmbeddingSpace.load(path)
    assert back.ids.tolist() == IDS
    assert back.level == "region"
    assert (back.vectors.view(np.uint32) == space.vectors.view(np.uint32)).all()
    assert back.mask.tolist() == space.mask.tolist()


def test_a_list_column_holds_each_row_as_one_list(space, tmp_path):
    path = tmp_path / "vectors.parquet"
    space.save(path, lists=True)
    table = pq.read_table(path)
    assert table.column_names == ["id", "covered", "vector"]
    assert np.array(table["vector"].to_pylist(), dtype=np.float32).tolist() == space.vectors.tolist()
    back = EmbeddingSpace.load(path)
    assert back.digest() == space.digest()


def test_npy_is_the_bare_array_and_its_ids_lie_beside(space, tmp_path):
    path = tmp_path / "vectors.npy"
    space.save(path)
    assert (np.load(path, allow_pickle=False) == space.vectors).all()
    before = vectors_digest(path)
    beside = ids_file(path)
    assert beside.read_text(encoding="utf-8").splitlines()[0] == '"region_id","covered"'
    beside.write_text(beside.read_text(encoding="utf-8").replace("plain", "other"), encoding="utf-8")
    assert vectors_digest(path) != before


def test_npy_without_ids_or_with_too_few_says_what_to_write(space, tmp_path):
    path = tmp_path / "vectors.npy"
    space.save(path)
    beside = ids_file(path)
    lines = beside.read_text(encoding="utf-8").splitlines()
    beside.write_text("\n".join(lines[:-1]) + "\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"has 4 lines .* Expected 5 with a column region_id"):
        EmbeddingSpace.load(path)
    beside.unlink()
    with pytest.raises(BadInput, match=r"Expected 'vectors.ids.csv', a CSV with a column region_id"):
        EmbeddingSpace.load(path)


def test_pickled_objects_are_refused(space, tmp_path):
    path = tmp_path / "vectors.npy"
    space.save(path)
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(BadInput, match="no readable npy file"):
        EmbeddingSpace.load(path)


def test_other_endings_and_lists_elsewhere_are_refused_before_anything_runs(space, tmp_path, capsys):
    with pytest.raises(
        BadInput, match=r"has suffix '.txt'. Expected .parquet, .csv, .npz, .npy, .safetensors"
    ):
        space.save(tmp_path / "vectors.txt")
    assert (
        main(["embed", "-m", "area", "-c", "toyville:tiny", "-o", str(tmp_path / "v.csv"), "--list-column"])
        == 2
    )
    assert "no other form has lists" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("file", "more"),
    [("v.csv", []), ("v.npy", []), ("v.npz", []), ("v.parquet", ["--list-column"])],
    ids=["csv", "npy", "npz", "lists"],
)
def test_scores_of_every_form_are_those_of_the_model(tmp_path, monkeypatch, capsys, file, more):
    monkeypatch.chdir(tmp_path)
    assert main(["embed", "-m", "area", "-c", "toyville:tiny", "-o", file, *more]) == 0
    words = [
        "-t",
        "popdensity",
        "-c",
        "toyville:tiny",
        "--head",
        "ridge",
        "--seeds",
        "2",
        "--no-floors",
        "--json",
    ]
    capsys.readouterr()
    assert main(["run", "-m", "area", *words]) == 0
    model = json.loads(capsys.readouterr().out)[0]
    assert main(["score", file, *words]) == 0
    given = json.loads(capsys.readouterr().out)[0]
    assert given["scores"] == model["scores"]
