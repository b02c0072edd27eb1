"""What a sale settles by, where it differs from its selling entity's usual terms."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base


class SaleTermsRow(Base):
    """Written by settlement (`settlement.terms.Terms` names the members); registering reads the deposit from it."""

    __tablename__ = "settlement_terms"

    sale: Mapped[str] = mapped_column(String(26), primary_key=True)
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    version: Mapped[int] = mapped_column(default=1)
    by: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]
