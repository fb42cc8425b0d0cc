"""Rows with predictions, made without running anything."""

from pathlib import Path

import numpy as np
import pytest

from urbanbench.result import OK, Cell, RunResult
from urbanbench.scoring.metrics import compute_metrics
from urbanbench.seeds import integer_seed
from urbanbench.store import ResultStore

UNITS = np.array([f"r{k:02d}" for k in range(36)])
TESTED = 12


@pytest.fixture
def folder(tmp_path) -> Path:
    """Where rows are kept."""
    return tmp_path / "kept"


@pytest.fixture
def make_row(folder):
    """Save a row of a model whose predictions are off by `noise`; equal `draw` gives equal errors, `sets` so many different test sides."""

    def make(
        model,
        noise,
        *,
        city="village",
        task="popdensity",
        split="random",
        head="mlp",
        seeds=10,
        preset="",
        parameters=None,
        settings=None,
        inputs="full",
        model_seed=0,
        keep=True,
        status=OK,
        unit="persons per km2",
        draw=None,
        sets=None,
        versions=None,
        **provenance,
    ):
        cell = Cell(
            city,
            model,
            preset,
            parameters or {},
            inputs,
            task,
            1,
            split,
            None,
            head,
            tuple(range(seeds)),
            model_seed,
        )
        rng = np.random.default_rng(integer_seed(model_seed, draw or model, split, task))
        true = np.random.default_rng(1).gamma(2.0, 5.0, len(UNITS))
        rows = [
            np.random.default_rng(seed % (sets or seeds)).permutation(len(UNITS))[:TESTED]
            for seed in range(seeds)
        ]
        errors = noise * rng.standard_normal(len(UNITS))
        predicted = [true[one] + errors[one] + 0.1 * rng.standard_normal(TESTED) for one in rows]
        told = [
            compute_metrics("regression", true[one], said, ())
            for one, said in zip(rows, predicted, strict=True)
        ]
        columns = {
            "seed": np.repeat(np.arange(seeds), TESTED),
            "unit_id": np.concatenate([UNITS[one] for one in rows]),
            "covered": np.ones(seeds * TESTED, dtype=bool),
            "true": np.concatenate([true[one] for one in rows]),
            "predicted": np.concatenate(predicted),
        }
        result = RunResult(
            status,
            cell,
            model={"title": model, "floor": False, "settings": settings or {}},
            task={"kind": "regression", "level": "region", "unit": unit},
            scores={name: [one[name] for one in told] for name in told[0]},
            evaluation={
                "main_metric": "r2",
                "n_units": 36,
                "n_train": 18,
                "n_val": 6,
                "n_test": TESTED,
                "block_size_m": None,
            },
            versions={"task": 1, "split": 1, "head": 1, "metrics": 1} | (versions or {}),
            provenance={"targets_digest": "t", "split_digest": f"{split}-{seeds}"} | provenance,
            predictions=columns if keep else None,
        )
        return ResultStore.read(ResultStore(folder).save(result))

    return make
