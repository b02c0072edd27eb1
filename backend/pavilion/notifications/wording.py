"""A notice in the language of its reader: subject, sentences, where to go, and how to hear no more of it."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import parseaddr
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Person
from pavilion.auctions.models import Lot, Registration, Sale
from pavilion.auctions.queries import withheld
from pavilion.auctions.told import one_told, owner
from pavilion.auctions.told import told as lots_told
from pavilion.bidding import unsaid
from pavilion.bidding.models import BookLot
from pavilion.catalogue import queries as catalogue
from pavilion.catalogue import stop_links
from pavilion.kernel.instants import from_stamp
from pavilion.notifications import money_words, search_notices, shortlist_notices, trade_notices, viewing_words, zones
from pavilion.notifications.models import NoticeWishes
from pavilion.notifications.rules import NOTICES, Channel, Kind, wanted
from pavilion.viewings.calendar import Address, Entry
from pavilion.webkit.figures import Figures
from pavilion.webkit.html import Pages
from pavilion.webkit.i18n import Lang, Tongue

SENDER = "Pavilion <notices@pavilion.localhost>"
MOST_LOTS = 40  # named in one notice; the desk has them all
OPEN = ("open", "paused", "closing")


class Worded(NamedTuple):
    """A notice as its reader gets it. `block` is kept as it is: a checkpoint."""

    person: str
    address: str
    lang: Lang
    kind: Kind
    subject: str
    lines: Sequence[str]
    lots: Sequence[str]
    block: str
    url: str
    stop_url: str
    one_click_url: str
    settings_url: str
    at: datetime
    entry: Entry | None = None  # of the reader's calendar


class Author:
    """Words every notice of one house."""

    def __init__(self, pages: Pages, public_url: str, secret: bytes, sender: str = SENDER) -> None:
        self._pages, self._public, self._secret = pages, public_url.rstrip("/"), secret
        self._sender = Address(*parseaddr(sender))

    async def worded(self, session: AsyncSession, payload: Mapping[str, Any], channel: Channel) -> Worded | None:
        """None when there is nothing to say any more: the reader is gone, wants no more, or it no longer holds."""
        person = await session.get(Person, payload["person"])
        notice = payload["notice"]
        kind = NOTICES[notice]
        if person is None or person.disabled_at is not None:
            return None
        wishes = await session.get(NoticeWishes, person.id)
        if wishes is not None and not wanted(kind, channel, wishes.mail_off, wishes.push_off):
            return None
        if kind is Kind.OUTBID and await _moot(session, payload, person):
            return None
        lang: Lang = "zh" if person.lang == "zh" else "en"
        stop = stop_token(self._secret, person.public_id, kind)
        if kind in viewing_words.KINDS:
            zone = await zones.of_person(session, person.id)
            viewing = await viewing_words.told(
                session, payload, self._pages.tongues[lang], person, zone, base=self._public, sender=self._sender
            )
            if viewing is None:
                return None
            told, entry = _Told(viewing.subject, viewing.lines, (), viewing.path), viewing.entry
        elif kind in money_words.KINDS | trade_notices.KINDS:
            tongue, amounts = self._pages.tongues[lang], bool(wishes and wishes.amounts)
            tell = trade_notices.told if kind in trade_notices.KINDS else money_words.told
            money = await tell(session, payload, tongue, person, amounts=amounts)
            if money is None:
                return None
            told, entry = _Told(money.subject, money.lines, (), money.path), None
        elif kind in search_notices.KINDS:
            found = await search_notices.told(session, payload, self._pages.tongues[lang], person)
            if found is None:
                return None
            told, entry = _Told(found.subject, found.lines, found.stones, found.path), None
            stop = stop_links.token(self._secret, found.search)
        elif kind in shortlist_notices.KINDS:
            kept = await shortlist_notices.told(session, payload, self._pages.tongues[lang], person)
            if kept is None:
                return None
            told, entry = _Told(kept.subject, kept.lines, kept.stones, kept.path), None
        else:
            amounts = bool(wishes and wishes.amounts)
            told = await self._told(session, payload, self._pages.tongues[lang], person.company_id, amounts=amounts)
            entry = None
        return Worded(
            person.public_id,
            person.email,
            lang,
            kind,
            told.subject,
            told.lines,
            told.lots,
            payload.get("checkpoint", ""),
            f"{self._public}{told.path}",
            f"{self._public}/notices/stop/{stop}",
            f"{self._public}/api/v1/notices/stop/{stop}",
            f"{self._public}/account/notifications",
            from_stamp(payload["at"]),
            entry,
        )

    def plain(self, said: Worded) -> str:
        """The notice as text."""
        tongue = self._pages.tongues[said.lang]
        parts = ["\n".join(said.lines)]
        if said.lots:
            parts.append("\n".join(f"- {lot}" for lot in said.lots))
        parts.append(f"{tongue.say('notice_open')}\n{said.url}")
        if said.block:
            parts.append(f"{tongue.say('notice_keep')}\n\n{said.block}")
        parts.append(
            f"-- \n{tongue.say('notice_why')}\n{said.settings_url}\n{tongue.say('notice_stop')}\n{said.stop_url}"
        )
        return "\n\n".join(parts) + "\n"

    def html(self, said: Worded) -> str:
        return self._pages.render(said.lang, "email/notice.html", None, {"said": said})

    async def _told(
        self,
        session: AsyncSession,
        payload: Mapping[str, Any],
        tongue: Tongue,
        company_id: int | None,
        *,
        amounts: bool,
    ) -> "_Told":
        facts = await _facts(session, payload, tongue, company_id)
        notice = payload["notice"]
        lines = [tongue.say(f"notice_{notice}_text", **facts)]
        if notice == "registration_approved" and facts["until"]:
            lines.append(tongue.say("notice_registration_until", **facts))
        if (reason := payload.get("reason")) and tongue.knows("code", reason):
            lines.append(tongue.say("notice_reason", reason=tongue.say(reason)))
        if text := await _text(session, payload, tongue, company_id):
            lines.append(text)
        if amounts and (sum_line := await _sum(session, payload, tongue)):
            lines.append(sum_line)
        lots = await _lots(session, payload, tongue, company_id)
        return _Told(tongue.say(f"notice_{notice}", **facts), lines, lots, _path(payload))


class _Told(NamedTuple):
    subject: str
    lines: Sequence[str]
    lots: Sequence[str]
    path: str


def stop_token(secret: bytes, person: str, kind: Kind) -> str:
    """What lets whoever holds the mail, and nobody else, stop this kind of mail to this person."""
    said = f"pavilion/notices/v1\n{person}\n{kind}".encode()
    mac = hmac.new(secret, said, hashlib.sha256).digest()[:18]
    return f"{person}.{kind}.{urlsafe_b64encode(mac).decode()}"


def read_stop_token(secret: bytes, token: str) -> tuple[str, Kind] | None:
    person, _, rest = token.partition(".")
    kind, _, _mac = rest.partition(".")
    if kind not in set(Kind):
        return None
    good = stop_token(secret, person, Kind(kind))
    return (person, Kind(kind)) if hmac.compare_digest(good.encode(), token.encode()) else None


async def _moot(session: AsyncSession, payload: Mapping[str, Any], person: Person) -> bool:
    """The lot is over, or the reader's company leads again."""
    row = await session.get(BookLot, payload["lot"])
    if row is None or row.state not in OPEN:
        return True
    leads = select(Registration.company_id).join(Sale, Sale.id == Registration.sale_id)
    leads = leads.where(Sale.public_id == row.sale, Registration.paddle == row.leader)
    return row.leader is not None and await session.scalar(leads) == person.company_id


async def _text(
    session: AsyncSession, payload: Mapping[str, Any], tongue: Tongue, company_id: int | None
) -> str | None:
    """What the house said, unless the lot is withheld now and this is among what is kept of it."""
    text: str | None = payload.get(f"text_{tongue.lang}")
    if text and payload["notice"] == "lot_notice":
        lot, reader = payload["lot"], owner(company_id)
        if "seq" not in payload and await withheld(session, [lot], reader):
            return unsaid.WORDS[tongue.lang]
        if payload.get("seq") in (await unsaid.of_lots(session, [lot], reader)).get(lot, ()):
            return unsaid.WORDS[tongue.lang]
    return text


async def _facts(
    session: AsyncSession, payload: Mapping[str, Any], tongue: Tongue, company_id: int | None
) -> dict[str, str]:
    facts = {"number": "", "title": "", "sale": "", "mandate": "", "until": "", "rule": payload.get("rule", "")}
    facts |= {name: payload.get(name, "") for name in ("answer", "host", "again")}
    if sale := payload.get("sale"):
        row = await session.scalar(select(Sale).where(Sale.public_id == sale))
        if row is not None:
            facts["sale"] = (row.title_zh if tongue.lang == "zh" else "") or row.title_en
            if until := payload.get("until"):
                facts["until"] = str(Figures(tongue).when(from_stamp(until), row.zone).striptags())
    if lot := payload.get("lot"):
        found = await session.scalar(select(Lot).where(Lot.public_id == lot))
        if found is not None:
            facts["number"] = found.number_text
            facts["title"] = (await one_told(session, found, owner(company_id))).title(tongue.lang)
    if stone := payload.get("stone"):
        facts["title"] = await catalogue.called_by(session, stone, company_id) or facts["title"]
    if mandate := payload.get("mandate"):
        facts["mandate"] = tongue.say(f"notice_mandate_{mandate}")
    if registration := payload.get("registration"):
        row = await session.scalar(select(Registration).where(Registration.public_id == registration))
        if row is not None:  # a question word for word, a refusal in general words
            facts["answer"] = tongue.say(f"registration_why_{row.why}") if row.why else row.question
    return facts


async def _lots(session: AsyncSession, payload: Mapping[str, Any], tongue: Tongue, company_id: int | None) -> list[str]:
    """The lots of a digest, each with what became of it."""
    listed = [("won", lot) for lot in payload.get("won", ())] + [("lost", lot) for lot in payload.get("lost", ())]
    listed += [("passed", lot) for lot in payload.get("passed", ())] + [("", lot) for lot in payload.get("lots", ())]
    wanted_lots = [lot for _, lot in listed]
    rows = {row.public_id: row for row in await session.scalars(select(Lot).where(Lot.public_id.in_(wanted_lots)))}
    words = await lots_told(session, rows.values(), owner(company_id))
    said = []
    for became, lot in sorted(listed, key=lambda one: _place(rows.get(one[1]))):
        if (row := rows.get(lot)) is not None:
            title = words[lot].title(tongue.lang)
            head = tongue.say("notice_lot_line", number=row.number_text, title=title)
            said.append(f"{head}{tongue.say('notice_became_' + became) if became else ''}")
    return said[:MOST_LOTS]


def _place(row: Lot | None) -> tuple[int, str]:
    return (0, "") if row is None else (row.number or 0, row.suffix)


async def _sum(session: AsyncSession, payload: Mapping[str, Any], tongue: Tongue) -> str:
    """For readers who allow it: the price they won at, or what the next bid is. Nobody's maximum, ever."""
    lot = payload.get("lot")
    row = await session.get(BookLot, lot) if lot else None
    if row is None:
        return ""
    if payload["notice"] == "won" and row.price is not None:
        return tongue.say("notice_sum_won", sum=f"{row.currency} {Figures(tongue).amount(row.price, row.currency)}")
    if NOTICES[payload["notice"]] is Kind.OUTBID:
        return tongue.say("notice_sum_ask", sum=f"{row.currency} {Figures(tongue).amount(row.ask, row.currency)}")
    return ""


def _path(payload: Mapping[str, Any]) -> str:
    notice, sale, lot = payload["notice"], payload.get("sale"), payload.get("lot")
    if notice.startswith("registration_"):
        return f"/sales/{sale}/registration"
    if notice.startswith("passport_"):
        return f"/passports/{payload['stone']}"
    if notice == "lot_not_taken":
        return f"/staff/sales/{sale}#unsold"
    if notice == "webhook_paused":
        return "/account/company/webhooks"
    if notice == "record":
        return f"/sales/{sale}"
    if notice == "won" or notice.startswith("settlement_"):
        return "/desk"
    if notice == "closed":
        return "/desk/bids"
    return f"/lots/{lot}" if lot else f"/sales/{sale}/room"
