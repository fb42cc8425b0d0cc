"""What holds for every format."""

import random
import subprocess
import sys

import pytest

from urbanbench.board import FORMATS, render
from urbanbench.errors import BadInput


@pytest.mark.parametrize("style", FORMATS)
def test_bytes_do_not_depend_on_the_order_of_results(make_result, style):
    results = [
        make_result(name, (0.1, 0.2, 0.3), city=city, head=head, floor=name == "tfidf")
        for name in ("urbanmfm", "cityfm", "tfidf")
        for city in ("singapore", "toyville")
        for head in ("mlp", "ridge")
    ]
    wanted = render(results, format=style, published=True)
    random.Random(1).shuffle(results)
    assert render(results, format=style, published=True) == wanted


@pytest.mark.parametrize("style", FORMATS)
def test_results_are_not_changed(make_result, style):
    import copy

    results = [make_result("a"), make_result("b", status="refused")]
    before = copy.deepcopy(results)
    render(results, format=style, published=True)
    assert results == before


def test_a_board_loads_no_heavy_package():
    code = (
        "import sys; from urbanbench.board import FORMATS, render; [render([], format=one) for one in FORMATS];"
        "bad = {'pandas', 'torch', 'sklearn', 'scipy', 'geopandas', 'lightgbm', 'matplotlib'} & set(sys.modules); sys.exit(str(bad) if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_stored_result_is_what_a_board_reads(make_result):
    from urbanbench.result import RunResult

    result = make_result("urbanmfm")
    round_trip = RunResult.from_dict(result).to_dict()
    assert render([round_trip], format="md") == render(
        [result | {"run_id": round_trip["run_id"]}], format="md"
    )


def test_a_run_given_twice_counts_once_and_must_agree(make_result):
    result = make_result("a")
    assert render([result, dict(result)], format="md") == render([result], format="md")
    with pytest.raises(BadInput, match=r"\(a on singapore\) is given twice with different scores"):
        render([result, result | {"scores": {"r2": [0.0, 0.0, 0.0]}}], format="md")
