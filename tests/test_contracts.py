"""Small contracts: errors, inputs, units, cards, seeds, hashes, atomic files, parameters."""

from __future__ import annotations

import doctest
import importlib
from dataclasses import dataclass

import numpy as np
import pytest

from urbanbench.atomic import replacing, write_text
from urbanbench.card import ModelCard, TaskCard
from urbanbench.errors import BadInput, CityFaults, InputMasked, UnknownName
from urbanbench.hashing import array_digest, code_digest, value_digest
from urbanbench.inputs import format_inputs, parse_inputs
from urbanbench.model import Model
from urbanbench.seeds import generator, integer_seed, torch_generator
from urbanbench.task import base_unit_factor
from urbanbench.units import Units


@pytest.mark.parametrize("name", ["model", "source", "inputs", "seeds", "hashing", "task"])
def test_docstring_examples_run(name):
    outcome = doctest.testmod(importlib.import_module(f"urbanbench.{name}"))
    assert outcome.attempted > 0
    assert outcome.failed == 0


def test_unknown_name_suggests_nearest_and_lists_known():
    error = UnknownName("model", "urbanmfn", ["urbanmfm", "hgi"])
    assert str(error) == "Unknown model 'urbanmfn'. Did you mean 'urbanmfm'? Known: hgi, urbanmfm."
    assert isinstance(error, LookupError)


def test_city_faults_lists_every_fault():
    text = str(CityFaults("sg", ["pois.parquet: one", "roads.parquet: two"]))
    assert "has 2 faults" in text
    assert "  - pois.parquet: one\n  - roads.parquet: two" in text


def test_masked_input_says_what_is_allowed():
    assert "Allowed inputs: poi, road" in str(InputMasked("polygon", {"road", "poi"}))


def test_inputs_are_parsed_and_written_in_fixed_order():
    assert format_inputs(parse_inputs("road, poi")) == "poi,road"
    with pytest.raises(UnknownName, match="Did you mean 'poi'"):
        parse_inputs("pois")
    with pytest.raises(BadInput, match="No inputs given"):
        parse_inputs(" , ")


def test_units_refuse_ids_that_stand_twice():
    with pytest.raises(BadInput, match=r"ids twice \('b'\)"):
        Units("region", ("a", "b", "b"))
    with pytest.raises(BadInput, match="Unknown level"):
        Units("planet", ("a",))


def test_cards_refuse_unknown_words():
    with pytest.raises(UnknownName, match="Unknown input 'pois'"):
        ModelCard(title="x", summary="x", needs=("pois",), embeds=("region",))
    with pytest.raises(BadInput, match="under two"):
        ModelCard(title="x", summary="x", needs=("poi",), can_use=("poi",), embeds=("region",))
    with pytest.raises(BadInput, match="under two"):
        ModelCard(
            title="x", summary="x", needs=(), can_use=("poi",), needs_any=("road", "poi"), embeds=("region",)
        )
    with pytest.raises(UnknownName, match="withheld part"):
        TaskCard(title="x", question="x", label="x", kind="regression", withholds=("answer",))


def test_streams_of_different_purposes_are_independent():
    one = generator(0, "split").normal(size=2_000)
    two = generator(0, "head").normal(size=2_000)
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.1
    assert np.array_equal(one, generator(0, "split").normal(size=2_000))
    assert torch_generator(3, "x").initial_seed() == integer_seed(3, "x")


def test_purposes_do_not_run_into_each_other():
    assert integer_seed(1, "ab", "c") != integer_seed(1, "a", "bc")


def test_array_digest_sees_dtype_shape_and_text():
    digests = {
        array_digest(np.zeros(4)),
        array_digest(np.zeros(4, dtype=np.float32)),
        array_digest(np.zeros((2, 2))),
        array_digest(np.array(["a", "b"])),
        array_digest(np.array(["ab", ""])),
    }
    assert len(digests) == 5
    assert value_digest([1, 2]) != value_digest([2, 1])


def test_code_digest_passes_over_imports_that_only_type_checkers_read(tmp_path):
    plugin = tmp_path / "plugin.py"
    plugin.write_text("from typing import TYPE_CHECKING\n\nVALUE = 1\n")
    first = code_digest(plugin)
    plugin.write_text(
        "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from urbanbench.city.view import View\n\nVALUE = 1\n"
    )
    assert code_digest(plugin) == first
    plugin.write_text(
        "from typing import TYPE_CHECKING\nfrom urbanbench.city.view import View\n\nVALUE = 1\n"
    )
    assert code_digest(plugin) != first


def test_code_digest_ignores_comments_and_sees_behaviour(tmp_path):
    plugin = tmp_path / "plugin.py"
    plugin.write_text('"""A."""\nimport urbanbench.inputs\nx = 1\n')
    first = code_digest(plugin)
    plugin.write_text('"""B."""\n# why\nimport urbanbench.inputs\n\nx = 1\n')
    assert code_digest(plugin) == first
    plugin.write_text('"""B."""\nimport urbanbench.inputs\nx = 2\n')
    assert code_digest(plugin) != first
    plugin.write_text('"""B."""\nimport urbanbench.space\nx = 1\n')
    assert code_digest(plugin) != first


def test_a_failing_writer_leaves_the_old_file(tmp_path):
    path = tmp_path / "a" / "file.json"
    write_text(path, "old")
    with pytest.raises(RuntimeError), replacing(path) as part:  # noqa: PT012
        part.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert [one.name for one in path.parent.iterdir()] == ["file.json"]


@dataclass(frozen=True)
class Toy(Model):
    dim: int = 64
    rate: float | None = 0.1
    names: tuple[str, ...] = ("a",)
    deep: bool = False
    card = ModelCard(title="Toy", summary="A toy.", needs=(), embeds=("region",))
    presets = {"small": {"dim": 8}, "paper": {}}  # noqa: RUF012

    def embed(self, view, *, units, seed, device):
        raise RuntimeError


def test_settings_are_read_by_their_annotation():
    toy = Toy.from_settings("small", {"rate": "none", "names": "x,y", "deep": "true"})
    assert toy == Toy(dim=8, rate=None, names=("x", "y"), deep=True)
    assert toy.parameters() == {"dim": 8, "rate": None, "names": ["x", "y"], "deep": True}


def test_wrong_settings_are_explained():
    with pytest.raises(UnknownName, match="Did you mean 'dim'"):
        Toy.from_settings("", {"din": "3"})
    with pytest.raises(BadInput, match=r"Parameter 'dim' got 'many'. Expected int"):
        Toy.from_settings("", {"dim": "many"})
    with pytest.raises(UnknownName, match="Unknown preset 'big'"):
        Toy.from_settings("big")


def test_base_unit_of_a_label():
    assert base_unit_factor("thousand persons per km2") == 1000
    assert base_unit_factor("persons per km2") == 1
    assert base_unit_factor("") == 1
