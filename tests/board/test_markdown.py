"""Markdown boards: a golden table, marks, flags and escaping."""

import pytest

from urbanbench.board import EMPTY, render
from urbanbench.errors import BadInput, UnknownName

GOLDEN = """\
# Leaderboard

## singapore · popdensity · random

A title, regression, thousand persons per km2; 332 regions; train 199, validation 66, test 67; 3 seeds

### Inputs: poi,polygon · ranked: head mlp

| model                      | kind    | inputs used   | head   |                   R² ↑ |   dim |   embed s | notes                      |
|:---------------------------|:--------|:--------------|:-------|-----------------------:|------:|----------:|:---------------------------|
| urbanmfm (small)           | learned | poi,polygon   | mlp    |        **<ins>0.600 ± 0.100</ins>** |    16 |      12.3 |                            |
| poi-counts (best head: rf) | floor   | poi           | select |            0.500 ± 0.100 |    16 |      12.3 |                            |
| hgi                        | learned | poi,polygon   | mlp    |            0.400 ± 0.100 |    16 |      12.3 |                            |
| cityfm                     | learned | poi,polygon   | mlp    |                refused |       |           | refused: No layer buildings |

"""


def table_lines(text):
    return [line for line in text.splitlines() if line.startswith("|")]


def row_of(text, name):
    return next(line for line in table_lines(text) if line.startswith(f"| {name}"))


def test_a_small_board_is_exactly_this(make_result):
    results = [
        make_result("urbanmfm", (0.5, 0.6, 0.7), preset="small"),
        make_result("hgi", (0.3, 0.4, 0.5)),
        make_result(
            "poi-counts", (0.4, 0.5, 0.6), used=["poi"], floor=True, head="select", chosen=["rf"] * 3
        ),
        make_result("cityfm", status="refused", reason="No layer buildings. Add it."),
    ]
    text = render(results, format="md", metrics=["r2"])
    # tabulate pads the last column to its longest cell
    assert [" ".join(line.split()) for line in text.splitlines() if not line.startswith(("- ", "|:"))] == [
        " ".join(line.split()) for line in GOLDEN.splitlines() if not line.startswith("|:")
    ]


@pytest.mark.parametrize(("values", "said"), [((0.5,), "; 1 seed"), ((0.5, 0.6), "; 2 seeds")])
def test_one_seed_is_told_in_the_singular(make_result, values, said):
    lines = render([make_result("a", values)], format="md").splitlines()
    assert any(line.endswith(said) for line in lines)


def test_metrics_stand_with_the_main_one_first_and_the_unit_above(make_result):
    text = render([make_result("a")], format="md")
    titles = [part.strip() for part in table_lines(text)[0].split("|")[5:9]]
    assert titles == ["R² ↑", "RMSE ↓", "MAE ↓", "R² (log) ↑"]
    assert "; RMSE and MAE in thousand persons per km2\n" in text


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("classification", ["macro F1 ↑", "weighted F1 ↑", "accuracy ↑"]),
        ("composition", ["R² ↑", "RMSE ↓", "L1 ↓", "KL ↓"]),
    ],
)
def test_other_kinds_of_tasks_have_their_own_metrics(make_result, kind, wanted):
    head = table_lines(render([make_result("a", kind=kind, unit="")], format="md"))[0]
    assert [part.strip() for part in head.split("|")[5 : 5 + len(wanted)]] == wanted


def test_asked_metrics_are_shown_in_their_order(make_result):
    results = [make_result("a"), make_result("a", task="use", kind="classification")]
    heads = [
        line
        for line in table_lines(render(results, format="md", metrics=["mae", "rmse"]))
        if line.startswith("| model ")
    ]
    assert [("MAE" in head, "RMSE" in head, "macro F1" in head) for head in heads] == [
        (True, True, False),
        (False, False, True),
    ]
    assert heads[0].index("MAE") < heads[0].index("RMSE")


def test_a_metric_no_result_has_is_an_error(make_result):
    with pytest.raises(
        BadInput, match=r"No result has the metric 'mse'\. Metrics of these results: mae, r2, r2_log, rmse\."
    ):
        render([make_result("a")], format="md", metrics=["mse"])


def test_uncovered_units_are_counted_and_the_covered_score_stands_beside(make_result):
    line = row_of(render([make_result("a", uncovered=14)], format="md"), "a")
    assert "on covered units: 0.700 ± 0.100" in line
    assert "| 14 |" in " ".join(line.split())


def test_heads_that_select_chose_are_named(make_result):
    result = make_result("tfidf", floor=True, head="select", chosen=["rf", "mlp", "rf"])
    line = row_of(render([make_result("a"), result], format="md"), "tfidf")
    assert "tfidf (best head: mostly rf)" in line
    assert "heads chosen: rf 2x, mlp 1x" in line


def test_runs_of_one_model_are_told_apart_by_what_differs(make_result):
    results = [
        make_result("urbanmfm", (0.1, 0.2), preset="small", parameters={"dim": 64, "layers": 2}),
        make_result("urbanmfm", (0.3, 0.4), preset="small", parameters={"dim": 128, "layers": 2}),
    ]
    text = render(results, format="md")
    assert "urbanmfm (small, dim=128)" in text
    assert "urbanmfm (small, dim=64)" in text
    assert "layers" not in text


def test_stand_in_encoders_are_named(make_result):
    result = make_result("urbanmfm")
    result["model"]["variant"] = {"text": "minilm-l6"}
    assert "text: minilm-l6" in row_of(render([result], format="md"), "urbanmfm")


@pytest.mark.parametrize("metric", ["r2", "rmse"])
def test_the_ceiling_of_the_inputs_has_a_row(make_result, metric):
    ceiling = {
        "all_latents": {"r2": 0.95},
        "inputs": {"polygon,poi": {"r2": 0.8}, "poi": {"r2": 0.7}},
        "method": "how",
    }
    results = [
        make_result("a", ceiling=ceiling),
        make_result("b", used=["road"], inputs="road", ceiling=ceiling),
    ]
    text = render(results, format="md", metrics=[metric])
    rows = [" ".join(line.split()) for line in table_lines(text) if line.startswith("| ceiling")]
    wanted = [
        "| ceiling | best possible | poi,polygon | | 0.800 | | | best score these inputs allow, known because the city is generated |",
        "| ceiling | best possible | everything | | 0.950 | | | best score label noise allows, known because the city is generated |",
    ]
    assert sorted(rows) == (sorted(wanted) if metric == "r2" else [])


def test_seeds_and_uncovered_units_have_columns_only_where_they_tell_something(make_result):
    first = table_lines(render([make_result("a")], format="md"))[0]
    assert "seeds" not in first
    assert "uncovered" not in first
    gaps = make_result("a") | {"n_uncovered": 3}
    assert "uncovered" in table_lines(render([gaps], format="md"))[0]
    fewer = make_result("b", (0.1, 0.2))
    assert "seeds" in table_lines(render([make_result("a"), fewer], format="md"))[0]


def test_ceilings_of_class_metrics_are_found_under_their_other_name(make_result):
    ceiling = {"inputs": {"poi,polygon": {"accuracy": 0.9, "macro_f1": 0.85}}}
    text = render([make_result("a", kind="classification", ceiling=ceiling)], format="md")
    assert "0.850 | | 0.900" in " ".join(row_of(text, "ceiling").split())


def test_names_cannot_write_markup(make_result):
    name = "a|b*c*_d_ <img src=x> [l](u) `x`\nnew # line"
    text = render([make_result(name, city="x_y <b>")], format="md")
    assert "<img" not in text
    assert "<b>" not in text
    line = row_of(text, "a")
    assert r"a\|b\*c\*\_d\_ &lt;img src=x&gt; \[l\](u) \`x\` new \# line" in line
    assert len({len(one.replace(r"\|", "").split("|")) for one in table_lines(text)}) == 1


def test_no_results_say_so():
    for style in ("md", "html", "tex"):
        assert EMPTY in render([], format=style)
    assert render([], format="csv").count("\n") == 1


def test_a_long_reason_is_cut_behind_a_word(make_result):
    said = "It reads coordinates, and a place in one city's map says nothing of a place in another's, which is why it cannot be carried to another city's map"
    text = render([make_result("a", status="refused", reason=f"{said}. Mend: none.")], format="md")
    reason = row_of(text, "a").split("|")[4].strip()
    assert reason.endswith("…")
    assert said.startswith(f"{reason.removeprefix('refused: ').removesuffix('…')} ")
    assert len(reason) <= len("refused: ") + 140


def test_refused_runs_alone_make_a_table(make_result):
    text = render([make_result("a", status="failed", reason="Boom: " + "x" * 300)], format="md")
    assert "### Not scored" in text
    reason = row_of(text, "a").split("|")[4].strip()
    assert reason.startswith("failed: Boom: xxx")
    assert len(reason) <= len("failed: ") + 140


def test_an_unknown_format_suggests_one():
    with pytest.raises(UnknownName, match=r"Unknown board format 'htm'\. Did you mean 'html'\?"):
        render([], format="htm")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 2}, r"has schema 2\. Expected 1\."),
        ({"spec": {"city": "x"}}, r"names no task and no split and no model and no head in its spec"),
        ({"scores": {"r2": "many"}}, r"has scores\.r2 = 'many'\. Expected a list"),
        ({"provenance": [1]}, r"has 'provenance' of type list\. Expected an object\."),
    ],
)
def test_a_result_out_of_shape_is_an_error_with_its_name(make_result, change, message):
    result = make_result("a") | {"run_id": "abc"} | change
    with pytest.raises(BadInput, match=rf"Result 'abc' {message}"):
        render([result], format="md")


def test_the_overview_has_a_line_per_table(make_result):
    trained = {"training": [{"name": "poi", "steps": 9, "converged": True}]}
    results = [
        make_result("a", (0.6, 0.6)) | trained,
        make_result("tfidf", (0.5, 0.5), floor=True),
        make_result("a", (0.4, 0.4), split="block", block_size_m=900.0) | trained,
        make_result("tfidf", (0.5, 0.5), floor=True, split="block", block_size_m=900.0),
    ]
    text = render(results, format="md").partition("## singapore")[0]
    lines = [" ".join(line.split()) for line in table_lines(text)[2:]]
    assert lines == [
        "| singapore · popdensity · random | poi,polygon | mlp | R² ↑ | a | 0.600 ± 0 | tfidf | 0.500 ± 0 | 1 of 1 |",
        "| singapore · popdensity · block (900 m) | poi,polygon | mlp | R² ↑ | a ▼ | 0.400 ± 0 | tfidf | 0.500 ± 0 | 0 of 1 |",
    ]
    assert "Overview" not in render(results[:2], format="md")


def test_cells_are_padded_only_where_a_reader_can_see_the_columns(make_result):
    narrow = table_lines(render([make_result("a"), make_result("bb")], format="md", metrics=["r2"]))
    assert len({len(line) for line in narrow}) == 1
    wide = table_lines(render([make_result("a"), make_result("b" * 200)], format="md", metrics=["r2"]))
    assert "  " not in "".join(wide)
    assert wide[1].startswith("|:---|:---|")
    cells = [[part.strip() for part in line.split("|")] for line in wide]
    assert {len(line) for line in cells} == {len(cells[0])}
    assert row_of("\n".join(wide), "a ").startswith("| a | learned | poi,polygon | mlp | ")
