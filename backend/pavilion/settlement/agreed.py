"""The terms a sale settles by, as they stand now: usual, then the selling entity's, then the sale's own."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Person
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions.entities import entities
from pavilion.auctions.models import Sale
from pavilion.auctions.rules import SaleState
from pavilion.auctions.terms_models import SaleTermsRow
from pavilion.kernel import events
from pavilion.kernel.errors import ActNotAllowed, BadInput, NotAllowed, NotFound, StaleVersion
from pavilion.kernel.events import Event
from pavilion.settlement import terms_form
from pavilion.settlement.terms import Terms

CHANGED = "settlement:terms"
HOLD_FOR = timedelta(days=4)  # a card's authorisation lapses within days (settlement spec 4)
ENDED = (SaleState.CLOSED, SaleState.SETTLED)


class Stated(NamedTuple):
    """What a sale settles by. `version` counts its own changes; 0: it has none."""

    terms: Terms
    usual: Terms
    version: int


class Change(NamedTuple):
    at: datetime
    by: str
    members: list[tuple[str, str, str]]  # name, before, after


async def terms_of(session: AsyncSession, sale: str, entity: str) -> Terms:
    """The terms of this sale (public id) sold through this entity."""
    row = await session.get(SaleTermsRow, sale)
    return Terms.of(await _currency(session, sale), entities()[entity].terms, row.facts if row is not None else {})


async def stated(session: AsyncSession, sale: Sale) -> Stated:
    row = await session.get(SaleTermsRow, sale.public_id)
    usual = Terms.of(sale.currency, entities()[sale.entity].terms)
    terms = Terms.of(sale.currency, entities()[sale.entity].terms, row.facts if row is not None else {})
    return Stated(terms, usual, row.version if row is not None else 0)


def may_change(actor: Actor, sale: Sale) -> bool:
    """Who builds sales sets the terms of a draft; once people rely on them a lead does; after the close nobody."""
    right = Permission.SALE_BUILD if sale.state == SaleState.DRAFT else Permission.SALE_APPROVE
    return sale.state not in ENDED and actor.may(right)


async def change(
    session: AsyncSession, *, sale: str, version: int, said: Mapping[str, str], actor: Actor, now: datetime
) -> Terms:
    """The sale settles by what was typed. What was asked or issued before keeps what it was asked and issued with."""
    row = await session.scalar(select(Sale).where(Sale.public_id == sale).with_for_update())
    if row is None:
        raise NotFound()
    if row.state in ENDED:
        raise ActNotAllowed(state=row.state)
    if not may_change(actor, row) or actor.public_id is None:
        raise NotAllowed(right=Permission.SALE_APPROVE.value)
    own = await session.get(SaleTermsRow, sale, with_for_update=True, populate_existing=True)
    if version != (own.version if own is not None else 0):
        raise StaleVersion()
    found, faults = terms_form.read(said, Terms.of(row.currency, entities()[row.entity].terms), row.currency)
    if found.get("deposit_by_hold") and (row.first_close_at is None or row.first_close_at - now > HOLD_FOR):
        faults["deposit_by_hold"] = "hold_too_long"
    if faults:
        raise BadInput(fields=faults)
    known = {term.name for term in terms_form.TERMS}
    kept = {name: value for name, value in (own.facts if own is not None else {}).items() if name not in known}
    try:
        async with session.begin_nested():
            return await set_terms(session, sale=sale, facts=kept | found, by=actor.public_id, now=now)
    except IntegrityError as fault:  # a colleague said the first word in the same moment
        raise StaleVersion() from fault


async def set_terms(session: AsyncSession, *, sale: str, facts: dict[str, Any], by: str, now: datetime) -> Terms:
    """The sale settles by these from now on; what is issued keeps what it was issued with."""
    found = Terms.of(await _currency(session, sale), facts)
    row = await session.get(SaleTermsRow, sale)
    if row is None:
        session.add(SaleTermsRow(sale=sale, facts=facts, by=by, at=now))
    else:
        row.facts, row.version, row.by, row.at = facts, row.version + 1, by, now
    await session.flush()
    events.record(session, CHANGED, sale, by=by, at=now, **facts)
    return found


async def history(
    session: AsyncSession, sale: Sale, told: Callable[[Terms, str], Mapping[str, str]] = terms_form.texts
) -> list[Change]:
    """What each change changed, the latest first, as `told` words it."""
    changes = select(Event).where(Event.subject == sale.public_id, Event.name == CHANGED).order_by(Event.id)
    rows = (await session.scalars(changes)).all()
    people = select(Person.public_id, Person.name).where(Person.public_id.in_({row.by for row in rows if row.by}))
    names: dict[str, str] = dict((await session.execute(people)).all())
    entity = entities()[sale.entity].terms
    found: list[Change] = []
    before = told(Terms.of(sale.currency, entity), sale.currency)
    for row in rows:
        after = told(Terms.of(sale.currency, entity, row.facts), sale.currency)
        members = [(name, before[name], after[name]) for name in after if after[name] != before[name]]
        found.append(Change(row.at, names.get(row.by or "", "–"), members))
        before = after
    return found[::-1]


async def _currency(session: AsyncSession, sale: str) -> str:
    return await session.scalar(select(Sale.currency).where(Sale.public_id == sale)) or ""
