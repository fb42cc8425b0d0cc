"""The split ladder: a table and a figure for each model."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure as Canvas

from urbanbench.experiments import Choice, load_experiment
from urbanbench.result import REFUSED


@pytest.fixture
def ladder():
    return load_experiment("ladder")


@pytest.fixture
def choice(ladder):
    words = {"cities": ("toyville:tiny",), "tasks": ("popdensity",), "models": ("hgi",), "seeds": (0, 1, 2)}
    return ladder.settled(Choice(**words, splits=("random", "block", "buffered")))


def results_of(ladder, choice, answer):
    found = []
    for spec in ladder.specs(choice):
        if spec.model == "hgi" and spec.split == "buffered":
            found.append(answer(spec, status=REFUSED, reason="Its dead zone is wide."))
        elif spec.model in {"hgi", "coordinates"}:
            base = {"random": 0.6, "block": 0.35, "buffered": -0.2}[spec.split]
            floor = spec.model == "coordinates"
            r2 = (base - 0.1, base, base + 0.1) if not floor else (base, base, base)
            used = ("coordinates",) if floor else ("poi",)
            found.append(
                answer(spec, r2, floor=floor, used=used, allowed=used if floor else ("poi", "polygon"))
            )
    return found


def test_every_row_is_asked_for_at_every_rung(ladder, choice):
    specs = ladder.specs(choice)
    assert {one.split for one in specs} == {"random", "block", "buffered"}
    assert {one.model for one in specs} >= {"hgi", "coordinates", "spatial-lag"}
    assert (
        len(
            ladder.specs(
                ladder.settled(Choice(models=("hgi",), cities=("toyville:tiny",), tasks=("popdensity",)))
            )
        )
        == 5 * 6
    )


def test_gaps_are_taken_from_the_first_rung(ladder, choice, answer):
    report = ladder.show(results_of(ladder, choice, answer), choice)
    overview, gaps = report.sections[0].tables
    rows = {line.entries[0].text: [entry.text for entry in line.entries[1:]] for line in overview.lines}
    assert rows["hgi"] == ["0.600 ± 0.100", "0.350 ± 0.100", "refused"]
    assert rows["coordinates"][2] == "-0.200 ± 0"
    lost = {line.entries[0].text: [entry.text for entry in line.entries[1:]] for line in gaps.lines}
    assert lost["hgi"] == ["+0.250", ""]
    assert lost["coordinates"] == ["+0.250", "+0.800"]


def test_the_order_of_rows_is_held_against_that_of_the_first_rung(ladder, answer):
    """Of three models one pair of three changes places: (2 - 1) / 3. With a floor above all that falls below all, four pairs of six do: (2 - 4) / 6."""
    means = {
        "hgi": {"random": 0.6, "block": 0.3},
        "cityfm": {"random": 0.5, "block": 0.4},
        "musecl": {"random": 0.4, "block": 0.2},
        "coordinates": {"random": 0.7, "block": 0.1},
    }
    words = {"cities": ("toyville:tiny",), "tasks": ("popdensity",), "seeds": (0, 1, 2)}
    models = ("hgi", "cityfm", "musecl")
    choice = ladder.settled(Choice(**words, models=models, splits=("random", "block", "buffered")))
    found = [
        answer(
            spec,
            [means[spec.model][spec.split] + step for step in (-0.1, 0.0, 0.1)],
            floor=spec.model == "coordinates",
        )
        for spec in ladder.specs(choice)
        if spec.model in means and spec.split != "buffered"
    ]
    [orders] = [
        one for one in ladder.show(found, choice).sections[0].tables if one.title.startswith("Kendall")
    ]
    assert orders.title == "Kendall's tau with the order at random"
    told = {line.entries[0].text: [one.text for one in line.entries[1:]] for line in orders.lines}
    assert told == {"models": ["0.33 (3 rows)", ""], "models and floors": ["-0.33 (4 rows)", ""]}


def test_a_model_has_a_table_of_its_rungs_and_a_figure(ladder, choice, answer):
    report = ladder.show(results_of(ladder, choice, answer), choice)
    [table], [figure] = report.sections[1].tables, report.sections[1].figures
    assert [line.entries[0].text for line in table.lines] == ["random", "block", "buffered"]
    block = dict(zip((column.title for column in table.columns), table.lines[1].entries, strict=True))
    assert block["leakage gap"].text == "+0.250"
    assert block["best floor"].text == "0.350 ± 0 (coordinates)"
    assert block["train / validation / test"].text == "36 / 12 / 12"
    assert "blocks of 400 m" in block["note"].text
    assert "Its dead zone is wide" in table.lines[2].entries[-1].text
    assert figure.name == "ladder-toyville-tiny-popdensity-mlp-hgi"
    assert figure.to_bytes("png").startswith(b"\x89PNG")


def test_no_legend_lies_over_the_lines(ladder, choice, answer):
    every = ladder.show(results_of(ladder, choice, answer), choice)
    figures = [every.sections[0].figures[0], every.sections[1].figures[0]]
    for figure in figures:
        drawn = figure.drawn()
        drawn.canvas.draw()
        legends = [*drawn.legends, *(one for axes in drawn.axes if (one := axes.get_legend()))]
        assert legends
        for legend in legends:
            box = legend.get_window_extent()
            assert not any(box.overlaps(axes.bbox) for axes in drawn.axes)
            assert drawn.bbox.x0 <= box.x0 < box.x1 <= drawn.bbox.x1


def test_nothing_is_shown_where_nothing_is_scored(ladder, choice):
    assert ladder.show([], choice).sections == ()


@pytest.mark.parametrize(("lowest", "cut"), [(-0.2, False), (-4.3, True)])
def test_a_score_far_below_the_others_leaves_the_figure_room(ladder, choice, answer, lowest, cut):
    found = [
        answer(spec, (lowest if spec.split == "buffered" else 0.5,) * 3, used=("poi",))
        for spec in ladder.specs(choice)
        if spec.model == "hgi"
    ]
    report = ladder.show(found, choice)
    canvas = Canvas()
    report.sections[1].figures[0].draw(canvas)
    score, gap = canvas.axes
    assert bool(score.get_ylim()[0] == -1.0) is cut
    assert ("cut at -1" in score.get_ylabel()) is cut
    assert bool(gap.get_ylim()[1] == 2.0) is cut
