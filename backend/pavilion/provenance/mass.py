"""Nothing weighs more than what it was cut from (MB). All masses in whole milli-carats."""

from collections.abc import Iterator

from pavilion.provenance.facts import POLISHING, TRANSFORMATIONS, Happening
from pavilion.provenance.findings import Finding, Severity
from pavilion.provenance.lineage import Case
from pavilion.provenance.tolerances import Tolerances


def balance(case: Case) -> Iterator[Finding]:
    for event in case.transformations:
        yield from _each_cut_adds_up(case, event)
    yield from _rough_covers_its_polished(case)
    yield from _yield_is_plausible(case)
    yield from _plan_fits(case)
    yield from _parcels_add_up(case)


def _each_cut_adds_up(case: Case, event: Happening) -> Iterator[Finding]:
    if not event.inputs or not all(piece in case.mass for piece in event.inputs):
        return
    inputs = sum(case.mass[piece] for piece in event.inputs)
    accounted = sum(event.outputs.values()) + event.loss_mct
    facts = {"inputs_mct": inputs, "outputs_mct": sum(event.outputs.values()), "loss_mct": event.loss_mct}
    missing = inputs - accounted
    if -missing > case.limits.scale_mct:
        yield Finding("MB-01", Severity.BLOCK, event.place, facts)
    elif missing > case.limits.missing_mct and missing * 1000 > case.limits.missing_permille * inputs:
        yield Finding("MB-02", Severity.HOLD, event.place, {**facts, "missing_mct": missing})


def _rough_covers_its_polished(case: Case) -> Iterator[Finding]:
    if len(case.roots) != 1:
        return
    root = case.roots[0]
    descended, waiting = {root}, [root]
    polished: dict[str, int] = {}
    while waiting:
        for event in case.consumers.get(waiting.pop(), ()):
            if event.kind not in TRANSFORMATIONS:
                continue
            for piece in event.outputs:
                if event.kind in POLISHING and piece not in case.consumers:
                    polished[piece] = case.mass[piece]
                if piece not in descended:
                    descended.add(piece)
                    waiting.append(piece)
    siblings = {p: mct for p, mct in case.facts.elsewhere.siblings_mct.items() if p not in case.producers}
    total = sum(polished.values()) + sum(siblings.values())
    if total > case.mass[root]:
        facts = {"rough_mct": case.mass[root], "polished_mct": total, "stones": len(polished) + len(siblings)}
        yield Finding("MB-03", Severity.BLOCK, None, facts)


def _yield_is_plausible(case: Case) -> Iterator[Finding]:
    event = case.first_polish
    if event is None or not event.inputs or not all(piece in case.mass for piece in event.inputs):
        return
    rough, polished = sum(case.mass[piece] for piece in event.inputs), _into_line(case, event)
    shape = event.text("shape") or case.facts.shape or ""
    band = case.tables.bands.get(shape, case.tables.default_band)
    facts: dict[str, str | int] = {"rough_mct": rough, "polished_mct": polished, "shape": shape}
    if polished * 1000 > band.max * rough:
        yield Finding("MB-04", Severity.BLOCK, event.place, {**facts, "limit_permille": band.max})
    elif polished * 1000 > band.hi * rough:
        yield Finding("MB-04", Severity.HOLD, event.place, {**facts, "limit_permille": band.hi})
    elif polished * 1000 < band.lo * rough:
        yield Finding("MB-04", Severity.HOLD, event.place, {**facts, "limit_permille": band.lo})


def _plan_fits(case: Case) -> Iterator[Finding]:
    plans = [event for event in case.chain if event.kind == "PLANNED" and event.masses("plan")]
    for event in plans:
        planned = sum(event.masses("plan"))
        if event.objects and all(piece in case.mass for piece in event.objects):
            rough = sum(case.mass[piece] for piece in event.objects)
            if planned > rough:
                yield Finding("MB-05", Severity.BLOCK, event.place, {"plan_mct": planned, "rough_mct": rough})
    polish = case.first_polish
    plan = next((e for e in reversed(plans) if polish is not None and e.place <= polish.place), None)
    if polish is None or plan is None:
        return
    items, item = plan.masses("plan"), polish.mct("plan_item")
    wanted = items[item] if item is not None and 0 <= item < len(items) else max(items)
    polished = _into_line(case, polish)
    if polished * 100 > case.limits.plan_percent * wanted:
        yield Finding("MB-05", Severity.HOLD, polish.place, {"plan_mct": wanted, "polished_mct": polished})


def _parcels_add_up(case: Case) -> Iterator[Finding]:
    for event in case.chain:
        if event.kind == "SORTED" and (parcel := event.mct("parcel_mct")) is not None:
            stones = sum(event.masses("stones_mct"))
            if _differs(case.limits, stones, parcel):
                yield Finding("MB-06", Severity.HOLD, event.place, {"stones_mct": stones, "parcel_mct": parcel})
        elif event.kind == "KP_IMPORT" and (weighed := event.mct("weighed_mct")) is not None:
            export = case.exports.get(event.text("kp_no") or "")
            if export is not None and export.kp is not None:
                certified = int(export.kp.mct)
                if _differs(case.limits, weighed, certified):
                    facts = {"weighed_mct": weighed, "certificate_mct": certified}
                    yield Finding("MB-06", Severity.HOLD, event.place, facts)


def _differs(limits: Tolerances, found: int, stated: int) -> bool:
    gap = abs(found - stated)
    return gap > limits.parcel_mct and gap * 10_000 > limits.parcel_per_10000 * stated


def _into_line(case: Case, event: Happening) -> int:
    return sum(mct for piece, mct in event.outputs.items() if piece in case.pieces)
