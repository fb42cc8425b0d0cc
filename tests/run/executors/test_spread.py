"""Cells spread over a grid: the rows of a local run, whatever befalls workers, nodes and the command."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.run.executors.spread_cells import HereGrid, rows_in, specs_of

from urbanbench.errors import NodeDiffers
from urbanbench.result import FAILED, OK
from urbanbench.run.executors import bundle, spread, station
from urbanbench.run.executors.contract import Work
from urbanbench.run.executors.errand import Answer
from urbanbench.run.executors.grid import Lost
from urbanbench.run.loop import run
from urbanbench.run.order import resolve
from urbanbench.run.planning.lengths import Lengths
from urbanbench.store import ResultStore

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture
def store(tmp_path):
    return ResultStore(tmp_path / "elsewhere")


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr(spread, "_LOOK_S", 0.01)


def answer_of(**told) -> bytes:
    return bundle.bundled({station.ANSWER: Answer(**told).write().encode()})


def test_rows_and_predictions_are_those_of_a_local_run_byte_for_byte(
    village, counting, store, on_grid, local_rows
):
    specs = specs_of([counting, "poi-counts"], village)
    executor, _ = on_grid(nodes=3)
    results = run(specs, store, executor=executor)
    assert [one.status for one in results] == [OK] * 8
    assert rows_in(store.folder) == local_rows(specs)


def test_vectors_are_made_once_and_brought_to_other_nodes(village, counting, store, on_grid, tmp_path):
    executor, grid = on_grid(nodes=3)
    run(specs_of([counting], village, ["popdensity", "income", "gdp"]), store, executor=executor)
    assert len((tmp_path / "embeds.log").read_text().splitlines()) == 1
    assert [(embeds, brought) for _, embeds, brought in grid.handed] == [(True, False), *[(False, True)] * 5]


class Told(Lengths):
    """Lengths that a test says: of vectors by model, of heads by name."""

    def __init__(self, **seconds):
        super().__init__(lambda *_: None)
        self.seconds = seconds

    def embed_s(self, orders):
        return self.seconds.get(orders[0].cell.model.replace("-", "_"), 1.0)

    def head_s(self, order):
        return self.seconds.get(order.cell.head, 1.0)


def handed_in(models, city, store, on_grid, lengths, **more):
    """Hand cells of one task and two heads in, and return model and head of each, in the order in which that was done."""
    executor, grid = on_grid(most=1, **more)
    submit, seen = grid.submit, []

    def noted(errand, *rest, **told):
        seen.append(f"{errand.spec['model']} {errand.spec['head']}")
        return submit(errand, *rest, **told)

    grid.submit = noted
    orders = [resolve(one) for one in specs_of(models, city, ["income"])]
    executor.run(Work(orders, store, lengths=lengths))
    return seen


def test_what_has_the_longest_way_to_the_end_is_handed_in_first(village, store, on_grid, local_rows):
    models = ["poi-counts", "tfidf", "area"]
    lengths = Told(poi_counts=20.0, area=300.0, tfidf=50.0, knn=40.0)
    assert handed_in(models, village, store, on_grid, lengths) == [
        "area ridge",  # 340 s to the end of its longest head
        "tfidf ridge",  # 90
        "poi-counts ridge",  # 60
        "poi-counts knn",  # 40 each, as they stand
        "tfidf knn",
        "area knn",
    ]
    assert rows_in(store.folder) == local_rows(specs_of(models, village, ["income"]))


def test_without_lengths_cells_are_handed_in_as_they_stand(village, store, on_grid):
    models = ["poi-counts", "tfidf"]
    assert handed_in(models, village, store, on_grid, Lengths()) == [
        f"{model} {head}" for model in models for head in ("ridge", "knn")
    ]


def test_a_city_and_a_plugin_arrive_once_per_node(village, counting, store, on_grid):
    executor, grid = on_grid(nodes=2)
    run(specs_of([counting], village, ["popdensity", "income", "gdp"]), store, executor=executor)
    assert sorted(grid.fetched) == [(0, "counting.py"), (0, "village"), (1, "counting.py"), (1, "village")]


def test_the_same_command_keeps_what_is_done(village, counting, store, on_grid):
    specs = specs_of([counting], village)
    run(specs, store, executor=on_grid()[0])
    before = rows_in(store.folder)
    told = []
    run(specs, store, executor=on_grid()[0], progress=lambda _, new: told.append(new))
    assert told == [False] * 4
    assert rows_in(store.folder) == before


def test_a_changed_plugin_makes_rows_old_elsewhere_too(village, counting, store, on_grid):
    specs = specs_of([counting], village, ["income"], ["ridge"])
    run(specs, store, executor=on_grid()[0])
    counting.write_text(counting.read_text().replace("counts**self.power", "counts**self.power + 1"))
    [result] = run(specs, store, executor=on_grid()[0])
    assert result.provenance["replaced_stale"] == ["the model's file"]


def test_vectors_of_an_earlier_run_on_this_machine_are_not_made_again(
    village, counting, store, on_grid, tmp_path
):
    run(specs_of([counting], village, ["income"], ["ridge"]), ResultStore(tmp_path / "first"))
    executor, grid = on_grid()
    run(specs_of([counting], village, ["income"], ["knn"]), store, executor=executor)
    assert len((tmp_path / "embeds.log").read_text().splitlines()) == 1
    assert grid.handed == [("knn", True, True)]


def test_a_lost_worker_costs_a_try_and_nothing_else(village, counting, store, on_grid, local_rows):
    tries = {"ridge": 3, "knn": 2}

    def fate(errand, _embeds):
        tries[errand.spec["head"]] -= 1
        return Lost("its node has died") if tries[errand.spec["head"]] >= 0 else None

    specs = specs_of([counting], village, ["income"])
    run(specs, store, executor=on_grid(fate=fate)[0])
    assert rows_in(store.folder) == local_rows(specs)


def test_a_cell_whose_workers_are_always_lost_ends_as_a_row_and_the_rest_goes_on(
    village, counting, store, on_grid
):
    executor, grid = on_grid(
        fate=lambda errand, _: Lost("node b is gone") if errand.spec["head"] == "ridge" else None
    )
    lost, done = run(specs_of([counting], village, ["income"]), store, executor=executor)
    assert (lost.status, done.status) == (FAILED, OK)
    assert lost.reason == f"WorkerDied: it was lost {spread.TRIES} times on its way: node b is gone"
    assert sum(head == "ridge" for head, *_ in grid.handed) == spread.TRIES


def test_a_cell_whose_own_process_is_killed_is_tried_less_often(village, counting, store, on_grid):
    executor, grid = on_grid(fate=lambda *_: answer_of(reason="its process ended by SIGKILL.", killed=True))
    [result] = run(specs_of([counting], village, ["income"], ["ridge"]), store, executor=executor)
    assert result.reason == "WorkerDied: its process ended by SIGKILL."
    assert len(grid.handed) == spread.BLAMED_TRIES


def test_vectors_that_are_lost_with_their_node_are_made_again(village, counting, store, on_grid, local_rows):
    executor, grid = on_grid()
    whole, gone = grid.vectors, []

    def vectors(ticket):
        if not gone:
            gone.append(ticket)
            raise Lost("its node has died")
        return whole(ticket)

    grid.vectors = vectors
    specs = specs_of([counting], village, ["income", "gdp"])
    run(specs, store, executor=executor)
    assert [embeds for _, embeds, _ in grid.handed] == [True, True, False, False]
    assert rows_in(store.folder) == local_rows(specs)


def test_a_limit_that_vectors_exceed_fails_all_cells_that_need_them_at_once(
    village, counting, store, on_grid
):
    executor, grid = on_grid(fate=lambda *_: answer_of(reason="it was ended after 2 s.", over_limit=True))
    first, second = run(specs_of([counting], village, ["income"]), store, executor=executor)
    assert len(grid.handed) == 1
    assert first.reason == "WorkerDied: it was ended after 2 s."
    assert (
        second.reason
        == "WorkerDied: not tried, because a cell with the same vectors failed: it was ended after 2 s."
    )


def test_a_plugin_that_raises_is_the_row_it_is_here(village, counting, store, on_grid, local_rows):
    counting.write_text(
        counting.read_text().replace("time.sleep", "raise ValueError('no such street')\n        time.sleep")
    )
    specs = specs_of([counting], village, ["income"])
    [first, _] = run(specs, store, executor=on_grid()[0])
    assert first.reason == "ValueError: no such street (counting.py, line 21)"
    assert rows_in(store.folder) == local_rows(specs)


def test_other_code_on_a_node_ends_the_run_with_a_sentence(village, counting, store, on_grid, monkeypatch):
    from urbanbench.run.executors import errands

    here = errands.this_code()
    monkeypatch.setattr(errands, "this_code", lambda: here | {"urbanbench": "0" * 32})
    with pytest.raises(
        NodeDiffers, match=r"has other code of urbanbench .* Mend: install the same urbanbench"
    ):
        run(specs_of([counting], village, ["income"]), store, executor=on_grid()[0])
    monkeypatch.setattr(errands, "this_code", lambda: here | {"torch": "1.0"})
    with pytest.raises(NodeDiffers, match=r"has torch \S+ in place of 1\.0\. Expected"):
        run(specs_of([counting], village, ["income"]), store, executor=on_grid()[0])


def test_a_stopped_command_cancels_what_it_handed_in_and_frees_its_locks(
    telling_village, counting, store, on_grid
):
    executor, grid = on_grid(most=2)
    grid.wait = lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
    specs = specs_of([counting], telling_village)
    with pytest.raises(KeyboardInterrupt):
        run(specs, store, executor=executor)
    assert len(grid.cancelled) == 2
    for spec in specs:
        with store.lock(resolve(spec).cell, wait=False) as held:
            assert held


def test_no_more_is_handed_in_at_once_than_the_grid_takes(village, counting, store, on_grid):
    executor, grid = on_grid(most=2)
    most, waits = [], grid.wait
    grid.wait = lambda tickets, seconds: most.append(len(tickets)) or waits(tickets, seconds)
    run(specs_of([counting], village, ["popdensity", "income", "gdp"]), store, executor=executor)
    assert max(most) == 2


def test_a_cell_that_another_command_has_is_waited_for(village, counting, store, on_grid):
    first, second = specs_of([counting], village, ["income"])
    order = resolve(first)
    lock = store.lock(order.cell)
    lock.__enter__()
    executor, grid = on_grid()
    waits, looks = grid.wait, []

    def wait(tickets, seconds):
        looks.append(len(tickets))
        if len(looks) == 5:
            lock.__exit__(None, None, None)
        return waits(tickets, seconds) if tickets else []

    grid.wait = wait
    results = run([first, second], store, executor=executor)
    assert [one.status for one in results] == [OK, OK]
    assert looks[:5] == [0] * 5


def test_never_keeps_finished_rows_without_asking_a_node(village, counting, store, on_grid):
    specs = specs_of([counting], village, ["income"])
    run(specs, store)
    executor, grid = on_grid()
    run(specs, store, executor=executor, overwrite="never")
    assert grid.handed == []


def test_given_vectors_are_scored_without_waiting_for_one_another(
    village, store, on_grid, tmp_path, local_rows
):
    import pandas as pd

    table = pd.read_parquet(village / "labels" / "income.parquet")[["region_id"]].assign(a=range(36), b=1.5)
    file = tmp_path / "mine.parquet"
    table.to_parquet(file)
    specs = [replace(spec, name="mine-too") for spec in specs_of([file], village, ["gdp"])]
    executor, grid = on_grid(nodes=2)
    run(specs, store, executor=executor)
    assert [embeds for _, embeds, _ in grid.handed] == [False, False]
    assert rows_in(store.folder) == local_rows(specs)


def test_a_split_file_and_a_train_city_travel_too(village, counting, store, on_grid, tmp_path, local_rows):
    import shutil

    other = tmp_path / "hamlet"
    shutil.copytree(village, other)
    text = (other / "city.json").read_text().replace('"name": "village"', '"name": "hamlet"')
    (other / "city.json").write_text(text)
    specs = specs_of(["tfidf"], village, ["income"], ["ridge"], train_city=str(other))
    executor, grid = on_grid()
    [result] = run(specs, store, executor=executor)
    assert {word for _, word in grid.fetched} == {"village", "hamlet"}
    assert (result.status, result.reason) == (OK, "")
    assert rows_in(store.folder) == local_rows(specs)


def test_a_grid_of_the_tests_keeps_the_contract():
    from urbanbench.run.executors.grid import Grid

    wanted = {name for name in vars(Grid) if not name.startswith("_")}
    assert wanted <= {*dir(HereGrid)}
