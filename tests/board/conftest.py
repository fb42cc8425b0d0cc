"""Synthetic results in the layout of result files."""

import hashlib
import json

import pytest


def _scores(kind, values):
    if kind == "classification":
        return {"f1_macro": values, "f1_weighted": values, "accuracy": values, "f1[Civic]": values}
    if kind == "retrieval":
        return {"hit@5": values, "mrr": [one / 2 for one in values]}
    if kind == "composition":
        return {"r2": values, "rmse": [1 - one for one in values], "l1": values, "kl": values}
    errors = [2 - one for one in values]
    return {"rmse": errors, "mae": errors, "r2": values, "r2_log": values}


_MAIN = {"regression": "r2", "classification": "f1_macro", "composition": "r2", "retrieval": "hit@5"}


@pytest.fixture
def make_result():
    """Build one result, of a model that was trained until it had converged; `used` are the inputs touched, allowed and declared, `values` the main metric per seed."""

    def make(
        model,
        values=(0.5, 0.6, 0.7),
        *,
        used=("poi", "polygon"),
        allowed=None,
        inputs="poi,polygon",
        floor=False,
        head="mlp",
        city="singapore",
        task="popdensity",
        split="random",
        kind="regression",
        status="ok",
        reason="",
        chosen=(),
        preset="",
        parameters=None,
        uncovered=0,
        ceiling=None,
        seeds=None,
        block_size_m=None,
        unit="thousand persons per km2",
        settings=None,
        read=None,
        model_seed=0,
        **provenance,
    ):
        values = [float(one) for one in values] if status == "ok" else []
        spec = {
            "city": city,
            "model": model,
            "preset": preset,
            "parameters": parameters or {},
            "inputs": inputs,
            "task": task,
            "task_version": 1,
            "split": split,
            "block_size_m": None,
            "head": head,
            "seeds": list(seeds if seeds is not None else range(len(values) or 3)),
            "model_seed": model_seed,
        }
        return {
            "schema": 1,
            "run_id": hashlib.sha256(
                json.dumps([spec, block_size_m, provenance], sort_keys=True).encode()
            ).hexdigest(),
            "status": status,
            "reason": reason,
            "spec": spec,
            "model": {
                "title": model,
                "floor": floor,
                "variant": {},
                "inputs_declared": list(used),
                "inputs_allowed": list(used if allowed is None else allowed),
                "inputs_touched": list(used) if status == "ok" else [],
                "dim": 16,
            }
            | ({} if settings is None else {"settings": settings}),
            "task": {
                "title": "A title",
                "kind": kind,
                "level": "region",
                "label": task,
                "unit": unit,
                "log1p": False,
                "withholds": [],
            },
            "scores": _scores(kind, values) if values else {},
            "scores_covered": {_MAIN[kind]: [one + 0.1 for one in values]} if uncovered else {},
            "main_metric": _MAIN[kind],
            "n_units": 332,
            "n_uncovered": uncovered,
            "n_train": 199,
            "n_val": 66,
            "n_test": 67,
            "block_size_m": block_size_m,
            "head_details": [{"chosen": one} for one in chosen],
            "ceiling": ceiling,
            "cost": {"embed_seconds": 12.345, "head_seconds": 1.0, "peak_rss_mb": 10.0, "peak_gpu_mb": None}
            | ({} if read is None else {"embed_read": read}),
            "training": [] if floor or status != "ok" else [{"name": "poi", "steps": 900, "converged": True}],
            "provenance": {"urbanbench": "0.1.0", "data_digest": "d" * 16, "targets_digest": "t" * 16}
            | provenance,
        }

    return make
