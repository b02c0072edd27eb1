"""People, companies, sessions and proposals of two persons."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from pavilion.accounts.rules import CompanyState, ProposalState, Role
from pavilion.kernel.db import Base, append_only, one_of


class Company(Base):
    """A trading company. The house itself is no row: its people have no company."""

    __tablename__ = "companies"
    __table_args__ = (one_of("state", CompanyState), CheckConstraint("length(country) = 2", name="country_two_letters"))

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26), unique=True)
    name: Mapped[str] = mapped_column(String(160))
    country: Mapped[str] = mapped_column(String(2))  # ISO 3166-1 alpha-2
    city: Mapped[str] = mapped_column(String(80), default="")
    street: Mapped[str] = mapped_column(String(160), default="", server_default="")
    postcode: Mapped[str] = mapped_column(String(16), default="", server_default="")
    tax_no: Mapped[str] = mapped_column(String(40), default="")
    owners: Mapped[list[str]] = mapped_column(JSON, default=list)  # beneficial owners; bars bids on own stones
    sow_self_assessed: Mapped[str | None] = mapped_column(String(10))  # day of the yearly warranty self-assessment
    state: Mapped[str] = mapped_column(String(12), default=CompanyState.APPLIED)
    verified_until: Mapped[str | None] = mapped_column(String(10))  # last day of its verification; none: no end
    applied_at: Mapped[datetime]
    trade_limit_minor: Mapped[int] = mapped_column(default=0)  # what it may have unpaid; 0: paid before release
    silence_refuses: Mapped[bool] = mapped_column(default=False)  # an order of its stones that it lets lie is refused
    trade_currency: Mapped[str] = mapped_column(String(3), default="USD")


class CompanyAddress(Base):
    """An address that a company had from then on; the newest row is the present one. Papers keep what they said."""

    __tablename__ = "company_addresses"
    __table_args__ = (Index("ix_company_addresses_company_id", "company_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    street: Mapped[str] = mapped_column(String(160))
    postcode: Mapped[str] = mapped_column(String(16))
    city: Mapped[str] = mapped_column(String(80))
    country: Mapped[str] = mapped_column(String(2))
    by: Mapped[str | None] = mapped_column(String(40))
    at: Mapped[datetime]


append_only(CompanyAddress)


class Person(Base):
    __tablename__ = "people"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26), unique=True)
    company_id: Mapped[int | None] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    email: Mapped[str] = mapped_column(String(254), unique=True)  # lower case
    name: Mapped[str] = mapped_column(String(120))
    password_hash: Mapped[str] = mapped_column(Text)
    lang: Mapped[str | None] = mapped_column(String(2))
    failed_sign_ins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]

    roles: Mapped[list["PersonRole"]] = relationship(lazy="raise")
    company: Mapped[Company | None] = relationship(lazy="raise")


class PersonRole(Base):
    __tablename__ = "person_roles"
    __table_args__ = (one_of("role", Role),)

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[str] = mapped_column(String(16), primary_key=True)


class SignInSession(Base):
    """A signed-in browser. The cookie holds the token, we hold only its hash, so it can be revoked and not forged."""

    __tablename__ = "sign_in_sessions"
    __table_args__ = (Index("ix_sign_in_sessions_person_id", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    browser: Mapped[str] = mapped_column(String(200), default="")
    revoked_at: Mapped[datetime | None]


class Proposal(Base):
    """An act that needs a second person: what, by whom, until when, and what the second person said."""

    __tablename__ = "proposals"
    __table_args__ = (
        one_of("state", ProposalState),
        CheckConstraint("decided_by is null or decided_by <> proposed_by", name="two_persons"),
        UniqueConstraint("public_id"),
        Index("ix_proposals_state", "state", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26))
    kind: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(80))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    reason: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(String(10), default=ProposalState.OPEN)
    proposed_by: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    proposed_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    decided_at: Mapped[datetime | None]
