"""Results of a village with maps, a page of them, and a browser to look at it with."""

from __future__ import annotations

import shutil

import pytest

from urbanbench.result import RunSpec
from urbanbench.run import run
from urbanbench.store import ResultStore

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def browser_path() -> str | None:
    """Return the Chromium of this machine; None where there is none."""
    return next((found for name in ("chromium", "chromium-browser") if (found := shutil.which(name))), None)


@pytest.fixture(scope="module")
def results(village, tmp_path_factory):
    """A results folder: three floors and a "learned" plugin on two tasks and two splits of the village."""
    folder = tmp_path_factory.mktemp("report")
    plugin = folder / "ranks_of_pois.py"
    plugin.write_text(
        "from dataclasses import dataclass\n\nfrom urbanbench.card import ModelCard\nfrom urbanbench.model import Model\n\n\n"
        "@dataclass(frozen=True)\nclass RanksOfPois(Model):\n"
        '    card = ModelCard(title="Ranks of POIs", summary="Ranks regions by POIs.", needs=("poi",), embeds=("region",))\n\n'
        "    def embed(self, view, *, units, seed, device):\n        import numpy as np\n\n        from urbanbench.space import EmbeddingSpace\n\n"
        '        counts = view.pois["region_id"].value_counts().reindex(list(units.ids)).fillna(0)\n'
        '        return EmbeddingSpace("region", np.array(units.ids), counts.rank().to_numpy("float32")[:, None])\n',
        encoding="utf-8",
    )
    store = ResultStore(folder / "results")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("URBANBENCH_CACHE", str(folder / "cache"))
        models = ("poi-counts", "coordinates", "area", str(plugin))
        run(
            [
                RunSpec(model, task, str(village), head="ridge", split=split, seeds=(0, 1, 2, 3))
                for model in models
                for task in ("income", "popdensity")
                for split in ("random", "block")
            ],
            store,
        )
    return store


@pytest.fixture(scope="module")
def page(results, tmp_path_factory):
    """Return the path of a report of these results, written by the command line."""
    from urbanbench.cli.app import main

    out = tmp_path_factory.mktemp("page")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("URBANBENCH_CACHE", str(out / "cache"))
        assert main(["report", str(results.folder), "-o", str(out / "report")]) == 0
    return out / "report" / "index.html"


@pytest.fixture(scope="module")
def chromium():
    """A headless Chromium; tests without one are skipped, and say so."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = browser_path()
    if path is None:
        pytest.skip("no chromium on this machine: apt install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium):
    """Open an address at a size; everything the page complains of ends up in `faults`, which has to stay empty."""
    contexts, faults = [], []

    def opened(address, width=1400, height=900, **look):
        context = chromium.new_context(viewport={"width": width, "height": height}, **look)
        contexts.append(context)
        tab = context.new_page()
        tab.on(
            "console", lambda said: faults.append(said.text) if said.type in {"error", "warning"} else None
        )
        tab.on("pageerror", lambda error: faults.append(str(error)))
        tab.on(
            "request",
            lambda asked: (
                None
                if asked.url.startswith(("file:", "data:", "blob:", "http://127.0.0.1"))
                else faults.append(asked.url)
            ),
        )
        tab.goto(address)
        tab.wait_for_selector("main h1")
        return tab

    yield opened
    for context in contexts:
        context.close()
    assert not faults


@pytest.fixture
def make_rows():
    """Return rows of one table with these scores seed by seed."""
    from urbanbench.board.rows import read_row

    def make(scores):
        return [
            read_row(_result(k, [None if one is None else float(one) for one in values]))
            for k, values in enumerate(scores)
        ]

    return make


def _result(number, values):
    spec = {
        "city": "c",
        "model": f"m{number}",
        "task": "t",
        "split": "random",
        "head": "mlp",
        "seeds": list(range(len(values))),
    }
    return {
        "schema": 1,
        "run_id": f"{number:032d}",
        "status": "ok",
        "spec": spec,
        "model": {"floor": False},
        "scores": {"r2": values},
        "main_metric": "r2",
        "n_train": 60,
        "n_val": 20,
        "n_test": 20,
    }
