"""UGE on vision-language models: tiny random ones of each family, saved as real ones are, trained for some steps on toyville's items."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from tiny_vlms import SIGNS, make_vlm

from urbanbench.city.city import City
from urbanbench.city.item_view import ItemView
from urbanbench.errors import BadInput, DataMissing, ExtraMissing, RunRefused
from urbanbench.graph.around import edges_within, sub_graph
from urbanbench.graph.build import build_graph
from urbanbench.graph.plan import GraphPlan
from urbanbench.graph.walks import walk_from
from urbanbench.graph.words import told_steps, what
from urbanbench.items import Exam, Item, Lesson, LocalGraph
from urbanbench.models._uge_vlm.adapters import write_adapters
from urbanbench.models._uge_vlm.backbone import Lora, load_backbone
from urbanbench.models._uge_vlm.folder import choose_folder
from urbanbench.models._uge_vlm.prompts import NODE, PICTURE, Asked, Prompts
from urbanbench.models.uge_vlm import UgeVLM
from urbanbench.units import Units

BRIEF = {
    "batch": 4, "max_steps": 3, "epochs": None, "min_epochs": 0, "check_every": 2, "nodes": 12, "text_tokens": 40, "pixels": 28 * 56,
    "graph_dim": 16, "lr": 1e-2, "lr_graph": 1e-2, "temperature": 0.1, "warmup": 0.0, "embed_batch": 4,
}  # fmt: skip


@pytest.fixture(scope="module")
def toy(tiny_toyville):
    return City.open(tiny_toyville)


def local(graph, row, plan):
    """What lies around a picture, as a task would show it."""
    around = sub_graph(graph, row, plan)
    edges = edges_within(graph, around.rows)
    place = {int(one): k for k, one in enumerate(around.rows)}
    ends = [
        np.array([place[int(one)] for one in end[edges]]) for end in (graph.edges.source, graph.edges.target)
    ]
    nodes = graph.nodes
    return LocalGraph(
        nodes.kind[around.rows], tuple(what(graph, one) for one in around.rows), nodes.xy[around.rows] - nodes.xy[row],
        around.hops, *ends, graph.edges.relation[edges], graph.edges.distance_m[edges], graph.edges.bearing[edges],
    )  # fmt: skip


@pytest.fixture(scope="module")
def exam(toy):
    plan = GraphPlan(most_nodes=20)
    graph = build_graph(toy, plan)
    rows = graph.nodes.rows("image")[:16]
    names = [str(graph.nodes.ids[row]).removeprefix("image/") for row in rows]
    graphs = {f"g{k}": local(graph, row, plan) for k, row in enumerate(rows)}
    paths = [told_steps(graph, walks[0])["text"] for walks in walk_from(graph, rows, plan)]
    lessons = tuple(
        Lesson("path", Item(image=names[k], graph=f"g{k}", text="What lies around?"), Item(text=paths[k]))
        for k in range(12)
    )
    asked = {f"q{k}": Item(image=names[k], graph=f"g{k}", instruction="Find the way.") for k in range(12, 16)}
    chosen = {f"c{k}": Item(text=paths[k]) for k in range(12, 16)}
    only = {"picture": Item(image=names[12]), "graph": Item(graph="g13")}
    sides = {name: "query" if name[0] == "q" else "candidate" for name in (*asked, *chosen, *only)}
    return Exam(asked | chosen | only, sides, graphs, lessons)


@pytest.fixture(scope="module")
def view(toy, exam):
    return ItemView(toy, frozenset({"street_view", "graph"}), exam=exam)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    home = tmp_path_factory.mktemp("weights")
    return {kind: make_vlm(home / kind, kind) for kind in SIGNS}


@pytest.fixture(scope="module")
def units(exam):
    return Units("item", tuple(exam.items))


def brief(folder, **more):
    return UgeVLM.from_settings("small").__class__(weights=str(folder), **{**BRIEF, **more})


@pytest.fixture(scope="module")
def trained(folders, view):
    """Each family after both stages."""
    return {kind: brief(folder).pretrain(view, seed=0) for kind, folder in folders.items()}


@pytest.mark.parametrize("kind", SIGNS)
def test_training_changes_adapters_and_graph_encoder_and_no_weight_of_the_model(kind, folders, view, trained):
    untrained = brief(folders[kind], stages=("graphs",), max_steps=1, lr=0.0, lr_graph=0.0).pretrain(
        view, seed=0
    )
    own = trained[kind].net
    before, after = (dict(one.net.named_parameters()) for one in (untrained, trained[kind]))
    assert before.keys() == after.keys()
    changed = {name for name in after if not torch.equal(before[name], after[name])}
    assert {name for name in changed if name.startswith("language.")} == {
        name for name in after if "lora_" in name
    }
    assert len([name for name in after if "lora_" in name]) == 2 * 2 * 2, (
        "A and B of q_proj and v_proj in 2 layers"
    )
    assert all("vision" not in name and "visual" not in name for name in changed)
    still = {name for name in after if name.startswith("graphs.")} - changed
    assert not still, still
    from safetensors import safe_open

    stored = dict(own.backbone.peft.get_base_model().state_dict())
    with safe_open(folders[kind] / "model.safetensors", "pt") as file:
        for name in file.keys():  # noqa: SIM118 - no mapping
            mine = stored.get(name, stored.get(name.replace("_proj.weight", "_proj.base_layer.weight")))
            assert mine is not None, name
            assert torch.equal(mine, file.get_tensor(name)), name
    assert [log.name for log in trained[kind].logs] == ["pairs", "graphs"]
    assert all(len(log.steps) == 3 for log in trained[kind].logs)


@pytest.mark.parametrize("kind", SIGNS)
def test_pictures_texts_and_graphs_get_vectors_of_length_one_in_one_space(
    kind, folders, view, units, trained
):
    from urbanbench.models._uge_vlm.readout import embed_items

    space = embed_items(brief(folders[kind]), trained[kind], units)
    assert space.vectors.shape == (len(units), 32)
    assert space.mask.all()
    assert np.linalg.norm(space.vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert len(np.unique(space.vectors.round(5), axis=0)) == len(units)
