"""Stones that a company keeps in view, and what its people say of them to one another."""

from datetime import datetime
from typing import Any

from sqlalchemy import DDL, JSON, CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, event
from sqlalchemy.orm import Mapped, mapped_column, relationship

from pavilion.catalogue.models import Stone
from pavilion.kernel.db import Base


class Shortlist(Base):
    """A named list of one company; its people share it and nobody else learns of it."""

    __tablename__ = "shortlists"
    __table_args__ = (
        UniqueConstraint("public_id"),
        CheckConstraint("length(name) > 0", name="named"),
        Index("ix_shortlists_company_id", "company_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26))
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    name: Mapped[str] = mapped_column(String(80))
    made_by: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    made_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)  # rises with all that is said on the list
    removed_at: Mapped[datetime | None]


class ShortlistLine(Base):
    """A stone on a list. `exposed_id` is emptied when its origin is no longer confirmed; `snapshot` says what it was
    when it was put there."""

    __tablename__ = "shortlist_lines"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("list_id", "stone_id"),
        Index("ix_shortlist_lines_stone_id", "stone_id"),
        Index("ix_shortlist_lines_exposed_id", "exposed_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26))
    list_id: Mapped[int] = mapped_column(ForeignKey("shortlists.id", ondelete="CASCADE"))
    stone_id: Mapped[int] = mapped_column(ForeignKey("stones.id", ondelete="RESTRICT"))
    exposed_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("exposed_stones.stone", ondelete="SET NULL"))
    snapshot: Mapped[dict[str, Any]] = mapped_column(JSON)
    added_by: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    added_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]

    stone: Mapped[Stone] = relationship(lazy="raise", viewonly=True)


class ShortlistWords(Base):
    """What one person says of a line: to colleagues a verdict, a highest price and a note, to nobody a note of his own.
    Price and notes stand sealed under the company's key."""

    __tablename__ = "shortlist_words"
    __table_args__ = (
        CheckConstraint("verdict in ('A', 'B', 'C')", name="verdict_known"),
        CheckConstraint("(maximum_sealed is null) = (currency is null)", name="maximum_with_currency"),
    )

    line_id: Mapped[int] = mapped_column(ForeignKey("shortlist_lines.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), primary_key=True)
    verdict: Mapped[str | None] = mapped_column(String(1))
    maximum_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    currency: Mapped[str | None] = mapped_column(String(3))
    shared_note_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    own_note_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    at: Mapped[datetime]


OF_STONE_ID = "(select public_id from stones where id = new.stone_id)"


def only_exposed(table: str, stone: str) -> dict[str, list[str]]:
    """The triggers that let into a table only stones whose origin stands confirmed, by database; `stone`: which one the
    new row names."""
    said, name = "only an exposed stone can stand here", f"{table}_exposed"
    same = f"new.exposed_id is not distinct from {stone}"
    wrong = f"new.exposed_id is null or not ({same})"
    refuse = f"if {wrong} then raise exception '{said}' using errcode = '23514'; end if; return new;"
    abort = f"begin select raise(abort, '{said}'); end"
    return {
        "postgresql": [
            f"create or replace function {name}() returns trigger language plpgsql as $$ begin {refuse} end $$",
            f"create trigger {name} before insert on {table} for each row execute function {name}()",
        ],
        "sqlite": [f"create trigger {name} before insert on {table} for each row when {wrong} {abort}"],
    }


def guard(model: type[Base], stone: str = OF_STONE_ID) -> None:
    for dialect, statements in only_exposed(model.__tablename__, stone).items():
        for statement in statements:
            ddl = DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
            event.listen(model.__table__, "after_create", ddl.execute_if(dialect=dialect))


guard(ShortlistLine)
