"""Tickets for the live socket: good once, for half a minute."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base


class KeyTicket(Base):
    """A ticket that a program made with a key of its company."""

    __tablename__ = "key_tickets"
    __table_args__ = (Index("ix_key_tickets_key", "key"),)

    token_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(String(26), ForeignKey("api_keys.public_id", ondelete="CASCADE"))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SocketTicket(Base):
    """Who made it may come in with it once. Only its hash is kept."""

    __tablename__ = "socket_tickets"
    __table_args__ = (Index("ix_socket_tickets_session_id", "session_id"),)

    token_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("sign_in_sessions.id", ondelete="CASCADE"))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
