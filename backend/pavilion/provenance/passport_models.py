"""Passports as they were issued, their status, and what owners added or shared."""

import json
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, append_only, one_of
from pavilion.provenance.proofs import unproved, unsigned_jwt


class Passport(Base):
    """One version of a stone's passport. `document` is its canonical bytes with the embedded proof, `sha256` their
    hash; the enveloping proof is over the same document without it, so only its signature is kept."""

    __tablename__ = "passports"
    __table_args__ = (
        CheckConstraint("n >= 1", name="versions_from_one"),
        Index("ix_passports_status", "status_list", "status_index"),
        {"sqlite_with_rowid": False},
    )

    stone: Mapped[str] = mapped_column(String(26), primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    document: Mapped[str] = mapped_column(Text)
    jwt_signature: Mapped[str] = mapped_column(String(86))  # base64url of the 64 bytes
    sha256: Mapped[str] = mapped_column(String(64))
    facts_hash: Mapped[str] = mapped_column(String(64))
    content_hash: Mapped[str] = mapped_column(String(64))  # of what a new version would have to change
    verdict_sha256: Mapped[str] = mapped_column(String(64))
    status_list: Mapped[int]
    status_index: Mapped[int]
    log_index: Mapped[int | None]
    issued_at: Mapped[datetime]

    @property
    def content(self) -> dict[str, Any]:
        """The document, read."""
        read: dict[str, Any] = json.loads(self.document)
        return read

    @property
    def jwt(self) -> str:
        """The same document in its enveloping form, `application/vc+jwt`."""
        content = self.content
        kid = content["proof"]["verificationMethod"]
        return f"{unsigned_jwt(unproved(content), kid)}.{self.jwt_signature}"


class StatusEntry(Base):
    """A stone's place in a pair of status lists: `list_no` is the odd one (revocation), the next holds suspension.
    All versions share it until it is revoked; what is issued after that has a place of its own."""

    __tablename__ = "status_entries"
    __table_args__ = (
        CheckConstraint("idx >= 0 and idx < 131072", name="index_in_list"),
        CheckConstraint("list_no % 2 = 1", name="lists_in_pairs"),
        Index("ix_status_entries_stone", "stone"),
        {"sqlite_with_rowid": False},
    )

    list_no: Mapped[int] = mapped_column(primary_key=True)
    idx: Mapped[int] = mapped_column(primary_key=True)
    stone: Mapped[str] = mapped_column(String(26))
    suspended_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str | None] = mapped_column(String(26))
    reason: Mapped[str | None] = mapped_column(Text)


class StatusList(Base):
    """One list: `revision` rises with each bit that changes, so readers know when to fold it anew."""

    __tablename__ = "status_lists"

    no: Mapped[int] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(String(12))
    revision: Mapped[int]
    changed_at: Mapped[datetime]


class PassportKey(Base):
    """A public key of the house that signs passports; old ones stay, with the time they were good for."""

    __tablename__ = "passport_keys"

    kid: Mapped[str] = mapped_column(String(40), primary_key=True)  # the fragment: passport-2026
    public: Mapped[str] = mapped_column(String(64), unique=True)
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(Text)


class ReferenceKind(StrEnum):
    ORIGIN_REPORT = "diamond-origin-report"
    SUSTAINABILITY = "sustainability-certificate"


class StoneReference(Base):
    """A paper of somebody else's about a stone. The house shows it as that party's statement and vouches for none of
    it; a stated country other than the mine's is a contradiction (RG-02)."""

    __tablename__ = "stone_references"
    __table_args__ = (
        one_of("kind", ReferenceKind),
        CheckConstraint("(kind = 'diamond-origin-report') = (stated_country is not null)", name="a_report_states_one"),
        CheckConstraint("(kind = 'sustainability-certificate') = (valid_to is not null)", name="a_certificate_ends"),
        Index("ix_stone_references_stone", "stone", "id"),
        Index("ix_stone_references_valid_to", "valid_to"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26), unique=True)
    stone: Mapped[str] = mapped_column(String(26))
    kind: Mapped[str] = mapped_column(String(30))
    issuer: Mapped[str] = mapped_column(String(120))  # a laboratory, or whoever issued the certificate
    scheme: Mapped[str | None] = mapped_column(String(120))
    number: Mapped[str] = mapped_column(String(60))
    day: Mapped[str | None] = mapped_column(String(10))
    valid_to: Mapped[str | None] = mapped_column(String(10))
    stated_country: Mapped[str | None] = mapped_column(String(2))
    digest: Mapped[str] = mapped_column(String(64))  # of the paper, or of what was typed from it
    by: Mapped[str] = mapped_column(String(26))
    at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]  # when the house saw that its last day had passed

    @property
    def last_day(self) -> date | None:
        return date.fromisoformat(self.valid_to) if self.valid_to else None

    def document(self) -> dict[str, Any]:
        """As the passport lists it."""
        digest = f"sha256:{self.digest}"
        if self.kind == ReferenceKind.ORIGIN_REPORT:
            stated = {"date": self.day, "statedCountry": self.stated_country}
            return {"lab": self.issuer, "number": self.number, "kind": self.kind, **stated, "digest": digest}
        scheme = {"scheme": self.scheme} if self.scheme else {}
        stated = {"number": self.number, "validTo": self.valid_to}
        return {"issuer": self.issuer, "kind": self.kind, **scheme, **stated, "digest": digest}


class Countersignature(Base):
    """A credential by which an owner or custodian presents a stone under its own name. Withdrawn, never edited."""

    __tablename__ = "countersignatures"
    __table_args__ = (Index("ix_countersignatures_stone", "stone", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26), unique=True)
    stone: Mapped[str] = mapped_column(String(26))
    n: Mapped[int]  # the version it was made over
    over: Mapped[str] = mapped_column(String(64))
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    issuer: Mapped[str] = mapped_column(String(300))
    display_name: Mapped[str] = mapped_column(String(80))
    document: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    logo_sha256: Mapped[str | None] = mapped_column(String(64))
    by: Mapped[str] = mapped_column(String(26))
    at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]

    @property
    def content(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.document)
        return read


class Logo(Base):
    """A picture beside a name, as it was re-encoded, known by the hash of its bytes."""

    __tablename__ = "logos"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    media_type: Mapped[str] = mapped_column(String(20))
    data: Mapped[bytes] = mapped_column(LargeBinary)


class PrivateView(Base):
    """The holder's SD-JWT of one version: issuer's part and all disclosures. Whoever has it may show any of them."""

    __tablename__ = "private_views"
    __table_args__ = {"sqlite_with_rowid": False}

    stone: Mapped[str] = mapped_column(String(26), primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"), primary_key=True)
    sd_jwt: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class Share(Base):
    """A link by which a holder shows chosen facts to whoever has it. Only the token's hash is kept."""

    __tablename__ = "passport_shares"
    __table_args__ = (
        CheckConstraint("uses >= 0 and uses <= most_uses", name="uses_within_most"),
        Index("ix_passport_shares_stone_company_id", "stone", "company_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26), unique=True)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    stone: Mapped[str] = mapped_column(String(26))
    n: Mapped[int]
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    claims: Mapped[list[str]] = mapped_column(JSON)
    note: Mapped[str] = mapped_column(String(120))  # for whom, in the holder's words; shown to the holder only
    most_uses: Mapped[int]
    uses: Mapped[int]
    expires_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(26))
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class ShareOpening(Base):
    """Somebody opened the link."""

    __tablename__ = "passport_share_openings"
    __table_args__ = (Index("ix_passport_share_openings_share_id", "share_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    share_id: Mapped[int] = mapped_column(ForeignKey("passport_shares.id", ondelete="RESTRICT"))
    person: Mapped[str | None] = mapped_column(String(26))  # None: was not signed in
    browser: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]


for _model in (Passport, Logo, ShareOpening):
    append_only(_model)
