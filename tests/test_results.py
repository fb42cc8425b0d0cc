"""The committed reference results: readable, finished or refused for a reason, and the boards made of them."""

import re
from collections import Counter
from pathlib import Path

import pytest

from urbanbench.board.pages import render_pages
from urbanbench.board.rows import LEARNED
from urbanbench.experiments import Choice
from urbanbench.experiments.catalogue import load_experiment
from urbanbench.experiments.kinds.gained import GAINED, SECOND
from urbanbench.experiments.kinds.report import print_report
from urbanbench.report.content import content_of
from urbanbench.report.verdicts import FLOORS, OPEN, TOGETHER
from urbanbench.result import FAILED, OK
from urbanbench.store import ResultStore, predictions_beside

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "results"
MOST_SHOWN = 512_000
"""Bytes of a Markdown file that sites of repositories still show as a page."""
WITH_PREDICTIONS = "2026-11-29T18:40"
"""Rows made from then on come with their predictions; some before have lost theirs."""


@pytest.fixture(scope="module")
def committed():
    return ResultStore(RESULTS).load_all()


def test_every_committed_run_is_finished_or_refused_with_a_reason(committed):
    assert committed
    assert not [one.run_id for one in committed if one.status == FAILED]
    assert all(one.reason for one in committed if one.status != OK)


def test_every_committed_run_has_ten_seeds_or_its_papers_repeats_and_its_origin(committed):
    for one in committed:
        if one.status == OK:
            seeds = 10 if one.cell.protocol == "default" else len(one.cell.seeds)
            assert {len(values) for values in one.scores.values()} == {seeds}
            assert all(
                one.provenance[name] for name in ("split_digest", "view_key", "code_digest", "git_commit")
            )


def test_rows_come_with_their_predictions(committed):
    late = [one for one in committed if one.status == OK and one.provenance["started_utc"] > WITH_PREDICTIONS]
    assert late
    assert not [one.cell for one in late if not predictions_beside(one.file).is_file()]


def test_runs_of_one_task_share_their_splits(committed):
    splits = {}
    for one in committed:
        if one.status == OK:
            if one.cell.split == "paper:regiondcl":  # leaves out the units that each model has no data for
                continue
            cell = (one.cell.city, one.cell.task, one.cell.split)
            splits.setdefault(cell, set()).add(one.provenance["split_digest"])
    assert all(len(digests) == 1 for digests in splits.values())


def test_committed_runs_name_no_path_of_a_machine():
    for path in RESULTS.rglob("*.json"):
        assert not re.search(r'"[^"]*/(home|root|tmp|work|usr)/', path.read_text(encoding="utf-8")), path


def test_boards_are_what_the_results_say(committed):
    made = render_pages([one.to_dict() for one in committed], format="md", published=True)
    boards = RESULTS / "boards"
    kept = {path.relative_to(boards).as_posix(): path for path in boards.rglob("*") if path.is_file()}
    assert [*sorted(kept)] == [*sorted(made)]
    assert [place for place, path in kept.items() if path.read_text(encoding="utf-8") != made[place]] == []
    assert max(path.stat().st_size for path in kept.values()) < MOST_SHOWN


@pytest.mark.parametrize("name", ["unified", "full", "cities", "protocols"])
def test_matrices_are_what_the_results_say(committed, name):
    experiment = load_experiment(name)
    report = experiment.show(committed, experiment.settled(Choice(out=RESULTS)))
    assert (RESULTS / f"{name}.md").read_text(encoding="utf-8").rstrip() == print_report(
        report, "md"
    ).rstrip()


@pytest.mark.parametrize(
    ("page", "row"),
    [
        ("cityfm", "CityFM"),
        ("geovectors", "GeoVectors"),
        ("hgi", "HGI"),
        ("musecl", "MuseCL"),
        ("spabert", "SpaBERT, 2,250 steps"),
        ("urban2vec", "Urban2Vec"),
        ("urbanmfm", "UrbanMFM"),
    ],
)
def test_the_scores_on_a_models_page_are_those_of_its_rows(page, row):
    text = (ROOT / f"docs/models/{page}.md").read_text(encoding="utf-8")
    for head in ("mlp", "select"):
        (told,) = re.findall(rf"^\| `{head}` \| (.*) \|$", text, re.MULTILINE)
        pairs = [cell.split(" / ") if " / " in cell else [cell] * 2 for cell in told.split(" | ")]
        shown, means = [one for pair in pairs for one in pair], _means(head, row)
        for one, mean in zip(shown, means, strict=True):
            assert one == mean or float(one) == pytest.approx(float(mean), abs=0.0056)  # rounded twice


@pytest.mark.parametrize(
    ("told", "row"),
    [
        ("Urban2Vec", "Urban2Vec"),
        ("SpaBERT", "SpaBERT, 2,250 steps"),
        ("CityFM", "CityFM"),
        ("UrbanMFM", "UrbanMFM"),
        ("MuseCL", "MuseCL"),
        ("HGI", "HGI"),
        ("GeoVectors", "GeoVectors"),
        ("frozen ImageNet features", "frozen ImageNet features"),
        ("floor: building-stats", "building-stats"),
        ("floor: poi-counts", "poi-counts"),
        ("floor: neighbour-counts", "neighbour-counts"),
        ("floor: random codes of the same places, averaged", "random codes, averaged"),
    ],
)
def test_the_scores_in_readme_are_those_of_their_rows(told, row):
    text = (ROOT / "README.md").read_text(encoding="utf-8").split("## Real cities")[1]
    (line,) = re.findall(rf"^\| {told}[^|]* \| (\d.*|\*.*) \|$", text, re.MULTILINE)
    shown = [_numbers(cell) for cell in line.split(" | ")]
    kept = [_numbers(cell) for cell in _cells("mlp", row)]
    for mine, theirs in zip(shown, (*kept[:2], *kept[4:6]), strict=True):
        assert mine == pytest.approx(theirs, abs=0.0056)  # rounded twice


@pytest.mark.parametrize(
    ("told", "row"),
    [
        ("MuseCL", "MuseCL"),
        ("UrbanMFM", "UrbanMFM"),
        ("Urban2Vec", "Urban2Vec"),
        ("CityFM (no pictures)", "CityFM"),
        ("SpaBERT ◇ (no pictures)", "SpaBERT, 2,250 steps"),
        ("HGI (no pictures)", "HGI"),
        ("GeoVectors ◇ (no pictures)", "GeoVectors"),
        ("floor: poi-counts", "poi-counts"),
        ("floor: building-stats", "building-stats"),
    ],
)
def test_what_pictures_tell_in_the_comparison_is_what_the_rows_say(told, row):
    text = (ROOT / "docs/comparison.md").read_text(encoding="utf-8")
    table = text.split("## Where the answer needs pictures")[1].split("\n## ")[0]
    (line,) = re.findall(rf"^\| {re.escape(told)} \| (.*) \|$", table, re.MULTILINE)
    full = (RESULTS / "full.md").read_text(encoding="utf-8")
    for place, split in enumerate(("random", "block")):
        section = full.split(f"## toyville · {split}\n")[1].split("\n## ")[0]
        heads = re.search(r"^\| row \| (.*) \|$", section, re.MULTILINE)[1].split(" | ")
        (cells,) = re.findall(rf"^\| {re.escape(row)}(?: \([^|]*\))? \| (.*) \|$", section, re.MULTILINE)
        found = dict(zip(heads, cells.split(" | "), strict=True))
        kept = [_numbers(found[f"{task} R² ↑"])[0] for task in ("housing", "income", "gdp")]
        shown = [float(cell.split(" / ")[place]) for cell in line.split(" | ")]
        assert shown == pytest.approx(kept, abs=0.0056)  # rounded twice


@pytest.mark.parametrize(
    ("told", "row"),
    [
        ("Urban2Vec", "Urban2Vec"),
        ("SpaBERT ◇", "SpaBERT, 2,250 steps"),
        ("MuseCL ◇", "MuseCL"),
        ("CityFM", "CityFM"),
        ("HGI", "HGI"),
        ("UrbanMFM", "UrbanMFM"),
        ("GeoVectors ◇", "GeoVectors"),
        ("**a second floor in the model's place**", SECOND),
    ],
)
def test_what_a_model_adds_in_the_comparison_is_what_its_rows_say(told, row):
    text = (ROOT / "docs/comparison.md").read_text(encoding="utf-8")
    section = text.split("## What a model adds to counting")[1].split("\n## ")[0]
    (line,) = re.findall(rf"^\| {re.escape(told)} \| (.*) \|$", section, re.MULTILINE)
    kept = _cells("mlp", row, gains=True)
    del kept[2:4]  # typed Singapore, which has no column there
    for cell, pair in zip(line.split(" | "), zip(kept[::2], kept[1::2], strict=True), strict=True):
        *gains, trainings = re.fullmatch(r"\**([^ ]+) / ([^(*]+?)\**(?: \((\d)\))?", cell).groups()
        for gain, one in zip(gains, pair, strict=True):
            if "not run" in {gain, one}:
                assert gain == one
                continue
            assert float(gain) == pytest.approx(_numbers(one)[0], abs=0.0002)  # read from three decimals
            if row != SECOND:
                assert int(re.search(r"of (\d+)\)", one)[1]) == 10 * int(trainings)


def test_readme_says_on_how_many_questions_which_kind_may_be_the_best(committed):
    found = content_of(committed, published=False, maps=False)["questions"]
    verdicts = [
        one["tables"][one["main"]]["verdict"]
        for one in found
        if one["main"] is not None and not one["parity"]
    ]
    words = Counter(one["word"] for one in verdicts if {"learned", "floor"} <= set(one))
    del words[OPEN]
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    told = re.search(
        r"Of (\d+) questions .* floors alone may be the best on (\d+), trained models alone on (\d+); on (\d+) chance",
        text,
    )
    counts = (words.total(), words[FLOORS], words[LEARNED], words[TOGETHER])
    assert tuple(map(int, told.groups())) == counts
    assert sum(counts[1:]) == counts[0]


def test_readme_says_what_a_papers_protocol_makes_of_random_codes_and_of_trained_models():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    told = re.search(
        r"random codes have (\S+) of New York's density \((\S+) under ours\), CityFM (\S+) \((\S+)\), and no trained model more than (\S+) ",
        text,
    )
    page = (RESULTS / "protocols.md").read_text(encoding="utf-8")
    section = page.split("## new_york · popdensity")[1].split("\n## ")[0]
    lines = [re.split(r" +\| +", line.strip("| ")) for line in section.splitlines() if line.startswith("|")]
    place = {title: number for number, title in enumerate(lines[0])}
    kept = {
        re.sub(r" \(.*", "", line[0]): [
            _numbers(line[place[one]])[:1] for one in ("paper:cityfm", "random mlp")
        ]
        for line in lines[2:]
    }
    trained = [*kept][: [*kept].index("poi-counts")]
    (most,) = max(kept[name][0] for name in trained if kept[name][0])
    shown = [one for name in ("random codes, averaged", "CityFM") for (one,) in kept[name]]
    assert [float(one) for one in told.groups()] == pytest.approx([*shown, most], abs=0.0051)


def _means(head: str, row: str) -> list[str]:
    """Return the means of a row in results/cities.md, or the words that stand in their place."""
    return [re.sub(r"\*\*|</?ins>| ±.*", "", cell) for cell in _cells(head, row)]


def _cells(head: str, row: str, *, gains: bool = False) -> list[str]:
    """Return the cells of a row in results/cities.md, a city's two splits beside each other: its scores, or what it adds to the best floor."""
    text = (RESULTS / "cities.md").read_text(encoding="utf-8")
    (section,) = re.findall(rf"· head {head}\n(.*?)(?=\n## |\Z)", text, re.DOTALL)
    scores, added = section.split(f"### {GAINED}\n")
    part = added if gains else scores
    (cells,) = re.findall(rf"^\| {re.escape(row)}(?: \([^|]*\))? +\| (.*) \|$", part, re.MULTILINE)
    return [cell.strip() for cell in cells.split(" | ")]


def _numbers(cell: str) -> list[float]:
    return [float(one) for one in re.findall(r"-?\d+\.\d+", cell)]
