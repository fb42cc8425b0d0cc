"""A model in an environment of its own, asked as any other: what it tells, what it may lean on, and what it may do to others."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from urbanbench.checks import check_model
from urbanbench.checks.transfer import check_transfer
from urbanbench.errors import Conformance, InputMasked, PluginBroken, UnknownName
from urbanbench.isolated.guest import GuestEnded, GuestFailed
from urbanbench.reasons import place_in, told
from urbanbench.registry import load_model, open_city
from urbanbench.result import RunSpec
from urbanbench.run import execute
from urbanbench.run.workbench import Workbench
from urbanbench.units import Units

TELLING = """
from dataclasses import dataclass
import tinything
from urbanbench.card import ModelCard
from urbanbench.model import Model


@dataclass(frozen=True)
class Told(Model):
    card = ModelCard(title="Told", summary="Tells.", needs=("poi",), can_use=("road",), embeds=("region",), transfers="inductive")

    def learn(self, view, *, seed, device):
        import numpy as np
        from urbanbench.learned import Learned
        from urbanbench.seeds import generator
        from urbanbench.toolkit.training.stage_log import StageLog, record

        record(StageLog("counting", 4, 2, steps=[2.0, 1.0], checks=[(1, 1.5), (2, 1.25)], best_step=2, anchors=8, ended="plateau", converged=True))
        return Learned({{"weights": generator(seed, "told").normal(size=3).astype("float32")}}, {{"city": len(view.pois)}})

    def embed(self, view, *, units, seed, device):
        import time

        until = time.thread_time() + 0.3
        while time.thread_time() < until:
            pass
        return self.embed_with(self.learn(view, seed=seed, device=device), view, units=units, seed=seed, device=device)

    def embed_with(self, learned, view, *, units, seed, device):
        import numpy as np
        from urbanbench.seen import saw
        from urbanbench.space import EmbeddingSpace
        from urbanbench.toolkit.kept.weight_counts import trains_weights

        saw("poi", np.arange(3), of=len(view.pois))
        trains_weights([learned.arrays["weights"]])
        counts = view.pois["region_id"].value_counts().reindex(list(units.ids)).fillna(0).to_numpy()
        return EmbeddingSpace(units.level, units.ids, np.outer(counts, learned.arrays["weights"]).astype("float32"), parts={{"first": (0, 1)}})

    def variant(self, view):
        return {{"text": "none" if view.has("road") else "no roads"}}

    def lacks(self, view):
        return "no stage road"

    def knows_place(self):
        return "by heart"
"""


@pytest.fixture
def view(village):
    return open_city(str(village)).view({"poi"})


def embedded(model, view, **more):
    return model.embed(view, units=Units("region", view.region_ids[:5]), seed=0, device="cpu", **more)


def test_what_a_plugin_tells_there_stands_in_the_row_as_if_told_here(plugin, village):
    spec = RunSpec(
        plugin("told", "tinything==1.0", text=TELLING), "popdensity", str(village), head="ridge", seeds=(0, 1)
    )
    bench = Workbench()
    row = execute(spec, bench=bench)
    model = row.model
    assert model["saw"]["poi"]["used"] == 3
    assert (model["variant"], model["lacks"], model["knows_place"]) == (
        {"text": "no roads"},
        ["no stage road"],
        "by heart",
    )
    assert row.training[0]["checks"] == [[1, 1.5], [2, 1.25]]
    assert row.training[0]["converged"] is True
    assert row.cost["weights"] == {"trained": 3, "frozen": 0}
    assert row.cost["embed_processor_seconds"] > 0.25  # of the other process
    assert bench._space[1].parts == {"first": (0, 1)}


def test_the_checks_hold_a_plugin_in_its_environment_to_the_contract(
    plugin, village, tiny_toyville_without_pictures
):
    city = open_city(str(village))
    held = []
    check_model(
        load_model(plugin("told", "tinything==1.0", text=TELLING)),
        city,
        held=lambda _at, rule: held.append(rule),
    )
    assert any("planted twins" in rule for rule in held)
    model = load_model("./told.py")()
    check_transfer(
        model, city, open_city(str(tiny_toyville_without_pictures)), held=lambda _at, rule: held.append(rule)
    )
    assert "with what it learned, its own city has the bits of embed" in held
    town = open_city(str(tiny_toyville_without_pictures))
    with pytest.raises(Conformance, match="touched the input 'road', which this view masks"):
        check_model(load_model(plugin("nosy", "tinything==1.0", body="view.roads")), town)
    body = "import random; tinything.POWER = random.random() + 1"
    with pytest.raises(Conformance, match="bits"):
        check_model(load_model(plugin("moody", "tinything==1.0", body=body)), city)


def test_settings_and_presets_are_the_plugins_own(plugin):
    model = load_model(plugin("sets", "tinything==1.0"))
    assert model.from_settings("wide").parameters() == {"keys": ["amenity", "shop"]}
    assert model.from_settings("small", {"keys": "a,b"}).parameters() == {"keys": ["a", "b"]}
    assert (model.card.title, model.card.needs, model.__name__) == ("Counting", ("poi",), "Counting")
    with pytest.raises(UnknownName, match="Unknown parameter of Counting 'colour'"):
        model.from_settings("small", {"colour": "red"})


def test_what_is_not_stated_is_not_there_and_the_mend_is_told(plugin, view):
    model = load_model(plugin("leans", "tinything==1.0", body="import torch"))()
    with pytest.raises(GuestFailed) as failed:
        embedded(model, view)
    assert told(failed.value) == (
        "ModuleNotFoundError: No module named 'torch'. Its own environment has what the script metadata of leans.py asks for. "
        "Mend: name the package there"
    )
    assert re.fullmatch(r" \(leans\.py, line \d+\)", place_in(failed.value, []))
    assert "import torch" in str(failed.value.__cause__)
    with pytest.raises(
        PluginBroken,
        match=r"'.*top\.py' does not load: ModuleNotFoundError: No module named 'scipy' \(top\.py, line 4\)",
    ):
        load_model(plugin("top", "tinything==1.0", text="import scipy"))


def test_a_masked_input_is_refused_there_as_here(plugin, view):
    model = load_model(plugin("peeks", "tinything==1.0", body="view.buildings"))()
    with pytest.raises(InputMasked) as masked:
        embedded(model, view)
    assert masked.value.name == "polygon"
    assert view.touched == frozenset()


BREEDS = """
import os, time
for k in range(3):
    if not os.fork():
        os.setsid(); time.sleep(600)
with open(__file__ + ".pids", "w") as out:
    out.write(open(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read())
os._exit(5)
"""


def _ended(pid):
    for _ in range(100):
        try:
            with Path(f"/proc/{pid}/stat").open(encoding="utf-8") as stat:
                if stat.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except FileNotFoundError:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize(
    ("body", "error", "said"),
    [
        ("import ctypes; ctypes.string_at(0)", GuestEnded, r"SIGSEGV \(a crash in compiled code\), at wild\.py, line \d+"),
        ("import os; os._exit(7)", GuestEnded, "it ended its process with exit code 7"),
        ("import os; os.closerange(0, 64)", GuestEnded, "it closed the pipe by which it answers"),
        ("import sys; sys.exit(3)", GuestFailed, "3"),
        (BREEDS, GuestEnded, "exit code 5"),
    ],
)  # fmt: skip
def test_mischief_is_told_leaves_nothing_behind_and_the_next_answer_is_sound(
    plugin, view, tmp_path, body, error, said
):
    (tmp_path / "mischief.py").write_text(body)
    once = """
        from pathlib import Path
        mischief = Path(__file__).with_name("mischief.py")
        if mischief.exists():
            text = mischief.read_text()
            mischief.rename(mischief.with_suffix(".done"))
            exec(text)"""
    model = load_model(plugin("wild", "tinything==1.0", body=once))()
    with pytest.raises(error, match=said):
        embedded(model, view)
    pids = tmp_path / "wild.py.pids"
    children = pids.read_text().split() if pids.exists() else []
    assert len(children) == (3 if body == BREEDS else 0)
    assert all(_ended(int(pid)) for pid in children)
    assert len(embedded(model, view)) == 5


def test_what_is_no_embedding_is_told(plugin, view):
    with pytest.raises(Conformance, match=r"Counting\.embed returned list\. Expected EmbeddingSpace"):
        embedded(load_model(plugin("lists", "tinything==1.0", body="return [1]"))(), view)


def test_a_removed_working_folder_is_made_anew(plugin, view):
    body = "import os, shutil; shutil.rmtree(os.getcwd())"
    model = load_model(plugin("wipes", "tinything==1.0", body=body))()
    assert len(embedded(model, view)) == len(embedded(model, view)) == 5


def test_a_view_can_be_shown_again_after_all_that_was_exchanged_is_gone(plugin, view):
    body = "import os, shutil; shutil.rmtree(os.path.dirname(os.getcwd()))"
    model = load_model(plugin("razes", "tinything==1.0", body=body))()
    for _ in range(2):
        with pytest.raises(GuestFailed):
            embedded(model, view)
