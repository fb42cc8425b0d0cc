"""Probes as cells: told apart from plain rows, kept, refused where there is nothing to ask, and checked when read."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from urbanbench.board import render
from urbanbench.cli.again import command_again
from urbanbench.cli.app import main
from urbanbench.errors import BadInput, UnknownName
from urbanbench.result import OK, REFUSED, RunResult, RunSpec
from urbanbench.run import execute, run
from urbanbench.run.order import resolve
from urbanbench.run.plan import with_floors, with_probes
from urbanbench.run.standing import versions_of
from urbanbench.scoring.probes.catalogue import PROBES
from urbanbench.store import ResultStore, document_of
from urbanbench.verify.probed import probed_numbers, wrong_probe
from urbanbench.verify.rescored import ROUNDING, largest_gap, rescored

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture
def plain(village, counting):
    return RunSpec(str(counting), "income", str(village), head="ridge", seeds=(0, 4))


@pytest.fixture
def probed(plain, tmp_path):
    store = ResultStore(tmp_path / "results")
    specs = with_probes([plain], list(PROBES))
    return store, {one.cell.probe: one for one in run(specs, store)}


def test_a_plain_cell_is_what_it_was_before_there_were_probes(plain):
    cell = resolve(plain).cell
    assert "probe" not in cell.to_dict()
    assert cell.reader == "ridge"
    assert "probe" not in versions_of(resolve(plain))


def test_a_probe_is_a_cell_of_its_own_with_its_version(plain):
    order = resolve(replace(plain, probe="pca"))
    assert order.cell.to_dict()["probe"] == "pca"
    assert order.cell.run_id != resolve(plain).cell.run_id
    assert "__ridge+pca__" in order.cell.file_name
    assert versions_of(order)["probe"] == PROBES["pca"].version


def test_every_probe_has_a_result_that_reads_as_it_was_written(probed):
    store, found = probed
    assert set(found) == {"", *PROBES}
    for name, result in found.items():
        assert result.status == OK, result.traceback
        again = store.find(result.cell)
        assert isinstance(again, RunResult)
        assert document_of(again) == json.loads(store.path_of(result.cell).read_text(encoding="utf-8"))
        assert bool(again.probe) == bool(name)


def test_a_kept_probe_is_not_computed_again(probed, plain):
    store, found = probed
    [again] = run([replace(plain, probe="shares")], store)
    assert again.provenance == store.find(found["shares"].cell).provenance


def test_the_scores_of_every_probe_follow_from_its_predictions(probed):
    store, found = probed
    for result in found.values():
        told = store.read_predictions(store.path_of(result.cell), result.cell)
        assert largest_gap(result.scores, rescored(result, told)) < ROUNDING
        assert not list(wrong_probe(result))


def test_verify_finds_what_was_changed_in_a_curve(probed):
    _, found = probed
    shares = found["shares"]
    steps = [dict(step) for step in shares.probe["steps"]]
    steps[-1] = steps[-1] | {"scores": {name: [0.9, 0.9] for name in steps[-1]["scores"]}}
    assert list(wrong_probe(replace(shares, probe={"steps": steps}))) == [
        "the last step of its curve does not have its scores"
    ]
    assert list(wrong_probe(replace(shares, probe={}))) == ["it is a probe and says nothing of it"]
    short = [step | {"scores": {"r2": [0.1]}} for step in steps]
    assert "one number for each of 2 seeds" in next(wrong_probe(replace(shares, probe={"steps": short})))
    for name in ("placeless", "neighbours"):
        assert "control r2" in probed_numbers(found[name])


def test_tables_of_scores_are_the_same_with_and_without_probes(probed):
    _, found = probed
    every = [one.to_dict() for one in found.values()]
    assert render(every, format="csv") == render([found[""].to_dict()], format="csv")


def test_floors_of_a_probe_are_plain(plain):
    from urbanbench.run.plan import open_cities

    specs = with_probes([plain], ["pca"])
    added = with_floors(specs, open_cities(specs))[len(specs) :]
    assert added
    assert {spec.probe for spec in added} == {""}


def test_a_model_that_is_its_head_is_asked_of_labels_only(village):
    spec = RunSpec("spatial-lag", "income", str(village), seeds=(0,))
    assert [one.probe for one in with_probes([spec], list(PROBES))] == ["", "shares"]
    refused = execute(replace(spec, probe="position"))
    assert refused.status == REFUSED
    assert "'spatial-lag' is defined by its head 'knn'. Probe 'position' asks vectors" in refused.reason
    assert execute(replace(spec, probe="shares")).status == OK


def test_probes_are_asked_of_the_default_protocol_and_of_a_model_alone(plain):
    with pytest.raises(BadInput, match="Probe 'pca' is asked for with 'paper:hgi'"):
        resolve(replace(plain, probe="pca", protocol="paper:hgi"))
    with pytest.raises(BadInput, match="the model alone"):
        resolve(replace(plain, probe="pca", beside="best-floor"))
    with pytest.raises(UnknownName, match="Did you mean 'shares'"):
        resolve(replace(plain, probe="share"))


def test_the_command_line_asks_probes_and_names_the_command_that_shows_them(plain, tmp_path, capsys):
    words = ["run", "-m", plain.model, "-t", "income", "-c", plain.city, "--head", "ridge", "--seeds", "2"]
    out = ["--probe", "position,shares", "--no-floors", "--out", str(tmp_path / "out")]
    assert main([*words, *out]) == 0
    told = capsys.readouterr()
    assert "experiment show leaned" in told.err
    assert {one.cell.probe for one in ResultStore(tmp_path / "out").load_all()} == {"", "position", "shares"}
    assert main([*words, "--probe", "places"]) == 2
    assert "Unknown probe 'places'" in capsys.readouterr().err
    assert main(["list", "probes"]) == 0
    assert set(PROBES) <= {line.split()[0] for line in capsys.readouterr().out.splitlines()}
    assert main([*words, "--probe", "pca", "--protocol", "paper:hgi"]) == 2


def test_the_command_that_computes_a_probe_again_names_it(probed):
    _, found = probed
    assert "--probe pca" in command_again(found["pca"])
    assert "--probe" not in command_again(found[""])


def test_describe_tells_what_a_probe_asks_and_its_steps(probed, capsys):
    store, found = probed
    said_of = {
        "shares": "10 % of the labels",
        "pca": "1 dimension",
        "placeless": "variance left",
        "neighbours": "mean vector of the nearest labelled units, 6 of them, at ",
    }
    for name, said in said_of.items():
        assert main(["describe", str(store.path_of(found[name].cell))]) == 0
        told = capsys.readouterr().out
        assert PROBES[name].summary in told
        assert said in told
    assert main(["describe", str(store.path_of(found[""].cell))]) == 0
    assert "probe" not in capsys.readouterr().out
