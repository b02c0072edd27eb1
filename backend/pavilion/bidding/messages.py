"""What may be said on the live socket. Facts only: words, formats of money and time belong to the reader."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

from pavilion.bidding.deciding import Answer
from pavilion.bidding.news import News, OwnState
from pavilion.bidding.texts import canonical_text, text_of

EXACT = 2**53 - 1  # the largest whole number that every reader of JSON reads alike
MOST_LOTS = 500

Id = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]{1,40}$"), Field(examples=["01KAR9T5M0Q8ZJ4W7X2C6V1B3N"])]
Key = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$"), Field(examples=["9b" * 16])]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$"), Field(examples=["4f" * 32])]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$"), Field(examples=["USD"])]
Whole = Annotated[int, Field(strict=True, ge=-EXACT, le=EXACT, examples=[1_250_000])]
Count = Annotated[int, Field(strict=True, ge=0, le=EXACT)]


class Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_serialization_defaults_required=True)


# -- from the browser -------------------------------------------------------------------------------------------------


class Hello(Message):
    op: Literal["hello"]
    v: Literal[1]
    ticket: Annotated[str, StringConstraints(max_length=100)] | None = None
    lang: Literal["en", "zh"] = "en"


class Watch(Message):
    op: Literal["watch"]
    sale: Id
    lots: Literal["all"] | Annotated[list[Id], Field(max_length=MOST_LOTS)]
    after: Annotated[dict[Id, Count], Field(max_length=MOST_LOTS)] = {}


class Unwatch(Message):
    op: Literal["unwatch"]
    sale: Id
    lots: Literal["all"] | Annotated[list[Id], Field(max_length=MOST_LOTS)] = "all"


class PlaceBid(Message):
    op: Literal["place_bid"]
    key: Key
    lot: Id
    max: Whole
    currency: Currency
    rules: Hash
    confirm: Whole | None = None


class SealBid(Message):
    """A bid that nobody here can read; the engine looks at the form of its envelope."""

    op: Literal["seal_bid"]
    key: Key
    lot: Id
    envelope: dict[str, Any]


class AskClock(Message):
    op: Literal["clock"]
    t0: Whole


class Ping(Message):
    op: Literal["ping"]
    id: Count


FromBrowser = Hello | Watch | Unwatch | PlaceBid | SealBid | AskClock | Ping
READ: TypeAdapter[FromBrowser] = TypeAdapter(Annotated[FromBrowser, Field(discriminator="op")])


class BidForm(Message):
    """The body of the HTTP door; the key is a header there."""

    max: Whole
    currency: Currency
    rules: Hash
    confirm: Whole | None = None


# -- to the browser ---------------------------------------------------------------------------------------------------


class Limits(Message):
    headroom: int | None = None


class Welcome(Message):
    op: Literal["welcome"] = "welcome"
    v: Literal[1] = 1
    user: str
    paddle: str | None = None
    limits: Limits = Limits()
    t: str


class LotStands(Message):
    lot: str
    seq: int
    state: str
    leader: str | None
    price: int | None
    ask: int
    reserve_met: bool | None
    bids: int
    end: str | None  # none while only a call can end the lot
    hash: str
    became: str | None = None  # what it came to after the sale, `cancelled` or `sold_after`; the book knows it not


class Snapshot(Message):
    op: Literal["snapshot"] = "snapshot"
    sale: str
    state: str
    rules: str
    t: str
    lots: list[LotStands]
    amended: dict[str, str] = Field(default_factory=dict)  # the rules of lots that have others than the sale's


class BookEventOut(Message):
    v: Literal[1] = 1
    sale: str
    lot: str | None
    seq: int
    n: int
    t: str
    at: str
    type: str
    prev: str
    data: dict[str, Any]


class BatchOut(Message):
    op: Literal["batch"] = "batch"
    sale: str
    t: str
    events: list[BookEventOut]
    checkpoint: str | None


class You(Message):
    op: Literal["you"] = "you"
    lot: str
    seq: int
    alias: str
    state: str
    max: int | None
    headroom: int | None


class Ack(Message):
    op: Literal["ack"] = "ack"
    key: str
    lot: str | None
    result: Literal["accepted", "refused", "unknown"]
    code: str | None = None
    seq: int | None = None
    n: int | None = None
    t: str | None = None
    at: str | None = None
    state: str | None = None
    max: int | None = None
    nonce: str | None = None
    ask: int | None = None
    headroom: int | None = None
    receipt: str | None = None
    replayed: bool = False
    rule: str | None = None
    source: str | None = None


class ClockOut(Message):
    op: Literal["clock"] = "clock"
    t0: int
    t1: int
    t2: int


class Pong(Message):
    op: Literal["pong"] = "pong"
    id: int


class Presence(Message):
    op: Literal["presence"] = "presence"
    sale: str
    watching: int | Literal["few"]
    bidders: int | Literal["few"]


class Said(Message):
    """A sentence of the house to the room, in both languages."""

    en: str
    zh: str


class Notice(Message):
    """`lot_notice`: the book holds a notice at `n`. `fair_warning`, `message`: the clerk speaks, outside the book."""

    op: Literal["notice"] = "notice"
    lot: str | None
    key: str
    n: int | None
    text: Said | None = None


class Resync(Message):
    op: Literal["resync"] = "resync"
    sale: str
    reason: str


class Error(Message):
    op: Literal["error"] = "error"
    code: str
    ref: int | None = None


class Bye(Message):
    op: Literal["bye"] = "bye"
    code: str
    retry_ms: int


ToBrowser = Welcome | Snapshot | BatchOut | You | Ack | ClockOut | Pong | Presence | Notice | Resync | Error | Bye


def frame(message: Message) -> bytes:
    """Encoded once, whoever and however many will read it."""
    return message.model_dump_json().encode()


def batch_frame(sale: str, at: int, bodies: Sequence[str], checkpoint: str | None) -> bytes:
    """The events exactly as they were hashed, in one frame."""
    head = canonical_text({"sale": sale, "t": text_of(at), "checkpoint": checkpoint})
    return f'{{"op":"batch",{head[1:-1]},"events":[{",".join(bodies)}]}}'.encode()


def news_frame(news: News) -> bytes:
    return batch_frame(news.sale, news.at, [line.body for line in news.lines], news.checkpoint or None)


def ack(answer: Answer) -> Ack:
    return Ack(
        key=answer.key,
        lot=answer.lot,
        result=answer.result,  # type: ignore[arg-type]
        code=answer.code,
        seq=answer.seq,
        n=answer.n,
        t=None if answer.t is None else text_of(answer.t),
        at=None if answer.at is None else text_of(answer.at),
        state=answer.state,
        max=answer.max,
        nonce=answer.nonce,
        ask=answer.ask,
        headroom=answer.headroom,
        receipt=answer.receipt,
        replayed=answer.replayed,
        rule=answer.rule,
        source=answer.source,
    )


def you(own: OwnState) -> You:
    return You(lot=own.lot, seq=own.seq, alias=own.alias, state=own.state, max=own.max, headroom=own.headroom)
