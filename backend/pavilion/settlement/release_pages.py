"""What the pages of a release show, and the keys of the house behind its acts."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor
from pavilion.auctions.entities import entities
from pavilion.kernel.errors import NotFound, Refusal, WrongType
from pavilion.provenance import eligibility, passport_hands
from pavilion.provenance.bundling import Press
from pavilion.provenance.issuing import Issuer, house_of
from pavilion.settlement import owning, queries, release_queries, release_rules
from pavilion.settlement.models import Invoice
from pavilion.settlement.release_forms import DOCUMENTS
from pavilion.settlement.release_models import LEAVING, Release
from pavilion.settlement.releasing import House
from pavilion.webkit.figures import Figures
from pavilion.webkit.html import Pages, language, page

PICTURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
LIKELY = ("HK", "AE", "CN", "IN", "IL", "BE", "CH", "US", "GB", "JP", "SG")  # where the trade sends stones
PRESS = timedelta(minutes=2)
PAPERS = PICTURES | {b"%PDF-": "application/pdf"}


class OnList(NamedTuple):
    """One stone of the pick list."""

    stone: str
    number: str  # of its lot
    title_en: str
    title_zh: str
    report: str
    low: int
    high: int
    picked: bool
    mct: int | None
    memo: str  # on which its buyer has it already; empty where it lies in the house


def house(request: Request) -> House:
    settings = request.app.state.settings
    hand = passport_hands.of(settings)
    return House(owning.hand_of(settings), None if hand is None else Issuer.of(settings))


def press_of(request: Request) -> Press | None:
    """What the house puts into passport bundles; none in a house without a key for passports."""
    settings = request.app.state.settings
    hand, signer = passport_hands.of(settings), request.app.state.log_signer
    return None if hand is None else Press(house_of(settings), hand, signer.policy.text if signer is not None else "")


def media_of(content: bytes, known: dict[bytes, str]) -> str:
    """What the first bytes say it is, whatever its name says."""
    for begins, media in known.items():
        if content.startswith(begins):
            return media
    raise WrongType()


async def pick_list(session: AsyncSession, release: Release, invoice: Invoice) -> list[OnList]:
    stones = await release_queries.stones_in(session, release, invoice)
    masses = await release_queries.masses(session, [one.stone for one in stones])
    return [
        OnList(
            one.stone,
            one.line.facts["number"],
            one.line.text_en,
            one.line.text_zh,
            one.line.facts.get("report", ""),
            *masses[one.stone],
            one.stone in release.picked,
            release.weighed.get(one.stone, {}).get("mct"),
            release.weighed.get(one.stone, {}).get("memo", ""),
        )
        for one in stones
    ]


async def show(
    request: Request,
    session: AsyncSession,
    release: Release,
    now: datetime,
    *,
    refused: Refusal | None = None,
    token: str = "",
    said: Mapping[str, str] | None = None,
) -> Response:
    """The desk's page of one release; a refusal stands above what it is about, and what was typed stays."""
    invoice = await release_queries.invoice_of(session, release)
    company = await session.get_one(Company, release.company_id)
    signed = house(request)
    facts = await release_queries.facts_of(session, release, invoice, passports=signed.issuer is not None, now=now)
    lots = await release_queries.lots_of(session, release)
    return page(
        request,
        "settlement/release.html",
        status_code=200 if refused is None else refused.status,
        release=release,
        invoice=invoice,
        company=company.name,
        street_missing=await release_queries.street_missing(session, invoice, release.destination),
        zone=entities()[invoice.entity].zone,
        stones=await pick_list(session, release, invoice),
        bars=release_rules.bars(facts, queries.local_day(invoice, now)) if waits(release) else (),
        facts=facts,
        worth_minor=release_queries.worth_minor(invoice, lots),
        files=await release_queries.files_of(session, release),
        documents=DOCUMENTS,
        refused=refused,
        token=token,
        said=said or {},
        offered=await offered(session, request, invoice, now, release.destination),
        setting=bool(facts.papers) and _lately(release, now),
        leaves_by_hand=release_queries.leaves_by_hand(release, invoice),
    )


async def offered(
    session: AsyncSession, request: Request, invoice: Invoice, now: datetime, *chosen: str
) -> list[tuple[str, str]]:
    """The countries to choose from, the likely ones first, then in the reader's order. One into which no stone of the
    invoice may be brought today is left out, unless it was chosen."""
    pages: Pages = request.app.state.pages
    names = Figures(pages.tongues[language(request)]).countries_in_order()
    kept = [*chosen, invoice.destination, invoice.facts["buyer"]["country"], entities()[invoice.entity].country]
    stones = [stone for line in invoice.lines for stone in line.facts.get("stones", ())]
    closed = await eligibility.closed(session, stones, queries.local_day(invoice, now), [cc for cc, _ in names])
    shut = set.intersection(*(set(one) for one in closed.values())) if closed else set()
    named, left = dict(names), [cc for cc, _ in names if cc not in shut]
    first = [cc for cc in dict.fromkeys([*kept, *LIKELY]) if cc in named and (cc in kept or cc in left)]
    return [(cc, named[cc]) for cc in dict.fromkeys([*first, *(left or named)])]


def _lately(release: Release, now: datetime) -> bool:
    """Packed so short a time ago that its papers may still be on the press."""
    return release.packed_at is not None and now - release.packed_at < PRESS


def waits(release: Release) -> bool:
    return release.state in LEAVING


async def invoice_named(session: AsyncSession, actor: Actor, number: str) -> Invoice:
    found = await queries.invoice_for(session, actor, number)
    if found is None or found.number is None:
        raise NotFound()
    return found
