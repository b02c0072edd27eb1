"""What programs are told of sales, lots and their own bids. The bid's own answer is `Ack` of the socket."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pavilion.auctions.formats import SaleType
from pavilion.auctions.rules import SaleState
from pavilion.bidding.messages import BookEventOut
from pavilion.catalogue.answers import StoneTold
from pavilion.webkit.answers import Amount, Currency, Instant, InTongues, Minor, Place, Sha256, Told, Ulid

Name = Annotated[str, Field(description="Its id.", examples=["01KAR9T5M0Q8ZJ4W7X2C6V1B3N"])]
Key = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", description="Of the request.", examples=["9b" * 16])]
AFTER_SALE = "cancelled, sold_after"
LotNow = Annotated[
    str,
    Field(
        description=f"listed, open, paused, closing, sold, passed, withdrawn, opening; after the sale {AFTER_SALE}.",
        examples=["open"],
    ),
]


class TextTold(Told):
    en: Annotated[str | None, Field(examples=["Viewing by appointment."])]
    zh: Annotated[str | None, Field(examples=["预约看货。"])]


class SaleTold(Told):
    """A published sale."""

    id: Ulid
    type: SaleType
    state: SaleState
    title: InTongues
    text: TextTold
    currency: Currency
    zone: Annotated[str, Field(description="IANA.", examples=["Europe/Brussels"])]
    city: Annotated[str | None, Field(examples=["Antwerp"])]
    house: Annotated[str, Field(examples=["ANT"])]
    opens_at: Instant | None
    first_close_at: Instant | None
    published_at: Instant | None
    rules_hash: Annotated[Sha256 | None, Field(description="Of /sales/{sale}/rules.json; a bid names it.")]


class SalesTold(Told):
    """The newest first."""

    items: list[SaleTold]
    cursor: Place | None


class RangeTold(Told):
    low: Amount | None
    high: Amount | None


class LotTold(Told):
    """A lot as it stands. Of a tender neither price nor bids before it is opened."""

    id: Ulid
    number: Annotated[str | None, Field(examples=["12"])]
    title: Annotated[InTongues | None, Field(description="None while the lot is withheld.")]
    withheld: Annotated[
        bool,
        Field(
            description="A stone of it is not verified now: only its number and its book are told.", examples=[False]
        ),
    ]
    state: LotNow
    estimate: RangeTold | None
    opening: Amount | None
    price: Amount | None
    ask: Annotated[Amount | None, Field(description="The least next bid.")]
    bids: Annotated[int | None, Field(examples=[17])]
    ends_at: Instant | None
    rules_hash: Sha256 | None
    version: Annotated[int | None, Field(description="Of a lot of a collection; an order names it.", examples=[1])]
    stone_ids: list[Ulid]


class WholeSale(SaleTold):
    """A sale and its lots as they stand."""

    lots: list[LotTold]


class WholeLot(LotTold):
    """A lot as it stands, with those of its stones that the reader may see."""

    sale: Ulid
    stones: list[StoneTold]


class EventKept(Told):
    """In place of a notice whose words are not told while the lot is withheld: the hash that the next event names."""

    n: Annotated[int, Field(ge=0, examples=[41])]
    seq: Annotated[int, Field(ge=1, examples=[4])]
    hash: Sha256


class EventsTold(Told):
    """Events of a lot, exactly as they were hashed."""

    lot: Name
    events: list[BookEventOut | EventKept]


class ClockTold(Told):
    """The house's clock."""

    t: Instant
    us: Annotated[int, Field(description="Microseconds since 1970.", examples=[1_795_357_800_000_000])]


class PathTold(Told):
    """The way from the event to the signed root (RFC 9162)."""

    index: Annotated[int, Field(ge=0, examples=[41])]
    size: Annotated[int, Field(ge=1, examples=[64])]
    path: Annotated[list[str], Field(description="Hashes, base64.", examples=[["q83vEjRWeJA="]])]


class OpeningTold(Told):
    """What only the bidder knows of the bid: it opens the commitment in the event."""

    amount: Minor
    nonce: Annotated[str, Field(examples=["7f" * 16])]
    key: Annotated[str, Field(examples=["9b" * 16])]


class ReceiptTold(Told):
    """A receipt that proves itself: docs/verifying.md."""

    v: Literal[1]
    event: BookEventOut
    proof: PathTold
    checkpoint: Annotated[str, Field(description="A signed note.", examples=["auctions.example/sale\n64\n…"])]
    opening: OpeningTold | None


class AimTold(Told):
    """A lot of a plan."""

    lot: Name
    max: Minor
    state: Literal["waiting", "leading", "outbid", "won", "lost", "by_hand", "beyond", "over", "out"]
    code: Annotated[str | None, Field(description="Why a waiting lot takes no bid of it.", examples=["over_limit"])]


class PlanTold(Told):
    """A plan, for its bidder alone. Sums are all-in, in minor units of the sale's currency."""

    plan: Name
    sale: Name
    version: Annotated[int, Field(ge=1, examples=[1])]
    win_at_most: Annotated[int, Field(ge=0, examples=[2])]
    budget: Minor
    held: Minor
    spent: Minor
    exposure: Minor
    free: Minor
    lots: list[AimTold]


class PlanNow(PlanTold):
    replayed: Annotated[bool, Field(description="This was said before.")]


class PlansTold(Told):
    plans: list[PlanTold]


class ReadTold(Told):
    """The bidder has read the lot's notices up to this one."""

    lot: Name
    seq: Annotated[int, Field(ge=0, examples=[12])]


class ConfirmedTold(Told):
    """The maximum stands under the new passport."""

    lot: Name
    passport: Annotated[str, Field(description="Hash of the passport that was confirmed.", examples=["4f" * 32])]
    until: Instant


class RequestTold(Told):
    """What was asked waits for a person's word."""

    request: Ulid
    lot: Name
    n: Annotated[int, Field(ge=0, examples=[41])]
    state: Literal["waiting"]


class TicketTold(Told):
    """For the `hello` of one socket (docs/client.md). It is shown once."""

    ticket: Annotated[str, Field(examples=["hT4m0Yt0p3b6nCqvF2sK9wX1uZ8rA5dL7eJ0gB3iM6o"])]
    expires_at: Instant


class ShareTaken(Told):
    custodian: Annotated[int, Field(ge=1, description="Whose share file it is.", examples=[1])]


class AsyncDocument(BaseModel):
    """An AsyncAPI 3 document."""

    model_config = ConfigDict(extra="allow", frozen=True)

    asyncapi: Annotated[str, Field(examples=["3.0.0"])]
    info: dict[str, Any]
