"""The yearly report as a document for the auditor: signed by the house, logged, kept.

The log's key signs, not the passports': its verifier key is printed on `/log`, known to the witnesses and never changed
without them, and a signed note needs nothing but Ed25519 and SHA-256 to be checked. The note names the document's hash,
so that it stays a line to read however long the report is.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.canon import canonical, read_json, sha256_hex
from pavilion.kernel.errors import Refusal
from pavilion.kernel.events import record
from pavilion.kernel.ids import ulid
from pavilion.kernel.signing import BadNote, SigningKey, VerifierKey, sign_note, verify_note
from pavilion.provenance import log
from pavilion.provenance.outcome_models import WarrantyYear
from pavilion.provenance.warranty_gathering import Subject, Year
from pavilion.provenance.warranty_report import Balance, Deed, Way

CONTEXT = "pavilion-warranties/v1"


class ReportTooLong(Refusal):
    """More invoices than one document may hold."""

    status, code = 422, "warranty_report_too_long"


class NothingToIssue(Refusal):
    status, code = 409, "warranty_nothing"


class NotAReport(ValueError):
    """Not a yearly report, or not one that the given keys vouch for."""


class Checked(NamedTuple):
    """What a report says that was found to be whole."""

    company: str
    year: int
    until: str
    sha256: str
    findings: int
    holds: bool


def document_of(year: Year, host: str) -> dict[str, Any]:
    """Everything that the report says; names of companies stand beside the parties they are in chains."""
    told, subject = year.told, year.subject
    return {
        "v": 1,
        "type": "warranties",
        "house": host,
        "company": {"id": subject.public_id, "name": subject.name, "parties": list(subject.parties)},
        "year": year.year,
        "from": str(year.start),
        "until": str(year.end),
        "table": year.table_sha256,
        "balance": balance_of(told.balance),
        "in": [_deed(deed, year.names) for deed in told.of(Way.IN)],
        "out": [_deed(deed, year.names) for deed in told.of(Way.OUT)],
        "findings": [{"code": one.code, "facts": dict(one.facts)} for one in told.findings],
    }


def balance_of(balance: Balance) -> dict[str, int]:
    parts = ("opening_mct", "in_mct", "mined_mct", "loss_mct", "out_mct", "closing_mct", "gap_mct")
    return {part: getattr(balance, part) for part in parts}


def signed(document: Mapping[str, Any], key: SigningKey) -> bytes:
    """The document with the house's note on its hash."""
    return canonical({"document": document, "note": sign_note(_note(document), key)})


def check(data: bytes, keys: Iterable[VerifierKey]) -> Checked:
    """The report is as it was signed by one of the keys, and its sums are those of its lines; else NotAReport."""
    try:
        whole = read_json(data)
        document, note = whole["document"], whole["note"]
        if verify_note(note, keys) != _note(document):
            raise NotAReport("the note is about another document")
        balance = document["balance"]
        _sums(document, balance)
        holds = Balance(*(balance[f"{part}_mct"] for part in ("opening", "in", "mined", "loss", "out", "closing")))
        return Checked(
            company=document["company"]["name"],
            year=document["year"],
            until=document["until"],
            sha256=sha256_hex(canonical(document)),
            findings=len(document["findings"]),
            holds=holds.holds,
        )
    except NotAReport:
        raise
    except BadNote as fault:
        raise NotAReport(str(fault)) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NotAReport("not a yearly report of warranties") from None


async def issue(
    session: AsyncSession, *, year: Year, key: SigningKey, host: str, house: str, by: str | None, now: datetime
) -> WarrantyYear:
    """The year's report is signed and kept. While nothing changed it is the one that stands."""
    if not year.told.deeds:
        raise NothingToIssue()
    try:
        document = document_of(year, host)
        data, digest = signed(document, key), sha256_hex(canonical(document))
    except ValueError:
        raise ReportTooLong() from None
    kept = await issued(session, year.subject)
    if (same := next((row for row in kept if row.sha256 == digest), None)) is not None:
        return same
    row = WarrantyYear(
        public_id=ulid(now),
        company_id=year.subject.company_id,
        entity=year.subject.entity,
        year=year.year,
        document=data.decode(),
        sha256=digest,
        by=by,
        at=now,
    )
    session.add(row)
    await session.flush()
    leaf = canonical({"v": 1, "warranties": year.subject.public_id, "year": year.year, "sha256": digest})
    await log.append(session, [log.Leaf("outcome", f"warranties/{row.public_id}", leaf, house)], now)
    record(session, "warranty:issued", row.public_id, by=by, at=now, year=year.year, sha256=digest)
    return row


async def issued(session: AsyncSession, subject: Subject) -> Sequence[WarrantyYear]:
    """The reports that were issued, the latest first."""
    wanted = select(WarrantyYear).order_by(WarrantyYear.id.desc()).limit(100)
    if subject.entity is not None:
        return (await session.scalars(wanted.where(WarrantyYear.entity == subject.entity))).all()
    return (await session.scalars(wanted.where(WarrantyYear.company_id == subject.company_id))).all()


def _note(document: Mapping[str, Any]) -> str:
    about = f"{document['company']['id']} {document['year']} {document['until']}"
    return f"{CONTEXT}\n{document['house']}\n{about}\n{sha256_hex(canonical(document))}\n"


def _sums(document: Mapping[str, Any], balance: Mapping[str, int]) -> None:
    for way in Way:
        if sum(deed["mct"] for deed in document[way.value]) != balance[f"{way.value}_mct"]:
            raise NotAReport("its lines do not add up to its sums")
    told = sum(balance[f"{part}_mct"] for part in ("opening", "in", "mined"))
    if told - sum(balance[f"{part}_mct"] for part in ("loss", "out", "closing")) != balance["gap_mct"]:
        raise NotAReport("its balance does not add up")


def _deed(deed: Deed, names: Mapping[str, str]) -> dict[str, Any]:
    said = deed.statement
    return {
        "day": deed.day.isoformat(),
        "kind": deed.kind.value,
        "reference": deed.reference,
        "partner": names.get(deed.partner, deed.partner),
        "rough": deed.rough,
        "mct": deed.mct,
        "stones": list(deed.stones),
        "statement": {
            "text": said.text,
            "sha256": said.sha256,
            "seller": said.seller,
            "given_on": said.given_on.isoformat(),
            "self_assessed": said.assessed.isoformat() if said.assessed else None,
        },
    }
