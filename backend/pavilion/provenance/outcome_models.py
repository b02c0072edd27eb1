"""Contracts for rough, what was bought under them, and what became of it. A row once written stays as it is."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, append_only, one_of
from pavilion.provenance.outcomes import Category, ReportState


class FileState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"  # its report stands in the history
    FAULTY = "faulty"  # rows to mend; nothing of it was taken
    STOPPED = "stopped"  # not readable as a whole


class PartyName(Base):
    """Under which name a company acts in the chains of stones."""

    __tablename__ = "party_names"

    party: Mapped[str] = mapped_column(String(80), primary_key=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"), index=True)
    at: Mapped[datetime]


class ChainParty(Base):
    """Which stones' chains name a party: a reading of `chain_events`, made anew from it whenever wanted."""

    __tablename__ = "chain_parties"
    __table_args__ = {"sqlite_with_rowid": False}

    party: Mapped[str] = mapped_column(String(80), primary_key=True)
    stone: Mapped[str] = mapped_column(String(26), primary_key=True)


class SupplyContract(Base):
    """The terms under which one company buys rough from another."""

    __tablename__ = "supply_contracts"
    __table_args__ = (
        one_of("category", Category),
        UniqueConstraint("public_id"),
        UniqueConstraint("supplier_company_id", "number"),
        CheckConstraint("supplier_company_id <> buyer_company_id", name="two_companies"),
        CheckConstraint("resale_limit_bp between 0 and 10000", name="limit_is_a_share"),
        Index("ix_supply_contracts_buyer_company_id", "buyer_company_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26))
    number: Mapped[str] = mapped_column(String(40))
    supplier_company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    buyer_company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    category: Mapped[str] = mapped_column(String(12))
    resale_limit_bp: Mapped[int]
    from_day: Mapped[str] = mapped_column(String(10))
    to_day: Mapped[str | None] = mapped_column(String(10))
    by: Mapped[str | None] = mapped_column(String(40))
    at: Mapped[datetime]


class RoughPurchase(Base):
    """One lot of rough bought at a sight, with the colour and clarity it was estimated to give."""

    __tablename__ = "rough_purchases"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("contract_id", "lot"),
        CheckConstraint("mct > 0", name="weighs_something"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26))
    contract_id: Mapped[int] = mapped_column(ForeignKey("supply_contracts.id", ondelete="RESTRICT"))
    lot: Mapped[str] = mapped_column(String(40))
    sight: Mapped[str] = mapped_column(String(10))
    assortment: Mapped[str] = mapped_column(String(40))
    mct: Mapped[int]
    est_color: Mapped[str | None] = mapped_column(String(10))
    est_clarity: Mapped[str | None] = mapped_column(String(10))
    by: Mapped[str | None] = mapped_column(String(40))
    at: Mapped[datetime]


class OutcomeReport(Base):
    """What a buyer says became of all rough under a contract, up to a day. A correction is the next report; the last
    one that was not rejected stands."""

    __tablename__ = "outcome_reports"
    __table_args__ = (
        one_of("state", ReportState),
        UniqueConstraint("public_id"),
        UniqueConstraint("contract_id", "n"),
        CheckConstraint(
            "polished_mct >= 0 and loss_mct >= 0 and stock_mct >= 0 and lost_mct >= 0 and cutter_named_mct >= 0",
            name="masses_counted",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26))
    contract_id: Mapped[int] = mapped_column(ForeignKey("supply_contracts.id", ondelete="RESTRICT"))
    n: Mapped[int]
    as_of: Mapped[str] = mapped_column(String(10))
    polished_mct: Mapped[int]
    loss_mct: Mapped[int]
    stock_mct: Mapped[int]
    lost_mct: Mapped[int]
    cutter_named_mct: Mapped[int]
    resold: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    assortments: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    lines: Mapped[int]
    state: Mapped[str] = mapped_column(String(10))
    remarks: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    sha256: Mapped[str] = mapped_column(String(64))  # of the canonical document: totals, resales and every line
    file_id: Mapped[int | None] = mapped_column(ForeignKey("outcome_files.id", ondelete="RESTRICT"))
    by: Mapped[str | None] = mapped_column(String(40))
    at: Mapped[datetime]

    @property
    def resold_mct(self) -> int:
        return sum(int(one["mct"]) for one in self.resold)

    @property
    def accounted_mct(self) -> int:
        return self.polished_mct + self.loss_mct + self.stock_mct + self.lost_mct + self.resold_mct


class OutcomeLine(Base):
    """A polished stone of a report, or a parcel of like ones."""

    __tablename__ = "outcome_lines"
    __table_args__ = (
        Index("ix_outcome_lines_object", "object"),
        CheckConstraint("mct > 0 and stones > 0", name="something_stands_here"),
        {"sqlite_with_rowid": False},
    )

    report_id: Mapped[int] = mapped_column(ForeignKey("outcome_reports.id", ondelete="RESTRICT"), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True)
    object: Mapped[str] = mapped_column(String(80))
    stones: Mapped[int]
    mct: Mapped[int]
    rough_mct: Mapped[int | None]
    shape: Mapped[str] = mapped_column(String(20))
    color: Mapped[str] = mapped_column(String(10))
    clarity: Mapped[str] = mapped_column(String(10))
    assortment: Mapped[str] = mapped_column(String(40))
    cutter: Mapped[str] = mapped_column(String(80))


class OutcomeCase(Base):
    """A report that a person has to look at, and why. A flagged one says that the record contradicts the report."""

    __tablename__ = "outcome_cases"
    __table_args__ = (UniqueConstraint("public_id"), UniqueConstraint("report_id", "subject"))

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26))
    report_id: Mapped[int] = mapped_column(ForeignKey("outcome_reports.id", ondelete="RESTRICT"))
    subject: Mapped[str] = mapped_column(String(80))  # the judgement, or the counterpart that was seen later
    flagged: Mapped[bool]
    remarks: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    at: Mapped[datetime]


class OutcomeDecision(Base):
    """The word of a compliance person on a case."""

    __tablename__ = "outcome_decisions"
    __table_args__ = (UniqueConstraint("case_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("outcome_cases.id", ondelete="RESTRICT"))
    accepted: Mapped[bool]
    reason: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]


class OutcomeFile(Base):
    """A file with a whole report. The same bytes under the same contract are the same file."""

    __tablename__ = "outcome_files"
    __table_args__ = (
        one_of("state", FileState),
        UniqueConstraint("public_id"),
        UniqueConstraint("contract_id", "sha256"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26))
    contract_id: Mapped[int] = mapped_column(ForeignKey("supply_contracts.id", ondelete="RESTRICT"))
    filename: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(10))
    bytes: Mapped[int]
    rows_read: Mapped[int]
    rows_wrong: Mapped[int]
    fault: Mapped[str | None] = mapped_column(String(40))
    fault_facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    by: Mapped[str | None] = mapped_column(String(40))
    at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    @property
    def ended(self) -> bool:
        return self.state not in (FileState.QUEUED, FileState.RUNNING)


class OutcomeContent(Base):
    __tablename__ = "outcome_contents"

    file_id: Mapped[int] = mapped_column(ForeignKey("outcome_files.id", ondelete="RESTRICT"), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class OutcomeFault(Base):
    """What is wrong with a cell of a file."""

    __tablename__ = "outcome_faults"
    __table_args__ = {"sqlite_with_rowid": False}

    file_id: Mapped[int] = mapped_column(ForeignKey("outcome_files.id", ondelete="RESTRICT"), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True)
    row: Mapped[int]
    column: Mapped[str] = mapped_column(String(20))
    code: Mapped[str] = mapped_column(String(40))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)


class WarrantyYear(Base):
    """The reconciliation of warranties for a year as it was issued and signed, of a company or of a selling entity of
    the house; kept for the auditor."""

    __tablename__ = "warranty_years"
    __table_args__ = (
        UniqueConstraint("public_id"),
        CheckConstraint("(company_id is null) <> (entity is null)", name="of_one"),
        Index("ix_warranty_years_company_id_year", "company_id", "year"),
        Index("ix_warranty_years_entity_year", "entity", "year"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26))
    company_id: Mapped[int | None] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    entity: Mapped[str | None] = mapped_column(String(3))
    year: Mapped[int]
    document: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    by: Mapped[str | None] = mapped_column(String(40))
    at: Mapped[datetime]


for _model in (
    *(SupplyContract, RoughPurchase, OutcomeReport, OutcomeLine, OutcomeCase, OutcomeDecision),
    *(OutcomeContent, OutcomeFault, WarrantyYear),
):
    append_only(_model)
