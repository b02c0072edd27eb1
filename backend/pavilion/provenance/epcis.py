"""Events of a stone's way as EPCIS 2.0 JSON-LD, there and back. Pure.

The signed event travels whole in the member `stone:event`; everything else in the EPCIS event is what it says in the
words of the standard. Whoever captures holds the one against the other: an EPCIS event that tells another story than
the event its issuer signed is refused.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import quote

from pavilion.kernel.instants import stamp
from pavilion.provenance.epcis_reading import BadEpcis, Doc, events_of
from pavilion.provenance.facts import happenings, moment
from pavilion.provenance.registries.port import Event

EPCIS_CONTEXT = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
EVENT = "stone:event"
WITHHELD = "stone:withheld"
CHECKED_WHEN_SAID = frozenset({"eventID", "recordTime", "@context", EVENT})  # not derived from the signed event


class Form(NamedTuple):
    """How a kind of event is told in EPCIS (origin.md 3)."""

    type: str
    action: str | None
    step: str
    disposition: str | None = None
    transaction: str | None = None


FORMS: Mapping[str, Form] = {
    "MINED": Form("ObjectEvent", "ADD", "commissioning", "active"),
    "SORTED": Form("AggregationEvent", "ADD", "inspecting"),
    "KP_EXPORT": Form("ObjectEvent", "OBSERVE", "shipping", "in_transit", "cert"),
    "KP_IMPORT": Form("ObjectEvent", "OBSERVE", "receiving", None, "cert"),
    "SOLD_ROUGH": Form("TransactionEvent", "ADD", "shipping", None, "inv"),
    "PLANNED": Form("ObjectEvent", "OBSERVE", "inspecting"),
    "CUT": Form("TransformationEvent", None, "commissioning", "active"),
    "POLISHED": Form("TransformationEvent", None, "commissioning", "active"),
    "RECUT": Form("TransformationEvent", None, "commissioning", "active"),
    "GRADED": Form("ObjectEvent", "OBSERVE", "inspecting", "conformant", "testres"),
    "REGRADED": Form("ObjectEvent", "OBSERVE", "inspecting", "conformant", "testres"),
    "TESTED_NATURAL": Form("ObjectEvent", "OBSERVE", "inspecting"),
    "LISTED": Form("ObjectEvent", "OBSERVE", "stocking", "sellable_accessible"),
    "VIEWED": Form("ObjectEvent", "OBSERVE", "holding", "reserved"),
    "SOLD": Form("TransactionEvent", "ADD", "retail_selling", "retail_sold", "inv"),
    "TRANSFERRED": Form("ObjectEvent", "OBSERVE", "shipping", "in_transit"),
    "SET_IN_JEWEL": Form("AssociationEvent", "ADD", "assembling"),
    "LOST": Form("ObjectEvent", "OBSERVE", "holding", "unavailable"),
    "STOLEN": Form("ObjectEvent", "OBSERVE", "holding", "stolen"),
    "RECOVERED": Form("ObjectEvent", "OBSERVE", "holding", "returned"),
    "WITHDRAWN": Form("ObjectEvent", "OBSERVE", "holding", "recalled"),
    "REINSTATED": Form("ObjectEvent", "OBSERVE", "holding", "active"),
    "CORRECTED": Form("ObjectEvent", "OBSERVE", "other"),
}


class Ids(NamedTuple):
    """The addresses under which this house names things."""

    home: str  # https://HOST

    def piece(self, name: str) -> str:
        return f"{self.home}/id/stone/{quote(name, safe='')}"

    def place(self, cc: str) -> str:
        return f"{self.home}/id/country/{quote(cc, safe='')}"

    def party(self, name: str) -> str:
        return f"{self.home}/id/party/{quote(name, safe='')}"

    def paper(self, kind: str, name: str) -> str:
        return f"{self.home}/id/{kind}/{quote(name, safe='')}"

    def event(self, name: str) -> str:
        return f"{self.home}/epcis/events/{quote(name, safe='')}"

    @property
    def contexts(self) -> list[Any]:
        return [EPCIS_CONTEXT, {"stone": f"{self.home}/contexts/stone/v1#"}]


def told(event: Event, ids: Ids) -> dict[str, Any]:
    """The EPCIS event of a signed event, without id and record time."""
    form = FORMS[event["t"]]
    return {**_frame(event, form, ids), **_about(event, form, ids), **_trade(event, form, ids), EVENT: event}


def told_in_part(event: Event, ids: Ids, stone: str) -> dict[str, Any]:
    """What everybody may know of an event that is not for them: what happened to the stone, in which country, on which
    day. Its signed text and whatever names parties, papers or other pieces stay away."""
    form = FORMS[event["t"]]
    plain: Event = {"t": event["t"], "at": event["at"][:10], "obj": stone}
    frame = _frame(
        {**plain, **({"cc": event["cc"]} if "cc" in event else {})}, Form("ObjectEvent", "OBSERVE", *form[2:4]), ids
    )
    return {**frame, "epcList": [ids.piece(stone)], WITHHELD: True}


def document(events: Iterable[Mapping[str, Any]], ids: Ids, now: datetime) -> dict[str, Any]:
    """Events in the envelope in which they are exchanged."""
    return {
        "@context": ids.contexts,
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": stamp(now),
        "epcisBody": {"eventList": list(events)},
    }


def captured(doc: object, ids: Ids) -> list[tuple[str, Event]]:
    """The signed events of a capture document, each with the pointer to it. BadEpcis names the first fault: the form of
    EPCIS, a signed event that cannot be read, or a story that differs from it."""
    found = []
    for pointer, said in events_of(doc):
        event = said.get(EVENT)
        if not isinstance(event, dict):
            raise BadEpcis(f"{pointer}/{EVENT}", "the event as its issuer signed it is missing")
        try:
            happenings([{**event, "seq": 0}])
        except (ValueError, TypeError, KeyError, AttributeError) as fault:
            raise BadEpcis(f"{pointer}/{EVENT}", str(fault)) from None
        _same_story(said, event, ids, pointer)
        found.append((pointer, event))
    return found


def _same_story(said: Doc, event: Event, ids: Ids, pointer: str) -> None:
    wanted = told(event, ids)
    for name in sorted(said.keys() | wanted.keys()):
        if name in CHECKED_WHEN_SAID:
            continue
        if name not in wanted:
            raise BadEpcis(f"{pointer}/{name}", "the signed event says nothing of this")
        if name == "eventTime" and name in said:
            if moment(said[name])[0] != moment(wanted[name])[0]:
                raise BadEpcis(f"{pointer}/{name}", f"the signed event says {wanted[name]}")
        elif said.get(name) != wanted[name]:
            raise BadEpcis(f"{pointer}/{name}", "differs from the signed event")


def _frame(event: Event, form: Form, ids: Ids) -> dict[str, Any]:
    at, exact = moment(event["at"])
    offset = datetime.fromisoformat(event["at"]).strftime("%z") if exact else ""
    frame: dict[str, Any] = {
        "type": form.type,
        "eventTime": stamp(at),
        "eventTimeZoneOffset": f"{offset[:3]}:{offset[3:5]}" if offset else "+00:00",
        "bizStep": form.step,
    }
    if form.action is not None:
        frame["action"] = form.action
    if form.disposition is not None:
        frame["disposition"] = form.disposition
    if isinstance(event.get("cc"), str):
        frame["readPoint"] = {"id": ids.place(event["cc"])}
    return frame


def _about(event: Event, form: Form, ids: Ids) -> dict[str, Any]:
    """Which pieces it happened to."""
    objects = [ids.piece(name) for name in _names(event.get("obj"))]
    outputs = [ids.piece(name) for name in sorted(event.get("out") or {})]
    if form.type == "TransformationEvent":
        return {"inputEPCList": [ids.piece(name) for name in _names(event.get("in"))], "outputEPCList": outputs}
    if form.type == "AggregationEvent":
        return {"parentID": ids.paper("parcel", str(event.get("parcel", "-"))), "childEPCs": objects}
    if form.type == "AssociationEvent":
        return {"parentID": ids.paper("jewel", str(event.get("jewel", "-"))), "childEPCs": objects}
    about: dict[str, Any] = {"epcList": outputs or objects}
    if event["t"] == "CORRECTED":
        about["errorDeclaration"] = {"declarationTime": stamp(moment(event["at"])[0])}
    return about


def _trade(event: Event, form: Form, ids: Ids) -> dict[str, Any]:
    """Papers, and who handed over to whom."""
    trade: dict[str, Any] = {}
    if form.transaction is not None:
        paper = _PAPERS[form.transaction](event)
        trade["bizTransactionList"] = [
            {"type": form.transaction, "bizTransaction": ids.paper(form.transaction, paper or "-")}
        ]
    giver, taker = event.get("from") or (event.get("by") if event.get("to") else None), event.get("to")
    if isinstance(giver, str) and isinstance(taker, str):
        side = (
            "possessing_party" if event["t"] == "TRANSFERRED" and event.get("kind") != "ownership" else "owning_party"
        )
        trade["sourceList"] = [{"type": side, "source": ids.party(giver)}]
        trade["destinationList"] = [{"type": side, "destination": ids.party(taker)}]
    return trade


def _certificate(event: Event) -> str | None:
    kp = event.get("kp")
    return str(kp.get("no")) if isinstance(kp, dict) else _text(event.get("kp_no"))


def _report(event: Event) -> str | None:
    report = event.get("report")
    return f"{report.get('lab')}:{report.get('no')}" if isinstance(report, dict) else None


_PAPERS: Mapping[str, Callable[[Event], str | None]] = {
    "cert": _certificate,
    "testres": _report,
    "inv": lambda event: _text(event.get("invoice")),
}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _names(value: object) -> list[str]:
    return [value] if isinstance(value, str) else [str(item) for item in value] if isinstance(value, list) else []
