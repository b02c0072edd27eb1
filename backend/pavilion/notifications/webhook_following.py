"""From what happened to the calls that tell of it: each event once for each address, and nothing that its maker may not
see. The calls and how far was read stand in one transaction; whoever dies before it reads the same again.

Three places are read: the history of stones, the events of the domains, and the books of sales.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from pavilion.accounts.models import Person
from pavilion.accounts.queries import as_actor
from pavilion.accounts.rules import Actor, CompanyState
from pavilion.bidding.models import BookEvent, BookLot, SaleBook
from pavilion.catalogue import history
from pavilion.catalogue import queries as catalogue
from pavilion.catalogue.api import stone_facts
from pavilion.catalogue.models import ChangeKind, Stone
from pavilion.catalogue.upload_models import StockFile
from pavilion.kernel.db import Sessions, inserting, reading
from pavilion.kernel.events import Cursor, Event, cursor_of
from pavilion.notifications.webhook_models import Webhook, WebhookCall
from pavilion.notifications.webhook_rules import EventKind
from pavilion.notifications.webhooks import body_of

STONES, EVENTS, BOOK = "webhooks:stones", "webhooks:events", "webhooks:"  # cursors; of a book with its sale
LINES, AT_ONCE, IN_BOOK = 500, 500, 500
LOOK_BACK = 200  # ids behind the newest one read: a transaction that began earlier may commit later
VERDICT = "stone:verdict_changed"
UPLOADS = ("upload:finished", "upload:completed")  # read, and later: the last row that waited has its answer
APPOINTMENTS = ("requested", "booked", "moved", "changed", "cancelled", "expired", "no_show", "checked_in", "done")
NAMES = (VERDICT, *UPLOADS, *(f"appointment:{one}" for one in APPOINTMENTS))
OF_STONE = {
    ChangeKind.LISTED: EventKind.STONE_LISTED,
    ChangeKind.WITHDRAWN: EventKind.STONE_WITHDRAWN,
    ChangeKind.UNLISTED: EventKind.STONE_WITHDRAWN,
    ChangeKind.PRICED: EventKind.PRICE_CHANGED,
}
OF_LOT = {"lot.listed": EventKind.LOT_LISTED, "lot.sold": EventKind.LOT_SOLD, "lot.passed": EventKind.LOT_PASSED}
OF_APPOINTMENT = ("number", "state", "office", "start", "end", "sequence")


class Happened(NamedTuple):
    """`stones` are inner ids; `own`: the company that alone is told; `facts` beside what is read for each reader."""

    event: str
    kind: EventKind
    at: datetime
    facts: dict[str, Any]
    stone: str | None = None
    gone: bool = False  # it was shown, and who cannot see it any more is told just that
    own: int | None = None


@dataclass
class Read:
    """What was read, and the places to go on from."""

    found: list[Happened] = field(default_factory=list)
    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    seen: list[int] = field(default_factory=list)  # ids of events


class Following:
    """Of one house. What was read of events committed late is known while the process lives; the calls themselves know
    it for ever."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._seen: set[int] = set()

    async def tick(self, now: datetime) -> int:
        """How many things that happened were looked at."""
        async with reading(self._sessions) as session:
            readers = await readers_of(session)
            if not readers:
                return 0
            since = min(row.made_at for row, _ in readers)
            read = Read()
            await _stones(session, read, since)
            await self._events(session, read, since)
            await _books(session, read, since)
            if not read.places and not read.seen:
                return 0
            rows = [call for row, actor in readers for call in await _calls(session, row, actor, read.found, now)]
        async with self._sessions.begin() as session:
            for follower, (was, then) in sorted(read.places.items()):
                cursor = await cursor_of(session, follower)
                if cursor.last_id != was:
                    return 0  # another read these meanwhile
                cursor.last_id = then
            if rows:
                once = inserting(session, WebhookCall).on_conflict_do_nothing(index_elements=["webhook_id", "event"])
                await session.execute(once, rows)
        newest = max((*read.seen, *self._seen), default=0)
        self._seen = {id for id in (*self._seen, *read.seen) if id > newest - LOOK_BACK}
        return len(read.found)

    async def _events(self, session: AsyncSession, read: Read, since: datetime) -> None:
        was = await _place(session, EVENTS)
        fresh = select(Event).where(Event.name.in_(NAMES), Event.id > was - LOOK_BACK, Event.at >= since)
        rows = (await session.scalars(fresh.order_by(Event.id).limit(AT_ONCE))).all()
        rows = [row for row in rows if row.id not in self._seen]
        if not rows:
            return
        read.seen = [row.id for row in rows]
        read.places[EVENTS] = was, max(was, rows[-1].id)
        files = [row.subject for row in rows if row.name in UPLOADS]
        suppliers = select(StockFile.public_id, StockFile.supplier_company_id).where(StockFile.public_id.in_(files))
        owner = {row.public_id: row.supplier_company_id for row in await session.execute(suppliers)} if files else {}
        read.found += [happened for row in rows if (happened := _heard(row, owner)) is not None]


async def readers_of(session: AsyncSession) -> list[tuple[Webhook, Actor]]:
    """The addresses that are called now, each with who made it: still there, and of a company that is approved."""
    live = select(Webhook).where(Webhook.removed_at.is_(None), Webhook.paused_at.is_(None)).order_by(Webhook.id)
    rows = (await session.scalars(live)).all()
    if not rows:
        return []
    people = select(Person).where(Person.id.in_({row.person_id for row in rows}), Person.disabled_at.is_(None))
    found = await session.scalars(people.options(selectinload(Person.roles), joinedload(Person.company)))
    actors = {person.id: as_actor(person) for person in found}
    return [
        (row, actor)
        for row in rows
        if (actor := actors.get(row.person_id)) is not None
        and actor.company_id == row.company_id
        and actor.company_state == CompanyState.APPROVED
    ]


async def _stones(session: AsyncSession, read: Read, since: datetime) -> None:
    was = await _place(session, STONES)
    # Where nobody was called before, what is older than the first address is nobody's news.
    after = was or await history.last_before(session, since - timedelta(microseconds=1))
    lines = await history.changes(session, after, LINES)
    if not lines:
        return
    read.places[STONES] = was, lines[-1].seq
    for line in lines:
        kind = OF_STONE.get(line.kind)
        if kind is None:
            continue
        event = f"change-{line.seq}-{line.stone}"
        gone = kind is EventKind.STONE_WITHDRAWN
        if not gone or line.before.get("listed"):
            read.found.append(Happened(event, kind, line.at, {"seq": line.seq}, stone=line.stone, gone=gone))


def _heard(row: Event, owner: Mapping[str, int]) -> Happened | None:
    event = f"event-{row.id}"
    if row.name == VERDICT:
        facts = {name: row.facts.get(name) for name in ("from", "to")}
        return Happened(event, EventKind.VERDICT_CHANGED, row.at, facts, stone=row.subject)
    if row.name in UPLOADS:
        facts = {"file": row.subject, "state": row.facts["state"], "counts": row.facts["counts"]}
        company = owner.get(row.subject)
        kind = EventKind.UPLOAD_FINISHED
    else:
        told = {name: row.facts.get(name) for name in OF_APPOINTMENT}
        facts = {"appointment": row.subject, "happened": row.name.partition(":")[2], **told}
        company = row.facts.get("company_id")
        kind = EventKind.APPOINTMENT_CHANGED
    return None if company is None else Happened(event, kind, row.at, facts, own=company)


async def _books(session: AsyncSession, read: Read, since: datetime) -> None:
    """Books are public, line by line; who sold is never in them, and the buyer only by an alias, which is left out."""
    place = Cursor.follower == literal(BOOK) + SaleBook.sale
    behind = select(SaleBook.sale, SaleBook.size, Cursor.last_id).outerjoin(Cursor, place).where(SaleBook.size > 0)
    behind = behind.where(Cursor.last_id.is_(None) | (Cursor.last_id < SaleBook.size)).limit(20)
    for sale, size, last in (await session.execute(behind)).all():
        was = last or 0
        wanted = select(BookEvent).where(BookEvent.sale == sale, BookEvent.n >= was, BookEvent.type.in_(OF_LOT))
        wanted = wanted.where(BookEvent.at >= since).order_by(BookEvent.n).limit(IN_BOOK)
        rows = (await session.scalars(wanted)).all()
        then = rows[-1].n + 1 if len(rows) == IN_BOOK else max(size, rows[-1].n + 1 if rows else 0)
        read.places[BOOK + sale] = was, then
        lots = select(BookLot.lot, BookLot.currency).where(BookLot.sale == sale)
        currency = {row.lot: row.currency for row in await session.execute(lots)} if rows else {}
        for row in rows:
            facts: dict[str, Any] = {"sale": sale, "lot": row.lot}
            price = json.loads(row.body)["data"].get("price")
            if price is not None:
                facts["price"] = {"amount_minor": price, "currency": currency[str(row.lot)]}
            read.found.append(Happened(f"book-{sale}-{row.n}", OF_LOT[row.type], row.at, facts))


async def _calls(
    session: AsyncSession, row: Webhook, actor: Actor, found: Iterable[Happened], now: datetime
) -> list[dict[str, Any]]:
    """The calls for one address."""
    wanted = [
        one for one in found if one.kind in row.events and one.at >= row.made_at and one.own in (None, actor.company_id)
    ]
    stones = await _seen_by(session, actor, [one.stone for one in wanted if one.stone is not None])
    sold = await catalogue.sold_among(session, stones.values())
    calls = []
    for one in wanted:
        data = dict(one.facts)
        if one.stone is not None:
            stone = stones.get(one.stone)
            if stone is None and not one.gone:
                continue
            priced = stone is not None and stone.id not in sold and catalogue.sees_price_of(actor, stone)
            if one.kind is EventKind.PRICE_CHANGED and not priced:
                continue
            data["stone"] = {"id": one.stone}
            if stone is not None and not one.gone:
                data["stone"] = stone_facts(stone, actor, sold=stone.id in sold)
        body = body_of(one.event, one.kind, one.at, data)
        calls.append(
            {"webhook_id": row.id, "event": one.event, "kind": one.kind.value, "body": body, "made_at": now}
            | {"due_at": now, "attempts": 0}
        )
    return calls


async def _seen_by(session: AsyncSession, actor: Actor, stones: Sequence[str]) -> dict[str, Stone]:
    found: dict[str, Stone] = {}
    for start in range(0, len(stones), catalogue.AT_ONCE):
        some = await catalogue.stones_of(session, actor, stones[start : start + catalogue.AT_ONCE])
        found |= {stone.public_id: stone for stone in some}
    return found


async def _place(session: AsyncSession, follower: str) -> int:
    return await session.scalar(select(Cursor.last_id).where(Cursor.follower == follower)) or 0
