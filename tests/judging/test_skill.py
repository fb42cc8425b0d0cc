"""Skill: for R² it is one minus the ratio of squared errors."""

import math

import numpy as np
import pytest

from urbanbench.judging.leaning.skill import skill


def test_skill_of_r2_is_one_minus_the_ratio_of_squared_errors():
    rng = np.random.default_rng(0)
    true, one, floor = rng.normal(size=(3, 50))
    total = ((true - true.mean()) ** 2).sum()
    errors = [((true - said) ** 2).sum() for said in (one, floor)]
    [found] = skill([1 - errors[0] / total], [1 - errors[1] / total])
    assert found == pytest.approx(1 - errors[0] / errors[1])


def test_ends_of_the_scale():
    assert skill((1.0, 0.4, 0.0), (0.4, 0.4, 0.5)) == (1.0, 0.0, -1.0)


def test_what_is_missing_stays_missing():
    assert skill((None, 0.5, math.nan, 0.5), (0.1, None, 0.1, math.nan)) == (None, None, None, None)
    assert skill((0.5,), (1.0,)) == (None,)
    with pytest.raises(ValueError, match="longer"):
        skill((0.5,), (0.1, 0.2))
