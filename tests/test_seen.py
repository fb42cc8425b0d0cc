"""What a model says it used of a view: counted once, checked, and kept with its vectors."""

import numpy as np
import pytest

from urbanbench.errors import BadInput, UnknownName
from urbanbench.seen import COUNTED, KINDS, saw, seeing


def test_rows_that_are_told_twice_count_once_whether_by_mask_or_by_position():
    with seeing() as seen:
        saw("polygon", np.array([4, 1, 1]), of=6)
        saw("poi", np.array([False, True, False]))
        saw("poi", np.array([1, 2]), of=3)
        saw("polygon", np.array([], dtype=np.int64), of=6)
    assert seen.to_record() == {"poi": {"used": 2, "of": 3}, "polygon": {"used": 2, "of": 6}}
    assert list(seen.to_record()) == [kind for kind in KINDS if kind in seen.masks]


def test_what_is_told_outside_of_a_block_is_not_kept_and_an_inner_block_keeps_its_own():
    saw("poi", np.array([True]))
    with seeing() as outer:
        with seeing() as inner:
            saw("poi", np.array([True, False]))
        saw("satellite", np.array([], dtype=np.int64), of=0)
    assert inner.to_record() == {"poi": {"used": 1, "of": 2}}
    assert outer.to_record() == {"satellite": {"used": 0, "of": 0}}


def test_a_mask_that_is_changed_later_changes_no_record():
    mask = np.array([True, False])
    with seeing() as seen:
        saw("poi", mask)
        mask[1] = True
    assert seen.to_record()["poi"]["used"] == 1


@pytest.mark.parametrize(
    ("rows", "of", "told"),
    [
        (np.array([0, 3]), 3, r"Rows 0 to 3 of POIs were given. Expected rows in \[0, 3\)"),
        (np.array([-1]), 3, r"Rows -1 to -1 of POIs"),
        (np.array([0]), None, r"without the number of all.*Mend: saw\('poi', rows, of=len\(frame\)\)"),
        (np.ones((2, 2), dtype=bool), None, r"mask of POIs has shape \(2, 2\). Expected \(2,\)"),
        (np.ones(2, dtype=bool), 3, r"has shape \(2,\). Expected \(3,\)"),
    ],
)
def test_rows_that_are_none_of_the_layer_are_refused(rows, of, told):
    with pytest.raises(BadInput, match=told):
        saw("poi", rows, of=of)


def test_one_layer_has_one_length():
    with seeing():
        saw("poi", np.ones(2, dtype=bool))
        with pytest.raises(BadInput, match=r"POIs were said to be 2 and 3. Expected the rows of one"):
            saw("poi", np.ones(3, dtype=bool))


def test_an_unknown_kind_suggests_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean 'polygon'"):
        saw("polygons", np.ones(2, dtype=bool))
    assert {"poi_with_footprint", *COUNTED} == set(KINDS)
