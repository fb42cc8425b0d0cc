import numpy as np
import pytest

from urbanbench.errors import BadInput, DataMissing
from urbanbench.space import EmbeddingSpace


def a_space(n: int = 4, dim: int = 3) -> EmbeddingSpace:
    vectors = np.random.default_rng(0).normal(size=(n, dim)).astype(np.float32)
    covered = np.array([True] * (n - 1) + [False])
    vectors[-1] = 0
    return EmbeddingSpace("region", np.array([f"r{k}" for k in range(n)]), vectors, covered)


def test_take_gives_the_order_asked_for():
    space = a_space()
    taken = space.take(["r3", "r0"])
    assert taken.ids.tolist() == ["r3", "r0"]
    np.testing.assert_array_equal(taken.vectors, space.vectors[[3, 0]])
    assert taken.mask.tolist() == [False, True]


def test_take_names_missing_ids():
    with pytest.raises(BadInput, match=r"lacks 2 of 3 region ids \('x', 'y'\)"):
        a_space().take(["r1", "x", "y"])


@pytest.mark.parametrize("suffix", [".parquet", ".safetensors"])
def test_saved_space_comes_back_bit_for_bit(tmp_path, suffix):
    space = a_space()
    space.save(tmp_path / f"v{suffix}")
    again = EmbeddingSpace.load(tmp_path / f"v{suffix}")
    assert again.digest() == space.digest()
    assert again.vectors.dtype == np.float32
    assert [path.name for path in tmp_path.iterdir()] == [f"v{suffix}"]


def test_load_reads_a_plain_table_of_ids_and_numbers(tmp_path):
    import pandas as pd

    pd.DataFrame({"region_id": ["a", "b"], "x": [1.0, 2.0], "y": [3, 4]}).to_parquet(
        tmp_path / "mine.parquet"
    )
    space = EmbeddingSpace.load(tmp_path / "mine.parquet")
    assert space.ids.tolist() == ["a", "b"]
    np.testing.assert_array_equal(space.vectors, np.array([[1, 3], [2, 4]], dtype=np.float32))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"vectors": np.zeros((2, 3))}, "float32"),
        ({"vectors": np.full((2, 3), np.nan, dtype=np.float32)}, "NaN or infinity"),
        ({"vectors": np.zeros((3, 3), dtype=np.float32)}, "do not fit their ids"),
        ({"vectors": np.zeros((2, 0), dtype=np.float32)}, "dim > 0"),
        ({"ids": np.array(["a", "a"])}, "repeated ids"),
        ({"covered": np.array([1, 0])}, "coverage mask"),
        ({"level": "planet"}, "Unknown level 'planet'"),
    ],
)
def test_broken_spaces_are_refused(change, message):
    parts = {
        "level": "region",
        "ids": np.array(["a", "b"]),
        "vectors": np.zeros((2, 3), dtype=np.float32),
    } | change
    with pytest.raises(BadInput, match=message):
        EmbeddingSpace(**parts)


def test_load_says_what_is_wrong_with_a_file(tmp_path):
    with pytest.raises(DataMissing, match="No embedding file"):
        EmbeddingSpace.load(tmp_path / "none.parquet")
    for name in ("broken.parquet", "broken.safetensors"):
        (tmp_path / name).write_bytes(b"not a table at all")
        with pytest.raises(BadInput, match=r"broken\."):
            EmbeddingSpace.load(tmp_path / name)
    with pytest.raises(BadInput, match=r"suffix '\.pkl'"):
        EmbeddingSpace.load(tmp_path / "v.pkl")


def test_parts_are_kept_by_safetensors_and_by_taking_rows(tmp_path):
    vectors = np.arange(12, dtype=np.float32).reshape(3, 4)
    space = EmbeddingSpace(
        "region", np.array(["a", "b", "c"]), vectors, parts={"local": (0, 2), "global": (2, 4)}
    )
    space.save(tmp_path / "space.safetensors")
    found = EmbeddingSpace.load(tmp_path / "space.safetensors")
    assert found.parts == space.take(["c"]).parts == {"local": (0, 2), "global": (2, 4)}
    assert found.digest() == space.digest()


@pytest.mark.parametrize("columns", [(0, 0), (-1, 2), (3, 5)])
def test_a_part_of_columns_that_do_not_exist_is_refused(columns):
    with pytest.raises(BadInput, match="Expected first < end within 0 to 4"):
        EmbeddingSpace("region", np.array(["a"]), np.ones((1, 4), dtype=np.float32), parts={"x": columns})
