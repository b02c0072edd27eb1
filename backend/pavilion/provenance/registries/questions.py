"""What each registry is asked about a listing, and how several answers of one registry become one. Pure."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pavilion.provenance.claims import ListingClaim
from pavilion.provenance.registries.port import (
    KP,
    LABORATORY,
    MATCH,
    PRODUCERS,
    RJC,
    SANCTIONS,
    WARRANTY,
    Answer,
    Claim,
    Event,
    Status,
)

CONTENTS = ("issuer", "issued", "expires", "hs", "origin", "ct", "parcels", "usd", "exporter", "importer")
GRADINGS = ("GRADED", "REGRADED")
PARTIES = ("by", "issuer", "from", "to", "for", "owner", "buyer")
ENDS = ("exporter", "importer")
REGISTERS = {KP: "certificates", WARRANTY: "companies", RJC: "members"}  # asked entry by entry
_WORST = (Status.UNAVAILABLE, Status.MISMATCH, Status.ABSENT, Status.FOUND)


def is_mandatory(registry: str, claim: ListingClaim) -> bool:
    """Kimberley certificates and warranties are the diamond trade's."""
    if registry in (KP, WARRANTY):
        return claim.species == "diamond"
    return registry in (LABORATORY, SANCTIONS) or registry == claim.origin_registry or registry in PRODUCERS


def to_producer(claim: ListingClaim, registry: str) -> Claim:
    """The origin id, and whatever else the listing says it knows."""
    said: dict[str, str | int | None] = {
        "mine_country": claim.mine_country,
        "rough_weight_mct": claim.rough_weight_mct,
        "kp_no": claim.kp_no,
        "report": f"{claim.lab}:{claim.report_no}" if claim.lab and claim.report_no else None,
    }
    return Claim(registry, claim.origin_id, {name: value for name, value in said.items() if value is not None})


def early(claim: ListingClaim) -> list[Claim]:
    """What can be asked on the listing's word alone."""
    asked = []
    if claim.lab and claim.report_no:
        asked.append(Claim(LABORATORY, f"{claim.lab}:{claim.report_no}"))
    if claim.kp_no and claim.species == "diamond":
        asked.append(Claim(KP, claim.kp_no))
    return asked


def late(claim: ListingClaim, events: Sequence[Event]) -> list[Claim]:
    """What only the chain can tell: the parties, and numbers that the listing kept to itself."""
    asked = [Claim(SANCTIONS, "parties", _parties(claim, events))]
    if not (claim.lab and claim.report_no) and (report := _last_report(events)) is not None:
        asked.append(Claim(LABORATORY, report))
    if claim.species == "diamond":
        asked += [Claim(KP, number) for number in certificates(events)]
        asked += [Claim(WARRANTY, seller) for seller in sorted({seller for seller, _ in sellers_in(events)})]
    asked += [Claim(RJC, number) for number in _memberships(events)]
    if _scanned(events):
        asked.append(Claim(MATCH, claim.origin_id))
    return asked


def gathered(claim: ListingClaim, heard: Iterable[tuple[Claim, Answer]], events: Sequence[Event]) -> Iterator[Answer]:
    """One answer for each registry, and the question it answers."""
    grouped: dict[str, list[tuple[Claim, Answer]]] = {}
    for asked, answer in heard:
        grouped.setdefault(asked.registry, []).append((asked, answer))
    for registry, several in grouped.items():
        several.sort(key=lambda pair: pair[0].key)
        mandatory = is_mandatory(registry, claim)
        if registry in REGISTERS or len(several) > 1:
            yield _one_of(registry, several, events, mandatory)
        else:
            asked, answer = several[0]
            yield replace(answer, claim_sha256=answer.claim_sha256 or asked.sha256(), mandatory=mandatory)


def certificates(events: Sequence[Event]) -> list[str]:
    """The numbers of all Kimberley certificates of a chain, in order of their names."""
    said = (_map(event.get("kp")).get("no") for event in events if event.get("t") == "KP_EXPORT")
    named = (event.get("kp_no") for event in events if event.get("t") == "KP_IMPORT")
    return sorted({number for number in (*said, *named) if isinstance(number, str) and number})


def sellers_in(events: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str | None]]:
    """Whoever owed a warranty, for rough and polished sold in the trade and for goods on memo, with the day of the
    self-assessment that it named."""
    for event in events:
        kind, actor, assessed = event.get("t"), event.get("by"), event.get("sow_self_assessed")
        sold = kind == "SOLD" and event.get("b2c") is not True
        owed = sold or kind == "SOLD_ROUGH" or (kind == "TRANSFERRED" and bool(event.get("memo")))
        if owed and isinstance(actor, str) and actor:
            yield actor, assessed if isinstance(assessed, str) else None


def _one_of(registry: str, several: Sequence[tuple[Claim, Answer]], events: Sequence[Event], mandatory: bool) -> Answer:
    """The answers of one register as one: the worst status stands, the entries stand side by side."""
    answers = [answer for _, answer in several]
    statuses = {asked.key: _status(registry, answer) for asked, answer in several}
    worst = min(answers, key=lambda answer: _WORST.index(_status(registry, answer)))
    status = _status(registry, worst)
    about = several[0][0] if len(several) == 1 else Claim(registry, ",".join(statuses))
    heard = {asked.key: answer.fields for asked, answer in several if answer.status in (Status.FOUND, Status.MISMATCH)}
    known: Mapping[str, Mapping[str, Any] | None] = _seen_from(heard, events) if registry == KP else heard
    if registry == WARRANTY:
        known = {key: heard.get(key) for key in statuses}
    raws = ",".join(answer.raw_sha256 or "" for answer in answers)
    return replace(
        worst,
        status=status,
        fields={} if status is Status.UNAVAILABLE else {REGISTERS[registry]: known},
        differs=tuple(sorted({name for answer in answers for name in answer.differs})),
        raw_sha256=worst.raw_sha256 if len(answers) == 1 else hashlib.sha256(raws.encode()).hexdigest(),
        simulated=any(answer.simulated for answer in answers),
        ms=max((answer.ms for answer in answers if answer.ms is not None), default=None),
        claim_sha256=about.sha256(),
        mandatory=mandatory,
    )


def _status(registry: str, answer: Answer) -> Status:
    """That a number is not on the list of members is an answer too; its rule judges it."""
    return Status.FOUND if registry == RJC and answer.status is Status.ABSENT else answer.status


def _seen_from(known: Mapping[str, Mapping[str, Any]], events: Sequence[Event]) -> dict[str, dict[str, Any]]:
    """Certificates as they concern this chain: what others used of them, and whether both say the same."""
    ours = {piece for event in events for piece in _pieces(event)}
    said = {_map(e.get("kp")).get("no"): _map(e.get("kp")) for e in events if e.get("t") == "KP_EXPORT"}
    seen: dict[str, dict[str, Any]] = {}
    for number, certificate in known.items():
        rest = {name: value for name, value in certificate.items() if name != "pieces"}
        used = sum(mct for piece, mct in certificate["pieces"].items() if piece not in ours)
        seen[number] = {**rest, "used_mct": used, "conflict": _conflict(rest, said.get(number))}
    return seen


def _conflict(certificate: Mapping[str, Any], said: Mapping[str, Any] | None) -> bool:
    """The chain shows other contents under the same number."""
    if said is None:
        return False
    return any(name in said and said[name] != certificate.get(name) for name in CONTENTS)


def _parties(claim: ListingClaim, events: Sequence[Event]) -> dict[str, str | int]:
    """Everybody who had a hand in the stone, by id, with the name under which the chain knows them."""
    found: dict[str, str | int] = {} if claim.seller is None else {claim.seller: claim.seller}
    for event in events:
        for name in PARTIES:
            party = event.get(name)
            if isinstance(party, str) and party:
                found.setdefault(party, party)
        if "kp" in event:
            for name in ENDS:
                party = _map(event["kp"]).get(name)
                if isinstance(party, str) and party:
                    found.setdefault(party, party)
        actor, known = event.get("by"), event.get("producer") or str(event.get("plant") or "").partition(",")[0]
        if isinstance(actor, str) and isinstance(known, str) and known:
            found[actor] = known
        cutter = _map(event.get("cutter")).get("name")
        if isinstance(cutter, str) and cutter:
            found.setdefault(f"cutter:{cutter}", cutter)
    return found


def _last_report(events: Sequence[Event]) -> str | None:
    reports = [_map(event.get("report")) for event in events if event.get("t") in GRADINGS]
    last = reports[-1] if reports else {}
    lab, number = last.get("lab"), last.get("no")
    return f"{lab}:{number}" if isinstance(lab, str) and isinstance(number, str) else None


def _memberships(events: Sequence[Event]) -> list[str]:
    return sorted({event["rjc"] for event in events if isinstance(event.get("rjc"), str) and event["rjc"]})


def _scanned(events: Sequence[Event]) -> bool:
    """Somebody scanned both the rough and the finished stone, so the two can be compared."""
    kinds = {event.get("t") for event in events if event.get("scan")}
    return "MINED" in kinds and not kinds.isdisjoint(("POLISHED", "RECUT"))


def _pieces(event: Event) -> Iterator[str]:
    for name in ("obj", "in"):
        value = event.get(name)
        yield from [value] if isinstance(value, str) else value if isinstance(value, list) else ()
    yield from _map(event.get("out"))


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
