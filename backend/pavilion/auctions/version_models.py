"""What a published sale said and what was said of it since: kept for ever, altered by nobody (curation spec 8)."""

import json
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, append_only, one_of


class CatalogueVersion(Base):
    """The canonical bytes of one version: the list as it was published, or that list with its notices."""

    __tablename__ = "catalogue_versions"
    __table_args__ = (
        UniqueConstraint("sale", "n"),
        CheckConstraint("n > 0", name="n_counted"),
        CheckConstraint("length(sha256) = 64", name="sha256"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sale: Mapped[str] = mapped_column(String(26))
    n: Mapped[int]
    document: Mapped[str] = mapped_column(Text, deferred=True)
    sha256: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    log_index: Mapped[int | None]  # its place in the origin log; none where the house keeps no log


class NoticeField(StrEnum):
    ESTIMATE = "estimate"  # the only way in which a published estimate changes
    TEXT = "text"  # the description of the lot
    TITLE = "title"
    AGAIN = "again"  # the lot offers again what an earlier one of the sale did not sell: its number and the own
    FACT = "fact"  # anything else that was said of the lot


class LotNotice(Base):
    """A change that the house means to tell of a published lot. It holds from the moment it is given."""

    __tablename__ = "lot_notices"
    __table_args__ = (
        one_of("field", NoticeField),
        CheckConstraint("text_en <> '' and text_zh <> '' and reason <> ''", name="said"),
        Index("ix_lot_notices_sale_id", "sale", "id"),
        Index("ix_lot_notices_lot", "lot"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26), unique=True)
    sale: Mapped[str] = mapped_column(String(26))
    lot: Mapped[str] = mapped_column(String(26))
    field: Mapped[str] = mapped_column(String(10))
    old: Mapped[str] = mapped_column(Text)  # of an estimate: low and high in minor units; empty: it was on request
    new: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)  # in English, or in the one language in which it was given
    reason_zh: Mapped[str] = mapped_column(Text, default="", server_default="")
    text_en: Mapped[str] = mapped_column(Text)
    text_zh: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]

    def why(self, lang: str) -> str:
        """The reason as a reader of this language is told it."""
        return (self.reason_zh if lang == "zh" else "") or self.reason

    @property
    def before(self) -> Any:
        return _read(self.field, self.old)

    @property
    def after(self) -> Any:
        """Of an estimate low and high, of a title or a description English and Chinese, else what it is."""
        return _read(self.field, self.new)


def kept_estimate(low: int, high: int) -> str:
    return f"{low} {high}"


def kept_text(en: str, zh: str) -> str:
    """Words in both languages, as a notice of a title or a description keeps them."""
    return json.dumps([en, zh], ensure_ascii=False)


def _read(field: str, kept: str) -> Any:
    if field == NoticeField.ESTIMATE:
        low, _, high = kept.partition(" ")
        return (int(low), int(high)) if kept else None
    return tuple(json.loads(kept)) if field in (NoticeField.TEXT, NoticeField.TITLE) else kept


class LotNoticeGiven(Base):
    """The notice was given: `seq` is its place in the lot's book, none in a collection, which has no book."""

    __tablename__ = "lot_notices_given"

    notice_id: Mapped[int] = mapped_column(ForeignKey("lot_notices.id", ondelete="RESTRICT"), primary_key=True)
    seq: Mapped[int | None]
    at: Mapped[datetime]


for _model in (CatalogueVersion, LotNotice, LotNoticeGiven):
    append_only(_model)
