"""Who held and who owned each piece, and whether those who acted might (CU)."""

from collections.abc import Callable, Iterator
from datetime import timedelta

from pavilion.provenance.facts import TRANSFORMATIONS, Happening
from pavilion.provenance.findings import Finding, Severity
from pavilion.provenance.lineage import Case

NOBODY = ""  # a party that was not named: known to be nobody, which is less than unknown


def custody(case: Case) -> Iterator[Finding]:
    holders = Holders(case)
    for event in case.chain:
        for piece in holders.wronged_by(event):
            facts = {"party": event.by or "", "event": event.kind, "piece": piece}
            yield Finding("CU-01", Severity.BLOCK, event.place, facts)
    yield from _in_time(case)
    yield from _weighed_back(case)


class Holders:
    """Owner and custodian of each piece as the chain goes on. Of a piece whose coming is not recorded nothing is
    known, and nothing is held against those who touch it: that the chain is broken is another rule's finding."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._owner: dict[str, str | None] = {}
        self._custodian: dict[str, str | None] = {}
        self._rules: dict[str, Callable[[Happening, str], bool]] = {
            "KP_EXPORT": self._export,
            "KP_IMPORT": self._import,
            "SOLD_ROUGH": self._sell,
            "SOLD": self._sell,
            "TRANSFERRED": self._transfer,
            "LISTED": self._list,
            "SORTED": self._handle,
            "PLANNED": self._handle,
            "VIEWED": self._handle,
        }

    def wronged_by(self, event: Happening) -> list[str]:
        """The pieces on which this event's actor acted without the right; afterwards the event has had its effect."""
        if event.kind == "MINED":
            for piece in event.outputs:
                self._owner[piece] = self._custodian[piece] = event.by or NOBODY
            return []
        if event.kind in TRANSFORMATIONS:
            return self._transform(event)
        rule = self._rules.get(event.kind)
        if rule is None:
            return []
        return [piece for piece in event.objects if not rule(event, piece)]

    def _transform(self, event: Happening) -> list[str]:
        wronged = [piece for piece in event.inputs if not self._has(event.by, piece)]
        owner = self._owner.get(event.inputs[0]) if event.inputs else None
        for piece in event.outputs:
            self._owner[piece], self._custodian[piece] = owner, event.by or NOBODY
        return wronged

    def _export(self, event: Happening, piece: str) -> bool:
        return self._has(event.kp.exporter if event.kp is not None else None, piece)

    def _import(self, event: Happening, piece: str) -> bool:
        export = self._case.exports.get(event.text("kp_no") or "")
        self._custodian[piece] = event.by or NOBODY
        return export is None or export.kp is None or event.by == export.kp.importer

    def _sell(self, event: Happening, piece: str) -> bool:
        fair = self._owner.get(piece) in (None, event.by)
        self._owner[piece] = event.text("to") or NOBODY
        if event.text("custody") != "stays":
            self._custodian[piece] = event.text("to") or NOBODY
        return fair

    def _transfer(self, event: Happening, piece: str) -> bool:
        fair = self._custodian.get(piece) in (None, event.text("from")) and self._has(event.by, piece)
        if event.text("kind") == "ownership" and self._owner.get(piece) == event.by:
            self._owner[piece] = event.text("to") or NOBODY
        self._custodian[piece] = event.text("to") or NOBODY
        return fair

    def _list(self, event: Happening, piece: str) -> bool:
        consignor = event.text("for")
        fair = self._owner.get(piece) in (None, consignor or event.by)
        return fair and (consignor is None or self._has(event.by, piece))

    def _handle(self, event: Happening, piece: str) -> bool:
        return self._has(event.by, piece)

    def _has(self, party: str | None, piece: str) -> bool:
        owner, custodian = self._owner.get(piece), self._custodian.get(piece)
        if owner is None:
            return True
        return party is not None and party in (owner, custodian)


def _in_time(case: Case) -> Iterator[Finding]:
    latest = case.facts.as_of + timedelta(days=case.limits.ahead_days)
    for event in case.chain:
        # Whoever judges records, at the latest now: nothing can be known of what has not happened.
        if event.late or event.day > latest:
            yield Finding("CU-03", Severity.BLOCK, event.place, {"event": event.kind, "day": str(event.day)})
    for before, event in zip(case.chain, case.chain[1:], strict=False):
        if event.earlier_than(before):
            facts = {"event": event.kind, "day": str(event.day), "before": str(before.day)}
            yield Finding("CU-03", Severity.BLOCK, event.place, facts)
        elif (silent := (event.day - before.day).days) > case.limits.silence_days:
            yield Finding("CU-02", Severity.HOLD, event.place, {"event": event.kind, "days": silent})


def _weighed_back(case: Case) -> Iterator[Finding]:
    for event in case.chain:
        if event.kind in ("VIEWED", "TRANSFERRED"):
            before, after = event.mct("mct_before"), event.mct("mct_after")
            if before is not None and after is not None and abs(before - after) > case.limits.handling_mct:
                yield Finding("CU-04", Severity.HOLD, event.place, {"before_mct": before, "after_mct": after})
    for before, after in case.facts.elsewhere.weighed:  # what was reported to the house stands behind the chain
        if abs(before - after) > case.limits.handling_mct:
            yield Finding("CU-04", Severity.HOLD, None, {"before_mct": before, "after_mct": after})
