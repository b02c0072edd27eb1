"""What happens to holds and orders at fixed prices, told to the company it concerns, and worded. A seller never learns
who buys."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from pavilion.accounts.models import Person
from pavilion.auctions.entities import entities
from pavilion.auctions.queries import HOUSE
from pavilion.auctions.titles import title_of
from pavilion.catalogue.models import Stone
from pavilion.catalogue.past import as_known
from pavilion.catalogue.queries import visible_to
from pavilion.kernel.db import Sessions
from pavilion.kernel.events import Event
from pavilion.notifications import memo_words
from pavilion.notifications.hearing import Hearing
from pavilion.notifications.money_words import Told
from pavilion.notifications.rules import Kind
from pavilion.notifications.telling import BIDDERS, SUPPLIERS, Teller
from pavilion.trading.models import Hold, HoldWait, Order
from pavilion.trading.rules import HoldState, OrderState, short
from pavilion.trading.showing import zone_of
from pavilion.webkit.figures import Figures
from pavilion.webkit.i18n import Tongue

FOLLOWER = "trade notices"
NAMES = (
    *("order:placed", "order:confirmed", "order:refused", "order:cancelled"),
    *("hold:asked", "hold:active", "hold:refused", "hold:ended", "hold:first_right"),
    "settlement:stopped",  # a lot's buyer is told with the events of the sales
    *memo_words.NAMES,
)
KINDS = frozenset({Kind.TRADE})
TO_SELLER = frozenset({"order_placed", "order_called_off", "hold_asked"}) | memo_words.TO_OWNER
# In which state of its order or hold a notice still holds.
HOLDS: Mapping[str, str] = {
    "order_placed": OrderState.PLACED,
    "order_refused": OrderState.REFUSED,
    "order_cancelled": OrderState.CANCELLED,
    "order_called_off": OrderState.CANCELLED,
    "hold_asked": HoldState.ASKED,
    "hold_granted": HoldState.ACTIVE,
    "hold_refused": HoldState.REFUSED,
    "hold_lapsed": HoldState.LAPSED,
}


def hearing(sessions: Sessions) -> Hearing:
    return Hearing(sessions, FOLLOWER, NAMES, heard)


async def heard(session: AsyncSession, teller: Teller, event: Event) -> None:
    """What the one side did is told to the other, and what the clock did to whom it costs something."""
    if event.name == "settlement:stopped":
        row = await session.scalar(select(Order).where(Order.public_id == event.facts["sale"]))
        if row is not None:
            await teller.tell("order_stopped", str(event.id), [row.company_id], at=event.at, about=row.public_id)
        return
    for notice in await _notices(session, event):
        to_seller = notice in TO_SELLER
        company = event.facts["seller_company_id" if to_seller else "company_id"]
        roles = SUPPLIERS if to_seller else BIDDERS
        await teller.tell(notice, str(event.id), [company], at=event.at, roles=roles, about=event.subject)


async def told(
    session: AsyncSession, payload: Mapping[str, Any], tongue: Tongue, person: Person, *, amounts: bool
) -> Told | None:
    """None when it holds no longer, or the reader left the company since."""
    notice = str(payload["notice"])
    read = _first_right if notice == "hold_first_right" else _READERS[notice.partition("_")[0]]
    found = await read(session, notice, str(payload["about"]), tongue, person.company_id)
    if found is None:
        return None
    words, path, total = found
    lines = [tongue.say(f"notice_{notice}_text", **words)]
    if amounts and total is not None:
        minor, currency = total
        lines.append(tongue.say("notice_sum", sum=f"{currency} {Figures(tongue).amount(minor, currency, True)}"))
    return Told(tongue.say(f"notice_{notice}", **words), lines, path)


Found = tuple[dict[str, str], str, tuple[int, str] | None]


async def _notices(session: AsyncSession, event: Event) -> tuple[str, ...]:
    if event.name in memo_words.TOLD:
        return memo_words.TOLD[event.name]
    match event.name:
        case "order:placed":
            return ("order_placed",) if event.facts["state"] == OrderState.PLACED else ()
        case "order:confirmed":
            return ("order_confirmed",)
        case "order:cancelled":
            return ("order_cancelled", "order_called_off")
        case "hold:active":
            row = await session.scalar(select(Hold).where(Hold.public_id == event.subject))
            waited = row is not None and row.granted_at != row.asked_at and not event.facts["renewed"]
            return ("hold_granted",) if waited else ()
        case "hold:ended":
            return ("hold_lapsed",) if event.facts["state"] == HoldState.LAPSED else ()
        case name:
            return (name.replace(":", "_"),)


async def _order(session: AsyncSession, notice: str, about: str, tongue: Tongue, company: int | None) -> Found | None:
    wanted = select(Order).where(Order.public_id == about).options(selectinload(Order.lines))
    row = await session.scalar(wanted)
    side = None if row is None else row.seller_company_id if notice in TO_SELLER else row.company_id
    if row is None or side != company or row.state != HOLDS.get(notice, row.state):
        return None
    title = row.lines[0].title_zh if tongue.lang == "zh" else row.lines[0].title_en
    words = {"name": short(row.public_id), "title": title}
    words["until"] = _when(tongue, row.confirm_by, entities()[row.entity].zone) if row.confirm_by else ""
    return words, f"/desk/orders/{row.public_id}", (row.total_minor, row.currency)


async def _hold(session: AsyncSession, notice: str, about: str, tongue: Tongue, company: int | None) -> Found | None:
    row = await session.scalar(select(Hold).where(Hold.public_id == about))
    side = None if row is None else row.seller_company_id if notice in TO_SELLER else row.company_id
    if row is None or side != company or row.state != HOLDS[notice]:
        return None
    until = row.answer_by if notice == "hold_asked" else row.expires_at
    since = None if notice in TO_SELLER else row.asked_at
    words, listed = await _of_stone(session, row.stone, tongue, until, since)
    desk = "/stock/orders" if notice == "hold_asked" else "/desk/holds"
    return words, desk if notice in ("hold_asked", "hold_granted") or not listed else f"/stones/{row.stone}", None


async def _first_right(
    session: AsyncSession, notice: str, about: str, tongue: Tongue, company: int | None
) -> Found | None:
    row = await session.scalar(select(HoldWait).where(HoldWait.public_id == about))
    if row is None or row.company_id != company or row.ended_at is not None:
        return None
    words, listed = await _of_stone(session, row.stone, tongue, row.first_right_until, row.at)
    return words, f"/stones/{row.stone}" if listed else "/desk/holds", None


async def _of_stone(
    session: AsyncSession, public_id: str, tongue: Tongue, until: Any, since: datetime | None
) -> tuple[dict[str, str], bool]:
    """How it is called, and whether it is listed; to who chose it at an instant, if it is not, as it was then."""
    stone = (await session.scalars(visible_to(HOUSE).where(Stone.public_id == public_id))).one()
    if since is not None:
        (stone,) = await as_known(session, [(stone, since)])
    said = _when(tongue, until, zone_of([stone])) if until is not None else ""
    return {"title": title_of([stone], tongue.lang), "until": said}, stone.listed


def _when(tongue: Tongue, at: Any, zone: str) -> str:
    return str(Figures(tongue).when(at, zone).striptags())


_READERS = {"order": _order, "hold": _hold, "memo": memo_words.read}
