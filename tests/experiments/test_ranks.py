"""Ranks over granularities: tau by counting pairs, and what stands in the report."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from urbanbench.board.numbers import Score
from urbanbench.experiments import Choice
from urbanbench.experiments.kinds.contender import Contender
from urbanbench.experiments.kinds.merge import Merge
from urbanbench.experiments.kinds.ranks import Ranks, rank_figure, rank_table, tau_table
from urbanbench.experiments.kinds.scales import scale_folder, scale_title
from urbanbench.experiments.kinds.shelf import cell_of

pytestmark = pytest.mark.usefixtures("own_cache")


def scores(seed, n=6, seeds=4):
    rng = np.random.default_rng(seed)
    return {f"m{k}": Score(tuple(rng.normal(k / 3, 1, size=seeds).tolist())) for k in range(n)}


def tau(one, other):
    """Count pairs in the same and in the opposite order; there are no ties here."""
    signs = [np.sign((one[a] - one[b]) * (other[a] - other[b])) for a, b in combinations(range(len(one)), 2)]
    return float(np.mean(signs))


def test_tau_between_granularities_is_taken_seed_by_seed():
    ranks = Ranks.of({"as is": scores(0), "merged": scores(1)}, "r2")
    expected = [tau(ranks.scores[0, :, seed], ranks.scores[1, :, seed]) for seed in range(4)]
    np.testing.assert_allclose(ranks.between(0, 1), expected)


def test_tau_of_a_granularity_with_itself_is_that_of_all_pairs_of_seeds():
    ranks = Ranks.of({"as is": scores(0), "merged": scores(1)}, "r2")
    expected = [tau(ranks.scores[0, :, a], ranks.scores[0, :, b]) for a, b in combinations(range(4), 2)]
    np.testing.assert_allclose(ranks.between(0, 0), expected)


def test_lower_errors_are_better_and_rank_one_is_the_best():
    found = {"as is": {"good": Score((1.0, 1.0)), "bad": Score((3.0, 2.0)), "worse": Score((4.0, 5.0))}}
    assert Ranks.of(found, "rmse").ranks()[0].tolist() == [[1, 1], [2, 2], [3, 3]]
    assert Ranks.of(found, "r2").ranks()[0].tolist() == [[3, 3], [2, 2], [1, 1]]


def test_rows_that_lack_a_score_somewhere_are_left_out():
    lacking = scores(1) | {"m2": Score((0.1, None, 0.2, 0.3)), "m9": Score((0.0,) * 4)}
    ranks = Ranks.of({"as is": scores(0), "merged": lacking}, "r2")
    assert ranks.rows == ("m0", "m1", "m3", "m4", "m5")


def test_tables_and_the_figure_show_every_granularity():
    ranks = Ranks.of({"as is": scores(0), "merged": scores(1), "hexagons 1km": scores(2)}, "r2")
    table = tau_table(ranks)
    assert [line.entries[0].text for line in table.lines] == list(ranks.scales)
    assert table.lines[0].entries[2].value == pytest.approx(ranks.between(0, 1).mean())
    first, last = rank_table(ranks).lines[0], rank_table(ranks).lines[-1]
    assert first.entries[1].value < last.entries[1].value
    picture = rank_figure("ranks", "Ranks", ranks)
    assert picture.to_bytes("svg") == picture.to_bytes("svg")


def test_words_of_granularities():
    assert [scale_title(one) for one in ("merged", "hexagons:500m", "by:popdensity.group")] == [
        "merged", "hexagons 500m", "by group",
    ]  # fmt: skip
    assert scale_folder("toyville:tiny", "hexagons:500m").name == "toyville-tiny-hexagons-500m"


@pytest.fixture
def merge():
    rows = tuple(Contender(name, name) for name in ("poi-counts", "area", "tfidf", "random"))
    return Merge(
        name="m", title="Merge", item="text", question="?", splits=("random",), contenders=rows,
        scales={"village": ("hexagons:200m",)},
    )  # fmt: skip


def test_a_city_with_further_granularities_has_cells_and_a_section_of_ranks(merge, answer):
    choice = merge.settled(Choice(cities=("village",), seeds=(0, 1, 2)))
    specs = merge.specs(choice)
    assert [cell_of(one).city for one in specs[:3]] == ["village", "village-merged", "village-hexagons-200m"]
    rng = np.random.default_rng(0)
    results = [answer(one, tuple(rng.normal(size=3).tolist())) for one in specs]
    report = merge.show(results, choice)
    section = report.sections[-1]
    assert section.title == "village · popdensity · random · stability of ranks"
    assert [len(table.lines) for table in section.tables] == [3, 4]
    assert len(section.figures) == 1
    assert any("Kendall's tau" in note for note in report.notes)


def test_too_few_rows_are_said(merge, answer):
    choice = merge.settled(Choice(cities=("village",), seeds=(0, 1, 2)))
    report = merge.show([answer(merge.specs(choice)[0], (0.1, 0.2, 0.3))], choice)
    assert "too few to rank" in report.sections[-1].warnings[0]


def test_a_further_granularity_is_made_of_the_city(merge, village, tmp_path):
    import shutil

    city = tmp_path / "village"
    shutil.copytree(village, city)
    merge.prepare(merge.settled(Choice(cities=(str(city),))))
    assert (scale_folder(str(city), "hexagons:200m") / "regions.parquet").is_file()
