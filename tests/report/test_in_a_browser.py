"""The page in a real browser: filters, sorting, maps, addresses, accessibility, and widths."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from tests.page_data import data_of

from urbanbench.report import make_report
from urbanbench.report.content import content_of
from urbanbench.report.html import page_of

PAGES = (
    "#/",
    "#/results",
    "#/result/village/income/random",
    "#/model/poi-counts",
    "#/models",
    "#/task/income",
    "#/tasks",
    "#/city/village",
    "#/cities",
    "#/help",
)


def at(page, place=""):
    return f"{page.as_uri()}{place}"


def run_of(page, model, question):
    told = data_of(page)
    return next(
        row
        for row in told["rows"]
        if row["model"] == model and told["questions"][row["question"]]["id"] == question
    )


def drawn(tab, plots=1):
    tab.wait_for_function(f"document.querySelectorAll('[data-drawn]').length >= {plots}")


@pytest.mark.parametrize("width", [390, 1400])
def test_no_page_is_wider_than_its_window(page, open_page, width):
    tab = open_page(at(page), width=width)
    places = [*PAGES, f"#/run/{run_of(page, 'poi-counts', 'village/income/random')['id']}"]
    for place in places:
        tab.evaluate("place => { location.hash = place; }", place)
        tab.wait_for_timeout(120)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, place


def test_no_column_of_a_table_is_cut_off_in_a_window_of_1400_pixels(results, open_page, tmp_path):
    told = content_of(results.load_all(), maps=False)
    inputs = "poi,polygon,road,street_view"
    for row in told["rows"]:
        long = {"text": "+0.011 ± 0.012 ± 0.006 (a floor adds +0.005)", "mean": 0.011, "values": []}
        row |= {"adds": long, "inputs": inputs, "converged": "not known", "seconds": 5400.0}
        row["score"]["text"] = "-0.631 ± 0.042 ± 0.006"
    file = tmp_path / "long.html"
    file.write_text(page_of(told), encoding="utf-8")
    tab = open_page(at(file))
    for place in ("#/results", "#/result/village/income/random"):
        tab.evaluate("place => { location.hash = place; }", place)
        tab.wait_for_timeout(120)
        frame = tab.locator(".frame", has=tab.locator("td[data-title=Adds]")).first
        assert frame.evaluate("one => one.scrollWidth <= one.clientWidth"), place


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1400, 900)])
def test_the_first_screen_shows_scores(page, open_page, width, height):
    tab = open_page(at(page), width=width, height=height)
    assert re.fullmatch(r"-?\d\.\d+", tab.locator(".score .mean").first.inner_text())
    assert tab.locator(".score").first.bounding_box()["y"] + 20 < height


def test_filters_leave_the_rows_that_fit_and_stand_in_the_address(page, open_page):
    told = data_of(page)
    tab = open_page(at(page, "#/results"))
    tab.select_option("#filter-task", "income")
    tab.select_option("#filter-split", "block")
    tab.select_option("#filter-kind", "floors")
    wanted = [
        row
        for row in told["rows"]
        if told["questions"][row["question"]]["id"] == "village/income/block" and row.get("floor")
    ]
    assert tab.locator("tbody tr").count() == len(wanted) == 3
    assert tab.locator("#counted").inner_text() == f"3 rows of {len(told['rows'])}"
    assert tab.evaluate("location.hash") == "#/results?task=income&split=block&kind=floors"
    again = open_page(tab.url)
    assert again.locator("tbody tr").count() == 3
    again.fill("#filter-find", "coord")
    assert again.locator("tbody th").all_inner_texts()[0].startswith("coordinates")
    again.click("#filter-clear")
    assert again.locator("tbody tr").count() == len(told["rows"])


def test_results_say_of_a_question_what_their_rows_differ_in(page, open_page):
    def columns(place):
        tab = open_page(at(page, place))
        return tab.locator("thead th").all_inner_texts(), tab.locator("td[data-title=Question]")

    heads, cells = columns("#/results")
    assert "Question" in heads
    assert " · " in cells.first.inner_text()
    heads, cells = columns("#/results?task=income")
    assert {*cells.all_inner_texts()} == {"random", "block"}
    heads, _ = columns("#/results?task=income&split=block")
    assert "Question" not in heads


def test_a_row_of_another_head_than_its_tables_says_so(results, open_page, tmp_path):
    found = [
        replace(one, cell=replace(one.cell, head="rf")) if one.cell.model == "area" else one
        for one in results.load_all()
    ]
    file = tmp_path / "heads.html"
    file.write_text(make_report(found), encoding="utf-8")
    names = open_page(at(file, "#/result/village/income/random")).locator("tbody th")
    told = {one.split()[0]: re.findall(r"head \w+", one) for one in names.all_inner_texts()}
    assert told == {"area": ["head rf"], "poi-counts": [], "coordinates": [], "ranks-of-pois": []}


def test_beside_published_numbers_stands_one_trained_row_of_a_model(results, open_page, tmp_path):
    """Every row is given a number; a second row of the plugin has a setting, a third several trainings, others are frozen or of an older question."""
    told = content_of(results.load_all(), maps=False)
    question = next(one for one in told["questions"] if one["id"] == "village/income/random")
    lines = question["tables"][question["main"]]["lines"]
    for line in lines:
        line["paper"] = {"text": "0.5", "mean": 0.5, "source": "S", "note": "", "table": "IV"}
    own = next(line for line in lines if not told["rows"][line["row"]].get("floor"))
    row = told["rows"][own["row"]]
    joint = {**row["score"], "trainings": [row["score"]["values"]] * 3}
    more = (
        ({"label": "set", "settings": {"dim": "9"}, "score": joint}, {}),
        ({"label": "joint", "score": joint}, {}),
        ({"label": "still", "frozen": True, "score": joint}, {}),
        ({"label": "old", "score": {**joint, "trainings": joint["trainings"] * 2}}, {"aside": True}),
    )
    for number, (change, mark) in enumerate(more):
        told["rows"].append({**row, "id": f"{number}made", **change})
        lines.append({**own, "row": len(told["rows"]) - 1, "label": change["label"], **mark})
    file = tmp_path / "published.html"
    file.write_text(page_of(told), encoding="utf-8")
    shown = open_page(at(file)).locator("section", has_text="Printed numbers are from").locator("tbody th")
    assert shown.all_inner_texts() == ["joint"]


def test_what_learning_gives_is_of_the_row_as_it_stands_and_not_of_the_luckiest(results, open_page, tmp_path):
    told = content_of(results.load_all(), maps=False)
    for question in told["questions"]:
        lines = question["tables"][question["main"]]["lines"]
        learned = [line for line in lines if not {"floor", "frozen"} & set(told["rows"][line["row"]])]
        for line in learned:
            row = told["rows"][line["row"]]
            lucky = {**row["score"], "mean": row["score"]["mean"] + 0.5, "text": "lucky"}
            told["rows"].append({**row, "id": f"{row['id']}made", "settings": {"dim": "9"}, "score": lucky})
            lines.append({**line, "row": len(told["rows"]) - 1})
    file = tmp_path / "lucky.html"
    file.write_text(page_of(told), encoding="utf-8")
    tab = open_page(at(file))
    dots = tab.locator("section", has_text="What learning gives over counting").locator(
        "path[aria-roledescription=circle]"
    )
    dots.first.wait_for(state="attached")
    named = dots.evaluate_all("all => all.map(one => one.getAttribute('aria-label'))")
    assert len(named) == len(told["questions"])
    assert not [one for one in named if "lucky" in one]


def test_the_id_of_each_training_leads_to_the_row_that_joins_them(results, open_page, tmp_path):
    found = results.load_all()
    learned = [one for one in found if not one.model["floor"]]
    again = [replace(one, cell=replace(one.cell, model_seed=7)) for one in learned]
    file = tmp_path / "trainings.html"
    file.write_text(make_report([*found, *again]), encoding="utf-8")
    first, second = (one[0].to_dict()["run_id"][:10] for one in (learned, again))
    assert first != second
    headings = [open_page(at(file, f"#/run/{one}")).locator("h1").inner_text() for one in (first, second)]
    assert "2 trainings" in headings[0]
    assert headings[0] == headings[1]


def test_every_filter_that_is_asked_for_is_there(page, open_page):
    tab = open_page(at(page, "#/results"))
    for name in ("city", "task", "split", "inputs", "head", "preset", "converged"):
        assert tab.locator(f"#filter-{name}").count() == 1


def test_columns_sort_both_ways_by_number_and_say_so(page, open_page):
    tab = open_page(at(page, "#/result/village/popdensity/random"))
    button = tab.locator("thead button", has_text="Score").first
    scores = "[...document.querySelectorAll('.ranked tbody .mean')].map(one => Number(one.textContent))"
    button.click()
    falling = tab.evaluate(scores)
    button.press("Enter")
    assert falling == sorted(falling, reverse=True)
    assert tab.evaluate(scores) == falling[::-1]
    assert tab.locator("th[aria-sort=ascending]").inner_text().startswith("Score")
    assert "smallest first" in tab.locator("#spoken").inner_text()


def test_an_address_leads_to_its_page_and_back(page, open_page):
    row = run_of(page, "poi-counts", "village/income/random")
    titles = {
        "#/model/poi-counts": "poi-counts",
        "#/city/village": "Village",
        "#/task/income": "Household income",
        "#/result/village/income/block": "Household income, Village",
        f"#/run/{row['id']}": "poi-counts",
        "#/model/no-such": "No model of this name",
        "#/nowhere": "No page of this name",
    }
    for place, title in titles.items():
        assert title in open_page(at(page, place)).locator("h1").inner_text()
    tab = open_page(at(page))
    tab.click("#pages a:has-text('Models')")
    tab.click("tbody a:has-text('poi-counts')")
    assert tab.evaluate("location.hash") == "#/model/poi-counts"
    tab.go_back()
    tab.wait_for_selector("h1:has-text('Models and floors')")


def test_every_score_leads_to_where_it_comes_from(page, results, open_page):
    [result] = [
        one
        for one in results.load_all()
        if one.cell.model == "poi-counts" and one.cell.task == "income" and one.cell.split == "block"
    ]
    tab = open_page(at(page, "#/result/village/income/block"))
    tab.locator("tr", has_text="poi-counts").first.locator("a.score").click()
    tab.wait_for_selector("h2:has-text('Where this comes from')")
    told = tab.locator("main").inner_text()
    assert result.cell.file_name in told
    assert result.provenance["split_digest"][:10] in told
    assert result.provenance["packages"]["numpy"] in told
    assert all(f"{value:.4g}" in told for value in result.scores["r2"])


def test_a_map_answers_to_the_pointer_with_the_numbers_of_the_run(page, results, open_page):
    [result] = [
        one
        for one in results.load_all()
        if one.cell.model == "poi-counts" and one.cell.task == "income" and one.cell.split == "random"
    ]
    table = results.read_predictions(results.path_of(result.cell), result.cell)
    mean = table.groupby("unit_id")[["true", "predicted"]].mean()
    tab = open_page(at(page, f"#/run/{run_of(page, 'poi-counts', 'village/income/random')['id']}"))
    tab.locator(".map").scroll_into_view_if_needed()
    drawn(tab)
    box = tab.locator(".map").bounding_box()
    side = min(box["width"], box["height"])
    seen = {}
    for i in range(6):
        for j in range(6):
            x = box["x"] + box["width"] / 2 + (i - 2.5) * side * 0.16
            y = box["y"] + box["height"] / 2 + (j - 2.5) * side * 0.16
            tab.mouse.move(x, y)
            lines = tab.locator("#tip div").all_inner_texts() if tab.locator("#tip").is_visible() else []
            if lines:
                seen[lines[0]] = lines[1:]
    assert len(seen) > 25
    for name in set(mean.index) & set(seen):
        true, predicted, residual = (
            float(line.split()[-1].replace(",", "").replace("−", "-")) for line in seen[name]
        )
        assert true == pytest.approx(mean.loc[name, "true"], rel=0.01)
        assert predicted == pytest.approx(mean.loc[name, "predicted"], rel=0.01, abs=0.01)
        assert residual == pytest.approx(
            mean.loc[name, "predicted"] - mean.loc[name, "true"], rel=0.02, abs=0.05
        )


def test_a_map_zooms_by_button_and_key_and_shows_other_layers(page, results, open_page):
    [result] = [
        one
        for one in results.load_all()
        if (one.cell.model, one.cell.task, one.cell.split) == ("poi-counts", "income", "random")
    ]
    tested = results.read_predictions(results.path_of(result.cell), result.cell)["unit_id"].nunique()
    tab = open_page(at(page, f"#/run/{run_of(page, 'poi-counts', 'village/income/random')['id']}"))
    tab.locator(".map").scroll_into_view_if_needed()
    drawn(tab)
    tab.click("button[aria-label='Zoom in']")
    assert tab.locator(".map").get_attribute("data-zoom") == "1.60"
    tab.locator(".map").press("+")
    assert tab.locator(".map").get_attribute("data-zoom") == "2.40"
    tab.click(".choice button:has-text('Prediction')")
    assert tab.locator(".choice button[aria-pressed=true]").inner_text() == "Prediction"
    tab.click("summary:has-text('Values as a table')")
    tab.wait_for_selector("details tbody tr")
    assert tab.locator("details tbody tr").count() == min(tested, 25)


def test_plots_are_drawn_and_say_what_they_show(page, open_page):
    tab = open_page(at(page, "#/result/village/income/random"))
    for y in range(0, 4000, 500):
        tab.evaluate(f"scrollTo(0, {y})")
        tab.wait_for_timeout(60)
    drawn(tab, plots=4)
    named = tab.locator(".plot[role=img]").evaluate_all(
        "all => all.map(one => one.getAttribute('aria-label'))"
    )
    for words in (
        "Each dot is the score on one seed",
        "Ranks that each of",
        "From filling gaps",
        "Score against the time",
    ):
        assert any(words in one for one in named), words
    assert tab.locator(".plot svg").count() >= 4


@pytest.mark.parametrize(
    ("scheme", "places"),
    [
        (
            "light",
            ("#/", "#/results", "#/result/village/income/random", "#/task/income", "#/city/village", "RUN"),
        ),
        ("dark", ("#/", "RUN")),
    ],
    ids=["light", "dark"],
)
def test_pages_pass_the_rules_of_accessibility(page, open_page, scheme, places):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    run = f"#/run/{run_of(page, 'ranks-of-pois', 'village/income/random')['id']}"
    tab = open_page(at(page), color_scheme=scheme)
    for place in places:
        tab.evaluate("place => { location.hash = place; }", run if place == "RUN" else place)
        tab.wait_for_timeout(250)
        found = axe.run(tab).response["violations"]
        assert not found, [(place, one["id"], one["nodes"][0]["html"][:200]) for one in found]


def test_the_keyboard_reaches_the_content_and_the_theme_changes(page, open_page):
    tab = open_page(at(page))
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Skip to the content"
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "main"
    paper = "getComputedStyle(document.body).backgroundColor"
    before = tab.evaluate(paper)
    tab.click("#theme")
    tab.click("#theme")
    assert tab.evaluate("document.documentElement.dataset.theme") == "dark"
    assert tab.evaluate(paper) != before


def test_it_prints_without_its_bars(page, open_page):
    tab = open_page(at(page, "#/results"))
    tab.emulate_media(media="print")
    assert not tab.locator(".top").is_visible()
    assert not tab.locator(".filters").is_visible()
    assert tab.locator("tbody tr").first.is_visible()


def test_a_retrieval_is_told_by_its_questions_chance_and_oracle_and_not_by_a_label(
    results, open_page, tmp_path
):
    levels = {"chance": {"r2": 0.25}, "oracle": {"r2": 0.875}, "candidates": {"pool": 30, "sizes": {}}}
    asked = [
        replace(
            one,
            cell=replace(one.cell, task="geolocation"),
            task={**one.task, "kind": "retrieval", "level": "item", "label": "", "unit": ""},
            evaluation={**one.evaluation, **levels},
        )
        for one in results.load_all()
        if one.cell.task == "income" and one.cell.split == "random"
    ]
    file = tmp_path / "asked.html"
    file.write_text(make_report(asked), encoding="utf-8")
    told = data_of(file)
    tab = open_page(file.as_uri() + f"#/run/{told['rows'][0]['id']}")
    words = tab.locator("main").inner_text()
    assert "oracle 0.875" in words
    assert "chance 0.250" in words
    assert "over 4 drawings of candidates" in words
    assert "urbanbench data questions village -t geolocation" in words
    assert "residuals" not in words
    assert tab.locator("h2:has-text('On the map')").count() == 0
    tab = open_page(file.as_uri() + f"#/result/{told['questions'][0]['id']}")
    tab.wait_for_selector(".plot[data-drawn]")
    plot = tab.locator(".plot[role=img]").first
    assert "upright lines are oracle (0.875) and chance (0.25)" in plot.get_attribute("aria-label")
    assert plot.locator(".mark-rule.role-mark line").count() == 2
    assert tab.locator("h2:has-text('Published for this task')").count() == 1
    assert "so chance is not known either" in tab.locator("main").inner_text()
    tab = open_page(file.as_uri() + "#/task/geolocation")
    words = tab.locator("main").inner_text()
    assert "the text about the place where the picture was taken" in words
    assert "the street it lies on" in words
    assert "label" not in words.lower()


def test_text_of_others_is_never_read_as_markup(results, open_page, tmp_path):
    planted = "</script><img src=x onerror=alert(1)><script>alert(2)</script>"
    loaded = [
        replace(one, model={**one.model, "variant": {planted: planted}, "title": planted})
        for one in results.load_all()
    ]
    loaded = [
        replace(one, cell=replace(one.cell, model=f"{planted}{k}") if k % 2 else one.cell)
        for k, one in enumerate(loaded)
    ]
    file = tmp_path / "planted.html"
    file.write_text(make_report(loaded, title=planted, maps=False), encoding="utf-8")
    tab = open_page(file.as_uri())
    tab.on("dialog", lambda dialog: pytest.fail(f"a script of others ran: {dialog.message}"))
    row = next(one for one in data_of(file)["rows"] if one["model"].startswith(planted))
    for place in ("#/", "#/results", "#/models", f"#/run/{row['id']}", "#/result/village/income/random"):
        tab.evaluate("place => { location.hash = place; }", place)
        tab.wait_for_timeout(100)
        assert tab.locator("main img").count() == 0
    assert tab.locator("h1").first.is_visible()
    assert planted in tab.evaluate("JSON.parse(document.getElementById('data').textContent).title")
