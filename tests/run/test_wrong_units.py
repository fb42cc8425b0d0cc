"""What a model is told that gives other units than asked for."""

import numpy as np
import pytest

from urbanbench.errors import Conformance
from urbanbench.run import workbench
from urbanbench.space import EmbeddingSpace
from urbanbench.units import Units


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        (
            ["c", "b", " a"],
            "the right ids in another order (2 rows; the first asked for is ' a', the row is 'c')",
        ),
        ([" a", "b"], "1 missing ('c')"),
        ([" a", "b", "x", "y"], "1 missing ('c') and 2 extra ('x', 'y')"),
        ([" a", "b", "c", "d"], "1 extra ('d')"),
    ],
)
def test_ids_that_are_missing_extra_or_out_of_order_are_named(ids, words):
    space = EmbeddingSpace("region", np.array(ids), np.zeros((len(ids), 2), dtype=np.float32))
    with pytest.raises(Conformance) as told:
        workbench._check(space, Units("region", (" a", "b", "c")), "mine")
    assert words in str(told.value)


def test_another_level_is_named():
    space = EmbeddingSpace("building", np.array(["a"]), np.zeros((1, 2), dtype=np.float32))
    with pytest.raises(
        Conformance, match=r"returned 1 buildings for the 1 regions .*the ids fit, but not the level"
    ):
        workbench._check(space, Units("region", ("a",)), "mine")
