"""Executors by name: what each is told, what it does not take, and what is missing."""

from __future__ import annotations

import sys

import pytest
from tests.run.executors.spread_cells import specs_of

from urbanbench.cli.placing import read_place
from urbanbench.errors import BadInput, ExtraMissing, UnknownName
from urbanbench.run.executors.choosing import Place
from urbanbench.run.executors.local import Local
from urbanbench.run.executors.on_ray import OnRay
from urbanbench.run.executors.on_slurm import OnSlurm
from urbanbench.run.executors.ray_cluster import Needs
from urbanbench.run.loop import run
from urbanbench.store import ResultStore


def test_words_become_executors():
    assert isinstance(read_place("local", 3, "", 1, 0, "", []).chosen(), Local)
    on_ray = read_place("ray", 3, "auto", 2, 0.25, "4GB", []).chosen()
    assert on_ray == OnRay("auto", Needs(2, 0.25, 4000.0), 3)
    on_slurm = read_place("slurm", 1, "", 4, 1, "", ["partition=gpu", "--mail-type=END"]).chosen()
    assert isinstance(on_slurm, OnSlurm)
    assert dict(on_slurm.terms.options) == {"partition": "gpu", "mail_type": "END"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"address": "auto"}, r"--address given with --executor local\. Expected --executor ray"),
        ({"gpus": 1.0, "cores": 2}, r"--cores-per-job and --gpus-per-job given with --executor local"),
        ({"executor": "ray", "slurm": {"time": "1"}}, r"--slurm given with --executor ray"),
        ({"executor": "slurm", "address": "auto"}, r"--address given with --executor slurm"),
    ],
)
def test_what_an_executor_does_not_take_is_refused(words, told):
    with pytest.raises(BadInput, match=told):
        Place(**words)


def test_unknown_executors_and_words_of_another_form_are_named():
    with pytest.raises(UnknownName, match=r"Unknown executor 'rey'\. Did you mean 'ray'\?"):
        Place("rey")
    with pytest.raises(BadInput, match=r"--slurm got 'gpu'\. Expected KEY=VALUE"):
        read_place("slurm", 1, "", 1, 0, "", ["gpu"])
    with pytest.raises(BadInput, match=r"--memory-per-job got 'much'"):
        read_place("ray", 1, "", 1, 0, "much", [])


def test_elsewhere_the_device_is_what_jobs_ask_for():
    assert Place("ray", gpus=0.5).device("auto") == "cuda"
    assert Place("slurm").device("auto") == "cpu"
    with pytest.raises(BadInput, match=r"or cuda with --gpus-per-job 1"):
        Place("ray").device("cuda")


def test_needs_become_options_of_tasks():
    needs = Needs(2, 0.5, 4000)
    common = {"num_cpus": 2, "max_retries": 0, "num_returns": 2}
    assert needs.options(embeds=True, device="cpu") == common | {"num_gpus": 0.5, "memory": 4_000_000_000}
    assert needs.options(embeds=False, device="cpu") == common
    assert needs.options(embeds=False, device="cuda") == common | {"num_gpus": 0.5}


@pytest.mark.parametrize(("name", "package"), [("ray", "ray"), ("slurm", "submitit")])
def test_a_missing_extra_says_how_to_get_it(name, package, tmp_path, monkeypatch, own_cache):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ExtraMissing, match=rf'pip install "urbanbench\[{name}\]"'):
        run(
            specs_of(["poi-counts"], "toyville:tiny", ["popdensity"], ["ridge"]),
            ResultStore(tmp_path),
            executor=Place(name).chosen(),
        )
