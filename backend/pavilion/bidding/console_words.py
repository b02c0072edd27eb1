"""What the console's lines say, in the reader's language: events of the log, health, proposals."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pavilion.bidding.console import Health, Waiting
from pavilion.bidding.tape import Told
from pavilion.bidding.vitals import Figures as VitalFigures
from pavilion.kernel.instants import from_stamp
from pavilion.webkit.figures import Figures
from pavilion.webkit.i18n import Tongue


class Words(NamedTuple):
    """One reader's language, and the sale's clock and money. Codes are said as to staff, not as to the bidder."""

    tongue: Tongue
    figures: Figures
    zone: str
    currency: str

    def line(self, told: Told) -> str:
        """`bid 25,000 by C (P-0388); end moved to 14:26:11`"""
        say, data = self.tongue.say, told.data
        match told.kind:
            case "bid.accepted":
                return self._bid(told)
            case "bid.refused":
                return say("feed_refused", why=self.reason(data["code"]), paddle=paddle_text(told.paddle))
            case "lot.extended":
                code = (
                    "feed_called" if data["from"] is None else "feed_call_off" if data["to"] is None else "feed_moved"
                )
                return say(code, at=self._clock(data["to"])) + self._by(told, data["cause"])
            case "lot.sold":
                who = self._who(data["bidder"], told.leader)
                return say("feed_sold", who=who, sum=self._sum(data["price"]))
            case "bid.voided":
                return say("feed_voided", seqs=", ".join(map(str, data["seqs"]))) + self._by(told, data["reason"])
            case "lot.resumed" | "lot.opened" | "lot.reopened":
                end = data["end"]
                kind = told.kind.removeprefix("lot.")
                said = say(f"feed_{kind}", at=self._clock(end)) if end else say(f"feed_{kind}_open")
                return said + self._by(told)
            case "lot.notice":
                return say("feed_notice", text=data["text_zh" if self.tongue.lang == "zh" else "text_en"]) + self._by(
                    told
                )
            case "incident":
                return say("feed_incident", since=self._clock(data["from"]), to=self._clock(data["to"]))
        code = "feed_" + told.kind.replace(".", "_")
        said = say(code) if self.tongue.knows("code", code) else told.kind
        return said + self._by(told, data.get("reason") or "")

    def place(self, told: Told) -> str:
        return self.tongue.say("feed_lot", number=told.number) if told.lot else self.tongue.say("feed_sale")

    def reason(self, code: str) -> str:
        """The sentence of a reason; what staff typed stands as they typed it."""
        known = (one for one in (f"staff_{code}", code) if self.tongue.knows("code", one))
        return next((self.tongue.say(one) for one in known), code)

    def proposal(self, one: Waiting) -> str:
        facts = one.proposal.facts
        title = facts.get("title_zh") if self.tongue.lang == "zh" and facts.get("title_zh") else facts["title_en"]
        said = self.tongue.say(f"proposal_{one.proposal.kind}", number=facts["number"], title=title)
        act = facts["act"]
        more = [self.tongue.say("feed_bids", seqs=", ".join(map(str, act["seqs"])))] if act["seqs"] else []
        more += [self.reason(act["reason"])] if act["reason"] else []
        joint = "；" if self.tongue.lang == "zh" else "; "
        return joint.join([said, *more])

    def health(self, known: Health, vitals: VitalFigures | None, ahead_us: int | None) -> list[tuple[str, str]]:
        """What is known, each with its name; what is not known is not said."""
        say, found = self.tongue.say, []
        if vitals is not None:
            timed = ("answer_p50", vitals.answer_p50), ("answer_p99", vitals.answer_p99), ("commit", vitals.commit_p50)
            found = [(say(f"health_{name}"), milliseconds(us)) for name, us in timed if us is not None]
            if vitals.batch is not None:
                found.append((say("health_batch"), self.figures.number(vitals.batch)))
            if vitals.edges is not None:
                found.append((say("health_edges"), self.figures.number(vitals.edges)))
        if known.sealed_at is not None:
            found.append((say("health_checkpoint"), self.figures.number(known.size)))
            found.append((say("health_sealed"), self.figures.clock(known.sealed_at, self.zone, seconds=True)))
        if ahead_us is not None:
            found.append((say("health_clock"), milliseconds(ahead_us, signed=True)))
        return found

    def _bid(self, told: Told) -> str:
        say, data = self.tongue.say, told.data
        who = self._who(data["bidder"], told.paddle)
        said = say("feed_bid", sum=self._sum(data["price"]), who=who)
        if told.by:
            said = say("feed_behalf", said=said, by=told.by, ground=say(f"mandate_{told.mandate}"))
        elif data["via"] == "plan":
            said = say("feed_plan", said=said)
        if data["leader"] != data["bidder"]:
            said = say("feed_leads", said=said, who=self._who(data["leader"], told.leader))
        return say("feed_then_moved", said=said, at=self._clock(data["end"])) if data["extended"] else said

    def _who(self, alias: str, paddle: int | None) -> str:
        if alias == "HOUSE":
            return self.tongue.say("feed_house")
        return alias if paddle is None else self.tongue.say("feed_who", alias=alias, paddle=paddle_text(paddle))

    def _by(self, told: Told, reason: str = "") -> str:
        """`: notice being written (Noor)`"""
        said = self.tongue.say("feed_why", why=self.reason(reason)) if reason else ""
        return said + (self.tongue.say("feed_by", by=told.by) if told.by else "")

    def _sum(self, minor: int | None) -> str:
        return "–" if minor is None else self.figures.amount(minor, self.currency)

    def _clock(self, text: str | None) -> str:
        return self.figures.clock(from_stamp(text), self.zone, seconds=True) if text else "–"


def paddle_text(paddle: int | None) -> str:
    return "–" if paddle is None else f"P-{paddle:04d}"


def milliseconds(us: int, *, signed: bool = False) -> str:
    """`3.1 ms`, `+4 ms`"""
    tenths = (abs(us) + 50) // 100
    text = f"{tenths // 10}.{tenths % 10}" if tenths < 100 else f"{(tenths + 5) // 10}"
    sign = ("−" if us < 0 else "+") if signed and tenths else ""
    return f"{sign}{text}\u00a0ms"


def spark(beats: Sequence[int], width: int = 260, height: int = 24) -> str:
    """The path of the pulse in its box."""
    most = max(*beats, 1)
    step = len(beats) - 1
    points = [(k * width // step, height - 2 - (height - 4) * beat // most) for k, beat in enumerate(beats)]
    return "M" + "L".join(f"{x} {y}" for x, y in points)


def document(words: Words, told: Told) -> dict[str, Any]:
    """One line of the feed for the console's script."""
    at: datetime = told.at
    clock = f"{words.figures.clock(at, words.zone, seconds=True)}.{at.microsecond // 1000:03d}"
    return {"n": told.n, "lot": told.lot, "place": words.place(told), "clock": clock, "text": words.line(told)}
