"""Figures for papers: floors in them, one range for one measure, the form by the file's ending, the same bytes every time."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.markers import CARETLEFT, CARETRIGHT

from urbanbench.board.numbers import Score
from urbanbench.cli.app import main
from urbanbench.errors import BadInput, DataMissing
from urbanbench.experiments.kinds.charts import Panel, Trace, dot_figure, line_figure
from urbanbench.figures.files import ENDINGS, check_ending
from urbanbench.plots.choosing import pages_of
from urbanbench.plots.gains import gain_figures
from urbanbench.plots.ranks import rank_figure
from urbanbench.plots.scores import score_figures
from urbanbench.result import RunResult, RunSpec
from urbanbench.run import resolve
from urbanbench.store import ResultStore


def result(model, values, *, floor=False, task="popdensity", used=("poi",)):
    """A result in the layout of a file, of a model and a task that need not exist."""
    values = [float(one) for one in values]
    known = resolve(RunSpec("tfidf", "popdensity", "toyville", split="block")).cell
    cell = replace(known, model=model, task=task, parameters={}, seeds=tuple(range(len(values))))
    made = RunResult(
        "ok",
        cell,
        model={
            "title": model, "floor": floor, "inputs_declared": list(used), "inputs_touched": list(used),
            "inputs_allowed": ["poi", "polygon"], "settings": {}, "variant": {}, "dim": 4, "lacks": [], "knows_place": "",
        },
        task={"title": "T", "kind": "regression", "level": "region", "label": task, "unit": "x", "withholds": []},
        scores={"r2": values, "rmse": [1 - one for one in values]},
        evaluation={
            "main_metric": "r2", "n_units": 50, "n_uncovered": 0, "n_train": 30, "n_val": 10, "n_test": 10,
            "block_size_m": 500.0, "head_details": [],
        },
        cost={"embed_seconds": 2.0, "head_seconds": 1.0, "peak_rss_mb": 100.0},
        provenance={"cpu": "a processor", "cores": 2, "split_digest": task},
    )  # fmt: skip
    return made.to_dict()


@pytest.fixture
def results():
    rng = np.random.default_rng(5)
    return [
        result(name, at + 0.05 * rng.normal(size=5), floor=name == "tfidf", task=task)
        for task in ("popdensity", "income")
        for name, at in (("hgi", 0.5), ("cityfm", 0.3), ("tfidf", 0.7))
    ]


def test_scores_of_one_metric_share_their_range_and_floors_stand_in_them(results):
    [figure] = score_figures(results)
    first, second = figure.drawn().axes
    assert first.get_xlim() == second.get_xlim()
    names = [tick.get_text() for tick in first.get_yticklabels()]
    assert names == ["tfidf", "hgi", "cityfm"]
    low, high = first.get_xlim()
    means = [np.mean(one["scores"]["r2"]) for one in results]
    assert low < min(means) < max(means) < high


def test_a_row_far_below_all_others_is_told_at_the_edge(results):
    far = result("broken", [-900.0, -1000.0, -1100.0, -1000.0, -1000.0])
    [figure] = score_figures([*results, far])
    axes = next(
        one for one in figure.drawn().axes if "broken" in [t.get_text() for t in one.get_yticklabels()]
    )
    assert axes.get_xlim()[0] > -5
    assert any("-1e+03" in text.get_text() for text in axes.texts)


def _marks(axes):
    return {(line.get_marker(), float(line.get_xdata()[0])) for line in axes.get_lines()}


def test_a_whisker_that_goes_on_beyond_the_panel_ends_in_an_arrowhead(results):
    wide = result("wide", [0.5, 9.5, 0.4, -8.6, 0.5])
    [figure] = score_figures([*results, wide])
    drawn = figure.drawn()
    first = next(one for one in drawn.axes if "wide" in [t.get_text() for t in one.get_yticklabels()])
    low, high = first.get_xlim()
    assert {(CARETLEFT, low), (CARETRIGHT, high)} <= _marks(first)
    assert any("whisker goes on" in text.get_text() for text in drawn.legends[0].get_texts())


def test_no_arrowhead_stands_where_every_whisker_ends_in_the_panel(results):
    drawn = score_figures(results)[0].drawn()
    assert not any(mark in {CARETLEFT, CARETRIGHT} for axes in drawn.axes for mark, _ in _marks(axes))
    assert not any("whisker goes on" in text.get_text() for text in drawn.legends[0].get_texts())


@pytest.mark.parametrize("signs", [20, 120, 400])
def test_names_of_any_length_leave_room_for_dots(results, signs):
    spec = results[0]["spec"] | {"model": "hgi" + "x" * signs}
    [figure] = score_figures([results[0] | {"spec": spec}, *results[1:]])
    figure.to_bytes("pdf")
    drawn = figure.drawn()
    drawn.canvas.draw()
    widths = [axes.get_position().width * drawn.get_figwidth() for axes in drawn.axes]
    assert min(widths) > 2


def test_many_tables_are_drawn_on_several_pages(results, tmp_path):
    many = [
        result(name, (0.1, 0.2, 0.3), task=f"task{k}", floor=name == "tfidf")
        for k in range(30)
        for name in ("hgi", "tfidf")
    ]
    figures = score_figures(many)
    assert len(figures) >= 3
    assert sum(len(figure.drawn().axes) for figure in figures) == 30
    assert len({figure.name for figure in figures}) == len(figures)


def test_pages_keep_together_what_belongs_together():
    panels = [("a", 5.0), ("a", 5.0), ("b", 3.0), ("b", 3.0), ("c", 20.0)]
    pages = pages_of(panels, "panels", lambda one: one[1], lambda one: one[0])
    assert pages == [[("a", 5.0), ("a", 5.0)], [("b", 3.0), ("b", 3.0)], [("c", 20.0)]]
    with pytest.raises(DataMissing, match="has panels to draw"):
        pages_of([], "panels", lambda _: 1.0, str)


def test_ranks_are_those_of_the_rows_that_answer_the_same_questions(results):
    lonely = result("only-here", (0.9,) * 5)
    figure = rank_figure([*results, lonely])
    words = [text.get_text() for text in figure.drawn().axes[0].texts]
    assert any(word.startswith("tfidf (floor) 1.00") for word in words)
    assert any(word.startswith("cityfm 3.00") for word in words)
    assert not any("only-here" in word for word in words)
    with pytest.raises(
        BadInput, match=r"^Ranks got 3 rows of 1 question, and no three rows .* Expected three rows or more"
    ):
        rank_figure(results[:3])


def test_ranks_of_floors_alone_say_that_rows_of_models_are_missing(results):
    floors = [one for one in results if one["model"]["floor"]]
    with pytest.raises(DataMissing, match="2 finished rows of floors and none of a model"):
        rank_figure(floors)


def test_ranks_are_of_as_many_questions_as_the_rows_with_room_in_a_diagram_answer():
    rng, names = np.random.default_rng(6), [f"m{k:02}" for k in range(50)]
    wide = [result(name, rng.normal(size=3), task=task) for task in ("income", "gdp") for name in names]
    narrow = [result(name, rng.normal(size=3), task="crime") for name in names[:24]]
    figure = rank_figure([*wide, *narrow])
    assert "over 3 questions" in figure.drawn().get_supxlabel()


def test_a_row_more_in_a_diagram_is_worth_some_questions():
    rng = np.random.default_rng(7)
    few = [result(name, rng.normal(size=3), task=f"t{k}") for k in range(10) for name in "abc"]
    more = [result(name, rng.normal(size=3), task=f"t{k}") for k in range(5) for name in "de"]
    words = _words(rank_figure([*few, *more]))
    assert {one[0] for one in words if one[0] in "abcde" and one[1] == " "} == set("abcde")


def _words(figure):
    return [text.get_text().replace("\n", " ") for text in figure.drawn().axes[0].texts]


def _with(one, *, model=None, inputs=None, seed=0, head=None, training=()):
    spec = one["spec"] | {"model_seed": seed} | ({"inputs": inputs} if inputs else {})
    spec |= {"head": head} if head else {}
    run = f"{one['run_id']} {inputs} {seed} {head}"
    return one | {
        "spec": spec, "run_id": run, "model": one["model"] | (model or {}), "training": list(training),
    }  # fmt: skip


def test_ranks_know_a_model_whatever_its_trainings_and_what_it_lacked(results):
    """Of one question CityFM has two trainings, of the other one that lacked a part and had not converged."""
    cut = [{"name": "shape", "steps": 5, "converged": False}]
    others = [one for one in results if one["spec"]["model"] != "cityfm"]
    twice = [_with(result("cityfm", (0.3,) * 5, task="income"), seed=seed) for seed in (0, 1)]
    lacking = _with(result("cityfm", (0.3,) * 5), model={"lacks": ["no stage road"]}, training=cut)
    words = _words(rank_figure([*others, *twice, lacking]))
    assert [one for one in words if one.startswith("cityfm")] == ["cityfm (no stage road) ◇ 3.00"]


def test_ranks_take_the_row_of_most_trainings_and_no_floor_of_another_head(results):
    lucky = [
        _with(result("cityfm", (0.9,) * 5, task=task), inputs="poi,polygon")
        for task in ("popdensity", "income")
    ]
    twice = [_with(one, seed=seed) for one in results if one["spec"]["model"] == "cityfm" for seed in (0, 1)]
    hgi = [one for one in results if one["spec"]["model"] == "hgi"]
    tasks = ("popdensity", "income")
    low = [result("tfidf", (0.1,) * 5, floor=True, task=task) for task in tasks]
    high = [_with(result("tfidf", (0.99,) * 5, floor=True, task=task), head="ridge") for task in tasks]
    words = _words(rank_figure([*lucky, *twice, *hgi, *low, *high]))
    assert [one for one in words if one.startswith("cityfm")] == ["cityfm 2.00"]
    assert [one for one in words if one.startswith("tfidf")] == ["tfidf (floor) 3.00"]


def test_ranks_keep_rows_of_other_inputs_apart(results):
    some = [_with(result("cityfm", (0.9,) * 5, task=task), inputs="poi") for task in ("popdensity", "income")]
    words = _words(rank_figure([*results, *some]))
    assert {one.rpartition(" ")[0] for one in words if one.startswith("cityfm")} == {"cityfm", "cityfm, poi"}


def test_ranks_call_a_row_that_was_offered_all_it_declares_one_of_all_inputs(results):
    some = [
        _with(result(name, (0.9,) * 5, task=task, used=("poi", *more)), inputs="poi")
        for task in ("popdensity", "income")
        for name, more in (("m", ()), ("n", ("polygon",)))
    ]
    words = _words(rank_figure([*results, *some]))
    assert {one.rpartition(" ")[0] for one in words if one[0] in "mn"} == {"m", "n, poi"}


def test_ranks_take_no_row_of_an_older_question(results):
    old = [
        result("cityfm", (0.9,) * 5, task=task) | {"versions": {"head": 1}}
        for task in ("popdensity", "income")
    ]
    for one in old:
        one["run_id"] = f"{one['run_id']} old"
    figure = rank_figure([*(one | {"versions": {"head": 2}} for one in results), *old])
    words = [text.get_text() for text in figure.drawn().axes[0].texts]
    assert any(word.startswith("cityfm 3.00") for word in words)


def test_gains_want_rows_that_say_what_they_add(results):
    with pytest.raises(DataMissing, match="run with --adds"):
        gain_figures(results)


@pytest.fixture
def folder(results, tmp_path):
    store = ResultStore(tmp_path / "kept")
    for one in results:
        store.save(RunResult.from_dict(one))
    return store.folder


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_form_is_chosen_by_the_ending_and_the_same_results_give_the_same_bytes(
    folder, tmp_path, ending, capsys
):
    files = [tmp_path / f"{name}{ending}" for name in "ab"]
    for file in files:
        assert main(["plot", str(folder), "--what", "scores", "-t", "income", "-o", str(file)]) == 0
    first, second = (file.read_bytes() for file in files)
    assert first == second
    assert first.startswith({".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[ending])
    assert "Drawn: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["-o", "x.gif"], 2, "'x.gif' has suffix '.gif'. Expected .png, .svg or .pdf"),
        (["--what", "scatter"], 2, "Unknown plot 'scatter'"),
        (["-m", "hgj"], 2, "Unknown model 'hgj'. Did you mean 'hgi'? Known: cityfm, hgi, tfidf."),
        (["-m", "hgi,nobody*"], 2, "Unknown model 'nobody*'. Known: cityfm, hgi, tfidf."),
        (["--head", "mlpp"], 2, "Unknown head 'mlpp'. Did you mean 'mlp'? Known: mlp."),
        (["--inputs", "poi,polygn"], 2, "Unknown inputs 'poi,polygn'. Known: full."),
        (["--what", "ladder"], 2, "has no figure for 6 results"),
    ],
    ids=["ending", "word", "model", "pattern", "head", "inputs", "no figure"],
)
def test_mistakes_are_answered_in_a_sentence(folder, tmp_path, monkeypatch, capsys, words, code, said):
    monkeypatch.chdir(tmp_path)
    assert main(["plot", str(folder), *words]) == code
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_models_are_chosen_and_floors_stay(folder, tmp_path):
    assert main(["plot", str(folder), "-m", "hgi", "-t", "income", "-o", str(tmp_path / "a.svg")]) == 0
    assert (
        main(["plot", str(folder), "-m", "hgi", "-t", "income", "--no-floors", "-o", str(tmp_path / "b.svg")])
        == 0
    )
    assert (tmp_path / "a.svg").read_bytes() != (tmp_path / "b.svg").read_bytes()


def test_words_for_several_models_stand_for_them(results, tmp_path):
    store = ResultStore(tmp_path / "kept")
    for one in results:
        store.save(RunResult.from_dict(one))
    texts = {}
    for word in ("floors", "learned", "all"):
        file = tmp_path / f"{word}.svg"
        asked = [] if word == "all" else ["-m", word]
        assert main(["plot", str(store.folder), *asked, "-o", str(file)]) == 0
        texts[word] = "cityfm" in "".join(path.read_text() for path in tmp_path.glob(f"{word}*.svg"))
    assert texts == {"floors": False, "learned": True, "all": True}


def test_inputs_are_a_set_whatever_their_order(results, tmp_path):
    store = ResultStore(tmp_path / "kept")
    store.save(RunResult.from_dict(results[0] | {"spec": results[0]["spec"] | {"inputs": "poi,polygon"}}))
    files = [tmp_path / name for name in ("a.svg", "b.svg")]
    for words, file in zip(("poi,polygon", "polygon, poi"), files, strict=True):
        asked = ["plot", str(store.folder), "--inputs", words, "--no-floors", "-o", str(file)]
        assert main(asked) == 0
    assert files[0].read_bytes() == files[1].read_bytes()


def test_floors_alone_are_not_drawn_where_a_model_was_asked_for(results, tmp_path, capsys):
    store = ResultStore(tmp_path / "kept")
    ridge = [one | {"spec": one["spec"] | {"head": "ridge"}} for one in results[1:3]]
    for one in (results[0], *ridge):
        store.save(RunResult.from_dict(one))
    assert (
        main(["plot", str(store.folder), "-m", "hgi", "--head", "ridge", "-o", str(tmp_path / "a.svg")]) == 3
    )
    assert "No result of a model fits, of 3 results" in capsys.readouterr().err


def test_a_floor_may_be_asked_for_by_its_name(folder, tmp_path):
    assert main(["plot", str(folder), "-m", "tfidf", "-o", str(tmp_path / "a.svg")]) == 0


def test_an_ending_in_capitals_is_understood(tmp_path):
    assert check_ending(tmp_path / "FIG.PDF") == "pdf"


def test_no_two_of_twelve_lines_look_alike():
    traces = [Trace(f"row {k}", (0.0, 1.0), (0.1 * k, 0.2 * k)) for k in range(12)]
    [axes] = line_figure("n", "t", [Panel("p", "x", "y", traces)]).drawn().axes[:1]
    looks = {(line.get_color(), line.get_linestyle()) for line in axes.get_lines()}
    assert len(looks) == 12


def test_panels_of_one_measure_have_one_range_and_others_their_own():
    panels = [
        Panel("a", "x", "R²", [Trace("one", [0, 1], [0.1, 0.2])]),
        Panel("b", "x", "R²", [Trace("one", [0, 1], [0.5, 0.9])]),
        Panel("c", "x", "loss", [Trace("one", [0, 1], [5.0, 9.0])]),
    ]
    first, second, third = line_figure("n", "t", panels).drawn().axes[:3]
    assert first.get_ylim() == second.get_ylim()
    assert third.get_ylim()[0] > 2
    apart = line_figure("n", "t", panels, one_measure=False).drawn().axes
    assert apart[0].get_ylim() != apart[1].get_ylim()


def test_a_table_figure_has_its_floor_and_one_axis_for_measured_and_published():
    ours = {"random": [Score((0.2, 0.3)), Score((0.4, 0.5))]}
    printed = ("published", [(0.9, 0.01), None])
    floor = {"random": Score((0.6, 0.7))}
    left, right = dot_figure("n", "t", "R²", ["A", "B"], ours, printed, floor=floor).drawn().axes
    assert [tick.get_text() for tick in left.get_yticklabels()] == ["A", "B", "best floor of these inputs"]
    assert left.get_xlim() == right.get_xlim()
    apart = dot_figure("n", "t", "RMSE", ["A", "B"], ours, printed, one_measure=False).drawn().axes
    assert apart[0].get_xlim() != apart[1].get_xlim()
