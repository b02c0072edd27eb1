"""How two sides answer each other until one says yes or the thread ends (settlement spec 11.3). Pure; `now` is an
argument. Offers for stones and, after a sale, offers for its passed lots follow the same turns."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from pavilion.kernel.errors import ActNotAllowed, BadInput, Refusal
from pavilion.kernel.money import MAX_AMOUNT

MOST_ROUNDS = 10  # then the last proposal can only be accepted or declined
MOST_DAYS = 7  # that a proposal stands
UNLIKELY = 10  # so many times less, or more, is asked about


class OfferExists(Refusal):
    """The company has an open offer for the same; that one can be withdrawn, or waits for an answer."""

    status, code = 409, "offer_exists"


class RoundChanged(Refusal):
    """The other side has answered meanwhile; what is answered now is another proposal."""

    status, code = 409, "round_changed"


class AnsweredAlready(Refusal):
    """The own side has answered meanwhile, a colleague or an earlier page; its price waits for the other side."""

    status, code = 409, "answered_already"


class PriceUnlikely(BadInput):
    """The price is far from what is asked, as one with a zero too many is: it counts once it is said a second time.
    `asked` is what it was held against, in minor units."""

    code = "price_unlikely"


class Side(StrEnum):
    BUYER = "buyer"
    SELLER = "seller"

    @property
    def other(self) -> "Side":
        return Side.SELLER if self is Side.BUYER else Side.BUYER


class ThreadState(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"  # nobody answered in time, or what was offered for was sold to another
    VOID = "void"  # what was offered for is promised elsewhere, or no more to be had


class Act(StrEnum):
    COUNTER = "counter"
    ACCEPT = "acceptance"
    DECLINE = "refusal"
    WITHDRAW = "withdrawal"


_S = ThreadState
AFTER: dict[Act, ThreadState] = {
    Act.COUNTER: _S.OPEN,
    Act.ACCEPT: _S.ACCEPTED,
    Act.DECLINE: _S.DECLINED,
    Act.WITHDRAW: _S.WITHDRAWN,
}
# What an act is called in events and notices, by who does it: each is told to the other side alone.
WORDS: dict[Side, dict[Act, str]] = {
    Side.BUYER: {Act.COUNTER: "raised", Act.ACCEPT: "taken", Act.DECLINE: "refused", Act.WITHDRAW: "withdrawn"},
    Side.SELLER: {Act.COUNTER: "countered", Act.ACCEPT: "accepted", Act.DECLINE: "declined", Act.WITHDRAW: "recalled"},
}


class Standing(NamedTuple):
    """A thread as it is stored: `turn` has to answer the proposal of this `round`, which stands until `until`."""

    state: str
    turn: str
    round: int
    until: datetime

    def open_at(self, now: datetime) -> bool:
        return self.state == _S.OPEN and now < self.until

    def at(self, now: datetime) -> str:
        """Its state, whether or not a job has noticed that its time is over."""
        return _S.LAPSED if self.state == _S.OPEN and now >= self.until else self.state

    def may(self, act: Act, side: Side, now: datetime) -> bool:
        """Who made the last proposal can take it back; the other side answers it, the last round with yes or no."""
        if not self.open_at(now):
            return False
        if act is Act.WITHDRAW:
            return self.turn != side
        return self.turn == side and (act is not Act.COUNTER or self.round < MOST_ROUNDS)

    def refuse(self, act: Act, side: Side, round_: int, now: datetime) -> None:
        """Refused where the thread does not permit this act of this side, or its proposal is another than was seen: the
        other side has answered, or the own one has."""
        if not self.open_at(now):
            raise ActNotAllowed(state=self.at(now))
        if act is not Act.WITHDRAW and self.round != round_:
            raise RoundChanged() if self.turn == side else AnsweredAlready()
        if not self.may(act, side, now):
            own = self.turn == side
            raise ActNotAllowed(
                state="not_your_turn" if not own else "last_round" if act is Act.COUNTER else "your_turn"
            )

    def done(self, act: Act, side: Side) -> bool:
        """Whether the thread ended by this very act of this side: said twice, it is done once."""
        return self.state != _S.OPEN and self.state == AFTER[act] and (self.turn == side) == (act is not Act.WITHDRAW)


def refuse_typed(price_minor: int, days: int) -> None:
    """Refused where a proposal has no price or stands for no time that one can stand."""
    if not 0 < price_minor <= MAX_AMOUNT:
        raise BadInput(fields={"price": "amount_invalid"})
    if not 1 <= days <= MOST_DAYS:
        raise BadInput(fields={"days": "offer_days_invalid"})


def refuse_unlikely(price_minor: int, asked_minor: int | None, stands_minor: int | None, confirm: int | None) -> None:
    """Refused until it is said twice: a price above what is asked, or below a tenth of it. Where no price is asked, one
    ten times above or below the price that stands in the thread; a first one is then held against nothing. The figures
    are ours: the spec names none. `confirm`: the price said a second time."""
    held = asked_minor or stands_minor
    if held is None or confirm == price_minor:
        return
    most = held if asked_minor else held * UNLIKELY
    if price_minor > most or price_minor * UNLIKELY < held:
        raise PriceUnlikely(fields={"confirm": "price_unlikely"}, asked=held, said=price_minor)


def until(now: datetime, days: int) -> datetime:
    return now + timedelta(days=days)
