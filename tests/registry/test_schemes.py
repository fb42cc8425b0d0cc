"""Words with a scheme: told from other words with a colon, kept as they are, never met by groups."""

from __future__ import annotations

import sys
import types

import pytest

from urbanbench.cli.app import main
from urbanbench.errors import ExtraMissing, PluginBroken, UnknownName
from urbanbench.model import Model
from urbanbench.registry import expand, load_model, names, plain_name, schemes


@pytest.fixture
def adapter(monkeypatch):
    """A scheme `test` with an adapter whose `model_class` can be set; `asked` holds what it was asked for."""
    made = types.ModuleType("adapter_of_test")
    made.asked = []

    def model_class(name):
        made.asked.append(name)
        return type(name.rpartition(":")[2], (Model,), {})

    made.model_class = model_class
    monkeypatch.setitem(sys.modules, "adapter_of_test", made)
    monkeypatch.setattr(schemes, "SCHEMES", {"test": "adapter_of_test"})
    schemes.load_by_scheme.cache_clear()
    yield made
    schemes.load_by_scheme.cache_clear()


def test_only_known_schemes_count():
    assert schemes.has_scheme("srai:Hex2VecEmbedder")
    assert not any(
        map(schemes.has_scheme, ["toyville:tiny", "srai", "poi-counts", "./srai.py", "C:\\model.py"])
    )


def test_the_adapter_gets_the_rest_of_the_word_and_is_loaded_once(adapter):
    model = load_model("test:my_package.my_module:My_Embedder")
    assert model.__name__ == "My_Embedder"
    assert load_model("test:my_package.my_module:My_Embedder") is model
    assert adapter.asked == ["my_package.my_module:My_Embedder"]


def test_words_with_a_scheme_keep_their_spelling(adapter):
    assert expand("model", "mean,test:some_module:A_B") == ["mean", "test:some_module:A_B"]
    assert plain_name("model", "test:some_module:A_B") == "test:some_module:A_B"


def test_groups_and_lists_never_ask_an_adapter(adapter):
    expand("model", "all,floors,learned")
    assert adapter.asked == []
    assert not [name for name in names("model") if "srai" in name]


def test_an_unknown_scheme_is_an_unknown_model():
    with pytest.raises(UnknownName, match="Unknown model 'other:Thing'"):
        load_model("other:Thing")


def test_errors_of_the_adapter_say_what_to_do(adapter):
    def missing(name):
        msg = f"The model {name!r} needs a library. Install it."
        raise ExtraMissing(msg)

    adapter.model_class = missing
    with pytest.raises(ExtraMissing, match="Install it"):
        load_model("test:Absent")


def test_a_library_that_does_not_load_is_a_broken_plugin(adapter):
    def failing(name):
        raise AttributeError(name)

    adapter.model_class = failing
    with pytest.raises(PluginBroken, match=r"'test:Odd' does not load: AttributeError: Odd"):
        load_model("test:Odd")


def test_an_absent_library_ends_a_command_with_the_way_to_install_it(monkeypatch, capsys):
    from urbanbench.models._srai import library

    monkeypatch.setattr(library, "installed_version", lambda name: None)
    schemes.load_by_scheme.cache_clear()
    for words in (
        ["describe", "srai:Hex2VecEmbedder"],
        ["run", "-m", "srai:Hex2VecEmbedder", "-t", "popdensity"],
    ):
        assert main(words) == ExtraMissing.exit_code
        assert 'pip install "srai>=0.10.2,<0.11" "polars<2" pytorch-lightning' in capsys.readouterr().err
