"""What the people of a company do with its shortlists. Of another company's there is nothing to be found."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor, Permission
from pavilion.catalogue import queries, showing
from pavilion.catalogue.models import CommitmentKind, Stone, StoneCommitment
from pavilion.catalogue.shortlist_models import Shortlist, ShortlistLine, ShortlistWords
from pavilion.kernel.db import one_at_a_time, seal_of
from pavilion.kernel.errors import ActNotAllowed, BadInput, NotAllowed, NotFound
from pavilion.kernel.ids import ulid
from pavilion.kernel.seals import CompanySeal

MOST_LISTS, MOST_LINES, MOST_AT_ONCE = 50, 500, 250


class Member(NamedTuple):
    """Who acts on the lists of a company."""

    company_id: int
    person_id: int


class Maximum(NamedTuple):
    amount_minor: int
    currency: str


def member_of(actor: Actor) -> Member:
    """People of a company with the right; the house and visitors keep no lists."""
    if actor.company_id is None or actor.person_id is None or not actor.may(Permission.SHORTLIST_EDIT):
        raise NotAllowed(right=Permission.SHORTLIST_EDIT.value)
    return Member(actor.company_id, actor.person_id)


def keeps(actor: Actor) -> bool:
    return actor.company_id is not None and actor.may(Permission.SHORTLIST_EDIT)


async def make_list(session: AsyncSession, member: Member, name: str, now: datetime) -> Shortlist:
    await one_at_a_time(session, f"shortlists of {member.company_id}")
    standing = select(func.count(Shortlist.id)).where(_own(member), Shortlist.removed_at.is_(None))
    if (await session.scalar(standing) or 0) >= MOST_LISTS:
        raise BadInput(fields={"name": "too_many_shortlists"})
    row = Shortlist(
        public_id=ulid(now), company_id=member.company_id, name=name, made_by=member.person_id, made_at=now,
        changed_at=now,
    )  # fmt: skip
    session.add(row)
    await session.flush()
    return row


async def rename(session: AsyncSession, member: Member, public_id: str, name: str, now: datetime) -> None:
    row = await _locked(session, member, public_id)
    row.name = name
    _touch(row, now)


async def remove_list(session: AsyncSession, member: Member, public_id: str, now: datetime) -> None:
    """The list is seen no more; until it is brought back everything stays on it."""
    row = await _locked(session, member, public_id)
    row.removed_at = now
    _touch(row, now)


async def return_list(session: AsyncSession, member: Member, public_id: str, now: datetime) -> None:
    row = await _locked(session, member, public_id, removed=True)
    row.removed_at = None
    _touch(row, now)


async def add(
    session: AsyncSession, actor: Actor, stones: Sequence[str], *, to: str | None, otherwise: str, now: datetime
) -> Shortlist:
    """The stones stand on the list named, else on the one this person collects on, else on a new one called
    `otherwise`. What stands there already stays as it is."""
    member = member_of(actor)
    await one_at_a_time(session, f"shortlists of {member.company_id}")
    found = [stone for stone in await queries.stones_of(session, actor, stones) if stone.listed]
    if len(found) != len(set(stones)) or not found:
        raise NotFound()
    if to is None and (present := await current(session, member)) is not None:
        to = present.public_id
    row = await _locked(session, member, to) if to else await make_list(session, member, otherwise, now)
    promised = await queries.commitments_of(session, [stone.id for stone in found])
    lines = {line.stone_id: line for line in await _lines(session, row.id)}
    fresh = [stone for stone in found if stone.id not in lines or lines[stone.id].removed_at is not None]
    if sum(1 for line in lines.values() if line.removed_at is None) + len(fresh) > MOST_LINES:
        raise BadInput(fields={"stone": "shortlist_full"})
    for stone in fresh:
        line = lines.get(stone.id)
        if line is None:
            line = ShortlistLine(public_id=ulid(now), list_id=row.id, stone_id=stone.id)
            session.add(line)
        line.exposed_id, line.snapshot = stone.exposed_id, snapshot_of(stone, promised.get(stone.id))
        line.added_by, line.added_at, line.removed_at = member.person_id, now, None
    if fresh:
        _touch(row, now)
    await session.flush()
    return row


async def take_off(session: AsyncSession, member: Member, stones: Sequence[str], now: datetime) -> None:
    """These stones stand no more on the list this person collects on."""
    if (present := await current(session, member)) is None:
        return
    row = await _locked(session, member, present.public_id)
    called = select(Stone.id).where(Stone.public_id.in_(stones))
    gone = update(ShortlistLine).where(
        ShortlistLine.list_id == row.id, ShortlistLine.stone_id.in_(called), ShortlistLine.removed_at.is_(None)
    )
    await session.execute(gone.values(removed_at=now))
    _touch(row, now)


async def remove(session: AsyncSession, member: Member, public_id: str, line: str, now: datetime) -> None:
    row = await _locked(session, member, public_id)
    found = await _line(session, row, line)
    if found.removed_at is None:
        found.removed_at = now
        _touch(row, now)


async def put_back(session: AsyncSession, member: Member, public_id: str, line: str, now: datetime) -> None:
    """As if it had never been taken off: with its day, its price of then and what was said of it."""
    row = await _locked(session, member, public_id)
    found = await _line(session, row, line)
    if found.removed_at is not None:
        found.removed_at = None
        _touch(row, now)


async def say(
    session: AsyncSession,
    actor: Actor,
    public_id: str,
    line: str,
    *,
    verdict: str | None,
    maximum: Maximum | None,
    shared_note: str,
    own_note: str,
    now: datetime,
) -> None:
    """This is what the person says of the line from now on. Who sees no prices says none: the one of before stays."""
    member = member_of(actor)
    row = await _locked(session, member, public_id)
    found = await _line(session, row, line)
    seal = await seal_for(session, member.company_id)
    if seal is None and (maximum or shared_note or own_note):
        raise ActNotAllowed(state="no_data_key")
    words = await session.get(ShortlistWords, (found.id, member.person_id))
    if words is None:
        words = ShortlistWords(line_id=found.id, person_id=member.person_id)
        session.add(words)
    words.verdict, words.at = verdict, now
    if seal is not None:
        where = place(found, member.person_id)
        words.shared_note_sealed = seal.close(shared_note, f"{where}:shared") if shared_note else None
        words.own_note_sealed = seal.close(own_note, f"{where}:own") if own_note else None
        if queries.sees_prices(actor):
            words.maximum_sealed = seal.close(str(maximum.amount_minor), f"{where}:maximum") if maximum else None
            words.currency = maximum.currency if maximum else None
    _touch(row, now)
    await session.flush()


async def current(session: AsyncSession, member: Member) -> Shortlist | None:
    """The list this person collects on: the one that he put a stone on, or made, last; else the company's newest."""
    standing = (_own(member), Shortlist.removed_at.is_(None))
    added = (
        select(ShortlistLine.list_id.label("list_id"), func.max(ShortlistLine.added_at).label("at"))
        .where(ShortlistLine.added_by == member.person_id)
        .group_by(ShortlistLine.list_id)
        .subquery()
    )
    rows = await session.execute(
        select(Shortlist, added.c.at).outerjoin(added, added.c.list_id == Shortlist.id).where(*standing)
    )
    lists: list[tuple[Shortlist, datetime | None]] = [(row, at) for row, at in rows]
    if not lists:
        return None

    def last(pair: tuple[Shortlist, datetime | None]) -> tuple[bool, datetime, int]:
        row, at = pair
        own = [moment for moment in (at, row.made_at if row.made_by == member.person_id else None) if moment]
        return bool(own), max(own, default=row.made_at), row.id

    newest, _ = max(lists, key=last)
    return newest


async def seal_for(session: AsyncSession, company_id: int) -> CompanySeal | None:
    house = seal_of(session)
    company = await session.scalar(select(Company.public_id).where(Company.id == company_id))
    return house.of_company(company) if house is not None and company is not None else None


def place(line: ShortlistLine, person_id: int) -> str:
    """Where a sealed word belongs: put anywhere else it opens no more."""
    return f"shortlist:{line.public_id}:{person_id}"


def snapshot_of(stone: Stone, promise: StoneCommitment | None) -> dict[str, Any]:
    """What the stone was then: its names, and what was asked for it."""
    sold = promise is not None and promise.kind == CommitmentKind.SOLD
    return {
        "stone": stone.public_id,
        "name": {lang: showing.name_of(stone, lang).title for lang in ("en", "zh")},
        "total_minor": None if sold else stone.price_total_minor,
        "currency": stone.currency,
        "state": state_of(promise),
    }


def state_of(promise: StoneCommitment | None) -> str:
    """As everybody may know it."""
    if promise is None:
        return "free"
    return {CommitmentKind.IN_SALE.value: "in_sale", CommitmentKind.SOLD.value: "sold"}.get(promise.kind, "reserved")


def _own(member: Member) -> ColumnElement[bool]:
    return Shortlist.company_id == member.company_id


def _touch(row: Shortlist, now: datetime) -> None:
    row.changed_at, row.version = now, row.version + 1


async def _locked(session: AsyncSession, member: Member, public_id: str, *, removed: bool = False) -> Shortlist:
    wanted = select(Shortlist).where(_own(member), Shortlist.public_id == public_id)
    row = await session.scalar(wanted.with_for_update(), execution_options={"populate_existing": True})
    if row is None or (row.removed_at is not None and not removed):
        raise NotFound()
    return row


async def _lines(session: AsyncSession, list_id: int) -> Sequence[ShortlistLine]:
    return (await session.scalars(select(ShortlistLine).where(ShortlistLine.list_id == list_id))).all()


async def _line(session: AsyncSession, row: Shortlist, public_id: str) -> ShortlistLine:
    wanted = select(ShortlistLine).where(ShortlistLine.list_id == row.id, ShortlistLine.public_id == public_id)
    found = await session.scalar(wanted)
    if found is None:
        raise NotFound()
    return found
