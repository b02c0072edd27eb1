"""The database: one declarative base, exact column types, engines that keep what they acknowledge."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import DDL, BigInteger, CheckConstraint, Dialect, Engine, Integer, MetaData, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlalchemy.util import await_only

from pavilion.kernel.clock import monotonic_s
from pavilion.kernel.instants import from_micros, micros
from pavilion.kernel.seals import AmountSeal
from pavilion.kernel.sqlite_trips import in_one_trip
from pavilion.kernel.writers import WritersQueue

Sessions = async_sessionmaker[AsyncSession]

STILL_WARM_S = 1.0
BUSY_TIMEOUT_MS = 5000  # SQLite: how long a writer waits for the one ahead of it

# BIGINT primary keys do not autoincrement on SQLite; INTEGER there is 64 bits wide anyway.
Big = BigInteger().with_variant(Integer, "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC instants: TIMESTAMPTZ on PostgreSQL, whole microseconds since 1970 on SQLite."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.TIMESTAMP(timezone=True))
        return dialect.type_descriptor(BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        assert value.tzinfo is not None, "naive time"
        return value.astimezone(UTC) if dialect.name == "postgresql" else micros(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None or isinstance(value, datetime):
            return value
        return from_micros(value)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime(), int: Big}


def one_of(column: str, states: type[StrEnum]) -> CheckConstraint:
    """The CHECK that keeps a text column inside its enumeration."""
    words = ", ".join(f"'{state.value}'" for state in states)
    return CheckConstraint(f"{column} in ({words})", name=f"{column}_known")


class LendingPool(AsyncAdaptedQueuePool):
    """Connections for lending. What comes back after the engine was closed is closed too.

    Closing an engine closes the connections that are at home. Work cut short by the end of a house gives its own
    back a moment later; kept then, it would lie in a pool nobody asks any more until the rubbish is collected.

    A connection that lay at home is asked whether it still lives before it is lent, which costs three trips to the
    database; one that came home a moment ago is lent as it is.
    """

    _over = False

    def _do_get(self) -> ConnectionPoolEntry:
        record = super()._do_get()
        home_at = record.info.get("home_at")
        if home_at is not None and monotonic_s() - home_at < STILL_WARM_S:
            record.fresh = True  # type: ignore[attr-defined]  # as if it were new: the pool does not ask it
        return record

    def dispose(self) -> None:
        self._over = True
        super().dispose()

    def recreate(self) -> "LendingPool":
        successor = super().recreate()
        assert isinstance(successor, LendingPool)
        successor._over = self._over
        return successor

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        if not self._over:
            record.info["home_at"] = monotonic_s()
            super()._do_return_conn(record)
            return
        try:
            record.close()
        finally:
            self._dec_overflow()


def inserting(session: AsyncSession, model: Any) -> postgresql.Insert | sqlite.Insert:
    """An insert that knows what to do about a row already there, in the words of the database at hand."""
    build = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    return build(model)


def sqlite_url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


def async_url(url: str) -> URL:
    """Any spelling of a PostgreSQL or SQLite address, with the asynchronous driver named."""
    parsed = make_url(url)
    driver = {"postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg", "sqlite": "sqlite+aiosqlite"}
    return parsed.set(drivername=driver.get(parsed.drivername, parsed.drivername))


def create_engine(url: str) -> AsyncEngine:
    """An engine whose commits are durable; SQLite starts each transaction as a writer."""
    parsed = async_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_async_engine(parsed, poolclass=LendingPool, pool_size=10, max_overflow=10, pool_pre_ping=True)
    patience = {"isolation_level": None, "timeout": BUSY_TIMEOUT_MS / 1000}
    engine = create_async_engine(parsed, poolclass=LendingPool, connect_args=patience)
    in_one_trip(engine)

    @event.listens_for(engine.sync_engine, "connect")
    def _durable(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in ("journal_mode = wal", "synchronous = full", "foreign_keys = on"):
            cursor.execute(f"pragma {pragma}")
        cursor.execute(f"pragma busy_timeout = {BUSY_TIMEOUT_MS}")
        facts = []
        for name in ("journal_mode", "synchronous", "foreign_keys"):
            cursor.execute(f"pragma {name}")
            facts.append(cursor.fetchone()[0])
        cursor.close()
        assert facts in (["wal", 2, 1], ["memory", 2, 1]), f"SQLite will not be durable: {facts}"

    queue = WritersQueue()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        # The default deferred transaction fails when two readers both turn writer.
        reading = connection.get_execution_options().get("reading", False)
        if not reading:
            await_only(queue.enter(connection.connection.dbapi_connection))
        connection.exec_driver_sql("begin" if reading else "begin immediate")

    @event.listens_for(engine.sync_engine, "checkin")
    def _home(connection: Any, _record: Any) -> None:
        queue.leave(connection)

    _then(engine.sync_engine.dialect, "do_commit", queue)
    _then(engine.sync_engine.dialect, "do_rollback", queue)
    _QUEUES[engine.sync_engine] = queue
    return engine


_QUEUES: WeakKeyDictionary[Engine, WritersQueue] = WeakKeyDictionary()


def writers_of(sessions: Sessions) -> WritersQueue | None:
    """Where the writers of this embedded database wait for their turn; a server needs no such place."""
    engine: AsyncEngine = sessions.kw["bind"]
    return _QUEUES.get(engine.sync_engine)


def _then(dialect: Any, act: str, queue: WritersQueue) -> None:
    """The turn is over when the act is done. The engine's own events tell of it before: the next one would begin while
    the file is still locked, and wait for the database after it has waited in the queue."""
    done = getattr(dialect, act)

    def and_leave(connection: Any) -> None:
        try:
            done(connection)
        finally:
            queue.leave(getattr(connection, "dbapi_connection", connection))

    setattr(dialect, act, and_leave)


def sessions_of(engine: AsyncEngine, seal: AmountSeal | None = None, **handed: object) -> Sessions:
    """Sessions of this database; those of a house with its key can read what it keeps sealed. `handed`: what a higher
    domain hands to a lower one, by name."""
    return async_sessionmaker(engine, expire_on_commit=False, info={"seal": seal, **handed})


def seal_of(session: AsyncSession) -> AmountSeal | None:
    """The seal of the house whose session this is; None where no key was handed down."""
    seal: AmountSeal | None = session.info.get("seal")
    return seal


def is_busy(error: Exception) -> bool:
    """SQLite waited for the writer ahead, in vain: nothing was done, and the same may be tried again."""
    cause = error.orig if isinstance(error, OperationalError) else error
    return getattr(cause, "sqlite_errorname", "").startswith("SQLITE_BUSY")


async def forget_freed(engine: AsyncEngine) -> None:
    """What was overwritten is gone from the embedded database's files too. A server looks after its own."""
    if engine.dialect.name != "sqlite":
        return
    async with engine.connect() as connection:
        raw = await connection.get_raw_connection()
        assert raw.driver_connection is not None
        await raw.driver_connection.execute("vacuum")
        await raw.driver_connection.execute("pragma wal_checkpoint(truncate)")


@asynccontextmanager
async def reading(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    """A session that only reads: on SQLite it never waits for a writer. It takes a connection when it is first used."""
    engine: AsyncEngine = sessions.kw["bind"]
    async with sessions(bind=engine.execution_options(reading=True)) as session:
        yield session


def asking(sessions: Sessions) -> AbstractAsyncContextManager[AsyncSession]:
    """A session for one question, as each request has: a server is spared the trips that begin and end a transaction,
    in which it would show no more."""
    engine: AsyncEngine = sessions.kw["bind"]
    if engine.dialect.name == "sqlite":
        return reading(sessions)
    return sessions(bind=engine.execution_options(isolation_level="AUTOCOMMIT"))


async def one_at_a_time(session: AsyncSession, what: str) -> None:
    """Until this transaction ends, no other passes here for the same thing. On SQLite there is one writer anyway."""
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("select pg_advisory_xact_lock(hashtextextended(:what, 0))"), {"what": what})


_REFUSE_CHANGE = """
create or replace function pavilion_refuse_change() returns trigger language plpgsql as
$$ begin raise exception 'append only: %', tg_table_name using errcode = 'restrict_violation'; end $$
"""


def append_only_ddl(table: str, dialect: str) -> list[str]:
    """Triggers that refuse UPDATE and DELETE of a table, whoever asks (reliability spec 5)."""
    if dialect == "postgresql":
        acts = f"before update or delete on {table} for each row execute function pavilion_refuse_change()"
        return [_REFUSE_CHANGE.strip(), f"create trigger {table}_append_only {acts}"]
    refuse = f"begin select raise(abort, 'append only: {table}'); end"
    return [f"create trigger {table}_no_{act} before {act} on {table} {refuse}" for act in ("update", "delete")]


def append_only(model: type[Base]) -> None:
    """From here on the database itself refuses to change or drop a written row of this table."""
    table = model.metadata.tables[model.__tablename__]
    table.info["append_only"] = True
    for dialect in ("postgresql", "sqlite"):
        for statement in append_only_ddl(table.name, dialect):
            ddl = DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
            event.listen(table, "after_create", ddl.execute_if(dialect=dialect))
