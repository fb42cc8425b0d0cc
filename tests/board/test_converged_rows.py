"""What a record of training says of convergence, old records without a word of it included; and how boards show it."""

from dataclasses import replace

import pytest

from urbanbench.board import rows
from urbanbench.board.blocks import make_groups
from urbanbench.board.footer import footer
from urbanbench.board.labels import row_label
from urbanbench.board.latex import to_latex
from urbanbench.board.layout import Board, Column, Entry, Line, Section, Table
from urbanbench.board.marks import UNCONVERGED
from urbanbench.board.remarks import notes
from urbanbench.board.trainings import joined
from urbanbench.cli.app import main
from urbanbench.cli.signs import plain
from urbanbench.convergence import converged, stage_converged, told_stages
from urbanbench.result import RunSpec
from urbanbench.run import execute
from urbanbench.store import ResultStore

DONE = {"name": "poi", "steps": 900, "converged": True, "ended": "plateau"}
CUT = {"name": "local", "steps": 200, "converged": False, "ended": "cap"}
FIXED = {"name": "words", "steps": 0, "converged": None, "ended": "epochs"}
SKIPPED = {"name": "svi", "skipped": "3 anchors"}
OLD = {"name": "poi", "steps": 200, "planned_steps": 200, "checks": [[0, 5.0], [200, 4.0]]}


@pytest.mark.parametrize(
    ("stages", "word"),
    [
        ([DONE], "yes"),
        ([DONE, SKIPPED], "yes"),
        ([DONE, FIXED], "not known"),
        ([DONE, FIXED, CUT], "no"),
        ([SKIPPED], "not trained"),
        ([], "not trained"),
        ([OLD], "no"),
        ([OLD | {"steps": 140}], "not known"),
        ([OLD | {"checks": []}], "not known"),
        ([{"name": "tags", "steps": 0, "planned_steps": 5, "checks": [[0, 1.0]]}], "not known"),
    ],
)
def test_the_worst_stage_counts_and_old_records_say_only_what_they_can(stages, word):
    assert converged(stages, {}) == word


def test_models_of_others_that_record_nothing_are_not_known():
    assert converged([], {}, records=False) == "not known"
    assert converged([DONE], {}, records=False) == "yes"
    assert stage_converged(SKIPPED) == "not trained"


def test_stages_are_told_in_words():
    told = told_stages([CUT | {"passes": 3.14, "best_step": 150, "last_over_chance": 0.876}, SKIPPED, FIXED])
    assert told == [
        "local: not converged (ended by its most steps), 200 steps, 3.1 passes, best step 150, last loss 0.88 of chance",
        "svi: not trained (3 anchors)",
        "words: not known whether converged (ended by its fixed number of epochs)",
    ]


def test_steps_at_rates_of_zero_train_nothing():
    still = {"lr": 0.0, "word_lr": 0.0, "max_steps": 1, "colour": 0}
    assert converged([CUT], still) == "not trained"
    assert converged([CUT], still | {"lr_head": 1e-3}) == "no"
    assert converged([CUT], {"colour": 0, "dim": 0}) == "no"
    assert converged([], still, records=False) == "not known"


def board_of(*results):
    groups = make_groups(rows.read_rows(results))
    ((block,),) = (group.blocks for group in groups)
    return groups, block


def test_rows_that_had_not_converged_are_marked_and_the_footer_says_what_that_means(make_result):
    cut, done, untold = (
        make_result(name, (0.5 + k / 10, 0.6)) | {"training": stages}
        for k, (name, stages) in enumerate({"cut": [DONE, CUT], "done": [DONE], "untold": [FIXED]}.items())
    )
    groups, block = board_of(cut, done, untold)
    by_name = {row.name: row for row in block.models}
    assert [name for name, row in by_name.items() if UNCONVERGED in row_label(row, block.models)] == ["cut"]
    assert f"{UNCONVERGED} not converged: local" in notes(by_name["cut"], block)
    assert "not known whether converged: words" in notes(by_name["untold"], block)
    assert not any("converged" in one for one in notes(by_name["done"], block))
    assert any(one.startswith(UNCONVERGED) for one in footer(groups, published=False))
    groups, _ = board_of(done, untold)
    assert not any(one.startswith(UNCONVERGED) for one in footer(groups, published=False))


def test_floors_are_not_trained_and_never_marked(make_result):
    _, block = board_of(make_result("poi-counts", floor=True), make_result("a") | {"training": []})
    assert {row.converged for row in block.scored} == {"not trained"}
    assert not any(UNCONVERGED in row_label(row, block.scored) for row in block.scored)


@pytest.mark.parametrize(
    ("said", "kind", "word"), [("", "learned", "not known"), (", trained=False", "frozen", "not trained")]
)
def test_a_model_of_ones_own_that_says_it_does_not_train_stands_with_frozen_rows(
    tmp_path, village, counting, own_cache, said, kind, word
):
    text = counting.read_text(encoding="utf-8")
    own = tmp_path / "own_model.py"
    own.write_text(text.replace('embeds=("region",)', f'embeds=("region",){said}'), encoding="utf-8")
    spec = RunSpec(str(own), "popdensity", str(village), head="ridge", seeds=(0,))
    row = rows.read_row(execute(spec).to_dict())
    assert (row.kind, row.converged) == (kind, word)


def test_a_row_of_several_trainings_has_converged_where_each_of_them_had(make_result):
    done, cut = make_result("a") | {"training": [DONE]}, make_result("a") | {"training": [CUT]}
    one, other = rows.read_row(done), rows.read_row(cut)
    other = replace(other, run_id="other", spec={**other.spec, "model_seed": 1})
    assert [row.converged for row in joined([one, other])] == ["no"]
    again = replace(one, run_id="other", spec={**one.spec, "model_seed": 1})
    assert [row.converged for row in joined([one, again])] == ["yes"]


def test_the_mark_can_be_printed_everywhere():
    assert plain(f"a {UNCONVERGED}") == "a (not converged)"
    table = Table("T", (Column("model"),), (Line("model", (Entry(f"a {UNCONVERGED}"),)),))
    assert "a $\\diamond$" in to_latex(Board("B", "", (Section("S", (), (), (table,)),), ()))


def test_a_result_file_is_shown_with_its_stages(tmp_path, village, counting, capsys, own_cache):
    spec = RunSpec(str(counting), "popdensity", str(village), head="ridge", seeds=(0,))
    file = ResultStore(tmp_path).save(execute(spec))
    capsys.readouterr()
    assert main(["results", "show", str(file)]) == 0
    shown = capsys.readouterr().out
    assert main(["describe", str(file)]) == 0
    assert capsys.readouterr().out == shown
    assert "converged" in shown
    assert "not known" in shown
    assert main(["results", "show", str(tmp_path / "none.json")]) == 3
