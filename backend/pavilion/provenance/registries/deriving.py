"""What the other registries must know if the chains of a simulated registry are true; follows from the events alone."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from pavilion.provenance.registries.questions import GRADINGS, sellers_in

LIST_ISSUED, LIST_ENDS = "2026-11-01", "2027-12-31"
# Names of nobody: an own list for an own world.
LISTED: tuple[dict[str, Any], ...] = (
    {"id": "zolotaya-reka", "name": "Zolotaya Reka Trading FZE", "aliases": ["Golden River Trading"]},
    {"id": "blackmere-holdings", "name": "Blackmere Holdings Ltd", "aliases": []},
    {"id": "tarvos-minerals", "name": "Tarvos Minerals SARL", "aliases": ["Tarvos Mines", "塔沃斯矿业"]},
)


class Derived:
    """Grows with each chain; holds companies and certificates, never stones."""

    def __init__(self) -> None:
        self._companies: dict[str, str | None] = {}  # the latest self-assessment
        self._names: dict[str, str] = {}
        self._members: dict[str, dict[str, Any]] = {}
        self._certificates: dict[str, dict[str, Any]] = {}
        self._pieces: dict[str, dict[str, int]] = {}
        self._confirmed: dict[str, str] = {}

    def add(self, events: Sequence[Mapping[str, Any]]) -> list[str]:
        """Notes what the chain tells; answers the reports in it as `LAB:number`."""
        masses: dict[str, int] = {}
        reports = []
        for event in events:
            masses.update(event.get("out") or {})
            kind, actor = event["t"], event["by"]
            if name := event.get("producer") or str(event.get("plant") or "").partition(",")[0]:
                self._names[actor] = str(name)
            if "rjc" in event:
                self._members.setdefault(event["rjc"], _membership(actor, event["at"]))
            if kind == "KP_EXPORT" and "kp" in event:
                self._export(event, masses)
            elif kind == "KP_IMPORT":
                self._confirmed.setdefault(event.get("kp_no", ""), event["at"][:10])
            elif kind in GRADINGS and "report" in event:
                reports.append(f"{event['report']['lab']}:{event['report']['no']}")
        for seller, assessed in sellers_in(events):
            known = self._companies.get(seller)
            self._companies[seller] = max(filter(None, (known, assessed)), default=None)
        return reports

    def certificates(self) -> Iterator[dict[str, Any]]:
        for number, contents in sorted(self._certificates.items()):
            confirmed = self._confirmed.get(number)
            yield {**contents, "no": number, "pieces": self._pieces[number], "confirmed": confirmed}

    def world(self) -> dict[str, Any]:
        companies = {
            party: {"name": self._names.get(party, party), "registered": True, "self_assessed": assessed}
            for party, assessed in sorted(self._companies.items())
        }
        entries = [dict(entry) for entry in LISTED]
        sanctions = {"version": LIST_ISSUED, "issued": LIST_ISSUED, "valid_until": LIST_ENDS, "entries": entries}
        return {"companies": companies, "members": self._members, "sanctions": sanctions}

    def _export(self, event: Mapping[str, Any], masses: Mapping[str, int]) -> None:
        number = str(event["kp"].get("no", ""))
        self._certificates.setdefault(number, dict(event["kp"]))
        pieces = self._pieces.setdefault(number, {})
        pieces.update({piece: masses[piece] for piece in _named(event.get("obj")) if piece in masses})


def _membership(party: str, day: str) -> dict[str, Any]:
    """Certified for three years, beginning half a year before the member first claimed it."""
    issued = date.fromisoformat(day[:10]) - timedelta(days=180)
    expires = issued.replace(year=issued.year + 3, day=min(issued.day, 28)) - timedelta(days=1)
    dates = {"issued": issued.isoformat(), "expires": expires.isoformat()}
    return {"party": party, "status": "certified", **dates, "term_years": 3}


def _named(value: object) -> Iterable[str]:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list | tuple) else ()
