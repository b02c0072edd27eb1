"""A sale as a buyer would see it, before anybody does: from its rows as they are now, at an instant of one's choice.
Nothing is written, and no one's maxima are asked for."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.accounts.rules import VISITOR, Actor, CompanyState, Role, rights_of
from pavilion.auctions.models import Lot, Sale
from pavilion.auctions.queries import stones_by_lot
from pavilion.auctions.rules import SaleState
from pavilion.auctions.ruleset import rules_hash
from pavilion.auctions.snapshots import live_lots, rules_now
from pavilion.bidding.rules import RuleSet
from pavilion.bidding.ruleset import parse_rules
from pavilion.bidding.showing import LotShown, SaleShown, lot_shown, sale_shown
from pavilion.kernel.errors import NotFound, Refusal
from pavilion.kernel.instants import from_micros

UNOPENED = (SaleState.DRAFT, SaleState.PUBLISHED)


class PreviewUnready(Refusal):
    """Without its instants and a whole rule set a sale has no page."""

    status, code = 409, "preview_unready"


async def stand_in(session: AsyncSession, company: str, lang: str) -> Actor:
    """A buyer of this approved company, or, without one, an anonymous visitor. Nobody in particular: what belongs to
    one person is not shown."""
    if not company:
        return VISITOR
    row = await session.scalar(
        select(Company).where(Company.public_id == company, Company.state == CompanyState.APPROVED)
    )
    if row is None:
        raise NotFound()
    roles = frozenset({Role.BUYER})
    return Actor(0, None, row.id, row.state, roles, rights_of(roles, row.state), lang=lang, name=row.name)


async def previewed_sale(session: AsyncSession, sale: Sale, reader: Actor, at: datetime) -> SaleShown:
    """The sale for this reader. Until it opens its lots run as planned up to the instant; from then on they stand as
    the book says."""
    if sale.state == SaleState.DRAFT:
        shown = await _as_published(session, sale, reader)
    else:
        shown = await sale_shown(session, sale.public_id, reader, None)
    if sale.state not in UNOPENED:
        return shown
    begun = at >= shown.opens_at
    lots = [replace(lot, state=_planned_state(shown, lot, at)) for lot in shown.lots]
    return replace(shown, state=SaleState.OPEN if begun else SaleState.PUBLISHED, lots=lots)


def _planned_state(sale: SaleShown, lot: LotShown, at: datetime) -> str:
    """A clerked lot is opened by its auctioneer, whom no plan knows; nothing here knows what would be bid either."""
    if at < sale.opens_at or sale.rules.clerked is not None:
        return "listed"
    return "closing" if lot.end is not None and at >= lot.end else "open"


async def _as_published(session: AsyncSession, sale: Sale, reader: Actor) -> SaleShown:
    if sale.opens_at is None or sale.first_close_at is None:
        raise PreviewUnready()
    try:
        document = rules_now(session, sale)
        rules = parse_rules(document)
    except ValueError as fault:
        raise PreviewUnready() from fault
    assert document is not None
    name = rules_hash(document)
    return SaleShown(
        id=sale.public_id,
        titles={"en": sale.title_en, "zh": sale.title_zh or sale.title_en},
        texts={"en": sale.text_en, "zh": sale.text_zh},
        state=SaleState.PUBLISHED,
        currency=sale.currency,
        zone=sale.zone,
        entity=sale.entity,
        opens_at=sale.opens_at,
        planned_close=sale.first_close_at,
        rules=rules,
        rules_hash=name,
        lots=await _lots(session, sale, rules, name, reader),
        checkpoint=None,
        inner_id=sale.id,
    )


async def _lots(session: AsyncSession, sale: Sale, rules: RuleSet, name: str, reader: Actor) -> list[LotShown]:
    """Those that could be published as far as their stones go: each has some, and the origin of every one stands."""
    rows = _by_number(await live_lots(session, sale))
    ids = [lot.id for lot in rows]
    stones, seen = await stones_by_lot(session, ids), await stones_by_lot(session, ids, reader)
    kept = [lot for lot in rows if stones[lot.id] and all(stone.listed for stone in stones[lot.id])]
    return [
        lot_shown(
            lot,
            sale.currency,
            None,
            stones[lot.id],
            from_micros(rules.stagger.end(place)),
            None,
            frozenset(stone.public_id for stone in stones[lot.id] if stone not in seen[lot.id]),
            False,
            (rules, name),
            None,
            (),
        )
        for place, lot in enumerate(kept)
    ]


def _by_number(lots: Sequence[Lot]) -> Sequence[Lot]:
    """As they will close, once all have numbers; until then as they stand on the board."""
    return sorted(lots, key=lambda lot: (lot.number or 0, lot.suffix)) if all(lot.number for lot in lots) else lots
