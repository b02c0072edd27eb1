"""What the engine is told by the other domains, and the verbs by which they tell it. The caller commits."""

import json
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import strikes
from pavilion.accounts.models import Company, Person, Proposal
from pavilion.accounts.rules import CompanyState, share_owner
from pavilion.auctions import adding, noticing
from pavilion.auctions.changes import being_listed
from pavilion.auctions.entities import entities
from pavilion.auctions.fees import UNTAXED
from pavilion.auctions.models import Lot, LotStone, Registration, Sale
from pavilion.auctions.queries import LotPlan, late_plans, plan_of, running_sales
from pavilion.auctions.rules import LIVE_LOT, SaleState
from pavilion.auctions.version_models import LotNotice
from pavilion.bidding import lot_requests, viewing_gate
from pavilion.bidding.acts import Agreed
from pavilion.bidding.closures import closures, notices, stones_of
from pavilion.bidding.deciding import Bidder, Facts, LotFacts
from pavilion.bidding.models import BookEvent, BookLot, BookOpening, PaidLot, SaleBook
from pavilion.bidding.publication import LotPublication, Publication
from pavilion.bidding.request_models import ViewingKind
from pavilion.bidding.staff_models import StaffOrder
from pavilion.bidding.tender_queries import Told, told
from pavilion.bidding.texts import canonical_text
from pavilion.catalogue.models import Stone
from pavilion.kernel import events
from pavilion.kernel.clock import Clock
from pavilion.kernel.db import Sessions, inserting, reading
from pavilion.kernel.events import Event
from pavilion.kernel.instants import micros

# Events after which a bidder, a lot or the list of running sales may be another.
WATCHED = (
    "registration:",
    "company:",
    "stone:",
    "sale:",
    "lot:paid",
    "lot:owed",
    "lot:stone_",
    "law:",
    "tender:",
    "viewing:",
    "maximum:",
)
LOOK_BACK = 200  # ids are given before they are committed, so the newest few are looked at again


async def lot_paid(session: AsyncSession, *, sale: str, lot: str, now: datetime) -> None:
    """The lot no longer counts against its buyer's limit. Said twice, nothing more happens."""
    await session.execute(inserting(session, PaidLot).values(lot=lot, sale=sale, at=now).on_conflict_do_nothing())
    events.record(session, "lot:paid", lot, by=None, at=now, sale=sale)


async def lot_owed(session: AsyncSession, *, sale: str, lot: str, now: datetime) -> None:
    """What paid the lot was taken back: it counts against its buyer's limit as before. Said twice, done once."""
    gone = delete(PaidLot).where(PaidLot.lot == lot).returning(PaidLot.lot)
    if await session.scalar(gone) is not None:
        events.record(session, "lot:owed", lot, by=None, at=now, sale=sale)


async def open_gate(
    session: AsyncSession, *, stones: Collection[str], company_id: int, kind: ViewingKind, at: datetime, by: str
) -> list[str]:
    """The company has seen these stones: every published and undecided lot that holds one takes its bids at any
    height from the next one on, but for its own lots. Said twice, nothing more happens. Answers the lots."""
    held = (
        select(Lot.public_id)
        .join(LotStone, LotStone.lot_id == Lot.id)
        .join(Stone, Stone.id == LotStone.stone_id)
        .where(Stone.public_id.in_(stones), Lot.state.in_(LIVE_LOT))
        .where(or_(Lot.consignor_company_id.is_(None), Lot.consignor_company_id != company_id))
    )
    lots = sorted(set(await session.scalars(held)))
    for lot in lots:
        await viewing_gate.record(session, lot=lot, company_id=company_id, kind=kind, at=at, by=by)
    return lots


class World:
    """The other domains, as the engine asks them: by SQL, outside the bid's path."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions, self._clock = sessions, clock
        self._seen: set[int] = set()
        self._last = -1
        self._day: date | None = None  # the law is asked anew each day

    async def running(self) -> Sequence[str]:
        """Sales that need an engine."""
        async with reading(self._sessions) as session:
            return await running_sales(session)

    async def publication(self, sale: str) -> Publication | None:
        """What the sale is published with; None while it is a draft."""
        async with reading(self._sessions) as session:
            plan = await plan_of(session, sale)
        if plan is None:
            return None
        lots = [_listing(lot) for lot in plan.lots if lot.state == "listed"]
        return Publication(canonical_text(dict(plan.rules)), plan.rules_hash, lots)

    async def facts(self, sale: str) -> Facts:
        """Bidders and lots of the sale as the other domains have them now."""
        async with reading(self._sessions) as session:
            row = await session.scalar(select(Sale).where(Sale.public_id == sale))
            if row is None:
                return Facts()
            firms, now = await _firms(session, row), self._clock()
            barred = await strikes.barred_of(session, [firm.id for _, firm in firms], entities()[row.entity].strikes)
            bidders = {firm.id: _bidder(one, firm, row, now, struck=firm.id in barred) for one, firm in firms}
            tender = await told(session, row)
            lots = await _lots(session, row, [firm for _, firm in firms], bidders.values(), now, tender)
            paid = await session.scalars(select(PaidLot.lot).where(PaidLot.sale == sale))
            known = (bidders, lots, frozenset(paid), micros(_midnight(now)), tender.shares, tender.wishes)
            return Facts(*known, late=await _late(session, row))

    async def unpublished(self, sale: str) -> tuple[str, tuple[str, ...]]:
        """Why the sale went back to a draft, and the two who agreed."""
        async with reading(self._sessions) as session:
            proposal = await session.scalar(
                select(Proposal)
                .where(Proposal.kind == "sale.unpublish", Proposal.subject == sale, Proposal.decided_by.is_not(None))
                .order_by(Proposal.id.desc())
                .limit(1)
            )
            if proposal is None:
                return "staff", ()
            both = (proposal.proposed_by, proposal.decided_by)
            people = await session.execute(select(Person.id, Person.public_id).where(Person.id.in_(both)))
            known = dict(people.all())
            return proposal.reason or "staff", tuple(known[id] for id in both if id in known)

    async def agreed(self, sale: str) -> Sequence[Agreed]:
        """What two persons agreed on for this sale and the book has neither carried out nor refused, in order."""
        waiting = select(StaffOrder).where(StaffOrder.sale == sale, StaffOrder.done_at.is_(None))
        async with reading(self._sessions) as session:
            rows = await session.scalars(waiting.order_by(StaffOrder.id))
            return [Agreed(row.id, row.document, row.sealed, row.lot or sale) for row in rows]

    async def refused(self, order: int, code: str) -> None:
        """The book would not carry it out; the two persons read why."""
        now = self._clock()
        async with self._sessions.begin() as session:
            row = await session.get(StaffOrder, order, with_for_update=True)
            assert row is not None
            if row.done_at is None:
                row.done_at, row.code = now, code
                events.record(
                    session, "sale:act_refused", row.sale, by="engine", at=now, proposal=row.proposal, code=code
                )

    async def not_listed(self, sale: str, lot: str, code: str) -> None:
        """The book does not list the lot that staff offered again; it is given back, with the reason."""
        async with self._sessions.begin() as session:
            if await session.get(BookLot, lot) is None:
                await adding.not_taken(session, sale=sale, lot=lot, why=code, now=self._clock())

    async def offers_over(self) -> Sequence[str]:
        """Closed sales with passed lots whose bids are not opened although their days of offer are over."""
        opened = select(BookOpening.n).where(BookOpening.sale == BookEvent.sale, BookOpening.n == BookEvent.n)
        async with reading(self._sessions) as session:
            rows = await session.execute(
                select(SaleBook.sale, SaleBook.rules, func.max(BookLot.end))
                .join(BookEvent, BookEvent.sale == SaleBook.sale)
                .join(BookLot, BookLot.lot == BookEvent.lot)
                .where(SaleBook.state == "closed", BookLot.state == "passed", ~opened.exists())
                .where(BookEvent.type.in_(("bid.accepted", "bid.refused")))
                .group_by(SaleBook.sale, SaleBook.rules)
            )
            ended = [(sale, json.loads(rules), last) for sale, rules, last in rows]
        now = self._clock()
        return [
            sale
            for sale, rules, last in ended
            if rules["openings"] == "losing" and last + timedelta(days=rules["passed_offer_days"]) <= now
        ]

    async def changed(self) -> bool:
        """Whether anything happened since the last question that a decision may rest on."""
        today = self._clock().astimezone(UTC).date()
        turned, self._day = self._day != today, today
        async with reading(self._sessions) as session:
            if self._last < 0:
                self._last = await session.scalar(select(func.max(Event.id))) or 0
                return True
            rows = (
                await session.execute(
                    select(Event.id, Event.name).where(Event.id > self._last - LOOK_BACK).order_by(Event.id)
                )
            ).all()
        fresh = [(id, name) for id, name in rows if id not in self._seen]
        self._seen = {id for id, _ in rows}
        self._last = max(self._last, *(id for id, _ in rows)) if rows else self._last
        return turned or any(name.startswith(WATCHED) for _, name in fresh)


async def _late(session: AsyncSession, sale: Sale) -> list[LotPublication]:
    """The lots that staff listed after publication and the book may not have yet."""
    if sale.state not in (SaleState.PUBLISHED, SaleState.OPEN, SaleState.PAUSED):
        return []
    lots = await late_plans(session, sale, await being_listed(session, sale))
    notices = await noticing.again_of(session, [one.lot for one in lots])
    return [_listing(one, notices.get(one.lot)) for one in lots]


def _listing(lot: LotPlan, notice: LotNotice | None = None) -> LotPublication:
    known = LotPublication(
        lot.lot, lot.number_text, lot.currency, lot.opening, lot.reserve, lot.passport_hash, lot.reoffer_of
    )
    return known if notice is None else known._replace(notice=(notice.text_en, notice.text_zh), by=notice.by or None)


async def _firms(session: AsyncSession, sale: Sale) -> list[tuple[Registration, Company]]:
    rows = await session.execute(
        select(Registration, Company)
        .join(Company, Company.id == Registration.company_id)
        .where(Registration.sale_id == sale.id)
    )
    return [(registration, firm) for registration, firm in rows]


def _bidder(registration: Registration, firm: Company, sale: Sale, now: datetime, *, struck: bool) -> Bidder:
    entity = entities().get(sale.entity)
    tax = entity.tax(registration.destination, has_tax_no=bool(firm.tax_no), on=now.date()) if entity else None
    return Bidder(
        firm.id,
        registration.paddle,
        "struck" if struck else registration.state if firm.state == CompanyState.APPROVED else "suspended",
        registration.limit_minor,
        registration.destination,
        registration.terms_hash,
        tax or UNTAXED,
        micros(registration.approved_until) if registration.approved_until else None,
    )


async def _lots(
    session: AsyncSession,
    sale: Sale,
    firms: Sequence[Company],
    bidders: Collection[Bidder],
    now: datetime,
    tender: Told,
) -> dict[str, LotFacts]:
    rows = (
        await session.execute(
            select(
                Lot.public_id, Company, func.count(LotStone.stone_id), func.count(LotStone.exposed_id), Lot.low_minor
            )
            .join(Company, Company.id == Lot.consignor_company_id)
            .outerjoin(LotStone, LotStone.lot_id == Lot.id)
            .where(Lot.sale_id == sale.id)
            .group_by(Lot.public_id, Company.id, Lot.low_minor)
        )
    ).all()
    stones = await stones_of(session, sale.id)
    destinations = {bidder.destination for bidder in bidders}
    day = now.astimezone(UTC).date()
    closed = await closures(session, stones, destinations, day)
    tomorrow = await closures(session, stones, destinations, day + timedelta(days=1))
    lost = {lot for lot, _, held, exposed, _ in rows if held and held != exposed}
    said = {lot: await notices(session, stones[lot]) for lot in lost}
    weights, seen = tender.weights, await viewing_gate.viewed(session, stones)
    passports = await lot_requests.passports_of(session, stones)
    confirmed = await lot_requests.confirmed(session, passports)
    return {
        lot: LotFacts(
            lot,
            barred=_interested(owner, firms),
            closed=closed.get(lot, {}),
            closed_next=tomorrow.get(lot, {}),
            verified=held > 0 and held == exposed,
            notice=said.get(lot, ("", "")),
            low=low or 0,
            viewed=seen.get(lot, frozenset()),
            passport=passports.get(lot, ""),
            confirmed=confirmed.get(lot, frozenset()),
            mct=weights.get(lot, (0, None))[0],
            benchmark_ppc=weights.get(lot, (0, None))[1],
        )
        for lot, owner, held, exposed, low in rows
    }


def _midnight(now: datetime) -> datetime:
    """When the UTC day of `now` ends."""
    day = now.astimezone(UTC).date() + timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _interested(owner: Company, bidders: Sequence[Company]) -> frozenset[int]:
    """The consignor itself and every company that shares a beneficial owner with it."""
    return frozenset({owner.id, *(firm.id for firm in bidders if share_owner(owner.owners, firm.owners))})
