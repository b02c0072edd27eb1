"""When a lot ends. Pure, in whole microseconds: the engine, the vectors and the verifier come through here.

An instant equal to the end is late. An end never moves earlier.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, Protocol

State = Literal["open", "paused", "closed"]
CONFIRM_IN = 24 * 3600 * 1_000_000  # bidders confirm their maxima after a change of the passport
LEAST_RUN = 600 * 1_000_000  # of a lot that is offered again while its sale runs
NEVER = 253_370_764_800_000_000  # the end of a lot that ends only by a call: 9999-01-01, later than any instant


@dataclass(frozen=True, slots=True)
class SoftClose:
    """A bid in the last `window` moves the end; a hard end bounds it."""

    window: int
    extension: int
    mode: Literal["reset", "add"] = "reset"
    scope: Literal["lot", "group"] = "lot"
    hard_end: int | None = None


@dataclass(frozen=True, slots=True)
class Outage:
    min: int = 10_000_000
    span: int = 600_000_000
    grant: int = 600_000_000


@dataclass(frozen=True, slots=True)
class Stagger:
    """The published ends: `per` lots at a time, `interval` apart; a break (k, length) delays lot k and all after it."""

    first: int
    interval: int
    per: int = 1
    breaks: tuple[tuple[int, int], ...] = ()

    def end(self, k: int) -> int:
        return self.first + k // self.per * self.interval + sum(length for at, length in self.breaks if at <= k)

    def planned(self, k: int, published: int, scope: str) -> int:
        """The end of lot k of a sale that was published with so many: one listed later ends one interval after the
        last, and in a group with the others."""
        if k < published:
            return self.end(k)
        after = 0 if scope == "group" else k - published + 1
        return self.end(max(0, published - 1)) + after * self.interval


def late(soft: SoftClose, planned: int) -> int:
    """The end of a lot that is listed after publication and before the opening: by the plan, but not after a hard
    end."""
    return planned if soft.hard_end is None else min(planned, soft.hard_end)


def again(soft: SoftClose, planned: int, running: Iterable[int], at: int, interval: int) -> int | None:
    """The end of a lot that is offered again at `at`, while the others run until `running`; None where it could not run
    for as long as from an opening to an end at the least. No other lot moves: in a group, and so in a tender, it ends
    with the others; else by the plan and after the last of them as they stand now, but not after a hard end."""
    if soft.scope == "group":
        end = max(running, default=planned)
    else:
        end = late(soft, max(planned, at + LEAST_RUN, max((one + interval for one in running), default=planned)))
    return end if end >= at + LEAST_RUN else None


def hard_end_of(soft: SoftClose, end: int) -> int | None:
    """Of a lot that is listed with this end: a group's may have moved beyond that of the rules."""
    return None if soft.hard_end is None else max(soft.hard_end, end)


@dataclass(frozen=True, slots=True)
class Clock:
    """The time of one lot."""

    end: int
    hard_end: int | None = None
    state: State = "open"
    paused_at: int | None = None


class Timed(Protocol):
    """Whatever has a state and an end: a clock, or the lot itself."""

    @property
    def state(self) -> str: ...

    @property
    def end(self) -> int: ...


# -- arrival ----------------------------------------------------------------------------------------------------------


def effective(stamp: int, received: int, delay: int, largest: int | None) -> int:
    """The instant of a bid: the edge's stamp, bounded by the engine's clock, never before one already given."""
    t = max(min(stamp, received), received - delay)
    return t if largest is None or t >= largest else largest


# -- the end ----------------------------------------------------------------------------------------------------------


def end_after_bid(soft: SoftClose, end: int, hard_end: int | None, t: int) -> int:
    """The end after an accepted bid at `t` that changed price or leader."""
    if t < end - soft.window:
        return end
    moved = end + soft.extension if soft.mode == "add" else t + soft.extension
    if hard_end is not None and moved > hard_end:
        moved = hard_end
    return moved if moved > end else end


def after_bid(soft: SoftClose, clock: Clock, t: int) -> Clock:
    return replace(clock, end=end_after_bid(soft, clock.end, clock.hard_end, t))


def after_slow(soft: SoftClose, clock: Clock) -> Clock:
    """The lot once extended because the engine itself was slow in its last window."""
    moved = clock.end + soft.extension
    return replace(clock, end=max(clock.end, moved if clock.hard_end is None else min(moved, clock.hard_end)))


def after_outage(outage: Outage, clock: Clock, since: int, now: int) -> Clock:
    """An open lot that could have ended in the outage, or soon after it, gets back at least what was lost."""
    if clock.state != "open" or clock.end <= since or now < clock.end - outage.span:
        return clock
    return _moved(clock, max(clock.end, now + max(outage.grant, clock.end - since)))


def paused(clock: Clock, now: int) -> Clock:
    return replace(clock, state="paused", paused_at=now)


def resumed(soft: SoftClose, clock: Clock, now: int) -> Clock:
    """The lot runs again with what it had left, and at least one window."""
    assert clock.paused_at is not None, "only a paused lot is resumed"
    if clock.end == NEVER:
        return Clock(NEVER, clock.hard_end)
    end = now + max(clock.end - clock.paused_at, soft.window)
    hard_end = None if clock.hard_end is None else max(clock.hard_end + now - clock.paused_at, end)
    return Clock(end, hard_end)


def extended(clock: Clock, to: int) -> Clock:
    """Staff gave a later end; a hard end that stood before it rises to it."""
    return _moved(clock, to)


def closed(clock: Clock) -> Clock:
    return replace(clock, state="closed")


def _moved(clock: Clock, end: int) -> Clock:
    return replace(clock, end=end, hard_end=None if clock.hard_end is None else max(clock.hard_end, end))


# -- what may happen: None, or the code of the refusal ----------------------------------------------------------------


def judge_bid(clock: Timed, t: int) -> str | None:
    if clock.state != "open":
        return f"lot_{clock.state}"
    return "too_late" if t >= clock.end else None


def judge_close(clock: Clock, now: int, watermarks: Iterable[int], delay: int) -> str | None:
    """Due, and no bid still under way could be in time."""
    if clock.state != "open":
        return f"lot_{clock.state}"
    if now < clock.end:
        return "not_due"
    return None if now >= clock.end + delay or drained(clock.end, watermarks) else "not_drained"


def drained(end: int, watermarks: Iterable[int]) -> bool:
    """Each live edge has sent everything it stamped before the end."""
    return all(mark >= end for mark in watermarks)


def judge_pause(clock: Clock, now: int) -> str | None:
    if clock.state != "open":
        return f"lot_{clock.state}"
    return "too_late" if now >= clock.end else None


def judge_resume(clock: Clock) -> str | None:
    if clock.state == "closed":
        return "lot_closed"
    return None if clock.state == "paused" else "not_paused"


def judge_extend(clock: Clock, now: int, to: int) -> str | None:
    if clock.state != "open":
        return f"lot_{clock.state}"
    if now >= clock.end:
        return "too_late"
    return None if to > clock.end else "end_not_later"


def judge_outage(outage: Outage, since: int, now: int) -> str | None:
    return "outage_too_short" if now - since < outage.min else None


# -- the plan of ends -------------------------------------------------------------------------------------------------


def judge_schedule(stagger: Stagger, soft: SoftClose, lots: int) -> str | None:
    """What is wrong with these ends for so many lots, or None."""
    if lots < 1:
        return None
    last = stagger.end(lots - 1)
    if soft.scope == "group" and last != stagger.first + sum(length for at, length in stagger.breaks if at <= 0):
        return "group_ends_differ"
    if soft.hard_end is not None and soft.hard_end < last:
        return "hard_end_before_end"
    return None
