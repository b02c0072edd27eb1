"""Runs migrations on whatever connection the caller hands in (`pavilion migrate`, tests)."""

from typing import Any

import sqlalchemy as sa
from alembic import context

from pavilion.kernel.db import Base, UtcDateTime


def render_item(kind: str, item: Any, _context: Any) -> str | bool:
    """Plain SQLAlchemy in migrations: they import no code of the application."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), 'postgresql')"
    if kind == "type" and isinstance(item, sa.BigInteger) and "sqlite" in item._variant_mapping:
        return "sa.BigInteger().with_variant(sa.Integer(), 'sqlite')"
    return False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_item=render_item,
    render_as_batch=False,
    compare_type=False,
)
with context.begin_transaction():
    context.run_migrations()
