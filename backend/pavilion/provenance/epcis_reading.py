"""Reading EPCIS 2.0 documents: whether one is well formed, and where it is not. Pure.

Checked are types, required members, the words of the Core Business Vocabulary (GS1 CBV 2.0), times as RFC 3339, and
that no member without a prefix is unknown. The published JSON schema is not carried: its text has terms of its own.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from pavilion.kernel.canon import read_json

MAX_DOCUMENT = 1024 * 1024
MAX_EVENTS = 500
Doc = Mapping[str, Any]

_CBV = json.loads((Path(__file__).parent / "data" / "cbv.json").read_text())
BIZ_STEPS, DISPOSITIONS, TRANSACTIONS = (frozenset(_CBV[name]) for name in ("bizStep", "disposition", "bizTransaction"))
PARTIES = frozenset(("owning_party", "possessing_party", "location"))
ACTIONS = frozenset(("ADD", "OBSERVE", "DELETE"))

_COMMON = frozenset((
    "@context", "type", "eventID", "recordTime", "errorDeclaration", "certificationInfo", "eventTime",
    "eventTimeZoneOffset", "bizStep", "disposition", "persistentDisposition", "readPoint", "bizLocation",
    "bizTransactionList", "sourceList", "destinationList", "sensorElementList",
))  # fmt: skip
_OWN = {
    "ObjectEvent": frozenset(("epcList", "quantityList", "action", "ilmd")),
    "AggregationEvent": frozenset(("parentID", "childEPCs", "childQuantityList", "action")),
    "AssociationEvent": frozenset(("parentID", "childEPCs", "childQuantityList", "action")),
    "TransactionEvent": frozenset(("parentID", "epcList", "quantityList", "action")),
    "TransformationEvent": frozenset(
        ("inputEPCList", "inputQuantityList", "outputEPCList", "outputQuantityList", "transformationID", "ilmd")
    ),
}
_NEEDS = {
    "ObjectEvent": ("action",),
    "AggregationEvent": ("action",),
    "AssociationEvent": ("action", "parentID"),
    "TransactionEvent": ("action", "bizTransactionList"),
    "TransformationEvent": (),
}
_ABOUT = {  # at least one of these says what the event is about
    "ObjectEvent": ("epcList", "quantityList", "sensorElementList"),
    "AggregationEvent": ("parentID", "childEPCs", "childQuantityList"),
    "AssociationEvent": ("childEPCs", "childQuantityList"),
    "TransactionEvent": ("epcList", "quantityList", "parentID"),
    "TransformationEvent": ("transformationID", "inputEPCList", "inputQuantityList"),
}
_ENVELOPE = frozenset((
    "@context", "id", "type", "schemaVersion", "creationDate", "epcisBody", "sender", "receiver", "instanceIdentifier",
))  # fmt: skip
_OFFSET = re.compile(r"[+-](0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
_PREFIXED = re.compile(r"[A-Za-z][\w.-]*:\S+|@\w+")


class BadEpcis(ValueError):
    """What is wrong, and where: `pointer` is a JSON pointer (RFC 6901) into the document."""

    def __init__(self, pointer: str, fault: str) -> None:
        super().__init__(f"{pointer or '/'}: {fault}")
        self.pointer, self.fault = pointer, fault


def read_document(data: bytes) -> list[Doc]:
    """The events of a capture document or of a bare event, in their order; BadEpcis names the first fault."""
    try:
        document = read_json(data, MAX_DOCUMENT, fraction=Decimal)
    except ValueError as fault:
        raise BadEpcis("", str(fault)) from None
    return [event for _, event in events_of(document)]


def events_of(document: object) -> list[tuple[str, Doc]]:
    """Each event with the pointer to it, all of them well formed."""
    if not isinstance(document, dict):
        raise BadEpcis("", "not an object")
    if document.get("type") in _OWN:
        check_event(document, "")
        return [("", document)]
    _check_envelope(document)
    listed = document["epcisBody"]["eventList"]
    if len(listed) > MAX_EVENTS:
        raise BadEpcis("/epcisBody/eventList", f"more than {MAX_EVENTS} events")
    found = [(f"/epcisBody/eventList/{place}", event) for place, event in enumerate(listed)]
    for pointer, event in found:
        check_event(event, pointer)
    return found


def _check_envelope(document: Doc) -> None:
    if document.get("type") != "EPCISDocument":
        raise BadEpcis("/type", "neither a document nor an event of EPCIS")
    _known(document, _ENVELOPE, "")
    if document.get("schemaVersion") not in ("2.0", "2.0.0", "2.0.1"):
        raise BadEpcis("/schemaVersion", "only version 2.0 is read")
    _time(document.get("creationDate"), "/creationDate")
    body = document.get("epcisBody")
    if not isinstance(body, dict) or not isinstance(body.get("eventList"), list) or not body["eventList"]:
        raise BadEpcis("/epcisBody/eventList", "no list of events")
    _known(body, frozenset(("eventList",)), "/epcisBody")


def check_event(event: object, pointer: str) -> None:
    if not isinstance(event, dict):
        raise BadEpcis(pointer, "not an object")
    kind = event.get("type")
    if kind not in _OWN:
        raise BadEpcis(f"{pointer}/type", "no type of event")
    _known(event, _COMMON | _OWN[kind], pointer)
    for name in ("eventTime", "eventTimeZoneOffset", *_NEEDS[kind]):
        if name not in event:
            raise BadEpcis(f"{pointer}/{name}", "missing")
    if not any(name in event for name in _ABOUT[kind]):
        raise BadEpcis(pointer, f"says nothing about what it happened to: {' or '.join(_ABOUT[kind])}")
    for name, value in event.items():
        if (check := _CHECKS.get(name)) is not None:
            check(value, f"{pointer}/{name}")


def _known(doc: Doc, names: frozenset[str], pointer: str) -> None:
    for name in doc:
        if name not in names and _PREFIXED.fullmatch(name) is None:
            raise BadEpcis(f"{pointer}/{name}", "unknown member without a prefix")


def _time(value: object, pointer: str) -> None:
    if not isinstance(value, str) or _TIME.fullmatch(value) is None:
        raise BadEpcis(pointer, "not a time of RFC 3339")
    try:
        datetime.fromisoformat(re.sub(r"\.(\d{6})\d+", r".\1", value))
    except ValueError:
        raise BadEpcis(pointer, "not a time of RFC 3339") from None


def _offset(value: object, pointer: str) -> None:
    if not isinstance(value, str) or _OFFSET.fullmatch(value) is None:
        raise BadEpcis(pointer, "not an offset such as +01:00")


def _uri(value: object, pointer: str) -> None:
    if not isinstance(value, str) or len(value) > 2_000 or _URI.fullmatch(value) is None:
        raise BadEpcis(pointer, "not a URI")


def _word(known: frozenset[str]) -> Callable[[object, str], None]:
    def check(value: object, pointer: str) -> None:
        """A bare word is one of the vocabulary; everybody's own words are URIs or have a prefix."""
        if not isinstance(value, str) or (value not in known and _URI.fullmatch(value) is None):
            raise BadEpcis(pointer, "no word of the core business vocabulary")

    return check


def _one_of(known: frozenset[str]) -> Callable[[object, str], None]:
    def check(value: object, pointer: str) -> None:
        if value not in known:
            raise BadEpcis(pointer, f"none of {' '.join(sorted(known))}")

    return check


def _each(check: Callable[[object, str], None], *, least: int = 0) -> Callable[[object, str], None]:
    def check_all(value: object, pointer: str) -> None:
        if not isinstance(value, list) or len(value) < least or len(value) > 10_000:
            raise BadEpcis(pointer, "not a list")
        for place, item in enumerate(value):
            check(item, f"{pointer}/{place}")

    return check_all


def _shape(members: Mapping[str, Callable[[object, str], None]], *needs: str) -> Callable[[object, str], None]:
    def check(value: object, pointer: str) -> None:
        if not isinstance(value, dict):
            raise BadEpcis(pointer, "not an object")
        _known(value, frozenset(members), pointer)
        for name in needs:
            if name not in value:
                raise BadEpcis(f"{pointer}/{name}", "missing")
        for name, item in value.items():
            if name in members:
                members[name](item, f"{pointer}/{name}")

    return check


def _number(value: object, pointer: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise BadEpcis(pointer, "not a number")


def _some_text(value: object, pointer: str) -> None:
    if not isinstance(value, str) or not value:
        raise BadEpcis(pointer, "not a text")


def _anything(value: object, pointer: str) -> None:
    """Its inside is checked by whoever reads it."""


def _one_or_more(value: object, pointer: str) -> None:
    for place, item in _items(value, pointer):
        _uri(item, place)


def _items(value: object, pointer: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, list):
        yield from ((f"{pointer}/{place}", item) for place, item in enumerate(value))
    else:
        yield pointer, value


_QUANTITY = _shape({"epcClass": _uri, "quantity": _number, "uom": _some_text}, "epcClass")
_PLACE = _shape({"id": _uri}, "id")
_CHECKS: dict[str, Callable[[object, str], None]] = {
    "eventID": _uri,
    "eventTime": _time,
    "recordTime": _time,
    "eventTimeZoneOffset": _offset,
    "action": _one_of(ACTIONS),
    "bizStep": _word(BIZ_STEPS),
    "disposition": _word(DISPOSITIONS),
    "persistentDisposition": _shape({name: _each(_word(DISPOSITIONS), least=1) for name in ("set", "unset")}),
    "readPoint": _PLACE,
    "bizLocation": _PLACE,
    "parentID": _uri,
    "transformationID": _uri,
    "epcList": _each(_uri),
    "childEPCs": _each(_uri),
    "inputEPCList": _each(_uri),
    "outputEPCList": _each(_uri),
    "quantityList": _each(_QUANTITY),
    "childQuantityList": _each(_QUANTITY),
    "inputQuantityList": _each(_QUANTITY),
    "outputQuantityList": _each(_QUANTITY),
    "bizTransactionList": _each(
        _shape({"type": _word(TRANSACTIONS), "bizTransaction": _uri}, "bizTransaction"), least=1
    ),
    "sourceList": _each(_shape({"type": _word(PARTIES), "source": _uri}, "type", "source"), least=1),
    "destinationList": _each(_shape({"type": _word(PARTIES), "destination": _uri}, "type", "destination"), least=1),
    "certificationInfo": _one_or_more,
    "errorDeclaration": _shape(
        {"declarationTime": _time, "reason": _some_text, "correctiveEventIDs": _each(_uri)}, "declarationTime"
    ),
    "sensorElementList": _each(
        _shape({"sensorMetadata": _anything, "sensorReport": _anything}, "sensorReport"), least=1
    ),
}
