"""``urbanbench compare``: words in, sentences, tables, JSON and pictures out."""

import json

import pytest

from urbanbench.cli.app import main


@pytest.fixture
def rows(make_row, folder, village, monkeypatch):
    """Three models on two tasks in the village, whose city folder is found by its name."""
    monkeypatch.setenv("URBANBENCH_DATA", str(village.parent))
    for task in ("popdensity", "income"):
        make_row("fine", 0.3, task=task, preset="small")
        make_row("coarse", 6.0, task=task, preset="small")
        make_row("rough", 8.0, task=task)
    return ["--results", str(folder)]


def told(capsys):
    return capsys.readouterr().out


def test_two_models_are_compared_in_words_and_in_a_table(rows, capsys):
    assert main(["compare", "fine", "coarse", *rows, "-c", "village", "--wide"]) == 0
    out = told(capsys)
    assert out.startswith("In short: on the 2 questions that both answer, fine ")
    assert "On popdensity in village (split random, head mlp) fine is " in out
    assert "after Holm over 2 questions; spatial t test over units" in out
    assert "village · income · random · mlp      fine - coarse" in out
    assert "Note on" not in out


def test_filters_narrow_the_questions(rows, capsys):
    assert main(["compare", "fine", "coarse", *rows, "-t", "inc*", "--json"]) == 0
    found = json.loads(told(capsys))
    [one] = found["comparisons"]
    assert (one["task"], found["family"], one["p"]) == ("income", 1, one["p_holm"])
    assert one["models"] == ["fine", "coarse"]
    assert one["interval"][0] <= one["difference"] <= one["interval"][1]
    assert one["p_naive"] < one["p"]
    assert main(["compare", "fine", "coarse", *rows, "--split", "block"]) == 3
    assert "'fine' has no row that fits --split block" in capsys.readouterr().err


def test_runs_and_files_are_named_too(rows, make_row, capsys):
    one = make_row("other", 2.0, preset="quick")
    assert main(["compare", one.run_id[:9], str(make_row("fine", 0.3, preset="small").file), *rows]) == 0
    assert "than other (quick) over 10 shared splits" in told(capsys)


def test_three_models_are_ranked_and_drawn_as_a_diagram(rows, capsys, tmp_path):
    picture = tmp_path / "ranks.svg"
    assert main(["compare", "rough", "fine", "coarse", *rows, "-o", str(picture), "--wide"]) == 0
    out = told(capsys)
    assert "Holm over 6 comparisons" in out
    first = next(line for line in out.splitlines() if line.startswith("fine ") and "1.00" in line)
    assert first.split()[:2] == ["fine", "1.00"]
    assert "Friedman: p = " in out
    assert "critical" not in out
    assert picture.read_text(encoding="utf-8").startswith("<?xml")


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_a_picture_of_two_models_is_the_same_every_time(rows, tmp_path, suffix):
    files = [tmp_path / f"{name}.{suffix}" for name in "ab"]
    for file in files:
        assert main(["compare", "fine", "coarse", *rows, "-o", str(file)]) == 0
    first, second = (file.read_bytes() for file in files)
    assert first == second
    assert len(first) > 1000


def test_a_city_that_is_not_at_hand_is_said(make_row, folder, capsys):
    for name, noise in (("fine", 0.3), ("coarse", 6.0)):
        make_row(name, noise, city="atlantis")
    empty = folder.parent / "empty"
    empty.mkdir()
    assert main(["compare", "fine", "coarse", "--results", str(folder), "--results", str(empty)]) == 0
    assert main(["compare", "fine", "coarse", "--results", str(folder)]) == 0
    out = told(capsys)
    assert "Note on atlantis · popdensity · random · mlp: where its units lie is not known" in out
    assert "corrected resampled t" in out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["fine"], 2, "compare got 1 model. Expected two or more."),
        (["fine", "cuarse"], 2, "Unknown model 'cuarse'. Did you mean 'coarse'?"),
        (["fine", "coarse", "-o", "x.gif"], 2, "'x.gif' has suffix '.gif'. Expected .png, .svg or .pdf"),
        (["fine", "coarse", "--metric", "f1_macro"], 2, "has no metric 'f1_macro'"),
    ],
)
def test_mistakes_are_answered_in_a_sentence(rows, capsys, words, code, said):
    assert main(["compare", *words, *rows]) == code
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_rows_that_are_not_comparable_name_the_difference(rows, make_row, capsys):
    make_row("ridged", 1.0, head="ridge")
    assert main(["compare", "fine", "ridged", *rows]) == 2
    assert "'fine' and 'ridged' answer no question in common" in (error := capsys.readouterr().err)
    assert "head mlp against ridge" in error


def test_paper_rows_are_left_out_unless_asked_for(rows, make_row, capsys):
    for name, noise in (("fine", 0.3), ("coarse", 6.0)):
        make_row(name, noise, preset="small", split="paper:hgi", head="forest-100")
    assert main(["compare", "fine", "coarse", *rows]) == 0
    assert "paper:hgi" not in told(capsys)
    assert main(["compare", "fine", "coarse", *rows, "--protocol", "paper:*", "--rope", "0.05"]) == 0
    assert "split paper:hgi, head forest-100" in (out := told(capsys))
    assert "better by more than 0.05" in out


@pytest.mark.parametrize(
    ("p", "written"), [(0.0, "< 0.0001"), (3e-7, "< 0.0001"), (0.00012, "0.0001"), (0.5, "0.5000")]
)
def test_a_probability_too_small_to_write_is_not_called_nought(make_row, folder, p, written):
    from dataclasses import replace

    from urbanbench.api import compare
    from urbanbench.cli.comparing import to_text
    from urbanbench.terminal import Screen

    make_row("fine", 0.3)
    make_row("coarse", 6.0)
    made = compare(["fine", "coarse"], results=str(folder)).made
    [[one]] = made.matches.values()
    judged = replace(one, verdict=replace(one.verdict, p=p), adjusted_p=p)
    text = to_text(replace(made, matches={(0, 1): [judged]}), Screen(width=None))
    [line] = [line for line in text.splitlines() if "fine - coarse" in line]
    assert f"  {written}  " in line
    assert "0.0000" not in line


def test_large_numbers_of_what_would_separate_two_are_written_alike():
    from urbanbench.judging.power import Needed
    from urbanbench.judging.words import needs_words

    said = needs_words(Needed(power=0.1, seeds=1234, units=23_456, cities=3456), 10)
    assert said.startswith("1,234 seeds, 23,456 units or 3,456 cities like this one would be needed")


def test_no_value_of_a_parameter_is_a_choice_that_can_be_read(make_row, folder, capsys):
    make_row("fine", 0.3)
    make_row("coarse", 0.3)
    assert main(["compare", "fine,preset=tiny", "coarse", "--results", str(folder)]) == 2
    assert "has preset=tiny. Expected preset= without a value." in capsys.readouterr().err
    make_row("fine", 0.3, preset="small")
    assert main(["compare", "fine,preset=tiny", "coarse", "--results", str(folder)]) == 2
    assert "Expected one of: small or preset= without a value." in capsys.readouterr().err
    assert main(["compare", "fine,preset=", "coarse", "--results", str(folder)]) == 0
