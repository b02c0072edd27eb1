"""Every rule set that the books name, by its hash."""

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, append_only


class RuleSetText(Base):
    """A rule set that a sale was published under, or that some of its lots were given since: the canonical text whose
    hash the events name."""

    __tablename__ = "rule_sets"

    sale: Mapped[str] = mapped_column(String(26), primary_key=True)
    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    text: Mapped[str] = mapped_column(Text)


append_only(RuleSetText)
