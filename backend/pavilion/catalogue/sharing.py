"""Links to chosen stones: made by people of a company or of the house, opened by whoever has them."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company, Person
from pavilion.accounts.rules import VISITOR, Actor, CompanyState, Permission
from pavilion.catalogue import queries, shortlists
from pavilion.catalogue.models import Stone, StoneCommitment
from pavilion.catalogue.share_models import StoneShare, StoneShareLine, StoneShareOpening
from pavilion.kernel.db import one_at_a_time
from pavilion.kernel.errors import BadInput, NotAllowed, NotFound
from pavilion.kernel.events import record
from pavilion.kernel.ids import ulid
from pavilion.kernel.money import half_up
from pavilion.provenance.sharing import LinkEnded

MOST_LINKS = 100  # of one company that still work
MOST_OPENINGS = 500  # of one link that are kept singly; all are counted
LISTED = 200  # links on one page


class Terms(NamedTuple):
    """What a link tells beside the stones. The markup is in basis points, on the asking price."""

    title: str = ""
    note: str = ""
    hours: int = 48
    prices: bool = False
    markup_bp: int = 0
    names_supplier: bool = False


class Link(NamedTuple):
    row: StoneShare
    by: str
    stones: int
    openings: list[tuple[datetime, str]]  # when, and by whom if he was signed in; the newest first


class ShownStone(NamedTuple):
    stone: Stone
    promise: StoneCommitment | None
    price_minor: int | None
    supplier: str


def may_share(actor: Actor) -> bool:
    return actor.is_staff or shortlists.keeps(actor)


async def share(
    session: AsyncSession,
    actor: Actor,
    stones: Sequence[str],
    terms: Terms,
    now: datetime,
    *,
    token: str | None = None,
) -> tuple[StoneShare, str]:
    """A link stands that shows those of the stones that everybody may see; the token that opens it is told once. A
    `token` that the form brought makes one link, however often the form is sent."""
    person = _sharer(actor)
    if actor.company_id is not None and actor.company_state != CompanyState.APPROVED:
        raise NotAllowed(right=Permission.SHORTLIST_EDIT.value)
    found = [stone for stone in await queries.stones_of(session, actor, stones) if stone.listed]
    if not found:
        raise BadInput(fields={"stones": "nothing_to_share"})
    await one_at_a_time(session, f"links of {actor.company_id}")
    if token is not None and (made := await _made_before(session, actor, token)) is not None:
        return made, token
    working = select(func.count(StoneShare.id)).where(
        _own(actor), StoneShare.ended_at.is_(None), StoneShare.expires_at > now
    )
    if (await session.scalar(working) or 0) >= MOST_LINKS:
        raise BadInput(fields={"stones": "too_many_links"})
    prices = terms.prices and queries.sees_prices(actor)
    token = token or secrets.token_urlsafe(32)
    row = StoneShare(
        public_id=ulid(now), token_sha256=_sha256(token), company_id=actor.company_id, made_by=person,
        title=terms.title, note=terms.note, prices=prices, markup_bp=terms.markup_bp if prices else 0,
        names_supplier=terms.names_supplier and actor.is_staff, made_at=now,
        expires_at=now + timedelta(hours=terms.hours),
    )  # fmt: skip
    session.add(row)
    await session.flush()
    promised = await queries.commitments_of(session, [stone.id for stone in found])
    session.add_all(
        StoneShareLine(
            share_id=row.id, place=n, stone_id=stone.id, exposed_id=stone.exposed_id,
            snapshot=shortlists.snapshot_of(stone, promised.get(stone.id)),
        )
        for n, stone in enumerate(found)
    )  # fmt: skip
    record(session, "stones:shared", row.public_id, by=actor.public_id, at=now, stones=len(found))
    await session.flush()
    return row, token


async def _made_before(session: AsyncSession, actor: Actor, token: str) -> StoneShare | None:
    wanted = select(StoneShare).where(_own(actor), StoneShare.token_sha256 == _sha256(token))
    return await session.scalar(wanted)


async def end(session: AsyncSession, actor: Actor, public_id: str, now: datetime) -> None:
    """The link opens nothing any more."""
    _sharer(actor)
    wanted = select(StoneShare).where(_own(actor), StoneShare.public_id == public_id)
    row = await session.scalar(wanted.with_for_update())
    if row is None:
        raise NotFound()
    if row.ended_at is None:
        row.ended_at = now
        record(session, "stones:share_ended", row.public_id, by=actor.public_id, at=now)


async def links_of(session: AsyncSession, actor: Actor) -> list[Link]:
    """The links of the reader's company, or of the house; the newest first."""
    _sharer(actor)
    counted = select(func.count(StoneShareLine.place)).where(StoneShareLine.share_id == StoneShare.id)
    rows = await session.execute(
        select(StoneShare, Person.name, counted.scalar_subquery())
        .join(Person, Person.id == StoneShare.made_by)
        .where(_own(actor))
        .order_by(StoneShare.id.desc())
        .limit(LISTED)
    )
    links = [Link(row, by, stones, []) for row, by, stones in rows]
    openings = {link.row.id: link.openings for link in links}
    opened = await session.execute(
        select(StoneShareOpening.share_id, StoneShareOpening.at, Person.name, Company.name)
        .outerjoin(Person, Person.id == StoneShareOpening.person_id)
        .outerjoin(Company, Company.id == Person.company_id)
        .where(StoneShareOpening.share_id.in_(openings))
        .order_by(StoneShareOpening.id.desc())
    )
    for share_id, at, person, company in opened:
        openings[share_id].append((at, ", ".join(name for name in (person, company) if name)))
    return links


def is_open(row: StoneShare, now: datetime) -> bool:
    return row.ended_at is None and now < row.expires_at


async def known(session: AsyncSession, token: str) -> StoneShare | None:
    return await session.scalar(select(StoneShare).where(StoneShare.token_sha256 == _sha256(token)))


async def open_link(
    session: AsyncSession, token: str, actor: Actor, now: datetime, *, counts: bool = True
) -> tuple[StoneShare, str, list[ShownStone]]:
    """What the link shows now, and who shows it; its own side's looks are not counted. It opens nothing once its maker
    may show nothing."""
    wanted = select(StoneShare).where(StoneShare.token_sha256 == _sha256(token))
    row = await session.scalar(wanted.with_for_update())
    if row is None:
        raise NotFound()
    maker = await session.get_one(Person, row.made_by)
    company = await session.get(Company, row.company_id) if row.company_id is not None else None
    barred = maker.disabled_at is not None or (company is not None and company.state != CompanyState.APPROVED)
    if not is_open(row, now) or barred:
        raise LinkEnded()
    ours = actor.company_id == row.company_id if row.company_id is not None else actor.is_staff
    if counts and not ours:
        row.opened += 1
        if row.opened <= MOST_OPENINGS:
            session.add(StoneShareOpening(share_id=row.id, person_id=actor.person_id, at=now))
    return row, company.name if company else "Pavilion", await _shown(session, row)


def with_markup(price_minor: int, markup_bp: int) -> int:
    return half_up(price_minor * (10_000 + markup_bp), 10_000)


async def _shown(session: AsyncSession, row: StoneShare) -> list[ShownStone]:
    """Those that everybody may see now and whose origin never ceased to be confirmed since the link was made."""
    found = await session.scalars(
        queries.visible_to(VISITOR)
        .join(StoneShareLine, StoneShareLine.stone_id == Stone.id)
        .where(StoneShareLine.share_id == row.id, StoneShareLine.exposed_id.is_not(None))
        .order_by(StoneShareLine.place)
    )
    stones = list(found)
    promised = await queries.commitments_of(session, [stone.id for stone in stones])
    suppliers = await _suppliers(session, stones) if row.names_supplier else {}
    return [
        ShownStone(
            stone,
            promised.get(stone.id),
            _price(row, stone, promised.get(stone.id)),
            suppliers.get(stone.supplier_company_id, ""),
        )
        for stone in stones
    ]


def _price(row: StoneShare, stone: Stone, promise: StoneCommitment | None) -> int | None:
    if not row.prices or stone.price_total_minor is None or shortlists.state_of(promise) == "sold":
        return None
    return with_markup(stone.price_total_minor, row.markup_bp)


async def _suppliers(session: AsyncSession, stones: Sequence[Stone]) -> dict[int, str]:
    named = select(Company.id, Company.name).where(Company.id.in_({stone.supplier_company_id for stone in stones}))
    return {row.id: row.name for row in await session.execute(named)}


def _sharer(actor: Actor) -> int:
    if actor.person_id is None or not may_share(actor):
        raise NotAllowed(right=Permission.SHORTLIST_EDIT.value)
    return actor.person_id


def _own(actor: Actor) -> ColumnElement[bool]:
    """The company's own; those of the house are for its staff."""
    if actor.company_id is None:
        return StoneShare.company_id.is_(None)
    return StoneShare.company_id == actor.company_id


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
