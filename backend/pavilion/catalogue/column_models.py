"""What a person wants to read of stones in a table."""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base


class ChosenColumns(Base):
    """A person's own choice; without a row the usual ones are shown."""

    __tablename__ = "chosen_columns"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    columns: Mapped[list[str]] = mapped_column(JSON)
    at: Mapped[datetime]
