"""Tags in long form agree with loops over Python lists."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from urbanbench.city.folder.tags import drop_key, empty_rows, tag_table

KIND = pa.map_(pa.string(), pa.string())


def series(rows, index=None):
    return pd.Series(pa.array(rows, KIND), dtype=pd.ArrowDtype(KIND), index=index, name="tags")


@pytest.fixture
def rows():
    rng = np.random.default_rng(1)
    keys, values = ["amenity", "shop", "landuse", "name"], ["a", "b", "c", ""]
    return [
        [(keys[k], values[rng.integers(4)]) for k in rng.permutation(4)[: rng.integers(0, 5)]]
        for _ in range(200)
    ]


def test_tag_table_agrees_with_a_loop(rows):
    table = tag_table(series(rows))
    expected = [(place, key, value) for place, tags in enumerate(rows) for key, value in tags]
    assert list(zip(table.rows.tolist(), table.key, table.value, strict=True)) == expected
    assert (table.n, len(table)) == (200, len(expected))
    assert table.rows.dtype == np.int32


def test_tag_table_of_a_filtered_frame_counts_from_zero(rows):
    frame = pd.DataFrame({"tags": series(rows)})
    for part in (frame.iloc[50:90], frame[np.arange(200) % 3 == 0], frame.iloc[[7, 3, 7]]):
        table = tag_table(part["tags"])
        expected = [(place, key, value) for place, tags in enumerate(part["tags"]) for key, value in tags]
        assert list(zip(table.rows.tolist(), table.key, table.value, strict=True)) == expected


def test_tag_table_of_chunks_and_of_nothing(rows):
    chunked = pd.concat([series(rows[:10]), series([]), series(rows[10:20])], ignore_index=True)
    assert tag_table(chunked).key.tolist() == tag_table(series(rows[:20])).key.tolist()
    assert len(tag_table(series([]))) == 0
    assert len(tag_table(series([[], []]))) == 0
    assert tag_table(series([[], []])).pairs()[1].tolist() == []


def test_pairs_are_numbered_in_order_of_first_appearance(rows):
    codes, names = tag_table(series(rows)).pairs()
    expected = [f"{key}={value}" for tags in rows for key, value in tags]
    assert names[codes].tolist() == expected
    assert names.tolist() == list(dict.fromkeys(expected))


def test_with_key_keeps_tags_of_these_keys(rows):
    table = tag_table(series(rows)).with_key("shop", "name")
    expected = [(i, k, v) for i, tags in enumerate(rows) for k, v in tags if k in {"shop", "name"}]
    assert list(zip(table.rows.tolist(), table.key, table.value, strict=True)) == expected
    assert len(table.with_key("none")) == 0


def test_drop_key_removes_that_key_only(rows):
    index = [f"p{k}" for k in range(200)]
    dropped = drop_key(series(rows, index), "landuse")
    assert [list(tags) for tags in dropped] == [
        [pair for pair in tags if pair[0] != "landuse"] for tags in rows
    ]
    assert (dropped.index.tolist(), dropped.name, dropped.dtype) == (index, "tags", pd.ArrowDtype(KIND))


def test_empty_rows_empties_these_only(rows):
    chosen = np.arange(200) % 7 == 0
    emptied = empty_rows(series(rows), chosen)
    assert [list(tags) for tags in emptied] == [
        [] if out else tags for out, tags in zip(chosen, rows, strict=True)
    ]


def test_removal_works_on_slices(rows):
    part = series(rows).iloc[30:60]
    assert [list(tags) for tags in drop_key(part, "name")] == [
        [pair for pair in tags if pair[0] != "name"] for tags in rows[30:60]
    ]
