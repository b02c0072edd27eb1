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


def gathered(heard: Iterable[tuple[Claim, Answer]], events: Sequence[Event]) -> Iterator[tuple[Claim, Answer]]:
    """One answer for each registry, and the question it answers."""
    grouped: dict[str, list[tuple[Claim, Answer]]] = {}
    for asked, answer in heard:
        grouped.setdefault(asked.registry, []).append((asked, answer))
    for registry, several in grouped.items():
        several.sort(key=lambda pair: pair[0].key)
        about = several[0][0] if len(several) == 1 else Claim(registry, ",".join(asked.key for asked, _ in several))
        yield about, _seen_from(_one_of(registry, several), events)


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


def _one_of(registry: str, several: Sequence[tuple[Claim, Answer]]) -> Answer:
    """The answers of one registry as one: the worst status stands, the facts stand side by side."""
    answers = [_placed(asked, answer) for asked, answer in several]
    if len(answers) == 1:
        return answers[0]
    worst = min(answers, key=lambda answer: _WORST.index(answer.status))
    raws = ",".join(answer.raw_sha256 or "" for answer in answers)
    fields: dict[str, Any] = {}
    for answer in answers:
        for name, value in answer.fields.items():
            fields[name] = {**fields.get(name, {}), **value}
    return replace(
        worst,
        fields={} if worst.status is Status.UNAVAILABLE else fields,
        differs=tuple(sorted({name for answer in answers for name in answer.differs})),
        raw_sha256=hashlib.sha256(raws.encode()).hexdigest(),
        simulated=any(answer.simulated for answer in answers),
        ms=max((answer.ms for answer in answers if answer.ms is not None), default=None),
    )


def _placed(asked: Claim, answer: Answer) -> Answer:
    """A register's entry under its key; that a number is not on a list is an answer too."""
    known = answer.status in (Status.FOUND, Status.MISMATCH)
    if asked.registry == KP and known:
        return replace(answer, fields={"certificates": {asked.key: answer.fields}})
    if asked.registry == WARRANTY and answer.status is not Status.UNAVAILABLE:
        return replace(answer, fields={"companies": {asked.key: answer.fields if known else None}})
    if asked.registry == RJC and answer.status is not Status.UNAVAILABLE:
        return replace(answer, status=Status.FOUND, fields={"members": {asked.key: answer.fields} if known else {}})
    return answer


def _seen_from(answer: Answer, events: Sequence[Event]) -> Answer:
    """A certificate as it concerns this chain: what others used of it, and whether both say the same."""
    if answer.registry != KP or "certificates" not in answer.fields:
        return answer
    ours = {piece for event in events for piece in _pieces(event)}
    said = {_map(e.get("kp")).get("no"): _map(e.get("kp")) for e in events if e.get("t") == "KP_EXPORT"}
    seen = {}
    for number, certificate in answer.fields["certificates"].items():
        rest = {name: value for name, value in certificate.items() if name != "pieces"}
        used = sum(mct for piece, mct in certificate["pieces"].items() if piece not in ours)
        seen[number] = {**rest, "used_mct": used, "conflict": _conflict(rest, said.get(number))}
    return replace(answer, fields={"certificates": seen})


def _conflict(certificate: Mapping[str, Any], said: Mapping[str, Any] | None) -> bool:
    """The chain shows other contents under the same number."""
    if said is None:
        return False
    return any(name in said and said[name] != certificate.get(name) for name in CONTENTS)


def _parties(claim: ListingClaim, events: Sequence[Event]) -> dict[str, str | int]:
    """Everybody who had a hand in the stone, by id, with the name under which the chain knows them."""
    found: dict[str, str | int] = {} if claim.seller is None else {claim.seller: claim.seller}
    for event in events:
        ends = [event.get(name) for name in PARTIES] + [_map(event.get("kp")).get(name) for name in ENDS]
        for party in ends:
            if isinstance(party, str) and party:
                found.setdefault(party, party)
        actor = event.get("by")
        name = event.get("producer") or str(event.get("plant") or "").partition(",")[0]
        if isinstance(actor, str) and isinstance(name, str) and name:
            found[actor] = name
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
