"""Sheets of questions: what is chosen to be looked at, and how it is drawn."""

import numpy as np
import pytest
from PIL import Image

from urbanbench.asking.drawing import GAP, HIGH, MARGIN, draw_questions
from urbanbench.asking.shown import BEST, shown_questions
from urbanbench.city.drawing.tiles import TILE, wrapped_text
from urbanbench.cli.app import main
from urbanbench.errors import BadInput
from urbanbench.scoring.retrieval.evaluate import evaluate
from urbanbench.scoring.retrieval.sets import draw_sets
from urbanbench.space import EmbeddingSpace


@pytest.fixture(scope="module")
def space(questions):
    ids = questions("geolocation").ids
    vectors = np.random.default_rng(5).normal(size=(len(ids), 16)).astype("float32")
    return EmbeddingSpace("item", ids, vectors)


def test_without_vectors_the_right_candidate_comes_first_then_hard_and_other_ones(questions):
    asked = questions("geolocation")
    sets = draw_sets(asked, (0,))[0]
    for one in shown_questions(asked, 6):
        at = sets.queries.tolist().index(asked.queries.index(one.query))
        drawn = [asked.pool[row] for row in sets.rows[0, at] if row >= 0]
        assert one.right == (True, False, False, False, False)
        assert one.candidates[0] == asked.positive[asked.queries.index(one.query)]
        assert set(one.candidates) <= set(drawn)
        assert one.rank == 0


def test_with_vectors_the_likest_are_shown_and_half_of_the_queries_were_missed(questions, space):
    asked = questions("geolocation")
    shown = shown_questions(asked, 8, space)
    rows = evaluate(space, asked, (0,)).predictions
    ranks = dict(zip(rows["unit_id"].tolist(), rows["predicted[rank]"].tolist(), strict=True))
    assert [one.rank for one in shown] == [ranks[one.query] for one in shown]
    assert sum(one.rank <= BEST for one in shown) == 4
    for one in shown:
        vectors = space.take((one.query, *one.candidates)).vectors.astype("float64")
        cosines = (vectors[1:] @ vectors[0]) / np.linalg.norm(vectors[1:], axis=1)
        assert (np.diff(cosines) <= 1e-6).all()
        assert one.right.index(True) + 1 == one.rank if one.rank <= BEST else not any(one.right)
        right = asked.positive[asked.queries.index(one.query)]
        assert one.missed == ("" if one.rank <= BEST else right)


def test_a_sheet_shows_the_right_candidate_of_a_query_that_was_missed_in_a_column_of_its_own(
    toy, questions, space, tmp_path
):
    asked = questions("geolocation")
    shown = shown_questions(asked, 4, space)
    won = [one for one in shown if not one.missed]
    for name, some in (("all.png", shown), ("won.png", won)):
        draw_questions(toy, asked.exam, some, "Toyville", tmp_path / name)
    whole, less = (np.asarray(Image.open(tmp_path / name)) for name in ("all.png", "won.png"))
    assert whole.shape[1] == less.shape[1] + TILE + GAP
    green = (whole == (0x1B, 0x7F, 0x3B)).all(axis=2)[:, less.shape[1] - MARGIN :]
    assert green.sum() > 2 * 2 * 3 * HIGH


def test_lines_of_a_text_are_as_wide_as_they_may_be_and_no_word_is_lost():
    text = "Saddler Avenue, a street (primary), in an area, Donaudampfschifffahrtsgesellschaft north"
    lines = wrapped_text(text, 11, 120)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert len(lines) > 3
    assert wrapped_text("", 11, 120) == []


def test_the_same_questions_are_the_same_bytes_and_right_candidates_are_framed_green(
    toy, questions, tmp_path
):
    asked = questions("perception")
    for name in ("a.png", "b.png"):
        draw_questions(toy, asked.exam, shown_questions(asked, 3), "Toyville", tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    sheet = np.asarray(Image.open(tmp_path / "a.png"))
    assert sheet.shape[0] == 2 * MARGIN + 40 + 3 * (HIGH + 34)
    assert (sheet == (0x1B, 0x7F, 0x3B)).all(axis=2).sum() > 3 * 4 * HIGH
    with pytest.raises(BadInput, match=r"\.png"):
        draw_questions(toy, asked.exam, shown_questions(asked, 1), "Toyville", tmp_path / "a.jpg")


def test_the_command_counts_draws_and_refuses_other_tasks(tiny_toyville, tmp_path, space, capsys):
    file, sheet = tmp_path / "v.parquet", tmp_path / "sheet.png"
    space.save(file)
    words = ["data", "questions", str(tiny_toyville), "-t"]
    assert main([*words, "geolocation", "-o", str(sheet), "--vectors", str(file), "--count", "2"]) == 0
    assert "57" in capsys.readouterr().out
    assert sheet.is_file()
    assert main([*words, "landuse"]) != 0
    assert "Expected a retrieval task" in capsys.readouterr().err
