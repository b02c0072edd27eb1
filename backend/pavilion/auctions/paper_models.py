"""Papers of a sale as they were printed."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base


class SalePaper(Base):
    """The bytes of one paper, found by the hash of all that stands on it: whoever asks for the same gets the same."""

    __tablename__ = "sale_papers"
    __table_args__ = (
        CheckConstraint("length(source_sha256) = 64", name="source_sha256"),
        CheckConstraint("length(sha256) = 64", name="sha256"),
        Index("ix_sale_papers_sale_id", "sale_id"),
    )

    source_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    sale_id: Mapped[int] = mapped_column(ForeignKey("sales.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(20))
    lang: Mapped[str] = mapped_column(String(4))
    sha256: Mapped[str] = mapped_column(String(64))
    pdf: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    at: Mapped[datetime]
