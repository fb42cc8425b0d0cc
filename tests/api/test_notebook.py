"""Vectors, scores and verdicts from Python: the numbers of the command line, and a reason where there are none."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys

import numpy as np
import pytest

import urbanbench as ub
from urbanbench.api import Result, Results
from urbanbench.cli.app import main
from urbanbench.errors import BadInput, NoScores, RunRefused, UnknownName

CITY = "toyville:tiny"


@pytest.fixture(scope="module")
def city():
    return ub.load_city(CITY)


@pytest.fixture(scope="module")
def counted(city):
    return ub.embed("poi-counts", city)


@pytest.fixture(scope="module")
def ran(city, tmp_path_factory):
    asked = {"heads": "ridge", "out": tmp_path_factory.mktemp("runs")}
    return ub.run(
        ["poi-counts", "tfidf", "building-stats"], "popdensity", city, inputs="poi", floors=False, **asked
    )


class PoiTotal(ub.Model):
    """How many POIs a region holds; a class of this session, which no plugin file holds."""

    card = ub.ModelCard(title="POI total", summary="POIs per region.", needs=("poi",), embeds=("region",))

    def embed(self, view, *, units, seed, device):
        del seed, device
        counts = view.pois["region_id"].value_counts().reindex(list(units.ids), fill_value=0)
        return ub.EmbeddingSpace(units.level, np.array(units.ids), counts.to_numpy("float32")[:, None])


def plugin_file(folder):
    """Write the class into a plugin file of its own."""
    body = inspect.getsource(PoiTotal).replace("ub.", "urbanbench.").replace("np.", "numpy.")
    file = folder / "total.py"
    file.write_text(f"import numpy\nimport urbanbench\n\n\n{body}", encoding="utf-8")
    return file


def test_vectors_scored_here_have_the_scores_of_the_command_line(counted, tmp_path, capsys):
    words = ["run", "-m", "poi-counts", "-t", "popdensity", "-c", CITY, "--head", "ridge", "--no-floors"]
    assert main([*words, "--json", "--out", str(tmp_path)]) == 0
    [told] = json.loads(capsys.readouterr().out)
    result = ub.evaluate(counted, "popdensity", head="ridge")
    assert {name: result.scores[name].tolist() for name in result.scores} == told["scores"]
    assert result.raw.run_id == told["run_id"]


def test_scores_are_a_table_of_seeds_and_metrics_with_the_main_one_first(counted):
    result = ub.evaluate(counted, "popdensity", head="ridge", seeds=[3, 1])
    assert result.scores.index.tolist() == [3, 1]
    assert result.scores.columns[0] == result.main_metric == "r2"
    column = result.scores["r2"].to_numpy()
    assert result.summary.loc["r2", "mean"] == pytest.approx(np.mean(column))
    assert result.summary.loc["r2", "sd"] == pytest.approx(np.std(column, ddof=1))


def test_predictions_give_the_scores_that_the_result_has(counted):
    from sklearn.metrics import r2_score

    result = ub.evaluate(counted, "popdensity", head="ridge", seeds=2)
    told = result.predictions.groupby("seed")[["true", "predicted"]].apply(
        lambda one: r2_score(one["true"], one["predicted"])
    )
    assert told.to_numpy() == pytest.approx(result.scores["r2"].to_numpy(), abs=1e-5)


@pytest.mark.parametrize("task", ["landuse", "landuse-shares"])
def test_vectors_that_saw_what_a_task_withholds_are_refused_with_the_line_that_mends_it(counted, task):
    with pytest.raises(RunRefused, match=rf"withholds landuse.*for_task='{task}'"):
        ub.evaluate(counted, task)


def test_vectors_made_for_a_task_are_scored_on_it_and_on_those_that_show_the_model_the_same(
    city, telling_village
):
    space = ub.embed("poi-counts", city, for_task="landuse")
    alone = ub.evaluate(space, "landuse", head="ridge", seeds=2)
    assert ub.evaluate(space, "landuse-shares", head="ridge", seeds=2).main_metric == "r2"
    assert alone.raw.task["withholds"] == ["landuse"]
    # No POI of the built-in city tells its land use, so nothing of them was hidden; one of the village does.
    assert ub.evaluate(space, "popdensity", head="ridge", seeds=2).raw.task["withholds"] == []
    hidden = ub.embed("poi-counts", telling_village, for_task="landuse")
    with pytest.raises(RunRefused, match="without landuse, which task 'popdensity' lets models see"):
        ub.evaluate(hidden, "popdensity")


def test_vectors_of_regions_are_refused_where_buildings_are_labelled(counted):
    with pytest.raises(RunRefused, match=r"labels buildings.*Mend: ub.embed\('poi-counts'"):
        ub.evaluate(counted, "building-function")


def test_vectors_are_refused_after_their_model_has_changed(city, tmp_path):
    file = plugin_file(tmp_path)
    space = ub.embed(file, city)
    file.write_text(
        file.read_text(encoding="utf-8").replace("fill_value=0)", "fill_value=0) + 1"), encoding="utf-8"
    )
    with pytest.raises(RunRefused, match="not those that these vectors were made from any more"):
        ub.evaluate(space, "popdensity")


@pytest.mark.parametrize("how", ["class", "object"])
def test_a_class_of_the_session_is_a_model_everywhere(city, how, tmp_path):
    model = PoiTotal if how == "class" else PoiTotal()
    scored = ub.evaluate(ub.embed(model, city), "popdensity", head="ridge", seeds=2)
    ran = ub.run(model, "popdensity", city, heads="ridge", seeds=2, floors=False, out=tmp_path)
    spec = ub.RunSpec(model, "popdensity", city, head="ridge", seeds=(0, 1))
    assert scored.scores.equals(ran[0].scores)
    assert ub.execute(spec).scores["r2"] == scored.scores["r2"].tolist()
    assert scored.raw.cell.model == "here:PoiTotal"


def test_vectors_of_a_class_of_the_session_are_never_taken_from_before(city, monkeypatch):
    ones = ub.embed(PoiTotal, city).vectors

    def doubled(self, view, *, units, seed, device):
        space = PoiTotal.embed_before(self, view, units=units, seed=seed, device=device)
        return ub.EmbeddingSpace(space.level, space.ids, 2 * space.vectors)

    monkeypatch.setattr(PoiTotal, "embed_before", PoiTotal.embed, raising=False)
    monkeypatch.setattr(PoiTotal, "embed", doubled)
    assert (ub.embed(PoiTotal, city).vectors == 2 * ones).all()


def test_objects_are_turned_into_the_words_that_name_them(city):
    hgi = ub.load_model("hgi")
    spec = ub.RunSpec(
        hgi(**(dict(hgi.presets["small"]) | {"dim": 32})), ub.load_task("label:income", CITY), city
    )
    assert (spec.model, spec.preset, spec.settings) == ("hgi", "small", (("dim", "32"),))
    assert (spec.task, spec.city) == ("label:income", CITY)


def test_a_plugin_file_and_its_class_are_the_same_model(city, tmp_path):
    file = plugin_file(tmp_path)
    by_path, by_class = ub.embed(file, city), ub.embed(ub.load_model(str(file)), city)
    assert by_path.made.key.digest == by_class.made.key.digest
    assert (by_path.vectors == ub.embed(PoiTotal, city).vectors).all()


@pytest.mark.parametrize("kind", ["space", "frame", "file"])
def test_vectors_of_anybody_are_scored_where_their_city_is_named(counted, city, kind, tmp_path):
    given = {
        "space": ub.EmbeddingSpace(counted.level, counted.ids, counted.vectors),
        "frame": counted.frame,
        "file": tmp_path / "mine.parquet",
    }
    counted.save(given["file"])
    with pytest.raises(BadInput, match="city='NAME or PATH'"):
        ub.evaluate(given[kind], "popdensity")
    mine = ub.evaluate(given[kind], "popdensity", city=city, head="ridge", inputs="poi")
    assert mine.scores.equals(ub.evaluate(counted, "popdensity", head="ridge").scores)


def test_a_refused_run_says_why_instead_of_a_missing_key(city):
    with pytest.raises(RunRefused, match="needs input 'poi'"):
        ub.embed("spabert", city, inputs="road")
    result = ub.execute(ub.RunSpec("spabert", "popdensity", CITY, inputs="road"))
    with pytest.raises(NoScores, match=r"was refused\. Model 'spabert' needs input 'poi'"):
        result.scores["r2"]
    assert result.scores == {}


def test_a_failed_run_says_why(city):
    class Broken(PoiTotal):
        """Divides by nothing."""

        def embed(self, view, *, units, seed, device):
            return 1 / 0

    result = ub.execute(ub.RunSpec(Broken, "popdensity", city))
    with pytest.raises(NoScores, match=r"failed\. .*ZeroDivisionError"):
        result.scores["r2"]


def test_a_metric_that_a_task_does_not_have_is_told_with_those_it_has(counted):
    result = ub.evaluate(counted, "popdensity", head="ridge", seeds=2)
    with pytest.raises(UnknownName, match=r"Unknown metric 'f1_macro'.*r2"):
        result.raw.scores["f1_macro"]


def test_runs_are_rows_and_refused_ones_keep_their_reason(ran):
    assert len(ran) == 3
    table = ran.table.set_index("model")
    assert table.loc["building-stats", "status"] == "refused"
    assert "polygon" in table.loc["building-stats", "reason"]
    assert len(ran.finished.scores) == 2 * 10 * 4
    with pytest.raises(NoScores, match="polygon"):
        ran.where(model="building-stats")[0].scores  # noqa: B018
    with pytest.raises(BadInput, match="no field 'modell'"):
        ran.where(modell="area")


def test_the_best_row_of_a_question_stands_first(ran):
    means = ran.finished.table["mean"]
    assert means.is_monotonic_decreasing
    assert len(means) == 2


def test_a_finished_run_is_not_computed_again(city, ran):
    told = []
    folder = ran[0].raw.file.parents[2]
    ub.run(
        "poi-counts",
        "popdensity",
        city,
        inputs="poi",
        heads="ridge",
        floors=False,
        out=folder,
        progress=lambda one, new: told.append((one.status, new)),
    )
    assert told == [("ok", False)]


def test_a_comparison_says_what_the_command_says(ran, capsys):
    found = ub.compare(["poi-counts", "tfidf"], results=ran)
    folder = str(ran[0].raw.file.parents[2])
    assert main(["compare", "poi-counts", "tfidf", "--results", folder, "--json"]) == 0
    [told] = json.loads(capsys.readouterr().out)["comparisons"]
    assert [told["words"]] == found.words
    assert found.table.loc[0, "difference"] == told["difference"]
    assert repr(ub.compare(ran)) == repr(found) == repr(ub.compare(list(ran.finished)))


def test_a_comparison_of_one_or_of_a_refused_run_is_told(ran):
    with pytest.raises(BadInput, match="compare got 1 side"):
        ub.compare(["poi-counts"], results=ran)
    with pytest.raises(NoScores, match="polygon"):
        ub.compare([ran.where(model="building-stats")[0], ran[0]])


def test_a_leaderboard_has_the_numbers_of_its_runs(ran, tmp_path):
    board = ub.leaderboard(ran)
    [table] = board.tables.values()
    best = ran.finished.table.iloc[0]
    assert table.loc[0, "mean"] == pytest.approx(best["mean"])
    assert table["model"].tolist() == ran.finished.table["model"].tolist()
    assert board.save(tmp_path / "board.md").read_text(encoding="utf-8") == board.to("md")
    first = board.save_pages(tmp_path / "boards", "html")
    assert first == tmp_path / "boards" / "index.html"
    assert first.read_text(encoding="utf-8") == board.pages("html")["index.html"]
    with pytest.raises(UnknownName, match="board format"):
        board.save(tmp_path / "board.docx")


def test_results_come_back_from_their_folder(ran):
    again = ub.load_results(ran[0].raw.file.parents[2])
    assert set(again.table["model"]) == set(ran.table["model"])
    assert ub.load_results(ran[0].raw.file)[0].scores.equals(ran[0].scores)


def test_everything_shows_itself_and_no_name_is_taken_for_markup(city, counted, ran):
    result = ran.where(model="poi-counts")[0]
    shown = [
        city,
        counted,
        result,
        ran,
        ub.compare(ran),
        ub.leaderboard(ran),
        ran.where(model="building-stats")[0],
    ]
    for one in shown:
        html = one._repr_html_()
        assert html.startswith("<")
        assert "<" not in repr(one)
    strange = Result(ub.RunResult("refused", result.raw.cell, reason="<script>alert(1)</script>"))
    for html in (strange._repr_html_(), Results([strange])._repr_html_()):
        assert "<script>" not in html
        assert "&lt;script&gt;" in html


@pytest.mark.parametrize("what", ["city", "label", "vectors", "residuals"])
def test_maps_are_pictures_small_enough_to_keep(what, city, counted, ran, tmp_path):
    picture = {
        "city": city.map,
        "label": lambda: city.map("landuse"),
        "vectors": lambda: counted.map(2),
        "residuals": ran.where(model="tfidf")[0].map,
    }[what]()
    png = picture._repr_png_()
    assert png.startswith(b"\x89PNG")
    assert len(png) < 120_000
    assert picture.save(tmp_path / "map.svg").read_text(encoding="utf-8").lstrip().startswith("<?xml")


def test_a_column_of_vectors_is_mapped_by_its_place_or_by_its_name_in_the_frame(counted):
    pictures = [counted.map(column)._repr_png_() for column in (2, "d2", np.int64(2))]
    assert pictures[0] == pictures[1] == pictures[2]
    for column in ("e2", "2", "d", f"d{counted.dim}", counted.dim, -1, 1.0, None, True):
        with pytest.raises(BadInput, match=f"or from 'd0' to 'd{counted.dim - 1}'"):
            counted.map(column)


def test_residuals_are_the_mean_error_of_each_unit(ran):
    result = ran.where(model="tfidf")[0]
    told = result.predictions
    wanted = (told["predicted"] - told["true"]).groupby(told["unit_id"]).mean()
    found = result.residuals().set_index("region_id")["error"]
    assert found.to_numpy() == pytest.approx(wanted.loc[found.index].to_numpy())


def test_questions_that_are_asked_with_items_go_the_same_way(city, tmp_path):
    ran = ub.run(
        ["text-overlap", "majority-answer"], "spatial-grounding", city, seeds=2, floors=False, out=tmp_path
    )
    space = ub.embed("text-overlap", city, for_task="spatial-grounding")
    again = ub.evaluate(space, "spatial-grounding", seeds=2)
    assert again.scores.equals(ran.where(model="text-overlap")[0].scores)
    assert ran.table["mean"].is_monotonic_decreasing
    assert ub.compare(ran).table["metric"].tolist() == [again.main_metric]
    with pytest.raises(BadInput, match="is a retrieval"):
        again.residuals()
    with pytest.raises(RunRefused, match="these are vectors of regions"):
        ub.evaluate(ub.embed("poi-counts", city), "spatial-grounding")


def test_run_stays_callable_whatever_is_imported_first():
    script = "import urbanbench as ub, urbanbench.run.loop; from inspect import signature; print(callable(ub.run), 'models' in signature(ub.run).parameters, ub.run.loop.__name__)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True", "urbanbench.run.loop"]


def test_what_is_no_model_task_or_city_is_told(city):
    with pytest.raises(BadInput, match="The model is 3, of type int"):
        ub.embed(3, city)
    with pytest.raises(BadInput, match="The task is 3"):
        ub.RunSpec("poi-counts", 3)
    with pytest.raises(BadInput, match="The city is 3"):
        ub.load_city(3)
    with pytest.raises(UnknownName, match="'singapour'"):
        ub.load_city("singapour")
