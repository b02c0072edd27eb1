"""The simulated world: what every registry in it would say, from one signed folder, and as it was ordered to say it."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from pavilion.provenance.registries import laboratory_words
from pavilion.provenance.registries.file import RegistryUnreadable, SignedFolder
from pavilion.provenance.registries.orders import Fault, Mark, Orders
from pavilion.provenance.registries.port import (
    KP,
    LABORATORY,
    MATCH,
    OWN_PRODUCTION,
    PRODUCERS,
    RJC,
    SANCTIONS,
    SHARED_PRODUCER,
    WARRANTY,
)

QUOTA = 100_000  # questions that a laboratory allows a year
MATCH_THRESHOLD = "0.950"
HOUSE = "pavilion"  # the participant that stones are offered through, and therefore shown whole

Document = dict[str, Any]


class Told(NamedTuple):
    status: int
    document: Document


class World:
    """Answers for all registries at once. The folder is read again when it changes, and may be written later."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.orders = folder, Orders()
        self._manifest = folder / "registry.json"
        self._opened: SignedFolder | None = None
        self._stamp: tuple[int, int] | None = None
        self._charged: set[str] = set()
        self.asked: Counter[str] = Counter()
        self._answers: Mapping[str, Callable[[_Question], Document | None]] = {
            OWN_PRODUCTION: self._stone,
            SHARED_PRODUCER: self._diamond,
            MATCH: self._match,
            LABORATORY: self._report,
            KP: self._certificate,
            RJC: self._member,
            WARRANTY: self._company,
            SANCTIONS: self._sanctions,
        }

    @property
    def files(self) -> SignedFolder | None:
        """The folder as it stands; None until it is one."""
        try:
            seen = self._manifest.stat()
        except OSError:
            return self._opened
        stamp = (seen.st_mtime_ns, seen.st_size)
        if stamp != self._stamp:
            try:
                opened = SignedFolder(self.folder)
            except RegistryUnreadable:
                return self._opened  # being written
            if self._opened is not None:
                self._opened.close()
            self._opened, self._stamp = opened, stamp
        return self._opened

    def opened(self) -> SignedFolder:
        """The same, for those who need one."""
        if (files := self.files) is None:
            raise RegistryUnreadable(folder=self.folder.name, fault=self._manifest.name)
        return files

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = self._stamp = None

    def answer(
        self,
        registry: str,
        path: str,
        content: Mapping[str, Any] | None = None,
        *,
        lab: str = "",
        once: str = "",
        participant: str = "",
    ) -> Told:
        """`path` is below the registry's address, as in the request."""
        self.asked[registry] += 1
        parts = [unquote(part) for part in path.split("/") if part]
        asked = _Question(registry, parts, content or {}, lab, once, participant or HOUSE)
        document = self._answers[registry](asked)
        if document is None:
            return Told(404, {"error": "unknown", "asked": path, "simulated": True})
        fault = self.orders.fault(registry)
        if fault is Fault.LYING:
            document = _lie(registry, document)
        if fault is Fault.SWAPPED:
            document = _swap(registry, document)
        return Told(200, {**document, "simulated": True})

    def _stone(self, asked: "_Question") -> Document | None:
        match asked.parts:
            case ["stones", origin_id]:
                record = self._record(OWN_PRODUCTION, origin_id)
                return None if record is None else {**_told_of(record), **self._since(OWN_PRODUCTION, record)}
        return None

    def _diamond(self, asked: "_Question") -> Document | None:
        match asked.parts:
            case ["v1", "diamonds", origin_id]:
                record = self._record(SHARED_PRODUCER, origin_id)
                if record is None:
                    return None
                return {**_view(record, asked.participant), **self._since(SHARED_PRODUCER, record)}
        return None

    def _match(self, asked: "_Question") -> Document | None:
        origin_id = asked.content.get("id")
        if asked.parts != ["v1", "match"] or not isinstance(origin_id, str) or self.files is None:
            return None
        record = self.files.record(origin_id)
        if record is None or not any(event.get("scan") for event in record["events"]):
            return None
        spread = int(hashlib.sha256(origin_id.encode()).hexdigest()[:4], 16) % 29
        return {"id": origin_id, "score": f"0.{970 + spread}", "threshold": MATCH_THRESHOLD}

    def _report(self, asked: "_Question") -> Document | None:
        variables = asked.content.get("variables")
        number = variables.get("report_number") if isinstance(variables, Mapping) else None
        if not isinstance(number, str):
            return {"data": None, "errors": [{"message": "report_number is missing"}]}
        lab = asked.parts[0] if asked.parts else asked.lab or "GIA"
        files = self.files
        record = None if files is None else files.record_with_report(lab, number)
        self._charged.add(asked.once or f"{len(self._charged)}")
        if self.orders.marked(LABORATORY, Mark.WITHDRAWN, number, f"{lab}:{number}"):
            return laboratory_words.refused(number, "REPORT_WITHDRAWN")
        said = None if record is None else _last_report(record, lab, number)
        if said is None:
            return laboratory_words.refused(number, "REPORT_NOT_FOUND")
        assert record is not None
        mined = _first(record["events"], "MINED")
        if "producer" in mined:
            said = {"source_disclosed": {"name": mined["producer"], "code": mined["by"]}, **said}
        return laboratory_words.written(said, max(0, QUOTA - len(self._charged)))

    def _certificate(self, asked: "_Question") -> Document | None:
        match asked.parts, self.files:
            case ["certificates", number], SignedFolder() as files:
                found = files.certificate(number)
                if found is None:
                    return None
                pieces = dict(found["pieces"])
                if self.orders.marked(KP, Mark.USED, number):
                    whole, _, thousandths = str(found["ct"]).partition(".")
                    pieces["rough of another"] = int(whole) * 1000 + int(f"{thousandths:0<3}"[:3])
                return {**found, "pieces": pieces, "used_mct": sum(pieces.values())}
        return None

    def _member(self, asked: "_Question") -> Document | None:
        match asked.parts:
            case ["members", number] if (found := self._entry("members", number)) is not None:
                lapsed = self.orders.marked(RJC, Mark.LAPSED, number, found["party"])
                return {"no": number, **found, **({"status": "expired"} if lapsed else {})}
        return None

    def _company(self, asked: "_Question") -> Document | None:
        match asked.parts:
            case ["companies", party] if (found := self._entry("companies", party)) is not None:
                lapsed = self.orders.marked(WARRANTY, Mark.LAPSED, party)
                return {"id": party, **found, **({"registered": False} if lapsed else {})}
        return None

    def _sanctions(self, asked: "_Question") -> Document | None:
        if asked.parts != ["list"] or self.files is None or "sanctions" not in self.files.world:
            return None
        listed = dict(self.files.world["sanctions"])
        added = self.orders.all_marked(SANCTIONS, Mark.LISTED)
        if added:
            more = [{"id": name, "name": name, "aliases": []} for name in added]
            stamp = hashlib.sha256("\n".join(added).encode()).hexdigest()[:8]
            listed |= {"entries": [*listed["entries"], *more], "version": f"{listed['version']}+{stamp}"}
        return listed

    def _record(self, registry: str, origin_id: str) -> Document | None:
        files = self.files
        record = None if files is None else files.record(origin_id)
        return record if record is not None and record["registry"] == registry else None

    def _since(self, registry: str, record: Document) -> Document:
        """What the producers' registry has learned after the events were signed."""
        stolen = self.orders.marked(registry, Mark.STOLEN, record["origin_id"])
        revoked = self.orders.marked(registry, Mark.REVOKE, record["origin_id"])
        return {
            "status": "stolen" if stolen else "in order",
            "stolen": [record["stone"]] if stolen else [],
            "revoked": ["GRADED"] if revoked else [],
        }

    def _entry(self, table: str, key: str) -> Document | None:
        found = None if self.files is None else self.files.world.get(table, {}).get(key)
        return found if isinstance(found, dict) else None


class _Question(NamedTuple):
    registry: str
    parts: Sequence[str]
    content: Mapping[str, Any]
    lab: str
    once: str
    participant: str


def _told_of(record: Document) -> Document:
    """The stone as an own-production database tells it, and the signed events it rests on."""
    events = record["events"]
    mined, polished = _first(events, "MINED"), _first(events, "POLISHED")
    report: Document = next((event["report"] for event in reversed(events) if "report" in event), {})
    return {
        "origin_id": record["origin_id"],
        "registry": record["registry"],
        "stone": record["stone"],
        "site": {"mine": mined.get("mine"), "country": mined.get("cc"), "mined_on": mined.get("at")},
        "rough_mct": sum(mined.get("out", {}).values()),
        "plant": polished.get("plant"),
        "cutter": polished.get("cutter"),
        "grades": {name: report.get(name) for name in ("weight", "color", "clarity", "cut")},
        "report_no": f"{report['lab']}:{report['no']}" if report else None,
        "events": events,
    }


def _view(record: Document, participant: str) -> Document:
    """A participant sees the events in which it took part; who offers the stone shows the house all of them."""
    whole = participant == HOUSE
    events = record["events"]
    seen = events if whole else [event for event in events if participant in _hands(event)]
    mined = _first(events, "MINED")
    return {
        "id": record["origin_id"],
        "registry": record["registry"],
        "stone": record["stone"],
        "participant": participant,
        "view": "whole" if whole else "own",
        "rough_mct": sum(mined.get("out", {}).values()),
        "stages": [{"piece": piece, "mct": mct} for event in seen for piece, mct in event.get("out", {}).items()],
        "events": seen,
    }


def _last_report(record: Document, lab: str, number: str) -> Document | None:
    said = [event["report"] for event in record["events"] if "report" in event]
    return next((report for report in reversed(said) if (report["lab"], report["no"]) == (lab, number)), None)


def _lie(registry: str, document: Document) -> Document:
    """Something that is not so, told under a good signature."""
    if registry in PRODUCERS and "events" in document:
        events = [{**event, "cc": "BE" if event.get("cc") != "BE" else "BW"} for event in document["events"]]
        return {**document, "events": events}
    if registry == LABORATORY:
        return laboratory_words.with_other_colour(document)
    lies: dict[str, Document] = {
        MATCH: {"score": "0.410"},
        KP: {"ct": "0.010", "hs": "7102.39"},
        RJC: {"status": "suspended"},
        WARRANTY: {"registered": False, "self_assessed": None},
        SANCTIONS: {"entries": []},
    }
    return {**document, **lies.get(registry, {})}


def _swap(registry: str, document: Document) -> Document:
    """The answer to another question, under a good signature."""
    if registry == LABORATORY:
        return laboratory_words.of_another(document)
    name = {KP: "no", RJC: "no", OWN_PRODUCTION: "origin_id", SANCTIONS: "version"}.get(registry, "id")
    other = f"{document.get(name, '')}0" if registry != SANCTIONS else 7
    return {**document, name: other}


def _first(events: Sequence[Document], kind: str) -> Document:
    return next((event for event in events if event.get("t") == kind), {})


def _hands(event: Document) -> set[str]:
    return {str(event[name]) for name in ("by", "issuer", "from", "to", "for") if name in event}
