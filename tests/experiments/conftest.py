"""Results made by hand for the cells of an experiment."""

from __future__ import annotations

import pytest

from urbanbench.experiments.kinds.shelf import cell_of
from urbanbench.result import OK, RunResult

INPUTS = ("poi", "polygon", "road")


@pytest.fixture
def answer():
    """Make a finished result of a spec: `r2` per seed; RMSE is 2 - r2, MAE 1 - r2 / 2."""

    def make(
        spec,
        r2=(0.5, 0.6, 0.7),
        *,
        floor=False,
        used=INPUTS,
        allowed=INPUTS,
        status=OK,
        reason="",
        training=(),
        **scores,
    ):
        values = [float(one) for one in r2] if status == OK else []
        told = {
            "r2": values,
            "rmse": [2 - one for one in values],
            "mae": [1 - one / 2 for one in values],
            **scores,
        }
        result = RunResult(
            status,
            cell_of(spec),
            reason=reason,
            model={
                "title": spec.model,
                "floor": floor,
                "inputs_declared": list(allowed),
                "inputs_allowed": list(allowed),
                "inputs_touched": list(used),
                "variant": {},
                "dim": 4,
            },
            task={
                "title": "A title",
                "kind": "classification" if "f1_macro" in scores else "regression",
                "level": "region",
                "label": spec.task,
                "unit": "points",
            },
            scores=told if values else {},
            evaluation={
                "main_metric": "f1_macro" if "f1_macro" in scores else "r2",
                "n_units": 60,
                "n_uncovered": 0,
                "n_train": 36,
                "n_val": 12,
                "n_test": 12,
                "block_size_m": 400.0 if spec.split == "block" else None,
                "head_details": [],
            },
        )
        if training:
            object.__setattr__(result, "training", list(training))
        return result

    return make
