"""Hours are told before they are spent, and what never kept a limit is refused; never on a hint."""

from __future__ import annotations

from dataclasses import replace

import pytest

from urbanbench.apart import Keeping, Limits, plugins_apart
from urbanbench.provenance import machine_facts
from urbanbench.result import OK, REFUSED, RunResult, RunSpec
from urbanbench.run import Workbench, resolve, run
from urbanbench.run.embedding_here import key_here
from urbanbench.store import ResultStore

pytestmark = pytest.mark.usefixtures("own_cache")
HOUR = 3600.0


class Given:
    """An executor that only remembers what it is given."""

    def __init__(self):
        self.models = []

    def run(self, work):
        self.models += [one.cell.model for one in work.orders]
        return {one.cell.run_id: RunResult(OK, one.cell) for one in work.orders}


def spec_of(city, **more):
    return RunSpec("geovectors", "popdensity", str(city), **({"head": "ridge", "seeds": (0,)} | more))


def earlier(spec, seconds, **machine):
    """A finished row of the same vectors, read by another head."""
    order = resolve(replace(spec, head="knn"))
    return RunResult(
        OK,
        order.cell,
        task={"level": "region"},
        versions={"model": order.model.card.version},
        cost={"embed_seconds": seconds, "head_seconds": 1.0},
        provenance={"device": "cpu", **machine_facts(), **machine},
    )


@pytest.fixture
def store(tmp_path) -> ResultStore:
    return ResultStore(tmp_path / "rows")


def limited(specs, store, seconds):
    given = Given()
    with plugins_apart(Keeping(limits=Limits(seconds=seconds))):
        return run(specs, store, executor=given), given.models


def test_hours_that_rows_tell_of_are_said_before_anything_runs(village, store, capsys):
    spec = replace(spec_of(village), model="hgi")
    store.save(earlier(spec, 50 * HOUR))
    run([spec, replace(spec, head="mlp")], store, executor=Given())
    [line] = [one for one in capsys.readouterr().err.splitlines() if "hgi" in one]
    assert line == (
        "hgi (small) in village: about 2.1 days on a processor, as before; may be sooner: a GPU or --preset quick."
    )


def test_an_hour_less_is_not_worth_a_line(village, store, capsys):
    store.save(earlier(spec_of(village), 0.9 * HOUR))
    run([spec_of(village)], store, executor=Given())
    assert "geovectors" not in capsys.readouterr().err


def test_what_never_kept_the_limit_is_a_refused_row_and_the_rest_goes_on(village, store):
    spec, other = (
        spec_of(village),
        RunSpec("poi-counts", "popdensity", str(village), head="ridge", seeds=(0,)),
    )
    store.save(earlier(spec, 3 * HOUR))
    (refused, done), given = limited([spec, other], store, HOUR / 2)
    assert (refused.status, done.status, given) == (REFUSED, OK, ["poi-counts"])
    assert refused.reason.startswith(
        "geovectors (small) in village took at least 3.0 h on a machine like this one, with these settings, whenever it was made. "
        "Expected what ends within the time limit of 30 min. Mend: --time-limit 16200"
    )
    assert store.find(resolve(spec).cell).reason == refused.reason
    assert limited([spec], store, 2 * HOUR)[1] == ["geovectors"]


@pytest.mark.parametrize(
    "rows",
    [
        [(3 * HOUR, {}), (HOUR, {})],  # once it was quicker
        [(3 * HOUR, {"cpu": "another"})],
        [(3 * HOUR, {"device": "cuda"})],
        [(3 * HOUR, {"vectors": {"device": "cpu", "cpu": "another"}})],
    ],
)
def test_rows_that_prove_nothing_for_this_machine_refuse_nothing(village, store, rows):
    spec = spec_of(village)
    for seed, (seconds, machine) in enumerate(rows):
        store.save(earlier(replace(spec, model_seed=seed), seconds, **machine))
    assert limited([spec], store, HOUR / 2)[1] == ["geovectors"]


def test_other_settings_other_versions_and_other_cities_refuse_nothing(village, store):
    spec = spec_of(village)
    store.save(earlier(replace(spec, settings=(("tag_epochs", "3"),)), 30 * HOUR))
    store.save(replace(earlier(spec, 30 * HOUR), versions={"model": 0}))
    store.save(earlier(replace(spec, city="toyville"), 30 * HOUR))
    assert limited([spec], store, HOUR / 2)[1] == ["geovectors"]


def test_a_stopped_training_goes_on_where_it_was_and_is_not_refused(village, store, own_cache):
    spec = spec_of(village)
    store.save(earlier(spec, 3 * HOUR))
    digest = key_here(spec, Workbench()).digest
    (own_cache / "training" / digest).mkdir(parents=True)
    assert limited([spec], store, HOUR / 2)[1] == ["geovectors"]
