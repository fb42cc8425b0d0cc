import pytest

from urbanbench.errors import UnknownName
from urbanbench.parity.contract import DEFAULT, is_paper
from urbanbench.parity.papers import PAPERS, get_paper
from urbanbench.scoring.heads import HEADS
from urbanbench.scoring.splits import SPLITS


def test_names_are_told_from_splits_and_from_the_default():
    words = ("hgi", "cityfm", "urbanmfm", "regiondcl", "mvure", "mvure-code")
    assert list(PAPERS) == [f"paper:{word}" for word in words]
    assert all(is_paper(name) for name in PAPERS)
    assert not any(is_paper(name) for name in (*SPLITS, DEFAULT))


def test_heads_have_names_of_their_own():
    heads = {question.head.name for paper in PAPERS.values() for question in paper.questions}
    assert heads.isdisjoint(HEADS)


def test_repeats_are_the_published_ones():
    repeats = {name: [question.repeats for question in paper.questions] for name, paper in PAPERS.items()}
    assert repeats == {
        "paper:hgi": [10, 10],
        "paper:cityfm": [10, 1],
        "paper:urbanmfm": [10, 1],
        "paper:regiondcl": [10],
        "paper:mvure": [1],
        "paper:mvure-code": [1],
    }


@pytest.mark.parametrize("paper", PAPERS.values(), ids=lambda paper: paper.name)
def test_every_protocol_says_what_leaks_what_differs_and_where_it_is_from(paper):
    assert paper.sources
    assert paper.differs
    for question in paper.questions:
        assert question.leaks
        assert "±" in question.spread
        label = paper.label(question)
        assert (label["name"], label["scored"]) == (paper.name, question.words)
        assert label["leaks"] == list(question.leaks)


def test_a_label_names_what_leaks_in_its_own_kind_of_task_only():
    cityfm = PAPERS["paper:cityfm"]
    regions, buildings = (cityfm.label(question)["leaks"] for question in cityfm.questions)
    assert any("maximum over all units" in leak for leak in regions)
    assert not any("parcel" in leak for leak in regions)
    assert any("parcel" in leak for leak in buildings)
    assert not any("maximum" in leak for leak in buildings)


def test_a_question_that_a_paper_does_not_ask_has_no_answer():
    assert PAPERS["paper:mvure"].question("classification", "region") is None
    assert PAPERS["paper:cityfm"].question("regression", "building") is None
    assert PAPERS["paper:mvure"].question("regression", "region").clip_at_zero


def test_unknown_protocol_suggests_nearest():
    with pytest.raises(UnknownName, match=r"Unknown protocol 'paper:mvura'\. Did you mean 'paper:mvure'"):
        get_paper("paper:mvura")
