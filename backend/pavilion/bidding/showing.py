"""What the room, the lot's page and the sale's page show: the sale, its lots as they stand, and the reader's purse."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions import fees, noticing, sequels
from pavilion.auctions.models import Lot, Registration, Sale
from pavilion.auctions.queries import WITHHELD, stones_by_lot, withheld
from pavilion.auctions.rules import LotState, RegistrationState, SaleState
from pavilion.auctions.sequel_models import After
from pavilion.auctions.version_models import LotNotice
from pavilion.bidding import rule_sets
from pavilion.bidding.deciding import STANDING_CODES
from pavilion.bidding.models import BookBid, BookLot, Checkpoint
from pavilion.bidding.news import Mine, OwnLot
from pavilion.bidding.rule_sets import Amended
from pavilion.bidding.rules import RuleSet
from pavilion.bidding.ruleset import parse_rules
from pavilion.bidding.stones_shown import StonesShown
from pavilion.bidding.taxes import tax_of
from pavilion.catalogue.models import Stone
from pavilion.kernel.errors import NotFound
from pavilion.kernel.instants import from_micros

ENDED = frozenset({"sold", "passed"})
AFTER = frozenset(After)  # what a lot came to after the sale, in place of its result
FINAL = ENDED | AFTER | {"withdrawn"}
SOON = timedelta(minutes=5)
PUBLIC = frozenset(SaleState) - {SaleState.DRAFT}


@dataclass(frozen=True, slots=True)
class LotShown(StonesShown):
    """A lot as this reader sees it. Amounts are minor units. A lot that came to something else after the sale says that
    and no price: the hammer that fell stands in the record of the sale, which proves it and no more."""

    id: str
    number: str
    titles: Mapping[str, str]
    low: int
    high: int
    opening: int
    currency: str
    state: str
    seq: int
    hash: str
    price: int | None
    ask: int
    leader: str | None
    reserve_met: bool | None
    bids: int
    end: datetime | None
    published_end: datetime | None
    stones: Sequence[Stone]
    own: OwnLot | None
    planned: bool = False  # a plan of the reader's wants it
    hidden: frozenset[str] = frozenset()  # those of its stones whose own page this reader cannot open
    rules: RuleSet | None = None  # by which it runs
    rules_hash: str | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    on_request: bool = False  # the estimate is not shown
    published_low: int = 0  # by which the rules count
    notices: Sequence[LotNotice] = ()
    withheld: bool = False  # a stone of it is not verified now: nothing is told of it but its number and how it stands
    held: Sequence[str] = ()  # the ids of its stones, for the rules and never for the page

    def text(self, lang: str) -> str:
        return self.texts.get(lang) or self.texts.get("en", "")

    def title(self, lang: str) -> str:
        return self.titles[lang] or self.titles["en"]

    @property
    def is_decided(self) -> bool:
        return self.state in FINAL

    @property
    def leading_max(self) -> int | None:
        """The reader's own maximum, while it leads."""
        return self.own.max if self.own and self.own.state in ("winning", "winning_reserve_not_met") else None

    @property
    def extended(self) -> bool:
        return self.end is not None and self.published_end is not None and self.end > self.published_end

    def shown_state(self, now: datetime, window: timedelta) -> str:
        """The state, with the last window before the end as a state of its own."""
        own = timedelta(microseconds=self.rules.soft_close.window) if self.rules else window
        ending = self.state == "open" and self.end is not None and self.end - now <= own
        return "ending" if ending else self.state


@dataclass(frozen=True, slots=True)
class SaleShown:
    id: str
    titles: Mapping[str, str]
    texts: Mapping[str, str]
    state: str
    currency: str
    zone: str
    entity: str
    opens_at: datetime
    planned_close: datetime  # of the first lot, as published
    rules: RuleSet
    rules_hash: str
    lots: Sequence[LotShown]
    checkpoint: int | None
    inner_id: int
    changed: Amended = field(default_factory=Amended)

    def ruled(self, lot: LotShown) -> "SaleShown":
        """The sale by the rules of this lot."""
        return replace(self, rules=lot.rules or self.rules, rules_hash=lot.rules_hash or self.rules_hash)

    def numbers(self, lots: Sequence[str]) -> list[str]:
        return [lot.number for lot in self.lots if lot.id in lots]

    def title(self, lang: str) -> str:
        return self.titles[lang] or self.titles["en"]

    def text(self, lang: str) -> str:
        return self.texts[lang] or self.texts["en"]

    def lot(self, lot: str) -> LotShown:
        found = next((one for one in self.lots if one.id == lot), None)
        if found is None:
            raise NotFound()
        return found

    @property
    def window(self) -> timedelta:
        return timedelta(microseconds=self.rules.soft_close.window)

    @property
    def push(self) -> bool:
        return self.rules.reserve_rule == "push"

    def takes_offers(self, lot: LotShown, now: datetime) -> bool:
        """Whether a buyer of the sale could offer for this lot now, because it passed."""
        if lot.state != "passed" or lot.end is None:
            return False
        return sequels.takes_offers(lot.end, self.zone, self.rules.passed_offer_days, self.entity, now)

    @property
    def sold(self) -> int:
        return sum(lot.state == "sold" for lot in self.lots)

    @property
    def total(self) -> int:
        return sum(lot.price or 0 for lot in self.lots if lot.state == "sold")

    @property
    def has_closed(self) -> bool:
        """Whether a lot came to its end, however late bids had moved it."""
        return any(lot.state in ENDED | AFTER for lot in self.lots)

    @property
    def first_close(self) -> datetime:
        """When the first lot closed, or will close as its end stands now."""
        lots = [lot for lot in self.lots if lot.state in ENDED | AFTER] or self._lasting
        return min((lot.end for lot in lots if lot.end), default=self.planned_close)

    @property
    def last_close(self) -> datetime:
        return max((lot.end for lot in self._lasting if lot.end), default=self.first_close)

    @property
    def _lasting(self) -> list[LotShown]:
        return [lot for lot in self.lots if lot.state != "withdrawn"]


@dataclass(frozen=True, slots=True)
class Purse:
    """What this reader may do here and what it would cost. `why` is the code when bidding is not possible."""

    why: str | None = None
    paddle: int | None = None
    limit: int | None = None
    headroom: int | None = None
    destination: str = ""
    tax: fees.Tax | None = None
    bands: fees.Bands = ()

    @property
    def may_bid(self) -> bool:
        return self.why is None

    @property
    def paddle_text(self) -> str:
        return "" if self.paddle is None else f"P-{self.paddle:04d}"

    @property
    def tax_known(self) -> bool:
        return self.tax is not None

    @property
    def one_rate(self) -> int | None:
        """The premium as one rate, where it is one."""
        return self.bands[0][1] if len(self.bands) == 1 else None

    def of(self, lot: LotShown) -> "Purse":
        """The same, by the premium of this lot."""
        return self if lot.rules is None else replace(self, bands=lot.rules.premium_bands)

    def cost(self, hammer: int) -> fees.AllIn:
        return fees.all_in(hammer, self.bands, self.tax or fees.UNTAXED)

    def used_of(self, width: int) -> int:
        if not self.limit or self.headroom is None:
            return 0
        return min(width, max(0, (self.limit - self.headroom) * width // self.limit))


async def sale_of_lot(session: AsyncSession, lot: str) -> str:
    found = await session.scalar(select(Sale.public_id).join(Lot, Lot.sale_id == Sale.id).where(Lot.public_id == lot))
    if found is None:
        raise NotFound()
    return found


async def sale_shown(session: AsyncSession, sale: str, actor: Actor, mine: Mine | None) -> SaleShown:
    """The published sale with every lot as it stands; NotFound for a draft."""
    row = await session.scalar(select(Sale).where(Sale.public_id == sale, Sale.state.in_(PUBLIC)))
    if row is None or row.rules is None or row.rules_hash is None:
        raise NotFound()
    ruleset = parse_rules(row.rules)
    changed = await rule_sets.amended(session, sale)
    size = await session.scalar(select(func.max(Checkpoint.size)).where(Checkpoint.sale == sale))
    return SaleShown(
        id=row.public_id,
        titles={"en": row.title_en, "zh": row.title_zh},
        texts={"en": row.text_en, "zh": row.text_zh},
        state=row.state,
        currency=row.currency,
        zone=row.zone,
        entity=row.entity,
        opens_at=from_micros(ruleset.opens_at),
        planned_close=from_micros(ruleset.stagger.first),
        rules=ruleset,
        rules_hash=row.rules_hash,
        lots=await _lots(session, row, ruleset, actor, mine, changed),
        checkpoint=size,
        inner_id=row.id,
        changed=changed,
    )


async def _lots(
    session: AsyncSession, sale: Sale, ruleset: RuleSet, actor: Actor, mine: Mine | None, changed: Amended
) -> list[LotShown]:
    held = select(BookLot.lot).where(BookLot.lot == Lot.public_id)
    listed = (
        await session.scalars(
            select(Lot)
            .where(Lot.sale_id == sale.id, Lot.number.is_not(None), (Lot.state != LotState.DRAFT) | held.exists())
            .order_by(Lot.number, Lot.suffix)
        )
    ).all()
    books = {book.lot: book for book in await session.scalars(select(BookLot).where(BookLot.sale == sale.public_id))}
    ids = [lot.id for lot in listed]  # what was published stays to be read, also when a stone left the catalogue
    stones, seen = await stones_by_lot(session, ids), await stones_by_lot(session, ids, actor)
    accepted = await _accepted_on(session, sale.public_id, mine)
    became = await sequels.of_sale(session, sale.public_id)
    other = {name: parse_rules(doc) for name, doc in changed.documents.items()}
    notices = await noticing.of_sale(session, sale.public_id)
    lost = await withheld(session, [lot.public_id for lot in listed], actor)
    shown = [
        lot_shown(
            lot,
            sale.currency,
            books.get(lot.public_id),
            stones[lot.id],
            from_micros(ruleset.stagger.end(k)),
            mine if lot.public_id in accepted else None,
            frozenset(stone.public_id for stone in stones[lot.id] if stone not in seen[lot.id]),
            mine is not None and lot.public_id in mine.planned,
            (other[own], own) if (own := changed.hash_of(lot.public_id)) else (ruleset, sale.rules_hash),
            became.get(lot.public_id),
            [one for one in notices if one.lot == lot.public_id],
        )
        for k, lot in enumerate(listed)
    ]
    return [_withheld(one) if one.id in lost else one for one in shown]


def _withheld(lot: LotShown) -> LotShown:
    """The lot without anything that its stones are known by. What the book says stays: who bid on it reads that it
    stands still, and the own bids."""
    bare = replace(lot, titles=WITHHELD, texts={}, stones=(), hidden=frozenset(), notices=(), withheld=True)
    return replace(bare, low=0, high=0, on_request=True)


async def _accepted_on(session: AsyncSession, sale: str, mine: Mine | None) -> set[str]:
    """The lots on which the reader's paddle ever had a bid accepted; a refused bid alone is no standing."""
    if mine is None or mine.paddle is None:
        return set()
    found = select(BookBid.lot).where(BookBid.sale == sale, BookBid.paddle == mine.paddle, BookBid.seq > 0)
    return set(await session.scalars(found.distinct()))


def lot_shown(
    lot: Lot,
    currency: str,
    book: BookLot | None,
    stones: Sequence[Stone],
    end: datetime,
    mine: Mine | None,
    hidden: frozenset[str],
    planned: bool,
    ruled: tuple[RuleSet, str | None],
    became: After | None,
    notices: Sequence[LotNotice],
) -> LotShown:
    own = mine.lots.get(lot.public_id) if mine else None
    if own is not None and became is not None:
        own = replace(own, state=became.value)
    opening, published = lot.opening_minor or 0, (lot.low_minor or 0, lot.high_minor or 0)
    low, high = noticing.estimates(notices).get(lot.public_id, published)
    text = noticing.texts(notices).get(lot.public_id, (lot.text_en, lot.text_zh))
    title = noticing.titles(notices).get(lot.public_id, (lot.title_en, lot.title_zh))
    return LotShown(
        id=lot.public_id,
        number=lot.number_text,
        titles={"en": title[0], "zh": title[1]},
        low=low,
        high=high,
        opening=opening,
        currency=currency,
        state=became.value if became else book.state if book else "listed",
        seq=book.seq if book else 0,
        hash=book.hash if book else "",
        price=book.price if book and not became else None,
        ask=book.ask if book else opening,
        leader=book.alias if book else None,
        reserve_met=book.reserve_met if book else None,
        bids=book.bids if book else 0,
        end=book.ends if book else end,
        published_end=book.published_end if book else end,
        stones=stones,
        held=[stone.public_id for stone in stones],
        own=own,
        planned=planned,
        hidden=hidden,
        rules=ruled[0],
        rules_hash=ruled[1],
        texts={"en": text[0], "zh": text[1]},
        on_request=lot.on_request and lot.public_id not in noticing.estimates(notices),
        published_low=published[0],
        notices=notices,
    )


async def purse_of(session: AsyncSession, sale: SaleShown, actor: Actor, mine: Mine | None, now: datetime) -> Purse:
    bands = sale.rules.premium_bands
    if not actor.signed_in:
        return Purse("signed_out", bands=bands)
    if actor.company_id is None or not actor.may(Permission.BID_PLACE):
        return Purse("not_allowed", bands=bands)
    row = await session.scalar(
        select(Registration).where(Registration.sale_id == sale.inner_id, Registration.company_id == actor.company_id)
    )
    if row is None:
        return Purse("not_registered", bands=bands)
    why = "approval_expired" if row.expired(now) else STANDING_CODES.get(row.state)
    if why is None and row.terms_hash != sale.rules.terms:
        why = "terms_not_accepted"
    if why is None and row.awaits_deposit:
        why = "deposit_not_held"
    return Purse(
        why=why,
        paddle=row.paddle if row.state == RegistrationState.APPROVED else None,
        limit=row.limit_minor,
        headroom=mine.headroom if mine else row.limit_minor,
        destination=row.destination,
        tax=await tax_of(session, sale.entity, row, now),
        bands=bands,
    )
