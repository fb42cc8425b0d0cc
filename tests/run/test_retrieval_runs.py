"""A retrieval runs like every other task: words, refusals, results, boards, statistics, checks of what is kept."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from urbanbench.apart import plugins_apart
from urbanbench.board import render
from urbanbench.city.city import City
from urbanbench.cli.app import main
from urbanbench.errors import BadInput, RunRefused, UnknownName
from urbanbench.items import MODALITIES
from urbanbench.registry import entries, load_model, load_task
from urbanbench.result import OK, REFUSED, RunSpec
from urbanbench.run.loop import run
from urbanbench.run.order import resolve
from urbanbench.run.plan import open_cities, with_floors
from urbanbench.run.split_export import exported_splits
from urbanbench.run.walk import execute
from urbanbench.run.workbench import Workbench
from urbanbench.store import ResultStore

PLUGIN = '''
"""Which region was a picture taken in?"""
from urbanbench.card import TaskCard
from urbanbench.retrieval_task import RetrievalTask


class WhichRegion(RetrievalTask):
    card = TaskCard(
        title="Which region", question="Which region?", kind="retrieval", level="item", query=("image", "text"),
        candidates=("text",), positive="its region", leaks=("name",), layers=("street_views",),
    )

    def questions(self, city):
        import numpy as np
        from urbanbench.items import Exam, Item, Lesson
        from urbanbench.scoring.retrieval.questions import Questions

        views = city.street_views[city.street_views["region_id"].notna()]
        told = "Region " + views["region_id"].astype(str)
        east = np.asarray(views.geometry.x)
        cut = np.quantile(east, 0.6)
        asked, learned = east > cut + 100, east < cut
        items = {f"q{k:05d}": Item(image=view, text="Where is it?") for k, view in enumerate(told[asked].index)}
        queries = tuple(items)
        pool = {text: f"c{k:05d}" for k, text in enumerate(sorted(set(told[asked])))}
        items |= {name: Item(text=text) for text, name in pool.items()}
        sides = {name: "query" if name in queries else "candidate" for name in items}
        centres = city.regions.geometry.centroid
        lessons = tuple(Lesson("answer", Item(image=one, text="Where is it?"), Item(text=text)) for one, text in told[learned].items())
        shapes = views.geometry[asked]
        return Questions(
            Exam(items, sides, lessons=lessons), queries, tuple(pool[text] for text in told[asked]), tuple(pool.values()),
            query_xy=np.column_stack([shapes.x, shapes.y]),
            candidate_xy=np.array([(centres[text[7:]].x, centres[text[7:]].y) for text in pool]),
        )
'''


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    place = tmp_path_factory.mktemp("asked") / "which_region.py"
    place.write_text(PLUGIN, encoding="utf-8")
    return str(place)


@pytest.fixture(scope="module")
def town(tiny_toyville):
    return str(tiny_toyville)


@pytest.fixture
def spec(task, town):
    return RunSpec("text-overlap", task, town, seeds=(0, 1, 2))


@pytest.fixture(scope="module")
def kept(task, town, tmp_path_factory):
    """A results folder with two floors of the task."""
    folder = tmp_path_factory.mktemp("kept")
    specs = [RunSpec(model, task, town) for model in ("random", "majority-answer")]
    rows = run(specs, ResultStore(folder), overwrite="always")
    return folder, {row.cell.model: row for row in rows}


def refused(spec):
    found = execute(spec, bench=Workbench(cache=None))
    assert found.status == REFUSED, found.traceback
    return found.reason


def test_what_a_run_says_when_it_is_asked_for_nothing_is_area_and_cosine(spec):
    cell = resolve(spec).cell
    assert (cell.split, cell.head, cell.block_size_m) == ("area", "cosine", None)
    assert resolve(replace(spec, split="area", head="cosine")).cell == cell
    assert resolve(replace(spec, train_city="toyville:tiny?seed=7")).cell.split == "city-out"
    with pytest.raises(UnknownName):
        resolve(replace(spec, split="aera"))
    with pytest.raises(UnknownName):
        resolve(replace(spec, head="cosin"))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"split": "block"}, "kept apart from its questions by area. Expected split 'area'"),
        ({"head": "ridge"}, "ranked by the cosine of their vectors. Expected head 'cosine'"),
        ({"split": "city-out"}, "Mend: --train-city CITY"),
        ({"beside": "best-floor"}, "no head is fitted for a retrieval"),
        ({"probe": "position"}, "no head is fitted for a retrieval"),
        ({"protocol": "paper:hgi"}, "Task 'Which region' is a retrieval of items"),
        ({"model": "poi-counts"}, "'poi-counts' embeds 'region' and 'building'.*need a tower each"),
        ({"model": "imagenet-features"}, "has a tower for 'image'. Task 'Which region' chooses among 'text'"),
        ({"model": "nearest-image", "inputs": "graph"}, ""),
    ],
    ids=str,
)
def test_what_a_retrieval_cannot_be_asked_is_refused_with_the_reason(spec, changed, told):
    if not told:  # its question is left to read
        assert execute(replace(spec, **changed), bench=Workbench(cache=None)).status == OK
        return
    import re

    assert re.search(told, refused(replace(spec, **changed)), re.DOTALL)


def test_a_masked_part_refuses_who_needs_it(spec, tmp_path):
    picture_only = tmp_path / "pictures_only.py"
    picture_only.write_text(
        PLUGIN.replace('query=("image", "text")', 'query=("image",)').replace(', text="Where is it?")', ")"),
        encoding="utf-8",
    )
    asked = replace(spec, model="nearest-image", task=str(picture_only), inputs="graph")
    assert (
        "needs input 'street_view' for what task 'Which region' asks with, which --inputs graph masks"
        in refused(asked)
    )


def test_a_result_says_what_was_asked_and_between_which_levels_it_stands(kept):
    _, rows = kept
    row = rows["random"]
    assert row.status == OK
    assert row.task["query"] == ["image", "text"]
    assert row.task["leaks"] == ["name"]
    told = row.to_dict()
    assert told["main_metric"] == "hit@5"
    assert told["chance"]["hit@5"] == pytest.approx(5 / 20, abs=0.01)
    assert told["oracle"]["hit@5"] > 0.9
    assert told["candidates"]["sizes"]["20"]["queries"] == told["n_units"] == told["n_test"]
    assert type(row).from_dict(json.loads(json.dumps(told))).to_dict() == told
    assert row.mean("hit@5") == pytest.approx(0.25, abs=0.15)


def test_a_finished_cell_is_kept_and_one_of_another_version_computed_again(kept, monkeypatch, task, town):
    folder, _ = kept
    spec = RunSpec("random", task, town)
    done = []
    run([spec], ResultStore(folder), progress=lambda _row, new: done.append(new))
    monkeypatch.setattr("urbanbench.scoring.retrieval.versions.DRAWING_VERSION", 2)
    again = run([spec], ResultStore(folder), progress=lambda _row, new: done.append(new))
    assert done == [False, True]
    assert again[0].versions["split"] == 2
    monkeypatch.undo()
    run([spec], ResultStore(folder))


def test_kept_predictions_give_the_scores_again_and_a_changed_one_is_found(kept, tmp_path, capsys):
    import shutil

    folder, rows = kept
    assert main(["results", "verify", str(folder)]) in {0, 1}
    assert "damaged" not in capsys.readouterr().out.replace("0 damaged", "")
    copied = shutil.copytree(folder, tmp_path / "copied")
    path = next(copied.rglob("random__*.json"))
    told = json.loads(path.read_text(encoding="utf-8"))
    told["scores"]["hit@5"][0] += 0.1
    path.write_text(json.dumps(told), encoding="utf-8")
    assert main(["results", "verify", str(copied)]) == 1
    assert "its predictions give other scores" in capsys.readouterr().out
    del rows


def test_a_table_has_lines_for_the_oracle_and_chance(kept):
    folder, _ = kept
    text = render([row.to_dict() for row in ResultStore(folder).load_all()], format="md")
    assert "Which region, retrieval; " in text
    assert " queries; a pool of " in text
    lines = {line.split("|")[1].strip(): line for line in text.splitlines() if line.startswith("|")}
    assert {"oracle", "chance", "random"} <= set(lines)
    assert "0.250" in lines["chance"]
    assert "Seeds draw other candidates for the same queries" in text


def test_two_rows_are_compared_over_queries_and_not_over_drawings(kept, capsys):
    folder, rows = kept
    assert main(["compare", "random", "majority-answer", "--results", str(folder)]) == 0
    told = capsys.readouterr().out
    assert (
        f"over {rows['random'].evaluation['n_units']} shared queries and 10 drawings of candidates"
        in " ".join(told.split())
    )
    assert "t test over queries" in " ".join(
        told.split()
    )  # the task is not at hand by its name, and neither are places


def test_what_reads_units_with_labels_says_that_there_are_none(task, town, capsys, kept):
    folder, _ = kept
    with pytest.raises(RunRefused, match="is a retrieval: it has questions in place of units with labels"):
        exported_splits(task, town, "random", (0,))
    assert main(["data", "leaks", town, "-t", task]) == 0
    assert "Left out" in capsys.readouterr().err
    row = next(folder.rglob("random__*.json"))
    assert main(["residuals", str(row)]) != 0
    assert "queries have ranks" in capsys.readouterr().err


def test_lessons_of_another_city_teach_and_those_of_the_scored_one_are_not_shown(spec):
    found = execute(replace(spec, train_city="toyville:tiny"), bench=Workbench(cache=None))
    told = found.reason
    assert found.status == OK or "is the city that is scored" in told


def test_floors_of_retrieval_stand_beside_retrievals_and_nowhere_else(task, town):
    asked = [RunSpec("clip", task, town), RunSpec("hgi", "popdensity", town)]
    added = with_floors(asked, open_cities(asked))[2:]
    beside = {name: {one.model for one in added if one.task == name} for name in (task, "popdensity")}
    family = {one.name for one in entries("model") if one.card and one.card.family == "retrieval"}
    assert beside[task] == family | {"random"}
    assert not family & beside["popdensity"]
    assert {load_model(name).card.floor for name in family} == {True}


def test_a_foreign_task_runs_in_a_process_of_its_own(spec):
    with plugins_apart():
        [found] = run([spec], ResultStore(Path(spec.city).parent / "apart-results"), overwrite="always")
    assert (found.status, found.reason) == (OK, "")


def test_a_city_that_lacks_a_layer_is_refused_with_its_name(task, village):
    with pytest.raises(RunRefused, match="City 'village' has no such layer"):
        load_task(task).targets(City.open(village))


def test_a_card_of_a_retrieval_says_what_is_asked_and_others_do_not():
    from urbanbench.card import TaskCard

    with pytest.raises(BadInput, match="Expected what is asked, what is chosen from, and which is right"):
        TaskCard(title="x", question="x", kind="retrieval", level="item", query=("image",))
    with pytest.raises(BadInput, match="Expected them of kind 'retrieval' alone"):
        TaskCard(title="x", question="x", label="x", kind="regression", query=("image",))
    with pytest.raises(UnknownName):
        TaskCard(title="x", question="x", kind="retrieval", level="item", query=("sound",))


def test_a_random_row_of_items_does_not_depend_on_which_others_are_asked_for(spec):
    from urbanbench.run.embedding_here import embed_here

    space, _ = embed_here(replace(spec, model="random"), Workbench(cache=None))
    assert space.level == "item"
    assert len(np.unique(space.vectors[:, 0])) == len(space)
    assert set(load_model("random").card.embeds) >= set(MODALITIES)


def test_the_words_of_a_retrieval_can_be_asked_for_by_name(task, town, tmp_path, capsys):
    words = [
        "run",
        "-m",
        "random",
        "-t",
        task,
        "-c",
        town,
        "--no-floors",
        "--seeds",
        "2",
        "--out",
        str(tmp_path),
    ]
    assert main([*words, "--split", "area", "--head", "cosine"]) == 0
    assert " · area · cosine: hit@5 " in capsys.readouterr().err
    assert main([*words, "--split", "aera"]) == 2
