"""What the pages of viewings show: times at the office and at the reader's, stones by name, refusals in words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from babel.dates import format_date
from fastapi import Request
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.auctions.queries import HOUSE
from pavilion.catalogue import past, plan, snapshots
from pavilion.catalogue import queries as catalogue
from pavilion.catalogue.models import Stone, StoneCommitment
from pavilion.catalogue.showing import name_of
from pavilion.kernel.instants import stamp
from pavilion.viewings.forms import zone_asked
from pavilion.viewings.models import AppointmentStone
from pavilion.viewings.place_models import Office
from pavilion.viewings.wishes import Answer, Code
from pavilion.webkit.figures import Figures
from pavilion.webkit.html import Pages, language
from pavilion.webkit.i18n import Tongue

ZONE_COOKIE = "zone"
INSTANTS = frozenset({"bookable_from", "clash_from", "clash_to", "until", "cutoff", "from", "to", "expires_at", "at"})
ZONES = (
    "Europe/Brussels", "Asia/Hong_Kong", "Asia/Dubai", "America/New_York", "Asia/Jerusalem", "Europe/London",
    "Europe/Zurich", "Asia/Kolkata", "Asia/Bangkok", "Asia/Shanghai", "Asia/Singapore", "Asia/Tokyo",
    "Australia/Sydney", "Africa/Gaborone", "Africa/Johannesburg", "America/Los_Angeles", "UTC",
)  # fmt: skip


class StoneShown(NamedTuple):
    """A chosen stone: how it is called, its drawing, and the lot that it stands in."""

    stone: Stone
    title: str
    colour: str
    plan: str
    lot: str  # its number; empty when it is in no sale
    ref: str  # public id of that lot
    sale: str


@dataclass(frozen=True, slots=True)
class Reader:
    """Says times and refusals to the reader at hand."""

    tongue: Tongue
    zone: str | None  # where the reader is; none until the browser or the reader has said so
    names: Mapping[str, str] = field(default_factory=dict)  # of stones, by public id
    places: Mapping[str, str] = field(default_factory=dict)  # of offices

    @property
    def figures(self) -> Figures:
        return Figures(self.tongue)

    def say(self, code: str, /, **facts: object) -> str:
        return self.tongue.say(code, **facts)

    def mine(self, at: datetime, zone: str) -> Markup:
        """The reader's own clock beside the office's: `02:30 Antwerp, yesterday`; else a script fills it in."""
        words = self.mine_words(at, zone) if self.zone else ""
        at_ms = int(at.timestamp() * 1000)
        return Markup('<span class="mine" data-mine="{}" data-office-zone="{}">{}</span>').format(at_ms, zone, words)

    def mine_words(self, at: datetime, zone: str) -> str:
        assert self.zone is not None
        if offset_of(at, zone) == offset_of(at, self.zone):
            return ""
        shift = (local_day(at, self.zone) - local_day(at, zone)).days
        clock = at.astimezone(ZoneInfo(self.zone)).strftime("%H:%M")
        said = self.say("viewing_clock_in", clock=clock, city=self.place(self.zone))
        if shift == 0:
            return said
        return self.say("viewing_clock_tomorrow" if shift > 0 else "viewing_clock_yesterday", clock=said)

    def place(self, zone: str) -> str:
        return "UTC" if zone == "UTC" else self.figures.city(zone)

    def clock(self, at: datetime, zone: str) -> str:
        return at.astimezone(ZoneInfo(zone)).strftime("%H:%M")

    def span(self, start: datetime, end: datetime, zone: str) -> str:
        """`10:30–11:30 (HKT, UTC+8)`; an end on another day says so."""
        until = self.clock(end, zone)
        if local_day(start, zone) != local_day(end, zone):
            until = self.say("viewing_clock_next_day", clock=until, day=self.day(end, zone, short=True))
        return f"{self.clock(start, zone)}–{until} ({self.zone_words(start, zone)})"

    def zone_words(self, at: datetime, zone: str) -> str:
        name = at.astimezone(ZoneInfo(zone)).tzname() or ""
        offset = offset_words(at, zone)
        return offset if not name.isalpha() or name == "UTC" else f"{name}, {offset}"

    def day(self, day: date | datetime, zone: str = "UTC", *, year: bool = False, short: bool = False) -> str:
        """`Thursday 4 March`; the reader's own order of the parts."""
        local = local_day(day, zone) if isinstance(day, datetime) else day
        english = self.tongue.lang == "en"
        pattern = ("EEE d MMM" if short else "EEEE d MMMM") if english else ("M月d日 EEE" if short else "M月d日EEEE")
        pattern = (pattern + " y" if english else "y年" + pattern) if year else pattern
        return format_date(local, pattern, locale=self.tongue.locale)

    def head(self, at: datetime, zone: str) -> str:
        """`Thursday 4 March 2027, 10:30`"""
        gap = ", " if self.tongue.lang == "en" else " "
        return f"{self.day(at, zone, year=True)}{gap}{self.clock(at, zone)}"

    def when(self, at: datetime, zone: str) -> Markup:
        """`Thursday 4 March 2027, 10:30 in Hong Kong`"""
        said = self.say("viewing_when_in", when=self.head(at, zone), city=self.place(zone))
        return Markup('<time datetime="{}">{}</time>').format(stamp(at), said)

    def refusal(self, answer: Answer, zone: str) -> str:
        """The sentence of a refusal with its facts in words."""
        return self.sentence(answer.code, answer.facts, zone)

    def sentence(self, code: str, facts: Mapping[str, Any], zone: str) -> str:
        if code == Code.NOTICE_TOO_SHORT and not facts.get("notice"):
            return self.say("viewing_time_over")
        return self.say(code, **{name: self._fact(name, value, zone) for name, value in facts.items()})

    def _fact(self, name: str, value: Any, zone: str) -> Any:
        if isinstance(value, datetime):
            return self.when(value, zone)
        if name == "stone":
            return self.names.get(str(value), "–")
        if name in ("place", "office"):
            return self.places.get(str(value), value)
        if name == "state":
            return self.say(f"appointment_{value}")
        if isinstance(value, str) and (name in INSTANTS or name.endswith("_at")):
            at = _instant(value)
            return self.when(at, zone) if at else value
        if name in ("notice", "horizon") and isinstance(value, int):
            return self.length(value)
        return value

    def attention(self, code: str) -> str:
        """Why the office looks at an appointment; in general words where the reason is the office's own."""
        known = self.tongue.knows("code", f"attention_{code}")
        return self.say(f"attention_{code}" if known else "attention_other")

    def length(self, minutes: int) -> str:
        """`30 minutes`, `2 hours`, `28 days`"""
        for unit, size in (("days", 1440), ("hours", 60)):
            if minutes >= size and minutes % size == 0:
                return self.say(f"viewing_{unit}", n=minutes // size)
        return self.say("viewing_minutes", n=minutes)


def local_day(at: datetime, zone: str) -> date:
    return at.astimezone(ZoneInfo(zone)).date()


def offset_of(at: datetime, zone: str) -> timedelta:
    return at.astimezone(ZoneInfo(zone)).utcoffset() or timedelta(0)


def offset_words(at: datetime, zone: str) -> str:
    """`UTC+8`, `UTC−5`, `UTC+5:30`"""
    minutes = offset_of(at, zone) // timedelta(minutes=1)
    hours, rest = divmod(abs(minutes), 60)
    return "UTC" if minutes == 0 else f"UTC{'+' if minutes > 0 else '−'}{hours}{f':{rest:02d}' if rest else ''}"


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


async def reader_of(request: Request, session: AsyncSession, actor: Actor, stones: Iterable[StoneShown] = ()) -> Reader:
    """The zone: what the reader chose or the browser said, else that of the reader's notices."""
    pages: Pages = request.app.state.pages
    zone = zone_asked(request.cookies.get(ZONE_COOKIE))
    zone_of = getattr(request.app.state, "zone_of", None)
    if zone is None and zone_of is not None and actor.person_id is not None:
        zone = zone_asked(await zone_of(session, actor.person_id))
    lang = language(request)
    places = {office.id: office_name(office, lang) for office in await session.scalars(select(Office))}
    return Reader(pages.tongues[lang], zone, {one.stone.public_id: one.title for one in stones}, places)


async def stones_shown(session: AsyncSession, actor: Actor, public_ids: Sequence[str], lang: str) -> list[StoneShown]:
    """Those that this reader may see, in the order asked."""
    return await _shown(session, await catalogue.stones_of(session, actor, public_ids), lang)


async def wished_stones(
    session: AsyncSession, public_ids: Sequence[str], lang: str, since: datetime
) -> list[StoneShown]:
    """Stones that somebody waits for since that time: one that is shown no more is as it was then."""
    rows = await session.scalars(catalogue.visible_to(HOUSE).where(Stone.public_id.in_(public_ids)))
    found = {stone.public_id: stone for stone in rows}
    named = [found[one] for one in dict.fromkeys(public_ids) if one in found]
    return await _shown(session, await past.as_known(session, [(one, since) for one in named]), lang)


async def agreed_stones(session: AsyncSession, lines: Sequence[AppointmentStone], lang: str) -> list[StoneShown]:
    """The stones of an appointment: one that is shown no more is what it was when it was put there. A stone that the
    house never had is left out."""
    rows = await session.scalars(catalogue.visible_to(HOUSE).where(Stone.public_id.in_([line.stone for line in lines])))
    live = {stone.public_id: stone for stone in rows if stone.listed}
    kept = [line for line in lines if line.snapshot or line.stone in live]
    return await _shown(session, [live.get(line.stone) or snapshots.as_it_was(line.snapshot) for line in kept], lang)


async def _shown(session: AsyncSession, stones: Sequence[Stone], lang: str) -> list[StoneShown]:
    ids = [stone.id for stone in stones if stone in session]  # one as it was stands in no lot now
    promised = await catalogue.commitments_of(session, ids) if ids else {}
    return [_one(stone, promised.get(stone.id), lang) for stone in stones]


def _one(stone: Stone, promised: StoneCommitment | None, lang: str) -> StoneShown:
    name = name_of(stone, lang)
    facts = promised.facts if promised is not None and promised.kind == "in_sale" else {}
    ref = promised.ref if promised is not None and facts else ""
    number, sale = str(facts.get("number", "")), str(facts.get("sale", ""))
    return StoneShown(stone, name.title, name.colour, plan.plan_of(stone).name, number, ref, sale)


def sale_of_stones(stones: Sequence[StoneShown]) -> str | None:
    """The one sale that all of them stand in, if it is one."""
    sales = {one.sale for one in stones}
    return sales.pop() or None if len(sales) == 1 else None


def office_name(office: Office, lang: str) -> str:
    return office.name_zh if lang == "zh" else office.name_en
