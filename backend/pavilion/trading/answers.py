"""What programs are told of trade at a price."""

from typing import Annotated, Literal

from pydantic import Field

from pavilion.trading.memo_rules import MOST_EXTENSIONS, MemoState, StoneState
from pavilion.trading.rules import HoldState, OrderSource, OrderState
from pavilion.trading.turns import Side, ThreadState
from pavilion.webkit.answers import Amount, Instant, Told, Ulid


class HoldTold(Told):
    """A company's word for a stone."""

    id: Ulid
    stone: Ulid
    state: HoldState
    asked_at: Instant
    answer_by: Annotated[Instant | None, Field(description="Until then its owner is asked.")]
    expires_at: Annotated[Instant | None, Field(description="Until then nobody else can buy it.")]
    renewed: bool
    ended_at: Instant | None


class Holds(Told):
    items: list[HoldTold]


class OrderLineTold(Told):
    stones: list[Ulid]
    lot: Annotated[Ulid | None, Field(description="Of a collection; none where one stone was bought.")]
    price: Amount
    title_en: Annotated[str, Field(examples=["Round, 1.27 ct, F, VS1"])]
    title_zh: Annotated[str, Field(examples=["圆形 · 1.27 克拉 · F 色 · VS1"])]


class OrderTold(Told):
    """A purchase at a price, as its buyer reads it."""

    id: Ulid
    state: OrderState
    total: Amount
    destination: Annotated[str, Field(description="Country to which it goes, ISO 3166.", examples=["BE"])]
    source: OrderSource
    placed_at: Instant
    confirm_by: Annotated[Instant | None, Field(description="Until then the seller answers; none: nobody is asked.")]
    invoice: Annotated[str | None, Field(description="Its number, once issued.", examples=["INV-ANT-2026-000001"])]
    lines: list[OrderLineTold]


class Orders(Told):
    items: list[OrderTold]


class RoundTold(Told):
    round: Annotated[int, Field(ge=1, examples=[1])]
    side: Side
    price: Amount
    terms: Annotated[str, Field(examples=["Payment within 30 days."])]
    at: Instant
    valid_until: Instant


class OfferTold(Told):
    """A thread of offers and answers, as one side reads it; the other is named by its part alone."""

    id: Ulid
    side: Annotated[Side, Field(description="The reader's own.")]
    stones: list[Ulid]
    seen: Annotated[int, Field(description="Greatest `seq` among the stones; an acceptance names it.", examples=[4711])]
    state: ThreadState
    turn: Annotated[Side | None, Field(description="Who has to answer; none once it is over.")]
    round: Annotated[int, Field(ge=1, examples=[1])]
    price: Annotated[Amount, Field(description="Of the last proposal, for all stones together.")]
    destination: Annotated[str, Field(description="Country to which it goes, ISO 3166.", examples=["BE"])]
    valid_until: Instant
    locked: Annotated[bool, Field(description="Nobody else can buy the stones meanwhile.")]
    made_at: Instant
    order: Annotated[Ulid | None, Field(description="What an accepted offer became.")]
    rounds: list[RoundTold]


class Offers(Told):
    items: list[OfferTold]


class MemoStoneTold(Told):
    stone: Ulid
    price: Amount
    state: StoneState
    out_mct: Annotated[int | None, Field(description="Weighed at hand-over, milli-carats.", examples=[1270])]
    in_mct: Annotated[int | None, Field(description="Weighed when it came back, milli-carats.", examples=[1270])]
    order: Annotated[Ulid | None, Field(description="That bought it; not told to its owner.")]


class MemoTold(Told):
    """Stones entrusted to a buyer until a day, as one side reads it; an owner is told no buyer."""

    id: Ulid
    number: Annotated[str | None, Field(description="From the approval on.", examples=["MEM-ANT-2026-000001"])]
    side: Annotated[Literal["buyer", "seller", "staff"], Field(description="The reader's own.")]
    state: MemoState
    total: Amount
    insured: Amount | None
    destination: Annotated[str, Field(description="Country to which it goes, ISO 3166.", examples=["BE"])]
    days: Annotated[int, Field(ge=1, examples=[7])]
    due_on: Annotated[
        str | None, Field(description="Day at the house on which it is due back.", examples=["2026-12-01"])
    ]
    extensions: Annotated[int, Field(ge=0, le=MOST_EXTENSIONS, examples=[0])]
    warranty_sha256: Annotated[
        str | None, Field(description="Of the warranty text on its paper.", examples=["4f" * 32])
    ]
    requested_at: Instant
    out_at: Instant | None
    stones: list[MemoStoneTold]


class Memos(Told):
    items: list[MemoTold]
