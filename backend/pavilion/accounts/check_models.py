"""What the house checked of a company: its names against the sanctions list, and who in the trade speaks for it."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, one_of


class Screened(StrEnum):
    CLEAR = "clear"
    RESEMBLES = "resembles"  # a name so like a listed one that a person must look
    LISTED = "listed"


class CompanyScreening(Base):
    """A company and its beneficial owners held against one version of the list, the same names with the same outcome;
    the newest row is the present one, and `last_at` moves as long as nothing changes."""

    __tablename__ = "company_screenings"
    __table_args__ = (
        one_of("outcome", Screened),
        Index("ix_company_screenings_company_id_id", "company_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    outcome: Mapped[str] = mapped_column(String(10))
    found: Mapped[list[dict[str, str]]] = mapped_column(JSON)  # {name, entry}: whom it is about, and the list's id
    names: Mapped[list[str]] = mapped_column(JSON)  # that were looked up
    list_version: Mapped[str] = mapped_column(String(80))
    list_issued: Mapped[str] = mapped_column(String(10))
    list_sha256: Mapped[str] = mapped_column(String(64))  # of what the registry signed, with what was found in it
    simulated: Mapped[bool] = mapped_column(default=False)
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]


class TradeReference(Base):
    """Somebody of the trade who told the house how a company does business. A withdrawn one stays to be read."""

    __tablename__ = "trade_references"
    __table_args__ = (
        UniqueConstraint("public_id"),
        Index("ix_trade_references_company_id", "company_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26))
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    referee: Mapped[str] = mapped_column(String(160))  # the firm that speaks for it
    confirmed_by: Mapped[str] = mapped_column(String(120))  # the person there
    confirmed_on: Mapped[str] = mapped_column(String(10))
    words: Mapped[str] = mapped_column(Text, default="")
    entered_by: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    entered_at: Mapped[datetime]
    withdrawn_by: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    withdrawn_at: Mapped[datetime | None]

    @property
    def confirmed_day(self) -> date:
        return date.fromisoformat(self.confirmed_on)
