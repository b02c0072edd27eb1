"""The names that others have for our stones."""

from enum import StrEnum

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, one_of


class Scheme(StrEnum):
    TRACR = "tracr"  # a registry that producers share
    PRODUCER = "producer"  # a producer's own database
    SCANNER = "scanner"
    GIA_REPORT = "gia_report"
    INSCRIPTION = "inscription"
    GS1_DL = "gs1_dl"


class ExternalId(Base):
    """One name of a stone, as its claim and its chain give it. Two stones may bear the same: that is a finding (ID-03),
    not an error. `key` is the name without blanks and capitals, by which it is found."""

    __tablename__ = "external_ids"
    __table_args__ = (
        one_of("scheme", Scheme),
        Index("ix_external_ids_key", "key", "stone"),
        {"sqlite_with_rowid": False},
    )

    stone: Mapped[str] = mapped_column(String(26), primary_key=True)
    scheme: Mapped[str] = mapped_column(String(12), primary_key=True)
    value: Mapped[str] = mapped_column(String(160), primary_key=True)
    key: Mapped[str] = mapped_column(String(160))
