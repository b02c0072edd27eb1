"""The house's own past, as the fairness watch reads it: public lines of the books, paddles, companies and sign-ins.
Of a bid's secret row only its alias and paddle are read, never what is sealed."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company, Person, SignInSession
from pavilion.auctions.models import Lot, Registration, Sale
from pavilion.bidding.models import BookBid, BookEvent, BookLot, SaleBook
from pavilion.bidding.request_models import Ground, Retraction
from pavilion.insight import fairness_facts as facts
from pavilion.insight.fairness_facts import Firm, History, SignedIn, band_of, domains_of, number_of, spelled
from pavilion.insight.fairness_rules import BACK
from pavilion.kernel.instants import from_stamp, micros

READ = ("lot.opened", "bid.accepted", "bid.refused", "bid.voided", "lot.sold")
OWN_WISH = "typo"  # the ground on which a bid is taken out because its bidder asked for it
BARRED = "conflict_of_interest"
Alias = tuple[str, str]  # a lot, and the name of a bidder on it


async def closed_sales(session: AsyncSession) -> int:
    """How many sales have ended: when another has, the watch looks again."""
    return await session.scalar(select(func.count(SaleBook.sale)).where(SaleBook.state == "closed")) or 0


async def past(session: AsyncSession, now: datetime) -> History:
    """Every timed or clerked sale that ended in the time the watch looks back on, the companies and their sign-ins."""
    ended = select(BookLot.sale).where(BookLot.end >= now - BACK).distinct()
    sales = await session.scalars(
        select(SaleBook).where(SaleBook.state == "closed", SaleBook.sale.in_(ended)).order_by(SaleBook.sale)
    )
    lots: list[facts.Lot] = []
    for book in sales.all():
        if json.loads(book.rules)["format"] != "tender":
            lots += await stories(session, book.sale)
    return History(lots, await _paddles(session), await _firms(session), await _sign_ins(session, now))


async def stories(session: AsyncSession, sale: str, only: Collection[str] | None = None) -> list[facts.Lot]:
    """The lots of a sale in their order, or these of them, with companies in the place of aliases."""
    who = await behind(session, sale)
    of_lots = BookEvent.lot.is_not(None) if only is None else BookEvent.lot.in_(only)
    rows = await session.execute(
        select(BookEvent.lot, BookEvent.body)
        .where(BookEvent.sale == sale, of_lots, BookEvent.type.in_(READ))
        .order_by(BookEvent.n)
    )
    told: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for name, body in rows:
        told[name or ""].append(json.loads(body))
    owned = await session.execute(
        select(BookLot, Lot.consignor_company_id)
        .join(Lot, Lot.public_id == BookLot.lot)
        .where(BookLot.sale == sale)
        .order_by(BookLot.position)
    )
    wanted = [(row, owner) for row, owner in owned if only is None or row.lot in only]
    asked = await _asked(session, sale)
    found = [_story(row, owner or 0, told[row.lot], who) for row, owner in wanted]
    return [lot._replace(retractions=lot.retractions + tuple(asked[lot.lot])) for lot in found]


async def _asked(session: AsyncSession, sale: str) -> dict[str, list[facts.Retraction]]:
    """By lot the bids that their bidders called a slip, whatever the house answered."""
    rows = await session.scalars(
        select(Retraction).where(Retraction.sale == sale, Retraction.ground == Ground.SLIP).order_by(Retraction.id)
    )
    found: dict[str, list[facts.Retraction]] = defaultdict(list)
    for row in rows:
        found[row.lot].append(facts.Retraction(row.company_id, micros(row.at), (row.seq,), voided=False))
    return found


def _story(row: BookLot, consignor: int, told: Sequence[Mapping[str, Any]], who: Mapping[Alias, int]) -> facts.Lot:
    """The lot as the room saw it, with companies in the place of its aliases."""
    bids: list[facts.Bid] = []
    retractions: list[facts.Retraction] = []
    refused: list[facts.Told] = []
    opened, winner = micros(row.end), None

    def company(alias: str | None) -> int | None:
        return who.get((row.lot, alias)) if alias else None

    for event in told:
        at, data = micros(from_stamp(event["at"])), event["data"]
        bidder = company(data.get("bidder"))
        match event["type"]:
            case "lot.opened":
                opened = min(opened, at)
            case "bid.accepted" if bidder:
                bids.append(facts.Bid(event["seq"], at, bidder, company(data["leader"]), data["price"] or 0))
            case "bid.refused" if bidder and data["code"] == BARRED:
                refused.append(facts.Told(bidder, at))
            case "bid.voided" if data["reason"] == OWN_WISH:
                gone = [bid for bid in bids if bid.seq in data["seqs"]]
                for one in {bid.company for bid in gone}:
                    seqs = tuple(bid.seq for bid in gone if bid.company == one)
                    retractions.append(facts.Retraction(one, at, seqs))
            case "lot.sold":
                winner = bidder
    told_of = (tuple(bids), winner, tuple(retractions), tuple(refused))
    return facts.Lot(row.lot, row.sale, row.number, consignor, band_of(row.opening), opened, micros(row.end), *told_of)


async def behind(session: AsyncSession, sale: str) -> dict[Alias, int]:
    """The company behind each alias of each lot of the sale."""
    rows = await session.execute(
        select(BookBid.lot, BookBid.alias, Registration.company_id)
        .join(Sale, Sale.public_id == BookBid.sale)
        .join(Registration, (Registration.sale_id == Sale.id) & (Registration.paddle == BookBid.paddle))
        .where(BookBid.sale == sale)
        .distinct()
    )
    return {(lot, alias): company for lot, alias, company in rows}


async def _paddles(session: AsyncSession) -> dict[str, frozenset[int]]:
    rows = await session.execute(
        select(Sale.public_id, Registration.company_id)
        .join(Sale, Sale.id == Registration.sale_id)
        .where(Registration.paddle.is_not(None))
    )
    found: dict[str, set[int]] = defaultdict(set)
    for sale, company in rows:
        found[sale].add(company)
    return {sale: frozenset(companies) for sale, companies in found.items()}


async def _firms(session: AsyncSession) -> dict[int, Firm]:
    emails: dict[int, list[str]] = defaultdict(list)
    for company, email in await session.execute(select(Person.company_id, Person.email)):
        if company is not None:
            emails[company].append(email)
    rows = await session.execute(select(Company.id, Company.owners, Company.tax_no))
    return {
        id: Firm(frozenset({spelled(str(name)) for name in owners} - {""}), domains_of(emails[id]), number_of(tax_no))
        for id, owners, tax_no in rows
    }


async def _sign_ins(session: AsyncSession, now: datetime) -> list[SignedIn]:
    """From which browser, as it names itself, each company signed in; the house keeps no other mark of a device."""
    rows = await session.execute(
        select(Person.company_id, SignInSession.browser, SignInSession.created_at, SignInSession.last_seen_at)
        .join(Person, Person.id == SignInSession.person_id)
        .where(Person.company_id.is_not(None), SignInSession.last_seen_at >= now - BACK)
        .order_by(SignInSession.id)
    )
    return [SignedIn(company or 0, browser, micros(begun), micros(seen)) for company, browser, begun, seen in rows]
