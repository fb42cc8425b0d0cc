"""UGE on vision-language models: tiny random ones of each family, saved as real ones are, trained for some steps on toyville's items."""

import dataclasses
import json
import re
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from tiny_vlms import SIGNS, make_vlm

from urbanbench.checks import check_model
from urbanbench.city.city import City
from urbanbench.city.folder.format import DIRECTIONS
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
from urbanbench.models._uge_vlm.net import word_means
from urbanbench.models._uge_vlm.objective import PairObjective, readable_pairs
from urbanbench.models._uge_vlm.pretrain import made_new
from urbanbench.models._uge_vlm.prompts import NODE, PICTURE, Asked, Prompts
from urbanbench.models._uge_vlm.readout import embed_items
from urbanbench.models._uge_vlm.transfer import learned_of
from urbanbench.models.uge_vlm import UgeVLM
from urbanbench.seen import seeing
from urbanbench.units import Units

BRIEF = {
    "batch": 4, "max_steps": 4, "epochs": None, "min_epochs": 0, "held_out": 0.0, "nodes": 12, "text_tokens": 40, "pixels": 28 * 56,
    "graph_dim": 16, "lr": 3e-3, "lr_graph": 3e-3, "temperature": 0.1, "warmup": 0.0, "embed_batch": 4, "choose": "loss",
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
    return UgeVLM(weights=str(folder), **{**BRIEF, **more})


@pytest.fixture(scope="module")
def trained(folders, view):
    """Each family after both stages."""
    return {kind: brief(folder).pretrain(view, seed=0) for kind, folder in folders.items()}


@pytest.fixture(scope="module")
def untrained(folders, view):
    """A model of the first family that nothing was taught, which reads graphs all the same."""
    model = brief(folders["qwen2_vl"])
    return made_new(model, view, with_graph=True, lessons=True, seed=0, device="cpu")


def encoded(one, items):
    turns, graphs = one.material.turns([one.material.readable(item) for item in items])
    return one.net(turns, graphs, one.material.graphs.texts)


@pytest.mark.parametrize("kind", SIGNS)
def test_training_changes_adapters_and_graph_encoder_and_no_weight_of_the_model(kind, folders, view, trained):
    own = trained[kind].net
    new = made_new(brief(folders[kind]), view, with_graph=True, lessons=False, seed=0, device="cpu").net
    before, after = dict(new.named_parameters()), dict(own.named_parameters())
    assert before.keys() == after.keys()
    changed = {name for name in after if not torch.equal(before[name], after[name])}
    adapters = {name for name in after if "lora_" in name}
    assert len(adapters) == 2 * 2 * 2, "A and B of q_proj and v_proj in two layers"
    assert all("language_model" in name for name in adapters)
    assert changed == adapters | {name for name in after if name.startswith("graphs.")}
    assert [log.name for log in trained[kind].logs] == ["pairs", "graphs"]
    assert all(log.checks[-1][1] < log.checks[0][1] for log in trained[kind].logs)


@pytest.mark.parametrize("kind", SIGNS)
def test_pictures_texts_and_graphs_get_vectors_of_length_one_in_one_space(kind, folders, units, trained):
    space = embed_items(brief(folders[kind]), trained[kind], units)
    assert space.vectors.shape == (len(units), 32)
    assert space.mask.all()
    assert np.linalg.norm(space.vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert len(np.unique(space.vectors.round(5), axis=0)) == len(units)


@pytest.mark.parametrize("kind", SIGNS)
def test_a_vector_is_the_state_of_the_last_token_whatever_stands_beside_it(kind, trained, view):
    one = trained[kind]
    items = [view.items[name] for name in ("q12", "c12", "graph", "picture")]
    with torch.inference_mode():
        together = encoded(one, items)
        alone = torch.cat([encoded(one, [item]) for item in items])
        turns, _ = one.material.turns([items[1]])
        plain = one.net.backbone.inner(input_ids=turns.ids).last_hidden_state[0, -1]
    assert torch.allclose(together, alone, atol=1e-4)
    assert torch.allclose(alone[1], plain / plain.norm(), atol=1e-5)
    assert int(turns.ids[0, -1]) == one.net.backbone.tokenizer.eos_token_id


def test_node_vectors_stand_in_the_place_of_placeholders(untrained, view):
    """Against the language model fed with a row of vectors put together by hand."""
    item, net = view.items["graph"], untrained.net
    turns, graphs = untrained.material.turns([item])
    placeholders = turns.kind[0] == NODE
    with torch.inference_mode():
        nodes = net.graphs(graphs, untrained.material.graphs.texts)
        row = net.backbone.words(turns.ids)[0]
        assert int(placeholders.sum()) == len(nodes) == min(12, len(view.graph("g13")))
        row = torch.stack(
            [nodes[int(placeholders[:k].sum())] if one else row[k] for k, one in enumerate(placeholders)]
        )
        wanted = net.backbone.inner.language_model(inputs_embeds=row[None]).last_hidden_state[0, -1]
        found = encoded(untrained, [item])[0]
    assert torch.allclose(found, wanted / wanted.norm(), atol=1e-5)


def test_every_graph_of_a_batch_is_encoded(untrained, view):
    """The authors' loop returns after the first."""
    one, other, third = (Item(graph=name) for name in ("g1", "g2", "g3"))
    with torch.inference_mode():
        first, changed = encoded(untrained, [one, other]), encoded(untrained, [one, third])
    assert torch.allclose(first[0], changed[0], atol=1e-5)
    assert not torch.allclose(first[1], changed[1], atol=1e-2)


def test_the_text_of_a_node_is_the_mean_of_its_first_tokens(untrained):
    words = untrained.net.backbone.words.weight
    found = word_means(untrained.net.backbone.words, [[3, 5, 9], [], [4]], most=2)
    assert torch.allclose(found[0], (words[3] + words[5]) / 2)
    assert not found[1].any()
    assert torch.equal(found[2], words[4])


@pytest.mark.parametrize("kind", SIGNS)
def test_nothing_that_somebody_wrote_is_read_as_a_sign(kind, trained):
    backbone = trained[kind].net.backbone
    picture = Image.new("RGB", (60, 40), "teal")
    said = " ".join(SIGNS[kind])
    turns = Prompts(backbone, most_tokens=400, most_pixels=28 * 56).turns(
        [Asked(said, said, (picture,), 0), Asked("b", "a", (picture,), 0)]
    )
    image, signs = int(backbone.config.image_token_id), len(SIGNS[kind])
    assert torch.equal(turns.ids == image, turns.kind == PICTURE)
    assert backbone.tokenizer.decode(turns.ids[0]).count(said) == 2
    wrote, plain = ((row > 0) & (row <= signs) for row in turns.ids)
    assert int(wrote.sum()) == int(plain.sum()), "signs are the template's alone"


def test_the_loss_is_that_of_a_naive_loop_and_its_checks_are_the_margin(untrained, view):
    pairs = readable_pairs(untrained.material, with_graph=True)
    pairs[3] = (pairs[3][0], pairs[1][1])  # the same answer as another
    objective = PairObjective(
        "graphs", untrained.net, untrained.material, pairs, {"adapters": 1.0, "graphs": 1.0},
        temperature=0.2, weight_decay=0.0, choose="margin", held_out=0.0, batch=4, seed=0,
    )  # fmt: skip
    anchors = np.array([1, 3, 5])
    with torch.no_grad():
        left, right = (encoded(untrained, [pairs[k][side] for k in anchors]).numpy() for side in (0, 1))
        check = float(objective.loss(anchors, np.random.default_rng(0)))
        assert objective.chance == 1.0
    found = left @ right.T
    others = [(0, 2), (1, 2), (2, 0), (2, 1)]
    assert check == pytest.approx(
        1 - found.diagonal().mean() + np.mean([found[one] for one in others]), abs=1e-5
    )
    losses = []
    for k, among in enumerate(([0, 2], [1, 2], [0, 1, 2])):
        losses.append(-np.log(np.exp(found[k, k] / 0.2) / sum(np.exp(found[k, j] / 0.2) for j in among)))
    untrained.net.train()
    for module in untrained.net.modules():
        if isinstance(module, torch.nn.Dropout):
            module.eval()
    trains = objective.loss(anchors, np.random.default_rng(0)).detach()
    untrained.net.eval()
    assert float(trains) == pytest.approx(np.mean(losses), rel=0.2)
    objective.choose = "loss"
    with torch.no_grad():
        assert float(objective.loss(anchors, np.random.default_rng(0))) == pytest.approx(
            np.mean(losses), abs=1e-5
        )
    assert objective.chance == pytest.approx((2 * np.log(2) + np.log(3)) / 3)


def test_lessons_of_one_picture_are_all_kept_away_or_none(untrained):
    pairs = readable_pairs(untrained.material, with_graph=True)
    twice = [*pairs, *pairs]
    objective = PairObjective(
        "pairs", untrained.net, untrained.material, twice, {}, temperature=1.0, weight_decay=0.0, choose="loss",
        held_out=0.1, batch=4, seed=3,
    )  # fmt: skip
    away = {twice[k][0].image for k in objective.held_out}
    stays = {one.image for k, (one, _) in enumerate(twice) if k not in set(objective.held_out.tolist())}
    assert 4 <= len(objective.held_out) < len(twice)
    assert not away & stays


def test_inner_values_computed_again_give_the_same_gradients(folders, view):
    made = []
    for checkpointing in (True, False):
        model = brief(folders["llava_next"], checkpointing=checkpointing, dropout=0.0)
        one = made_new(model, view, with_graph=True, lessons=False, seed=0, device="cpu")
        one.net.train()
        encoded(one, [view.items["q12"], view.items["c12"]])[0].sum().backward()
        made.append(
            {name: weight.grad for name, weight in one.net.named_parameters() if weight.grad is not None}
        )
    again, kept = made
    assert again.keys() == kept.keys()
    assert any("graphs." in name for name in kept)
    assert any("lora_B" in name for name in kept)
    for name, gradient in kept.items():
        assert torch.allclose(again[name], gradient, atol=1e-6), name


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(folders, view, units):
    first, again, other = (
        brief(folders["qwen2_5_vl"], stages=("graphs",), max_steps=1)
        .embed(view, units=units, seed=seed, device="cpu")
        .vectors
        for seed in (0, 0, 1)
    )
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


@pytest.fixture(scope="module")
def learned(folders, trained):
    return learned_of(brief(folders["qwen2_vl"]), trained["qwen2_vl"])


def test_what_was_learned_embeds_to_the_bits_of_the_trained_model(
    folders, view, units, trained, learned, tmp_path
):
    model = brief(folders["qwen2_vl"])
    wanted = embed_items(model, trained["qwen2_vl"], units).vectors
    learned.save(tmp_path / "learned.safetensors")
    read, _ = type(learned).load(tmp_path / "learned.safetensors")
    assert (
        model.embed_with(read, view, units=units, seed=5, device="cpu").vectors.tobytes() == wanted.tobytes()
    )
    own = {name.partition("/")[0] for name in read.arrays}
    assert own == {"adapters", "graphs"}, "never the base weights"


def test_what_was_learned_belongs_to_its_weights(folders, view, units, learned):
    with pytest.raises(BadInput, match=r"belongs to 'Qwen2-VL, .*Expected the same weights"):
        brief(folders["qwen2_5_vl"]).embed_with(learned, view, units=units, seed=0, device="cpu")
    with pytest.raises(BadInput, match="do not fit the model"):
        brief(folders["qwen2_vl"], rank=4).embed_with(learned, view, units=units, seed=0, device="cpu")


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing.*:FutureWarning")
def test_adapters_in_a_folder_are_read_by_peft_and_give_the_same_vectors(
    folders, view, units, trained, learned, tmp_path
):
    from peft import PeftModel
    from transformers import Qwen2VLForConditionalGeneration

    model = brief(folders["qwen2_vl"])
    write_adapters(model, learned, tmp_path / "mine")
    written = {one.name for one in (tmp_path / "mine").iterdir()}
    assert {"adapter_config.json", "adapter_model.safetensors", "graph_encoder.safetensors"} <= written
    assert not {one for one in written if one.endswith((".bin", ".pt", ".pth", ".pkl"))}
    with_folder = dataclasses.replace(model, adapters=str(tmp_path / "mine"))
    wanted = embed_items(model, trained["qwen2_vl"], units).vectors
    assert with_folder.embed(view, units=units, seed=9, device="cpu").vectors.tobytes() == wanted.tobytes()
    assert with_folder.variant(view)["adapters"].startswith("mine@")
    base = Qwen2VLForConditionalGeneration.from_pretrained(folders["qwen2_vl"])
    theirs = PeftModel.from_pretrained(base, tmp_path / "mine").state_dict()
    ours = trained["qwen2_vl"].net.backbone.peft.state_dict()
    assert all(torch.equal(theirs[name], one) for name, one in ours.items() if "lora_" in name)


def test_masked_parts_are_not_read_and_items_of_which_nothing_is_left_are_not_covered(
    toy, exam, folders, units
):
    model = brief(folders["qwen2_vl"], stages=())
    blind = ItemView(toy, frozenset({"graph"}), exam=exam)
    space = model.embed(blind, units=units, seed=0, device="cpu")
    left_out = {name for name, covered in zip(units.ids, space.mask, strict=True) if not covered}
    assert left_out == {"q12", "q13", "q14", "q15", "picture", "graph"}, "an untrained model reads no graphs"
    assert not space.vectors[~space.mask].any()
    assert blind.touched == set()


def test_a_picture_that_cannot_be_opened_is_none(tiny_toyville, exam, folders, tmp_path):
    folder = shutil.copytree(tiny_toyville, tmp_path / "city")
    city = City.open(folder)
    name = exam.items["picture"].image
    path = next(one for one in city.street_views.loc[name, ["image", *DIRECTIONS]] if isinstance(one, str))
    (folder / path).write_bytes(b"no picture")
    view = ItemView(City.open(folder), frozenset({"street_view"}), exam=exam)
    with seeing() as seen:
        space = brief(folders["qwen2_vl"], stages=()).embed(
            view, units=Units("item", ("picture", "q13", "gone")), seed=0, device="cpu"
        )
    assert space.mask.tolist() == [False, True, False]
    assert seen.to_record()["street_view"] == {"used": 3, "of": 16}


def test_weights_are_named_by_what_is_known_of_them(folders, view):
    told = brief(folders["llava_next"]).variant(view)["vlm"]
    number = sum(one.numel() for one in load_file(folders["llava_next"] / "model.safetensors").values())
    assert re.fullmatch(rf"LLaVA-NeXT-Mistral, {number:,} weights from llava_next@[0-9a-f]{{10}}", told)
    assert brief(folders["llava_next"], stages=()).variant(view)["adapters"] == "none (not trained)"


def test_without_weights_it_is_refused_with_the_form_and_public_names(view, units):
    with pytest.raises(
        RunRefused,
        match=r"needs weights.*config\.json.*safetensors.*Qwen/Qwen2-VL-2B-Instruct.*--set weights=",
    ):
        UgeVLM().embed(view, units=units, seed=0, device="cpu")
    with pytest.raises(DataMissing, match="no folder 'nowhere/at/all'"):
        choose_folder("nowhere/at/all")


@pytest.mark.parametrize(
    ("told", "error", "words"),
    [
        ({"model_type": "phi3_v", "auto_map": {"AutoModel": "evil.Model"}}, RunRefused, "Phi-3-Vision.*none is ever run"),
        ({"model_type": "bert"}, BadInput, "type 'bert'.*Expected one of: llava_next, qwen2_5_vl, qwen2_vl"),
        ({"model_type": "llava_next", "text_config": {"model_type": "llama"}}, BadInput, "of type 'llama'.*'mistral'"),
        (None, BadInput, "no config.json that can be read"),
    ],
)  # fmt: skip
def test_folders_with_another_model_are_refused(tmp_path, told, error, words):
    if told is not None:
        (tmp_path / "config.json").write_text(json.dumps(told))
    (tmp_path / "evil.py").write_text("raise SystemExit('code of the folder was run')")
    with pytest.raises(error, match=words):
        choose_folder(str(tmp_path))


def test_folders_with_parts_missing_or_in_a_form_that_may_run_code_are_refused(folders, tmp_path):
    folder = shutil.copytree(folders["qwen2_vl"], tmp_path / "mine")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(BadInput, match=r"no weights as \*\.safetensors"):
        choose_folder(str(folder))
    (folder / "pytorch_model.bin").unlink()
    (folder / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(BadInput, match=r"'model\.safetensors' in folder 'mine' cannot be read"):
        str(choose_folder(str(folder)).name)
    with pytest.raises(BadInput, match="cannot be loaded as Qwen2-VL"):
        load_backbone(choose_folder(str(folder)), Lora(), device="cpu", checkpointing=False)
    whole = load_file(folders["qwen2_vl"] / "model.safetensors")
    save_file(
        {name: one for name, one in whole.items() if "visual" not in name},
        folder / "model.safetensors",
        {"format": "pt"},
    )
    with pytest.raises(
        BadInput, match=r"cannot be loaded as Qwen2-VL \(\d+ weights are missing, such as model\.visual"
    ):
        load_backbone(choose_folder(str(folder)), Lora(), device="cpu", checkpointing=False)
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(BadInput, match=r"has no preprocessor_config\.json"):
        choose_folder(str(folder))


def test_without_peft_it_says_what_to_install(folders, monkeypatch):
    monkeypatch.setattr("urbanbench.models._uge_vlm.folder.find_spec", lambda _name: None)
    with pytest.raises(ExtraMissing, match=r"pip install 'urbanbench\[vlm\]'"):
        choose_folder(str(folders["qwen2_vl"]))


def test_a_stage_without_lessons_is_skipped_and_says_so(toy, exam, folders):
    blind = ItemView(toy, frozenset({"street_view"}), exam=exam)
    one = brief(folders["qwen2_vl"], max_steps=1).pretrain(blind, seed=0)
    assert [log.skipped for log in one.logs] == ["", "no lesson has a graph"]
    assert one.net.graphs is None
    nothing = ItemView(toy, frozenset(), exam=dataclasses.replace(exam, lessons=()))
    assert {log.skipped for log in brief(folders["qwen2_vl"]).pretrain(nothing, seed=0).logs} == {
        "no lesson can be read"
    }


def test_it_keeps_the_contract_of_models_of_items(toy, folders):
    held = []
    check_model(
        brief(folders["qwen2_vl"], max_steps=1), toy, held=lambda level, rule: held.append((level, rule))
    )
    assert ("item", "it gives the same bits for seed 0") in held
    assert ("item", "it says how many of the objects it touched it used") in held


def test_too_few_lessons_and_views_of_a_city_are_refused(toy, exam, folders, units):
    few = ItemView(toy, frozenset({"street_view"}), exam=dataclasses.replace(exam, lessons=exam.lessons[:3]))
    with pytest.raises(RunRefused, match=r"'pairs' of uge-vlm has 3 lessons.*at least 8"):
        brief(folders["qwen2_vl"]).embed(few, units=units, seed=0, device="cpu")
    with pytest.raises(RunRefused, match="items of a retrieval task"):
        brief(folders["qwen2_vl"]).embed(toy.view(["street_view"]), units=units, seed=0, device="cpu")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"stages": ("graphs", "pairs")}, "Expected each once, in order"),
        ({"batch": 1}, "'batch' of UgeVLM is 1"),
        ({"dropout": 1.0}, "'dropout' of UgeVLM is 1.0"),
        ({"temperature": 0.0}, "'temperature'"),
        ({"stages": ("stage1",)}, "Unknown stage of uge-vlm 'stage1'"),
        ({"choose": "best"}, "Unknown choice of uge-vlm 'best'"),
    ],
)
def test_parameters_out_of_range_are_refused(given, words):
    with pytest.raises((BadInput, LookupError), match=words):
        UgeVLM(**given)
