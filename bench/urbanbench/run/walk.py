"""One run, from an order to its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.apart import is_apart, state_kept
from urbanbench.cache import EmbeddingKey
from urbanbench.checks.ledger import check_mark, checked_code
from urbanbench.city.least import least_withholding
from urbanbench.city.view import view_code
from urbanbench.cost import measured
from urbanbench.errors import InputMasked, LayerMissing, RunRefused
from urbanbench.hashing import code_digest, value_digest
from urbanbench.inputs import format_inputs
from urbanbench.provenance import provenance
from urbanbench.reasons import place_in, speakable, told, trace_of
from urbanbench.registry import environment_facts, environment_of, is_foreign
from urbanbench.registry.live import is_live
from urbanbench.result import FAILED, OK, REFUSED, RunResult, RunSpec
from urbanbench.run.admission import admitted_view, check_paper, check_probe, check_split, units_of
from urbanbench.run.beside import adds_section, floor_orders
from urbanbench.run.finished import check_vectors
from urbanbench.run.kept_readings import scoring_code
from urbanbench.run.order import Order, resolve
from urbanbench.run.spent import row_costs
from urbanbench.run.standing import foreign_code, stale_parts, versions_of
from urbanbench.run.train_city import school_of, train_city_of
from urbanbench.run.workbench import Workbench
from urbanbench.toolkit.kept.versions import learned_versions
from urbanbench.toolkit.training.distributed import sharers

if TYPE_CHECKING:
    from urbanbench.city.city import City
    from urbanbench.city.view import View
    from urbanbench.run.learning import School
    from urbanbench.scoring.evaluate import Scores
    from urbanbench.scoring.targets import Targets
    from urbanbench.space import EmbeddingSpace
    from urbanbench.units import Units

__all__ = ["embedding_key", "execute", "mark_of", "rests_on", "without_scores"]

_TRACE_FRAMES = 6


@dataclass(frozen=True, eq=False)
class _Floor:
    """A floor that stands beside the model."""

    order: Order
    view: View
    key: EmbeddingKey


@dataclass(frozen=True, eq=False)
class _Setting:
    """What stands ready before a model embeds."""

    city: City
    targets: Targets
    view: View
    units: Units
    variant: Mapping[str, str]
    lacks: tuple[str, ...]
    key: EmbeddingKey
    floors: Mapping[str, _Floor]
    school: School | None = None


def execute(
    spec: RunSpec | Order, *, bench: Workbench | None = None, unless: RunResult | None = None
) -> RunResult:
    """Do one run and never raise for what happens in it.

    Parameters
    ----------
    spec
        What to do.
    bench
        Opened cities and vectors of earlier runs; a fresh one on the CPU when left out.
    unless
        An earlier result of this cell; returned as it is when it is finished and not stale.

    Returns
    -------
    RunResult
        Finished, refused (input, layer, label or level missing) or failed (any other error, kept in the result).

    Raises
    ------
    UnknownName, BadInput, DataMissing, PluginBroken
        The spec names what does not exist.
    """
    order = spec if isinstance(spec, Order) else resolve(spec)
    bench = bench or Workbench()
    start = provenance(bench.device)
    try:
        order.check_loaded()
        setting = _prepare(order, bench)
        now = _hashes(order, setting)
        if unless is not None and unless.status == OK:
            changed = stale_parts(unless, versions_of(order), now, setting.variant)
            if not changed:
                return unless
            start["replaced_stale"] = changed
        return _embed_and_score(order, setting, bench, start | now)
    except (RunRefused, LayerMissing) as refused:
        return without_scores(order, REFUSED, refused, start)
    except (
        InputMasked
    ) as masked:  # a declared input that --inputs hides is the run's choice, any other the model's fault
        declared = masked.name in order.room.inputs_of(order.model.card)[0]
        return without_scores(order, REFUSED if declared else FAILED, masked, start)
    except KeyboardInterrupt as error:
        if not is_apart():  # there nobody sits at a keyboard: the model raised it
            raise
        return without_scores(order, FAILED, error, start)
    except BaseException as error:  # noqa: BLE001 - one broken cell is a row in the table, not the end of the rest
        return without_scores(order, FAILED, error, start)


def rests_on(order: Order, bench: Workbench) -> tuple[dict[str, str], Mapping[str, str] | None]:
    """Return today's hashes and stand-ins of a run, without embedding anything; of a plugin that is kept apart the data and files alone.

    Raises
    ------
    RunRefused, LayerMissing, InputMasked
        It cannot be run as asked.
    """
    if order.foreign:
        targets = bench.targets(order)
        view = admitted_view(order, bench.city(order.spec.city), targets)
        floors = _floors(order, bench.city(order.spec.city), view, targets, bench.device)
        there = train_city_of(order, bench, view).hashes() if order.cell.train_city else {}
        data = {"view_key": view.data_key, "targets_digest": targets.digest(), **there, **_floors_key(floors)}
        return foreign_code(order) | data, None
    setting = _prepare(order, bench)
    return _hashes(order, setting), setting.variant


def _prepare(order: Order, bench: Workbench) -> _Setting:
    check_paper(order)
    check_probe(order)
    order.room.check_cell(order.cell, order.task.card, given=order.given)
    city = bench.city(order.spec.city)
    targets = bench.targets(order)
    if order.vectors is not None:
        check_vectors(order, order.vectors, targets)
    view = admitted_view(order, city, targets)
    check_split(order, targets)
    units = units_of(city, targets.level, targets.ids.tolist())
    with state_kept():
        shown = least_withholding(view)
        variant, lacks = dict(order.model.variant(shown)), _phrases(order.model.lacks(shown))
    school = school_for(order, bench, view) if order.cell.train_city else None
    key = embedding_key(order, view, units, variant, bench.device, school)
    floors = _floors(order, city, view, targets, bench.device)
    return _Setting(city, targets, view, units, variant, lacks, key, floors, school)


def school_for(order: Order, bench: Workbench, view: View) -> School:
    """Return where the model of an order with a train city learns; `view` is what it sees of the scored city.

    Raises
    ------
    RunRefused
        It cannot be carried over (`urbanbench.run.train_city.train_city_of`).
    """
    place = train_city_of(order, bench, view)
    return school_of(order, place, embedding_key(order, place.view, place.units, {}, bench.device))


def _phrases(said: tuple[str, ...] | str) -> tuple[str, ...]:
    """Read what a model says it lacks; one phrase alone counts as one, not as its letters."""
    return (said,) if isinstance(said, str) else tuple(map(str, said))


def _floors(order: Order, city: City, view: View, targets: Targets, device: str) -> dict[str, _Floor]:
    """Return what stands beside the model, by name; nothing where none is asked for."""
    found, ids = {}, targets.ids.tolist()
    for floor in floor_orders(order, city, view) if order.cell.beside else ():
        seen, units = admitted_view(floor, city, targets), units_of(city, targets.level, ids)
        found[floor.cell.model] = _Floor(floor, seen, embedding_key(floor, seen, units, {}, device))
    return found


def _floors_key(floors: Mapping[str, _Floor]) -> dict[str, str]:
    """Hash the data that the floors beside a model see; {} without any."""
    seen = {name: floor.view.data_key for name, floor in sorted(floors.items())}
    return {"floors_key": value_digest(seen)} if seen else {}


def embedding_key(
    order: Order,
    view: View,
    units: Units,
    variant: Mapping[str, str],
    device: str,
    school: School | None = None,
) -> EmbeddingKey:
    """Name everything the vectors depend on; what was learned in another city is a part of it, and what is withheld in vain is none."""
    learned = not order.model.card.floor
    parts = {
        "model": order.cell.model,
        "code": order.code,
        "parameters": dict(order.cell.parameters),
        "variant": dict(variant),
        "view": least_withholding(view).key,
        "units": value_digest([units.level, units.ids]),
        "model_seed": order.cell.model_seed,
        "packages": learned_versions() if learned else {},
        "device": _computed_on(device) if learned else "cpu",
    }
    where = ""
    if own := environment_of(order.model):
        parts |= {"packages": {}, "environment": own}
    if school is not None:
        parts["learned"] = school.key.digest
        where = f" · trained in {school.place.city.name}"
    return EmbeddingKey(parts, f"{order.cell.model} · {view.city_name} · {units.level}{where}")


def _computed_on(device: str) -> str:
    """Name the device and how many processes share the work: their sums have other last bits than those of one."""
    several = sharers()
    return f"{device} x{several}" if several > 1 else device


def _hashes(order: Order, setting: _Setting) -> dict[str, str]:
    """Hash what the run rests on: data, which decide whether its result still holds, and code, for information."""
    return {
        **foreign_code(order),
        "code_digest": setting.key.parts["code"],
        "scoring_digest": scoring_code() if order.paper is None else _paper_digest(),
        "view_key": setting.view.data_key,
        "view_code": view_code(),
        "targets_digest": setting.targets.digest(),
        **_floors_key(setting.floors),
        **(setting.school.place.hashes() if setting.school is not None else {}),
        "embedding_digest": setting.key.digest,
        "data_digest": setting.city.digest(order.room.layers(order.task.card)),
    }


@cache
def _paper_digest() -> str:
    """Hash the code of papers' protocols and what they import; it and that of default rows do not depend on each other's files."""
    import urbanbench.parity

    return code_digest(*sorted(Path(urbanbench.parity.__path__[0]).rglob("*.py")))


def _embed_and_score(order: Order, setting: _Setting, bench: Workbench, origin: dict[str, Any]) -> RunResult:
    space, facts, cached = bench.embedding(order, setting.view, setting.units, setting.key, setting.school)
    # A foreign model had the city in its hands: what it is scored on is read again.
    city, targets = bench.city(order.spec.city), bench.targets(order)
    floors = _floors(order, city, setting.view, targets, bench.device)
    setting = replace(setting, city=city, targets=targets, floors=floors)
    with measured() as head_cost:
        scores, told = _scored(order, setting, space, bench)
    label = setting.city.labels.get(order.task.card.label)
    return RunResult(
        OK,
        order.cell,
        model=_model_facts(order, setting, facts),
        task=_task_facts(order, setting.targets),
        scores={name: list(numbers) for name, numbers in scores.per_seed.items()},
        scores_covered={name: list(numbers) for name, numbers in scores.per_seed_covered.items()},
        evaluation=_evaluation(setting.targets, scores, told.main_metric),
        ceiling=getattr(label, "ceiling", None) if order.paper is None else None,
        versions=versions_of(order),
        protocol=_paper_facts(order),
        cost=row_costs(facts, head_cost, cached=cached),
        training=facts.get("training", []),
        adds=told.adds,
        probe=told.probe,
        provenance=origin | {"split_digest": scores.split_digest},
        predictions=scores.predictions,
    )


@dataclass(frozen=True, eq=False)
class _Told:
    """What a result says beside its scores: what the model adds to floors, or what a probe tells, and the metric that this is about."""

    adds: Mapping[str, Any] = field(default_factory=dict)
    probe: Mapping[str, Any] = field(default_factory=dict)
    main_metric: str = ""


def _scored(order: Order, setting: _Setting, space: EmbeddingSpace, bench: Workbench) -> tuple[Scores, _Told]:
    """Return the scores, and what the result says beside them."""
    if setting.floors:
        return _scored_beside(order, setting, space, bench)
    if order.cell.probe:
        return _probed(order, setting, space, bench)
    if setting.school is not None and order.across:
        return _scored_across(order, setting, setting.school, space, bench), _Told()
    if order.question is None:
        scores = order.task.evaluate(space, setting.targets, protocol=order.protocol, device=bench.device)
        return scores, _Told()
    from urbanbench.parity.evaluate import evaluate

    name, crs = order.cell.protocol, setting.city.crs
    found = evaluate(space, setting.targets, order.question, name=name, crs=crs, device=bench.device)
    return found, _Told()


def _probed(order: Order, setting: _Setting, space: EmbeddingSpace, bench: Workbench) -> tuple[Scores, _Told]:
    from urbanbench.scoring.probes.evaluate import probe

    found = probe(order.cell.probe, space, setting.targets, order.protocol, device=bench.device)
    return found.scores, _Told(probe=found.section, main_metric=found.main_metric)


def _scored_across(
    order: Order, setting: _Setting, school: School, space: EmbeddingSpace, bench: Workbench
) -> Scores:
    """Fit the head on the vectors and labels of the train city."""
    from urbanbench.scoring.across import evaluate_across

    place = school.place
    key = embedding_key(order, place.view, place.units, school.variant, bench.device, school)
    there, _, _ = bench.embedding(order, place.view, place.units, key, school)
    labels = bench.train_targets(order)
    return evaluate_across(there, labels, space, setting.targets, order.protocol, device=bench.device)


def _scored_beside(
    order: Order, setting: _Setting, space: EmbeddingSpace, bench: Workbench
) -> tuple[Scores, _Told]:
    from urbanbench.scoring.fusion.evaluate import fuse
    from urbanbench.scoring.fusion.reading import Exam, read

    exam, units = Exam.of(setting.targets, order.protocol, bench.device), setting.units
    floors = {
        name: bench.floor_reading(floor.order, floor.view, units, floor.key, exam)
        for name, floor in setting.floors.items()
    }
    fused = fuse(read(space, exam), floors, exam)
    return fused.scores, _Told(adds_section(fused, floors))


def _paper_facts(order: Order) -> dict[str, Any]:
    return order.paper.label(order.question) if order.paper and order.question else {}


def _model_facts(order: Order, setting: _Setting, facts: Mapping[str, Any]) -> dict[str, Any]:
    return (
        _declared(order)
        | mark_of(order)
        | environment_facts(order.model)
        | {
            "variant": dict(setting.variant),
            "inputs_allowed": _listed(setting.view.inputs),
            "inputs_touched": facts["inputs_touched"],
            **{name: facts[name] for name in ("saw", "learned") if name in facts},
            "lacks": list(setting.lacks),
            "knows_place": _place_known(order, facts),
            "dim": facts["dim"],
            "effective_rank": facts.get("effective_rank"),
        }
    )


def _place_known(order: Order, facts: Mapping[str, Any]) -> str:
    """Say how the vectors tell where a unit lies: what the model says, or that it used coordinates; "" where they do not."""
    told = order.model.knows_place()
    return told or ("coordinates" if "coordinates" in facts["inputs_touched"] else "")


def mark_of(order: Order) -> dict[str, Any]:
    """Return whether a model from elsewhere has been checked with its present code; {} for built-in models and given vectors."""
    if order.given or not (is_live(order.spec.model) or is_foreign("model", order.spec.model)):
        return {}
    return {"checked": check_mark(checked_code(order.code, environment_of(order.model)))}


def _declared(order: Order) -> dict[str, Any]:
    card = order.model.card
    untrained = not (card.trained or order.given)  # nobody knows how given vectors were made
    return {
        "title": card.title,
        "floor": card.floor,
        **({"trained": False} if untrained else {}),
        "inputs_declared": _listed(order.room.inputs_of(card)[0]),
        "settings": order.changed,
    }


def _listed(inputs: frozenset[str]) -> list[str]:
    return format_inputs(inputs).split(",") if inputs else []


def _task_facts(order: Order, targets: Targets | None = None) -> dict[str, Any]:
    card = order.task.card
    return {
        "title": card.title,
        "kind": card.kind,
        "level": card.level,
        "label": card.label,
        "unit": targets.unit if targets is not None else "",
        "log1p": card.log1p,
        "withholds": list(card.withholds),
        **order.room.declared(card),
    }


def _evaluation(targets: Targets, scores: Scores, main_metric: str) -> dict[str, Any]:
    from urbanbench.scoring.metrics import MAIN_METRIC

    sides = zip(*scores.sides, strict=True)
    n_train, n_val, n_test = (round(sum(column) / len(scores.sides)) for column in sides)
    return {
        "main_metric": main_metric or MAIN_METRIC[targets.kind],
        "n_units": scores.n_units,
        "n_uncovered": scores.n_uncovered,
        "n_train": n_train,
        "n_val": n_val,
        "n_test": n_test,
        "block_size_m": scores.block_size_m,
        "head_details": [dict(one) for one in scores.head_details],
        **({"split_facts": [dict(one) for one in scores.split_facts]} if scores.split_facts else {}),
        **scores.section,
    }


def without_scores(
    order: Order, status: str, error: BaseException, origin: dict[str, Any] | None = None
) -> RunResult:
    """Return the row of a run that was refused or failed; a failed one keeps the innermost frames of its traceback."""
    kept = trace_of(error, _TRACE_FRAMES) if status == FAILED else ""
    reason = speakable(str(error)) if status == REFUSED else f"{told(error)}{place_in(error, order.files)}"
    return RunResult(
        status,
        order.cell,
        reason=reason.strip(),
        model=_declared(order),
        task=_task_facts(order),
        versions=versions_of(order),
        protocol=_paper_facts(order),
        provenance=origin or provenance("cpu"),
        error_type=type(error).__name__,
        traceback=kept,
    )
