"""The papers that the law of the destination asks for, as they were given to the buyer."""

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, append_only


class LegalPaper(Base):
    """One paper about one stone of an issued invoice, made of the facts that stood verified that day."""

    __tablename__ = "legal_papers"

    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoices.id", ondelete="RESTRICT"), primary_key=True)
    stone: Mapped[str] = mapped_column(String(26), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    lang: Mapped[str] = mapped_column(String(2), primary_key=True)
    entry: Mapped[str] = mapped_column(String(60))  # of the law table
    law_sha256: Mapped[str] = mapped_column(String(64))
    verdict_sha256: Mapped[str] = mapped_column(String(64))
    sha256: Mapped[str] = mapped_column(String(64))
    pdf: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[datetime]


append_only(LegalPaper)
