"""Price lists that the operator brings in: dated, owned, never changed. None comes with the program."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, append_only


class BenchmarkList(Base):
    """One list of one day, in one currency. Of several days of a list the latest that has not ended counts."""

    __tablename__ = "benchmark_lists"
    __table_args__ = (UniqueConstraint("owner", "name", "currency", "day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26), unique=True)
    owner: Mapped[str] = mapped_column(String(80))  # whose figures they are
    name: Mapped[str] = mapped_column(String(80))
    day: Mapped[date] = mapped_column(Date)
    currency: Mapped[str] = mapped_column(String(3))
    rows: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))  # of what was read, so that the same is taken in once
    sent_by: Mapped[str] = mapped_column(String(26))
    at: Mapped[datetime]


class BenchmarkRow(Base):
    """The price per carat of one shape, colour and clarity between two weights, both inclusive, as reports give them:
    in whole hundredths of a carat, kept in milli-carats."""

    __tablename__ = "benchmark_rows"
    __table_args__ = (
        CheckConstraint("from_mct > 0 and to_mct >= from_mct", name="band_rises"),
        CheckConstraint("ppc_minor > 0", name="price_positive"),
        Index("ix_benchmark_rows_cell", "shape", "color", "clarity", "list_id"),
        {"sqlite_with_rowid": False},
    )

    list_id: Mapped[int] = mapped_column(ForeignKey("benchmark_lists.id", ondelete="RESTRICT"), primary_key=True)
    shape: Mapped[str] = mapped_column(String(20), primary_key=True)
    color: Mapped[str] = mapped_column(String(4), primary_key=True)
    clarity: Mapped[str] = mapped_column(String(20), primary_key=True)
    from_mct: Mapped[int] = mapped_column(primary_key=True)
    to_mct: Mapped[int]
    ppc_minor: Mapped[int]


class BenchmarkEnd(Base):
    """From here on the list is shown beside no stone."""

    __tablename__ = "benchmark_ends"

    list_id: Mapped[int] = mapped_column(
        ForeignKey("benchmark_lists.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False
    )
    by: Mapped[str] = mapped_column(String(26))
    at: Mapped[datetime]


for _model in (BenchmarkList, BenchmarkRow, BenchmarkEnd):
    append_only(_model)
