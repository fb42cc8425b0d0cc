"""UGE as a whole on a tiny city: what it learns, gives, takes elsewhere and refuses."""

import dataclasses

import numpy as np
import pytest
import torch
from tests.models.uge_exams import planted_exam, planted_view

from urbanbench.apart import Keeping, Limits, plugins_apart
from urbanbench.city.city import City
from urbanbench.city.item_view import ItemView
from urbanbench.errors import BadInput, RunRefused, UnknownName
from urbanbench.items import Exam, Item
from urbanbench.learned import Learned
from urbanbench.models.uge import UGE
from urbanbench.seen import seeing
from urbanbench.toolkit.training.stage_log import recording
from urbanbench.units import Units

QUICK = UGE.from_settings(
    "small",
    {
        "dim": "32", "graph_dim": "32", "heads": "2", "image_encoder": "tiny-cnn", "size": "16", "text_encoder": "hashing", "batch": "32",
        "max_steps": "3", "min_steps": "0", "warmup": "5", "check_every": "10", "lr": "0.003", "graph_lr": "0.003", "dropout": "0.0", "drop_image": "0.5",
    },
)  # fmt: skip


@pytest.fixture(scope="module")
def city(tiny_toyville):
    return City.open(tiny_toyville)


@pytest.fixture(scope="module")
def view(city):
    return planted_view(city)


@pytest.fixture(autouse=True)
def _fresh_cache(own_cache):
    """Nothing trained or encoded comes from another test."""


def embedded(model, view, ids=None, seed=0):
    units = Units("item", tuple(ids or view.items))
    return model.embed(view, units=units, seed=seed, device="cpu")


def share_found(space):
    """The share of queries whose own candidate is the likest of all."""
    vectors = dict(zip(space.ids.tolist(), space.vectors, strict=True))
    queries, candidates = (sorted(one for one in vectors if one[0] == letter) for letter in "qc")
    cosine = np.stack([vectors[one] for one in queries]) @ np.stack([vectors[one] for one in candidates]).T
    return float((cosine.argmax(axis=1) == np.arange(len(queries))).mean())


def test_what_only_graphs_tell_is_found_after_the_second_stage_alone(view):
    longer = dataclasses.replace(QUICK, max_steps=120)
    untrained, first, both = (
        share_found(embedded(dataclasses.replace(longer, stages=stages), view))
        for stages in ((), ("text",), ("text", "graph"))
    )
    assert max(untrained, first) <= 0.25
    assert both >= 0.6


def test_vectors_have_length_one_and_the_order_asked_for(view):
    ids = sorted(view.items, reverse=True)
    space = embedded(QUICK, view, ids)
    assert space.level == "item"
    assert space.ids.tolist() == ids
    assert space.dim == 32
    assert np.allclose(np.linalg.norm(space.vectors, axis=1), 1.0, atol=1e-5)
    assert embedded(QUICK, view, ids[:3]).vectors.tobytes() == space.vectors[:3].tobytes()


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(view):
    first, again, other = (embedded(QUICK, view, seed=seed).vectors for seed in (3, 3, 4))
    assert first.tobytes() == again.tobytes()
    assert not np.allclose(first, other)


def test_nothing_is_learned_from_questions_and_candidates(city, view):
    exam = planted_exam(city)
    fewer = {name: exam.items[name] for name in ("c00", "q00")}
    alone = ItemView(
        city,
        view.inputs,
        exam=dataclasses.replace(exam, items=fewer, sides={name: exam.sides[name] for name in fewer}),
    )
    assert embedded(QUICK, alone, ["q00", "c00"]).vectors == pytest.approx(
        embedded(QUICK, view, ["q00", "c00"]).vectors, abs=1e-6
    )


def test_items_of_every_mixture_have_a_vector_of_their_own_and_those_without_a_tower_have_none(city):
    exam = planted_exam(city)
    some = next(one.image for one in exam.items.values() if one.image)
    mixtures = {
        "image": Item(image=some), "text": Item(text="There is a cafe."), "graph": Item(graph="g0", instruction="Find it."),
        "image+graph": Item(image=some, graph="g0"), "text+graph": Item(text="What is near?", graph="g0"),
        "image+text": Item(image=some, text="What is near?"),
    }  # fmt: skip
    exam = Exam(mixtures, dict.fromkeys(mixtures, "query"), exam.graphs, exam.lessons)
    view = ItemView(city, frozenset({"street_view", "graph"}), exam=exam)
    space = embedded(QUICK, view)
    assert space.mask.all()
    assert len(np.unique(space.vectors.round(4), axis=0)) == len(mixtures)
    first = embedded(dataclasses.replace(QUICK, stages=("text",)), view)
    bare = [name == "graph" for name in first.ids]
    assert (~first.mask).tolist() == bare
    assert not first.vectors[bare].any()


def test_without_graphs_the_second_stage_is_left_out_and_named(city):
    view = planted_view(city, inputs=("street_view",))
    with recording() as stages:
        space = embedded(QUICK, view)
    assert [one.name for one in stages] == ["text"]
    assert space.mask.all()
    assert QUICK.lacks(view) == ("no stage graph",)
    assert "image" in QUICK.variant(view)


def test_without_pictures_graphs_are_learned_with_texts(city):
    view = planted_view(city, inputs=("graph",))
    with recording() as stages:
        space = embedded(QUICK, view)
    assert [one.name for one in stages] == ["graph"]
    assert space.mask.all()
    assert QUICK.lacks(view) == ("no stage text",)
    assert set(QUICK.variant(view)) == {"text"}


def test_the_first_stage_alone_reads_no_graph(city, view):
    alone = dataclasses.replace(QUICK, stages=("text",))
    view.reset_touched()
    space = embedded(alone, view)
    assert view.touched == {"street_view"}
    assert space.vectors.tobytes() == embedded(alone, planted_view(city, ("street_view",))).vectors.tobytes()


def test_both_stages_are_judged_on_pictures_that_neither_learns_from(view):
    from urbanbench.models._uge import pretrain

    seen = []

    class Spied(pretrain.PairObjective):
        def __init__(self, *args, **words):
            super().__init__(*args, **words)
            seen.append(
                {
                    tuple(row)
                    for row in self.lessons.about[np.isin(self.lessons.about, self.held_out)][:, None]
                }
            )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pretrain, "PairObjective", Spied)
        QUICK.pretrain(view, seed=0)
    assert len(seen) == 2
    assert seen[0] == seen[1]
    assert len(seen[0]) == 12


def test_held_out_lessons_are_judged_with_all_their_parts_and_of_every_kind(view, monkeypatch):
    from urbanbench.models._uge import pretrain

    asked, dropped = [], []

    class Spied(pretrain.PairObjective):
        def _loss_of(self, kind, anchors, rng):
            asked.append((torch.is_grad_enabled(), kind))
            return super()._loss_of(kind, anchors, rng)

        def _dropped(self, rows, rng):
            dropped.append(torch.is_grad_enabled())
            return super()._dropped(rows, rng)

    monkeypatch.setattr(pretrain, "PairObjective", Spied)
    lessons = view.exam.lessons
    two = tuple(
        dataclasses.replace(one, kind="location" if k % 2 else one.kind) for k, one in enumerate(lessons)
    )
    QUICK.pretrain(
        dataclasses.replace(view, exam=dataclasses.replace(view.exam, lessons=(*lessons, *two)), _kept={}),
        seed=0,
    )
    judged = [kind for learning, kind in asked if not learning]
    assert judged
    assert judged.count(0) == judged.count(1)
    assert dropped
    assert all(dropped)


def test_it_says_which_street_views_it_used(view):
    with seeing() as seen:
        embedded(QUICK, view)
    assert seen.to_record() == {"street_view": {"used": 80, "of": 80}}


def test_what_was_learned_embeds_other_items_without_their_lessons(city, view, tmp_path):
    ids = tuple(view.items)
    learned = QUICK.learn(view, seed=0, device="cpu")
    learned.save(tmp_path / "learned.safetensors")
    kept, _ = Learned.load(tmp_path / "learned.safetensors")
    units = Units("item", ids)
    native = embedded(QUICK, view)
    own = QUICK.embed_with(kept, view, units=units, seed=0, device="cpu")
    assert own.vectors.tobytes() == native.vectors.tobytes()
    bare = ItemView(city, view.inputs, exam=dataclasses.replace(view.exam, lessons=()))
    with recording() as stages:
        there = QUICK.embed_with(kept, bare, units=units, seed=0, device="cpu")
    assert not stages
    assert there.vectors.tobytes() == native.vectors.tobytes()


def test_an_encoder_that_is_trained_along_changes_and_is_taken_elsewhere(city):
    view = planted_view(city, n_lessons=20, n_asked=4)
    tuned = dataclasses.replace(QUICK, train_image_encoder=True)
    learned = tuned.learn(view, seed=0, device="cpu")
    drawn = dataclasses.replace(tuned, stages=()).learn(view, seed=0, device="cpu")
    names = [name for name in learned.arrays if name.startswith("encoder/")]
    assert any(not np.array_equal(learned.arrays[name], drawn.arrays[name]) for name in names)
    units = Units("item", tuple(view.items))
    own = tuned.embed_with(learned, view, units=units, seed=0, device="cpu")
    assert own.vectors.tobytes() == embedded(tuned, view).vectors.tobytes()


def test_too_few_lessons_are_refused_with_the_way_out(city):
    with pytest.raises(
        RunRefused, match=r"uge has 5 pictures with lessons for stage 'text'. Expected at least 8"
    ):
        embedded(QUICK, planted_view(city, n_lessons=5, n_asked=2))
    untrained = dataclasses.replace(QUICK, stages=())
    assert embedded(untrained, planted_view(city, n_lessons=5, n_asked=2)).mask.all()


INPUTS = frozenset({"street_view", "graph", "poi", "road"})


def test_a_region_is_the_mean_of_its_street_views_with_what_lies_around_them(city):
    from urbanbench.models._uge.surroundings import items_of

    view = city.view(INPUTS, ())
    regions = Units("region", city.unit_ids("region"))
    with recording() as stages:
        space = QUICK.embed(view, units=regions, seed=0, device="cpu")
    assert [one.name for one in stages] == ["text", "graph"]
    assert view.touched == INPUTS
    items = items_of(city.view(INPUTS, ()))
    lessons = {one.kind for one in items.lessons}
    assert lessons == {"caption", "path"}
    single = embedded(QUICK, items)
    vectors = dict(zip(single.ids.tolist(), single.vectors, strict=True))
    inside = city.street_views.groupby("region_id").groups
    assert len(inside) > 5
    for region, vector, there in zip(space.ids, space.vectors, space.mask, strict=True):
        assert there == (region in inside)
        wanted = np.mean([vectors[one] for one in inside[region]], axis=0) if there else np.zeros(32)
        assert np.allclose(vector, wanted, atol=1e-5)


def test_graphs_around_street_views_are_those_of_the_tasks_without_what_is_hidden(city):
    from urbanbench.models._uge.surroundings import items_of

    whole, fewer = (items_of(city.view(inputs, ())) for inputs in (INPUTS, INPUTS - {"poi"}))
    name = min(whole.items)
    kinds = [set(one.graph(name).kind.tolist()) for one in (whole, fewer)]
    assert 0 in kinds[0]
    assert 0 not in kinds[1]
    assert not whole.graph(name).offset_m[0].any()
    bare = items_of(city.view(INPUTS - {"graph"}, ()))
    assert not bare.items[name].graph
    regions = Units("region", city.unit_ids("region"))
    hidden = QUICK.embed(city.view(INPUTS - {"graph"}, ()), units=regions, seed=0, device="cpu")
    assert hidden.mask.any()


def test_more_street_views_than_memory_holds_graphs_of_are_refused_before_they_are_all_made(
    city, monkeypatch
):
    from urbanbench.models._uge import surroundings

    monkeypatch.setattr(surroundings, "_LOOKED_AT", 3)
    made = []
    whole = surroundings.local_graph
    monkeypatch.setattr(surroundings, "local_graph", lambda *given: made.append(1) or whole(*given))
    with (
        plugins_apart(Keeping(limits=Limits(memory_mb=1e-3))),
        pytest.raises(RunRefused, match=r"What lies around \d+ street views, .* Mend: --set joined=24"),
    ):
        surroundings.items_of(city.view(INPUTS, ()))
    assert len(made) == 3


@pytest.mark.parametrize(
    ("settings", "kind", "message"),
    [
        ({"stages": "text,grpah"}, UnknownName, "Did you mean 'graph'"),
        ({"nodes": "0"}, BadInput, "Parameter 'nodes' of UGE is 0. Expected at least 1."),
        ({"temperature": "0"}, BadInput, "Expected a number above 0"),
        ({"drop_graph": "1"}, BadInput, r"Expected a share in \[0, 1\)"),
        ({"weight_decay": "-1"}, BadInput, "Expected 0 or more"),
    ],
)
def test_impossible_parameters_are_refused(settings, kind, message):
    with pytest.raises(kind, match=message):
        UGE.from_settings("small", settings)


@pytest.mark.parametrize(
    "ablation", [{"edge_features": False}, {"graph_layers": 0}, {"node_place": False}, {"edge_dim": 8}]
)
def test_every_ablation_trains_and_gives_other_vectors(view, ablation):
    changed = embedded(dataclasses.replace(QUICK, **ablation), view)
    assert changed.mask.all()
    assert not np.allclose(changed.vectors, embedded(QUICK, view).vectors)
