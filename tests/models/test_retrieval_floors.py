"""Floors of retrieval say what they promise, against plain formulas and scikit-learn."""

import itertools
import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from urbanbench.city.city import City
from urbanbench.city.item_view import ItemView
from urbanbench.errors import BadInput, RunRefused
from urbanbench.items import Exam, Item, Lesson
from urbanbench.models.bm25 import BM25
from urbanbench.models.clip import Clip
from urbanbench.models.imagenet_features import ImagenetFeatures
from urbanbench.models.majority_answer import MajorityAnswer
from urbanbench.models.minilm_captions import MinilmCaptions
from urbanbench.models.nearest_image import NearestImage
from urbanbench.models.text_overlap import TextOverlap
from urbanbench.toolkit.texts.overlap import words_of
from urbanbench.units import Units

ASKED = ("a cafe near the old bridge", "houses in the north of town", "the old old bridge")
CHOSEN = (
    "bridge and cafe",
    "old houses of the town, old and in the north",
    "a quiet park",
    "the old bridge of the old town",
)
TAUGHT = ("the bridge", "a cafe in town", "houses and a park", "the old mill", "a bridge of the town")


@pytest.fixture(scope="module")
def town(tiny_toyville):
    return City.open(tiny_toyville)


def view_of(city, items, lessons=(), inputs=frozenset()):
    sides = {name: "query" if name.startswith("q") else "candidate" for name in items}
    return ItemView(city, inputs, exam=Exam(items, sides, lessons=tuple(lessons)))


def embedded(model, view, names=None):
    units = Units("item", tuple(names or view.exam.items))
    return model.embed(view, units=units, seed=0, device="cpu")


def likeness(space):
    unit = space.vectors.astype(np.float64)
    unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-12)
    of = {name: row for row, name in enumerate(space.ids.tolist())}
    asked, chosen = ([one for one in of if one[0] == letter] for letter in "qc")
    return unit[[of[one] for one in asked]] @ unit[[of[one] for one in chosen]].T


@pytest.fixture(scope="module")
def worded(town):
    items = {f"q{k}": Item(text=text) for k, text in enumerate(ASKED)}
    items |= {f"c{k}": Item(text=text) for k, text in enumerate(CHOSEN)}
    lessons = [
        Lesson("answer", Item(text=one), Item(text=other)) for one, other in itertools.pairwise(TAUGHT)
    ]
    return view_of(town, items, lessons)


def taught():
    """Both sides of every lesson."""
    return [side for pair in itertools.pairwise(TAUGHT) for side in pair]


def test_tf_idf_is_that_of_scikit_learn_over_the_words_of_lessons(worded):
    known = {word for text in taught() for word in words_of(text)}
    usual = TfidfVectorizer(analyzer=words_of, sublinear_tf=True, vocabulary=sorted(known))
    usual.fit(taught())
    both = [usual.transform(texts).toarray() for texts in (ASKED, CHOSEN)]
    found = likeness(embedded(TextOverlap(), worded))
    asked, chosen = ([words_of(text) for text in texts] for texts in (ASKED, CHOSEN))
    for row, query in enumerate(asked):
        for column, candidate in enumerate(chosen):
            if set(query) <= known and set(candidate) <= known:
                assert found[row, column] == pytest.approx(both[0][row] @ both[1][column], abs=1e-6)
    assert found[0, 2] > 0  # "a" alone is shared
    assert found[2, 3] == found[2].max()


def slow_bm25(query, candidate, k1=1.2, b=0.75):
    documents = [words_of(text) for text in taught()]
    mean = sum(map(len, documents)) / len(documents)
    told, score = Counter(words_of(candidate)), 0.0
    for word in words_of(query):
        n = sum(word in one for one in documents)
        idf = math.log(1 + (len(documents) - n + 0.5) / (n + 0.5))
        norm = k1 * (1 - b + b * sum(told.values()) / mean)
        score += idf * told[word] * (k1 + 1) / (told[word] + norm)
    return score


def test_the_cosine_of_bm25_is_its_score_up_to_a_factor_of_the_query(worded):
    found = likeness(embedded(BM25(), worded))
    for row, query in enumerate(ASKED):
        scores = np.array([slow_bm25(query, candidate) for candidate in CHOSEN])
        factor = found[row].max() / scores.max()
        assert found[row] == pytest.approx(factor * scores, rel=1e-5)


def test_bm25_counts_long_candidates_less_only_as_far_as_b_says(worded):
    found = [likeness(embedded(BM25(b=b), worded)) for b in (0.0, 1.0)]
    assert found[0][2].argmax() == found[1][2].argmax() == 3
    assert not np.allclose(found[0], found[1])
    with pytest.raises(BadInput, match="b in"):
        BM25(b=2.0)


def test_a_row_does_not_depend_on_which_others_are_asked_for_and_no_word_means_no_data(town):
    items = {
        "q0": Item(text="a bridge"),
        "c0": Item(text="the bridge"),
        "c1": Item(text="..."),
        "c2": Item(text="a park"),
    }
    view = view_of(town, items)
    for model in (TextOverlap(), BM25()):
        whole, part = embedded(model, view), embedded(model, view, ("c2", "q0"))
        assert (part.vectors == whole.take(("c2", "q0")).vectors).all()
        assert whole.mask.tolist() == [True, True, False, True]


def test_majority_answers_come_in_the_order_of_how_often_lessons_give_them_to_the_same_question(town):
    told = [("how safe?", "safe")] * 3 + [("how safe?", "unsafe")] + [("what is it?", "a park")] * 9
    lessons = [Lesson("answer", Item(text=question), Item(text=answer)) for question, answer in told]
    items = {"q0": Item(text="how safe?"), "q1": Item(text="another question")}
    items |= {f"c{k}": Item(text=text) for k, text in enumerate(("unsafe", "a park", "safe", "never said"))}
    found = likeness(embedded(MajorityAnswer(), view_of(town, items, lessons)))
    assert np.argsort(-found[0])[:2].tolist() == [2, 0]
    assert found[0][[1, 3]].tolist() == pytest.approx([0, 0], abs=1e-6)
    assert np.argsort(-found[1])[:3].tolist() == [1, 2, 0]
    with pytest.raises(RunRefused, match="candidates with a text"):
        embedded(
            MajorityAnswer(),
            view_of(town, {"q0": Item(text="?"), "c0": Item(image=town.street_views.index[0])}),
        )


@pytest.fixture(scope="module")
def pictured(town):
    """Two pictures that are asked about, each of which stands in a lesson as well: the nearest picture is itself."""
    first, second, third = town.street_views.index[:3]
    items = {
        "q0": Item(image=first),
        "q1": Item(image=second, text="what?"),
        "c0": Item(text="the mill"),
        "c1": Item(text="a park"),
    }
    lessons = [
        Lesson("location", Item(image=first), Item(text="near the mill")),
        Lesson("location", Item(image=second), Item(text="near the mill")),
        Lesson("answer", Item(image=second, text="what?"), Item(text="this is a park")),
        Lesson("location", Item(image=third), Item(text="in a park")),
    ]
    return view_of(town, items, lessons, frozenset({"street_view"}))


def test_what_lessons_say_of_the_nearest_picture_stands_for_a_picture_and_a_question_chooses_among_lessons(
    pictured,
):
    found = likeness(embedded(NearestImage(size=32), pictured))
    assert found[0].argmax() == 0
    assert found[1].argmax() == 1
    several = likeness(embedded(NearestImage(size=32, neighbours=3), pictured))
    assert several[0].min() > 0
    with pytest.raises(BadInput, match="neighbours=0"):
        NearestImage(neighbours=0)


def test_a_masked_picture_is_no_data_and_its_question_stays(pictured):
    bare = replace(pictured, inputs=frozenset(), _kept={}, _touched=set())
    space = embedded(NearestImage(size=32), bare)
    assert dict(zip(space.ids.tolist(), space.mask.tolist(), strict=True)) == {
        "q0": False,
        "q1": True,
        "c0": True,
        "c1": True,
    }


def test_towers_give_each_part_its_vector_and_both_their_sum(town, clip_folder):
    view_id = town.street_views.index[0]
    items = {
        "q0": Item(image=view_id),
        "q1": Item(text="a park"),
        "q2": Item(image=view_id, text="a park"),
        "c0": Item(text="a mill"),
    }
    view = view_of(town, items, inputs=frozenset({"street_view"}))
    space = embedded(Clip(image_encoder=str(clip_folder)), view)
    picture, text, both = space.vectors[:3].astype(np.float64)
    assert np.linalg.norm(picture) == pytest.approx(1, abs=1e-5)
    assert both == pytest.approx(picture + text, abs=1e-5)
    images = embedded(ImagenetFeatures(size=32), view)
    words = embedded(MinilmCaptions(text_encoder="hashing"), view)
    assert images.mask.tolist() == [True, False, True, False]
    assert words.mask.tolist() == [False, True, True, True]
    assert (images.vectors[0] == images.vectors[2]).all()


def test_a_view_of_a_city_is_no_view_of_items(town):
    with pytest.raises(BadInput, match="Expected the view that a retrieval task gives"):
        TextOverlap().embed(town.view(frozenset()), units=Units("item", ("a",)), seed=0, device="cpu")
