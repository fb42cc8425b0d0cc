"""SpaBERT's entities, pseudo-sentences, masks and losses against naive loops."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from transformers import BertConfig, BertModel

from urbanbench.city.folder.tags import tag_table
from urbanbench.models._spabert.backbones import load_backbone
from urbanbench.models._spabert.entities import Entities, entity_strings
from urbanbench.models._spabert.masking import draw_masks
from urbanbench.models._spabert.net import SpatialBert, TokenHead, pivot_means, waves
from urbanbench.models._spabert.objective import MaskedObjective
from urbanbench.models._spabert.readout import pivot_vectors
from urbanbench.models._spabert.sentences import (
    NOBODY,
    STEP_M,
    Form,
    neighbours_of,
    sentences_at,
    sentences_of,
    write_sentences,
)
from urbanbench.models._spabert.words import HashedTokenizer, Words
from urbanbench.toolkit.training import seeded_torch, train_stage
from urbanbench.toolkit.training.schedule import Schedule

PAD, UNKNOWN, CLS, SEP, MASK = range(5)
NAMES = ("cafe", "city hall", "general post office", "7 eleven", "school", "")
TOKENIZER = HashedTokenizer(30)


@pytest.fixture(scope="module")
def words():
    return Words.of(NAMES, TOKENIZER, longest=20)


def some_entities(n=60, seed=0):
    """Points of which some lie at one place, and one name in six begins with a digit."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, 300, size=(n, 2))
    xy[: n // 4] = xy[0]
    name = rng.integers(0, 5, size=n)
    return Entities(np.arange(n).astype(object), np.arange(n), xy, NAMES, name, name != 3)


def small_net(seed=0, scale=0.01):
    with seeded_torch(seed, "net"):
        config = BertConfig(
            vocab_size=TOKENIZER.size,
            hidden_size=8,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=16,
            initializer_range=0.4,
        )
        return SpatialBert(BertModel(config), TokenHead(8, TOKENIZER.size), scale).eval()


def tags_of(*objects):
    column = pa.array([list(one.items()) for one in objects], type=pa.map_(pa.string(), pa.string()))
    return tag_table(pd.Series(column, dtype=pd.ArrowDtype(column.type)))


@pytest.mark.parametrize(
    ("tags", "plain", "nameless", "with_kind"),
    [
        ({"amenity": "fast_food", "name": "Noodle Bar"}, "Noodle Bar", "fast food", "Noodle Bar fast food"),
        ({"shop": "books", "amenity": "cafe"}, "cafe", "cafe", "cafe"),
        ({"brand": "Shell", "operator": "X", "amenity": "fuel"}, "Shell", "fuel", "Shell fuel"),
        ({"operator": "City", "amenity": "parking"}, "City", "parking", "City parking"),
        ({"building": "yes", "name": "607"}, "607", "building", "607 building"),
        ({"public_transport": "yes"}, "public transport", "public transport", "public transport"),
        ({"name": " ", "landuse": "retail"}, "retail", "retail", "retail"),
        ({"name": "Somewhere"}, "Somewhere", "building", "Somewhere"),
        ({}, "building", "building", "building"),
    ],
)
def test_an_entity_is_called_by_its_name_or_by_what_it_is(tags, plain, nameless, with_kind):
    table = tags_of({"name": "other", "shop": "yes"}, tags)
    assert entity_strings(table)[1] == plain
    assert entity_strings(table, use_name=False) == ["shop", nameless]
    assert entity_strings(table, use_kind=True)[1] == with_kind


def test_strings_that_split_into_nothing_are_unknown(words):
    assert words.tokens.sizes.tolist() == [1, 2, 3, 2, 1, 1]
    assert words.tokens.member[-1] == UNKNOWN
    counted = words.frequency(np.array([0, 0, 1]))
    assert counted.sum() == pytest.approx(1)
    assert counted[words.tokens.member[0]] == pytest.approx((2 + 1 / TOKENIZER.size) / 5)


@pytest.mark.parametrize("k", [1, 7, 80])
def test_neighbours_are_the_nearest_others_with_a_speakable_name(k):
    entities = some_entities()
    rows = np.arange(60)
    found = neighbours_of(entities.xy, entities, k=k, own=rows)
    assert found.shape == (60, k)
    for row in rows:
        apart = np.hypot(*(entities.xy - entities.xy[row]).T)
        others = [one for one in np.argsort(apart) if one != row and entities.spoken[one]]
        kept = found[row][found[row] >= 0]
        assert len(set(kept)) == len(kept) == min(k, len(others))
        assert row not in kept
        assert entities.spoken[kept].all()
        np.testing.assert_allclose(apart[kept], apart[others[: len(kept)]])
        assert (found[row][len(kept) :] == -1).all()


def test_a_place_that_is_no_entity_has_all_of_them_as_neighbours():
    entities = some_entities()
    found = neighbours_of(np.array([[150.0, 150.0]]), entities, k=3, own=np.array([NOBODY]))
    apart = np.where(entities.spoken, np.hypot(*(entities.xy - 150.0).T), np.inf)
    assert found.tolist() == [np.argsort(apart)[:3].tolist()]


def written_by_hand(words, names, offsets, form):
    """One sentence as lists: tokens, offsets, entities, seen."""
    gap = [(SEP, (form.fill, form.fill), -1, True)] if form.separators else []
    made = [(CLS, (form.fill, form.fill), -1, False)]
    for place, (name, offset) in enumerate(zip(names, offsets, strict=True)):
        if name < 0:
            break
        tokens = words.tokens.member[words.tokens.start[name] : words.tokens.start[name + 1]].tolist()
        tokens = tokens[: form.max_tokens - 2] if place == 0 else tokens
        more = (gap if place else []) + [(one, tuple(offset), place, True) for one in tokens]
        if len(made) + len(more) + 1 > form.max_tokens:
            break
        made += more
    return [*made, (SEP, (form.fill, form.fill), -1, False)]


@pytest.mark.parametrize("separators", [True, False])
@pytest.mark.parametrize("max_tokens", [3, 4, 8, 13, 100])
def test_sentences_are_written_as_by_hand(words, separators, max_tokens):
    form = Form(6, max_tokens, separators, 20.0)
    rng = np.random.default_rng(max_tokens)
    names = rng.integers(0, 6, size=(40, 7))
    names[np.arange(7) >= rng.integers(1, 8, size=40)[:, None]] = -1
    offsets = rng.normal(size=(40, 7, 2)).astype(np.float32)
    offsets[:, 0] = 0
    batch = write_sentences(words, names, offsets, form)
    wanted = [written_by_hand(words, *one, form) for one in zip(names, offsets, strict=True)]
    assert batch.token.shape[1] == max(map(len, wanted)) <= max_tokens
    blank = (PAD, (20.0, 20.0), -1, False)
    for row, tokens in enumerate(wanted):
        full = tokens + [blank] * (batch.token.shape[1] - len(tokens))
        token, offset, entity, seen = zip(*full, strict=True)
        assert batch.token[row].tolist() == list(token)
        np.testing.assert_array_equal(batch.offset[row], np.float32(offset))
        assert batch.entity[row].tolist() == list(entity)
        assert batch.seen[row].tolist() == list(seen)


def test_a_sentence_says_how_far_east_and_north_its_neighbours_are(words):
    entities = some_entities()
    sentences = sentences_of(entities, words, Form(neighbours=3))
    batch, near = sentences.take(np.array([30, 50])), sentences.neighbour[[30, 50]]
    for row, pivot in enumerate((30, 50)):
        for place in range(4):
            other = pivot if place == 0 else near[row, place - 1]
            wanted = (entities.xy[other] - entities.xy[pivot]) / STEP_M
            told = batch.offset[row][batch.entity[row] == place]
            np.testing.assert_allclose(told, np.tile(wanted, (len(told), 1)), atol=1e-5)
    lengths = (batch.token != PAD).sum(axis=1)
    assert sentences.lengths()[[30, 50]].tolist() == lengths.tolist()


def test_a_pseudo_pivot_is_a_sentence_like_any_other(words):
    entities = some_entities()
    batch = sentences_at(np.array([[5.0, 6.0]]), 4, entities, words, Form(neighbours=2)).take(np.array([0]))
    assert batch.token[0, 1] == words.tokens.member[words.tokens.start[4]]
    near = neighbours_of(np.array([[5.0, 6.0]]), entities, k=2, own=np.array([NOBODY]))[0]
    first = batch.offset[0][batch.entity[0] == 1][0]
    np.testing.assert_allclose(first, (entities.xy[near[0]] - [5, 6]) / STEP_M, rtol=1e-5)


def test_waves_are_sines_then_cosines_of_falling_frequency():
    made = waves(torch.tensor([0.0, 20.0, -3.5]), 8).numpy()
    for row, distance in enumerate((0.0, 20.0, -3.5)):
        angles = [distance / 10000 ** (k / 4) for k in range(4)]
        np.testing.assert_allclose(made[row], [*np.sin(angles), *np.cos(angles)], atol=1e-6)


def test_a_token_is_its_word_both_distances_and_its_position(words):
    net = small_net(scale=0.3)
    batch = sentences_of(some_entities(), words, Form(neighbours=3)).take(np.arange(5))
    caught = []
    net.bert.embeddings.LayerNorm.register_forward_pre_hook(lambda _, given: caught.append(given[0]))
    net(*(torch.from_numpy(one) for one in (batch.token, batch.offset, batch.seen)))
    tables = net.bert.embeddings
    for row, column in ((0, 0), (2, 3), (4, 1)):
        east, north = torch.from_numpy(batch.offset[row, column])
        wanted = (
            tables.word_embeddings.weight[batch.token[row, column]]
            + tables.position_embeddings.weight[column]
            + 0.3 * (waves(east, 8) + waves(north, 8))
        )
        torch.testing.assert_close(caught[0][row, column], wanted)


def test_a_pivots_vector_is_the_mean_of_its_own_tokens_whatever_the_padding(words):
    net, sentences = small_net(), sentences_of(some_entities(), words, Form(neighbours=4, max_tokens=12))
    rows = np.array([40, 3, 17, 59, 8])
    made = pivot_vectors(net, sentences, rows, "cpu")
    for vector, row in zip(made, rows, strict=True):
        batch = sentences.take(np.array([row]))
        with torch.no_grad():
            hidden = net(*(torch.from_numpy(one) for one in (batch.token, batch.offset, batch.seen)))[0]
        own = [hidden[place].numpy() for place in range(len(hidden)) if batch.entity[0, place] == 0]
        np.testing.assert_allclose(vector, np.mean(own, axis=0), atol=1e-5)


def test_attention_reaches_neither_the_first_nor_the_closing_token(words):
    net = small_net()
    batch = sentences_of(some_entities(), words, Form(neighbours=3)).take(np.arange(6))
    token, entity = torch.from_numpy(batch.token.copy()), torch.from_numpy(batch.entity)
    rest = torch.from_numpy(batch.offset), torch.from_numpy(batch.seen)
    with torch.no_grad():
        before = pivot_means(net(token, *rest), entity)
        hidden_away = ~batch.seen
        token[torch.from_numpy(hidden_away)] = 11
        torch.testing.assert_close(pivot_means(net(token, *rest), entity), before)
        token[:, 2] = 12
        assert not torch.allclose(pivot_means(net(token, *rest), entity), before, atol=1e-3)


def masks_by_hand(batch, rng, share, shifted):
    """The same draws, one token after another."""
    coins = rng.random(len(batch)) < 0.5
    drawn = rng.random((len(batch), batch.entity.max() + 1)) < share
    single = rng.random(batch.token.shape) < share
    made = np.zeros(batch.token.shape, dtype=bool)
    for row, column in np.ndindex(*made.shape):
        entity = batch.entity[row, column]
        if entity < 0:
            continue
        if not coins[row]:
            made[row, column] = single[row, column]
        elif drawn[row, entity]:
            made[row, column - 1 if shifted else column] = True
    return made


@pytest.mark.parametrize("shifted", [False, True])
def test_masks_hide_single_tokens_or_whole_entities(words, shifted):
    batch = sentences_of(some_entities(), words, Form(neighbours=5)).take(np.arange(60))
    made = draw_masks(batch, np.random.default_rng(3), share=0.3, shifted=shifted)
    np.testing.assert_array_equal(made, masks_by_hand(batch, np.random.default_rng(3), 0.3, shifted))
    assert made[batch.entity < 0].any() == shifted


def test_the_wanted_share_of_tokens_is_hidden_and_half_the_sentences_hide_whole_entities(words):
    sentences = sentences_of(some_entities(), words, Form(neighbours=5))
    batch = sentences.take(np.repeat(np.arange(60), 100))
    made = draw_masks(batch, np.random.default_rng(0))
    named = batch.entity >= 0
    assert made[named].mean() == pytest.approx(0.15, abs=0.005)
    long = batch.entity == 0
    long &= long.sum(axis=1, keepdims=True) == 3
    of_long = long.sum(axis=1) == 3
    count = (made & long).sum(axis=1)[of_long]
    assert (count == 3).mean() == pytest.approx(0.5 * 0.15 + 0.5 * 0.15**3, abs=0.02)


def test_a_batch_always_hides_something(words):
    batch = sentences_of(some_entities(), words, Form(neighbours=1)).take(np.arange(2))
    made = draw_masks(batch, np.random.default_rng(0), share=1e-12)
    assert np.argwhere(made).tolist() == [[0, 1]]


def objective_on(words, net, **settings):
    sentences = sentences_of(some_entities(), words, Form(neighbours=4))
    frequency = words.frequency(some_entities().name)
    given = {"share": 0.3, "frequency": frequency, "parity_bugs": False, "lr": 1e-3, "lr_head": 1e-2}
    return MaskedObjective(net, sentences, device="cpu", **(given | settings))


@pytest.mark.parametrize("parity_bugs", [False, True])
def test_the_loss_is_the_mean_cross_entropy_of_what_is_asked(words, parity_bugs):
    net = small_net()
    objective = objective_on(words, net, parity_bugs=parity_bugs)
    anchors = np.array([5, 9, 33, 50])
    with torch.no_grad():
        made = float(objective.loss(anchors, np.random.default_rng(1)))
        batch = objective.sentences.take(anchors)
        masks = draw_masks(batch, np.random.default_rng(1), share=0.3, shifted=parity_bugs)
        shown = torch.from_numpy(np.where(masks, MASK, batch.token))
        hidden = net(shown, torch.from_numpy(batch.offset), torch.from_numpy(batch.seen))
        losses, surprises = [], []
        for row, column in np.ndindex(*masks.shape):
            if masks[row, column] or parity_bugs:
                head, target = net.head, batch.token[row, column]
                state = head.norm(torch.nn.functional.gelu(head.dense(hidden[row, column])))
                scores = net.bert.embeddings.word_embeddings.weight @ state + head.bias
                losses.append(float(scores.logsumexp(0) - scores[target]))
                surprises.append(-np.log(words.frequency(some_entities().name)[target]))
    assert made == pytest.approx(np.mean(losses), rel=1e-5)
    wanted = np.log(TOKENIZER.size) if parity_bugs else np.mean(surprises)
    assert objective.chance == pytest.approx(wanted, rel=1e-6)


def test_gradients_reach_all_that_is_trained_and_token_types_never(words):
    net = small_net()
    objective = objective_on(words, net)
    objective.loss(np.arange(60), np.random.default_rng(0)).backward()
    trained = [one for group in objective.parameter_groups() for one in group["params"]]
    assert len({id(one) for one in trained}) == len(trained)
    names = {id(one): name for name, one in net.named_parameters()}
    assert {names[id(one)] for one in trained} == set(names.values()) - {
        "bert.embeddings.token_type_embeddings.weight"
    }
    assert [names[id(one)] for one in trained if one.grad is None or not one.grad.any()] == []
    types = net.bert.embeddings.token_type_embeddings.weight
    assert types.grad is None
    assert not types.any()


def test_a_new_head_starts_out_guessing_by_frequency(words):
    frequency = words.frequency(some_entities().name)
    with seeded_torch(0, "wide"):
        config = BertConfig(
            vocab_size=TOKENIZER.size, hidden_size=64, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64
        )  # fmt: skip
        net = SpatialBert(BertModel(config), TokenHead(64, TOKENIZER.size), 0.01).eval()
    net.head.start_at(torch.from_numpy(frequency).float())
    guess = net.logits(torch.randn(20, 64, generator=torch.Generator().manual_seed(0))).softmax(dim=1)
    np.testing.assert_allclose(guess.detach().numpy(), np.tile(frequency, (20, 1)), rtol=0.2)


def test_training_learns_what_stands_near_what():
    """Ten far quarters, each with one name: a hidden name stands all around, and BERT has to learn to look there."""
    rng = np.random.default_rng(0)
    names = tuple(f"quarter{k}" for k in range(10))
    name = np.repeat(np.arange(10), 40)
    xy = 5000.0 * name[:, None] + rng.uniform(0, 50, size=(400, 2))
    entities = Entities(np.arange(400).astype(object), np.arange(400), xy, names, name, name >= 0)
    with seeded_torch(0, "weights"):
        backbone = load_backbone("hashing", scale=0.01)
    known = Words.of(names, backbone.tokenizer, longest=9)
    net, frequency = backbone.net, known.frequency(name)
    net.head.start_at(torch.from_numpy(frequency).float())
    objective = MaskedObjective(
        net,
        sentences_of(entities, known, Form(neighbours=4)),
        share=0.15,
        frequency=frequency,
        parity_bugs=False,
        lr=1e-3,
        lr_head=1e-2,
        device="cpu",
    )
    log = train_stage(objective, Schedule(batch=32, epochs=20, max_steps=60, check_every=20), seed=0)
    assert log.checks[0][1] == pytest.approx(log.held_out_chance, rel=0.05)
    assert log.held_out_chance == pytest.approx(np.log(10), rel=0.05)
    assert log.best < 0.85 * log.held_out_chance
