"""Means of features of pictures, in parts of columns as all at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from urbanbench.toolkit.features import frozen_pictures


@pytest.mark.parametrize("columns", [1, 7, 1000])
def test_means_are_those_of_a_table_and_the_same_bits_however_many_columns_go_at_once(monkeypatch, columns):
    luck = np.random.default_rng(3)
    values = luck.standard_normal((200, 100), dtype=np.float32)
    values[::9] = np.nan
    values[5, 3] = np.nan
    group = luck.integers(0, 40, 200)
    whole = frozen_pictures._means(group, values, 45)
    monkeypatch.setattr(frozen_pictures, "_COLUMNS", columns)
    assert frozen_pictures._means(group, values, 45).tobytes() == whole.tobytes()
    known = np.isfinite(values).all(axis=1)
    wanted = pd.DataFrame(values[known]).groupby(group[known]).mean().reindex(range(45))
    assert np.allclose(whole, wanted, atol=1e-6, equal_nan=True)
