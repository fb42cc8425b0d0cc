"""Finished vectors are judged before anything runs, and said to be what their maker says."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from urbanbench.cli.app import main
from urbanbench.result import REFUSED, RunSpec
from urbanbench.run import execute

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture
def scored(village, tmp_path, capsys, monkeypatch):
    """Return a function that scores a table of vectors and returns exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def score(frame, *more, task="income"):
        frame.to_parquet("v.parquet", index=False)
        words = [
            "score",
            "v.parquet",
            "-t",
            task,
            "-c",
            str(village),
            "--head",
            "ridge",
            "--seeds",
            "2",
            "--no-floors",
        ]
        code = main([*words, *more])
        out = capsys.readouterr()
        return code, out.out, out.err

    return score


@pytest.fixture
def noise(village):
    ids = pd.read_parquet(village / "labels/income.parquet")["region_id"]
    made = np.random.default_rng(1).normal(size=(len(ids), 3))
    return pd.DataFrame(made.astype("float32"), columns=["e0", "e1", "e2"]).assign(region_id=ids)


def test_what_is_used_is_printed(scored, noise):
    code, _, err = scored(noise.assign(name="x"))
    assert code == 0
    assert (
        "3 columns ('e0', 'e1', 'e2'), ids from 'region_id'. Left out: 'name' (text). Rows for 36 of 36 labelled regions."
        in err
    )


def test_a_column_called_like_the_label_is_refused_unless_it_is_named(scored, noise):
    odd = noise.assign(income=np.random.default_rng(2).normal(size=36))
    code, out, err = scored(odd)
    assert (code, out) == (2, "")
    assert "Column 'income' of 'v.parquet' is called what the answer is called" in err
    assert "--columns 'e*'" in err
    assert scored(odd, "--columns", "e*")[0] == 0
    assert scored(odd, "--columns", "income,e0")[0] == 0


@pytest.mark.parametrize("task", ["income", "landuse"])
def test_a_column_that_follows_the_label_is_refused_even_if_it_is_named(scored, noise, village, task):
    label = pd.read_parquet(village / f"labels/{task}.parquet").set_index("region_id")["value"]
    answer = noise["region_id"].map(label)
    odd = noise.assign(q=answer if task == "income" else answer.map({"home": 3.0, "shop": 1.0, "work": 2.0}))
    for more in ([], ["--columns", "q,e0"]):
        code, _, err = scored(odd, *more, task=task)
        assert code == 2
        assert "Column 'q' of 'v.parquet' follows the values of the regions exactly" in err


def test_ids_in_another_form_are_refused_with_the_mend(scored, noise):
    half = noise.assign(region_id=[one if k % 2 else f" {one}" for k, one in enumerate(noise["region_id"])])
    code, _, err = scored(half)
    assert code == 2
    assert "'r00' is ' r00' in the file" in err
    assert "Mend: frame['region_id'] = frame['region_id'].str.strip()" in err
    assert scored(half, "--min-match", "0.5")[0] == 0


def test_too_few_units_are_refused_unless_the_share_is_accepted(scored, noise):
    code, _, err = scored(noise.head(12))
    assert code == 2
    assert "a row for 12 of the 36 labelled regions" in err
    assert "--min-match 0.33" in err
    code, out, _ = scored(noise.head(12), "--min-match", "0.33", "--json")
    assert code == 0
    assert json.loads(out)[0]["n_uncovered"] == 24
    assert scored(noise, "--min-match", "2")[0] == 2


def test_stated_inputs_choose_the_floors_and_are_marked_as_not_checked(scored, noise):
    code, out, _ = scored(noise, "--inputs", "poi", "--floors", "--json")
    results = json.loads(out)
    [mine] = [one for one in results if one["spec"]["model"] == "v"]
    assert code == 0
    assert (mine["spec"]["inputs"], mine["model"]["inputs_declared"]) == ("poi", ["poi"])
    assert mine["model"]["variant"] == {"inputs": "as stated, not checked"}
    assert "poi-counts" in {one["spec"]["model"] for one in results}
    code, out, _ = scored(noise, "--inputs", "poi", "--floors")
    table = out[out.index("\nInputs: poi") :]
    assert "\nv " in table
    assert "\npoi-counts " in table


def test_runs_from_python_refuse_the_same(village, noise, tmp_path):
    noise.assign(value=1.5).to_parquet(tmp_path / "v.parquet", index=False)
    result = execute(RunSpec(str(tmp_path / "v.parquet"), "income", str(village)))
    assert result.status == REFUSED
    assert "is called what the answer is called" in result.reason
