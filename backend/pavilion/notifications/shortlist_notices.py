"""What became of stones on the shortlists of a company, told to its people: another price, put into a sale, sold, shown
no more. Read from the history of stones and told together, some minutes apart; worded as the stones are when the mail
is written, for what its reader may see then."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Person
from pavilion.accounts.queries import as_actor, person_with_rights
from pavilion.accounts.rules import Permission
from pavilion.catalogue import history, showing
from pavilion.catalogue import queries as catalogue
from pavilion.catalogue.history import Change
from pavilion.catalogue.models import ChangeKind, CommitmentKind, Stone
from pavilion.catalogue.shortlist_reading import keepers_of
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.events import Cursor, cursor_of
from pavilion.notifications.rules import Kind
from pavilion.notifications.telling import Teller
from pavilion.webkit.figures import Figures
from pavilion.webkit.i18n import Tongue

FOLLOWER = "shortlist notices"
KINDS = frozenset({Kind.SHORTLIST})
EVERY = timedelta(minutes=5)  # a large upload is listed in a hundred pieces
LINES = 1000  # of the history, in one go
MOST_NAMED = 20  # stones in one mail; the lists have them all
_PRICE = "price_total_minor"


class News(StrEnum):
    PRICE = "price"
    IN_SALE = "in_sale"
    SOLD = "sold"
    GONE = "gone"


class Told(NamedTuple):
    subject: str
    lines: Sequence[str]
    stones: Sequence[str]
    path: str


class Following:
    """The tick: now and then what changed since the last look is told, all of it."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._looked: datetime | None = None

    async def tick(self, now: datetime) -> int:
        if self._looked is not None and now - self._looked < EVERY:
            return 0
        self._looked, count = now, 0
        while told := await follow(self._sessions, now):
            count += told
        return count


async def follow(sessions: Sessions, now: datetime) -> int:
    """How many lines of the history were read; the first look of a house begins at what is new then."""
    async with reading(sessions) as session:
        place = await session.scalar(select(Cursor.last_id).where(Cursor.follower == FOLLOWER))
        after = await history.head(session) if place is None else place
        lines = await history.changes(session, after, LINES)
        if place is not None and not lines:
            return 0
    async with sessions.begin() as session:
        cursor = await cursor_of(session, FOLLOWER)
        if cursor.last_id != (place or 0):
            return 0  # another looked at these meanwhile
        if lines:
            await _tell(session, lines, now)
        cursor.last_id = lines[-1].seq if lines else after
    return len(lines)


def news_of(line: Change) -> News | None:
    """What a line of the history is to who keeps the stone in view."""
    if line.kind in (ChangeKind.WITHDRAWN, ChangeKind.UNLISTED):
        return News.GONE if line.before.get("listed") else None
    if line.kind == ChangeKind.COMMITTED and (promised := line.after.get("promised")):
        return {CommitmentKind.SOLD: News.SOLD, CommitmentKind.IN_SALE: News.IN_SALE}.get(promised["kind"])
    return News.PRICE if _PRICE in line.after and line.kind == ChangeKind.PRICED else None


async def told(session: AsyncSession, payload: Mapping[str, Any], tongue: Tongue, person: Person) -> Told | None:
    """None when nothing of it can be told any more. A stone that is shown no more is counted, and not named."""
    reader = await person_with_rights(session, person.id)
    if reader is None or not as_actor(reader).may(Permission.SHORTLIST_EDIT):
        return None
    actor = as_actor(reader)
    prices = catalogue.sees_prices(actor)
    said: Mapping[str, Sequence[str]] = payload["news"]
    found = {stone.public_id: stone for stone in await catalogue.stones_of(session, actor, list(said))}
    named = [
        _line(found[stone], [News(one) for one in said[stone] if prices or one != News.PRICE], tongue, prices=prices)
        for stone in said
        if stone in found and found[stone].listed
    ]
    stones = [line for line in named if line]
    gone = sum(News.GONE in kinds and not (one in found and found[one].listed) for one, kinds in said.items())
    if not stones and not gone:
        return None
    figures = Figures(tongue)
    lines = [tongue.say("notice_shortlist_changed_text")]
    if gone:
        lines.append(tongue.say("notice_shortlist_gone", count=figures.number(gone)))
    if len(stones) > MOST_NAMED:
        lines.append(tongue.say("notice_search_more", count=MOST_NAMED))
    subject = tongue.say("notice_shortlist_changed", count=figures.number(len(stones) + gone))
    return Told(subject, lines, stones[:MOST_NAMED], "/shortlists")


async def _tell(session: AsyncSession, lines: Sequence[Change], now: datetime) -> None:
    """Each person of a company is told once of all that these lines say of the stones on its lists."""
    happened: dict[str, list[News]] = defaultdict(list)
    for line in lines:
        if (news := news_of(line)) is not None and news not in happened[line.stone]:
            happened[line.stone].append(news)
    of_company: dict[int, dict[str, list[News]]] = defaultdict(dict)
    for stone, companies in (await keepers_of(session, sorted(happened))).items():
        for company in companies:
            of_company[company][stone] = happened[stone]
    teller = Teller(session, now)
    for company, of_stones in sorted(of_company.items()):
        people = select(Person.id).where(Person.company_id == company, Person.disabled_at.is_(None)).order_by(Person.id)
        said = {stone: [one.value for one in kinds] for stone, kinds in sorted(of_stones.items())}
        key = str(lines[-1].seq)
        await teller.tell_people("shortlist_changed", key, await session.scalars(people), at=now, news=said)


def _line(stone: Stone, kinds: Sequence[News], tongue: Tongue, *, prices: bool) -> str:
    """Nothing where nothing of it is this reader's news."""
    kinds = [kind for kind in kinds if kind != News.GONE]
    if not kinds:
        return ""
    said = {
        "title": showing.name_of(stone, tongue.lang).title,
        "report": f"{stone.lab} {stone.report_no}",
        "kinds": tongue.say("notice_search_and").join(tongue.say(f"notice_shortlist_{kind}") for kind in kinds),
    }
    if not prices or stone.price_total_minor is None or News.SOLD in kinds:
        return tongue.say("notice_search_line", **said)
    price = f"{stone.currency} {Figures(tongue).amount(stone.price_total_minor, stone.currency, True)}"
    return tongue.say("notice_search_priced_line", **said, price=price)
