"""Pages of links to chosen stones: making them, seeing who opened them, ending them; and what such a link shows."""

import re
from datetime import datetime
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import SignedInActor
from pavilion.accounts.once import token_of
from pavilion.accounts.rules import Actor, Permission
from pavilion.catalogue import forms, plan, queries, sharing, shortlists, showing
from pavilion.catalogue import shortlist_reading as reading
from pavilion.catalogue.keeping import index_of
from pavilion.catalogue.models import Stone
from pavilion.catalogue.sharing import Terms
from pavilion.catalogue.shortlist_forms import MOST_STONES, ShareForm, unticked
from pavilion.kernel import db
from pavilion.kernel.errors import BadInput, NotAllowed
from pavilion.kernel.ids import is_ulid
from pavilion.provenance.passport_showing import with_passport
from pavilion.webkit import limits
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import language, page

router = APIRouter(tags=["shares"])

PER_MINUTE = 60
HOURS = (24, 48, 7 * 24, 30 * 24)
MOST_MARKUP_BP = 10_000
_PERCENT = re.compile(r"([0-9]{1,3})(?:[.,]([0-9]{1,2}))?\s*%?")

Ids = Annotated[list[str], Query(default_factory=list, max_length=MOST_STONES)]


@router.get("/shares")
async def links_page(request: Request, actor: SignedInActor, session: Reading, now: Now) -> Response:
    return await _links_page(request, session, actor, now)


@router.get("/shares/new")
async def new_page(
    request: Request,
    actor: SignedInActor,
    session: Reading,
    ids: Ids,
    shortlist: str = "",
    search: str = "",
    back: str = "",
) -> Response:
    """The stones ticked, those of a shortlist, or the first that a search finds."""
    if not sharing.may_share(actor):
        raise NotAllowed(right=Permission.SHORTLIST_EDIT.value)
    if not (ids or shortlist or search) and (where := unticked(back, "share")):
        return RedirectResponse(where, status_code=303)
    named = [one for part in ids for one in part[: 27 * MOST_STONES].split(",") if is_ulid(one)]
    if is_ulid(shortlist):
        row = await reading.list_of(session, shortlists.member_of(actor), shortlist)
        named += [line.stone.public_id for line in await reading.lines_of(session, actor, row) if line.stone]
    if search:
        named += await _found(request, session, actor, search)
    return await _new_page(request, session, actor, named)


@router.post("/shares")
async def make(
    request: Request, said: Annotated[ShareForm, Form()], actor: SignedInActor, session: Writing, now: Now
) -> Response:
    """The link is shown once, on the page that answers; only its hash is kept."""
    named = [one for one in said.stones.split(",") if is_ulid(one)][:MOST_STONES]
    try:
        prices = said.prices == "yes"
        markup = _markup(said.markup, prices)
        terms = Terms(said.title, said.note, said.hours, prices, markup, said.supplier == "yes")
        token = token_of(said.once, (named, terms))
        _, token = await sharing.share(session, actor, named, terms, now, token=token)
    except BadInput as fault:
        return await _new_page(request, session, actor, named, said=said, faults=fault.fields)
    base = request.app.state.settings.public_url.rstrip("/")
    return await _links_page(request, session, actor, now, link=f"{base}/shared/{token}")


@router.post("/shares/{public_id}/end")
async def end(public_id: str, actor: SignedInActor, session: Writing, now: Now) -> Response:
    await sharing.end(session, actor, public_id[:26], now)
    return RedirectResponse("/shares?done=ended", status_code=303)


async def shared_stones(request: Request, token: str, actor: Actor, now: datetime) -> Response | None:
    """What stands behind a link to stones; nothing when the link is none of ours."""
    async with db.reading(request.app.state.sessions) as session:
        if await sharing.known(session, token) is None:
            return None
    await limits.take(request, "shared_stones", per_minute=PER_MINUTE)
    async with request.app.state.sessions.begin() as session:
        fetched_ahead = "prefetch" in request.headers.get("sec-purpose", "")
        row, by, found = await sharing.open_link(session, token, actor, now, counts=not fetched_ahead)
        lang = language(request)
        answer = page(
            request,
            "catalogue/shared.html",
            share=row,
            by=by,
            shown=found,
            names={one.stone.id: showing.name_of(one.stone, lang) for one in found},
            plans={one.stone.id: plan.plan_of(one.stone).name for one in found},
            passports=await with_passport(session, [one.stone.public_id for one in found]),
        )
    return _private(answer)


async def _links_page(
    request: Request, session: AsyncSession, actor: Actor, now: datetime, link: str | None = None
) -> Response:
    return _private(
        page(
            request,
            "catalogue/shares.html",
            links=await sharing.links_of(session, actor),
            is_open=lambda row: sharing.is_open(row, now),
            link=link,
        )
    )


async def _new_page(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    named: list[str],
    *,
    said: ShareForm | None = None,
    faults: dict[str, str] | None = None,
) -> Response:
    stones = [stone for stone in await queries.stones_of(session, actor, named[:MOST_STONES]) if stone.listed]
    return _private(
        page(
            request,
            "catalogue/share.html",
            422 if faults else 200,
            stones=stones,
            names={stone.id: showing.name_of(stone, language(request)) for stone in stones},
            said=said or ShareForm(),
            faults=faults or {},
            hours=HOURS,
            prices=queries.sees_prices(actor),
        )
    )


async def _found(request: Request, session: AsyncSession, actor: Actor, search: str) -> list[str]:
    asked = forms.asked(
        parse_qsl(urlsplit(search).query), prices=queries.sees_prices(actor), staff=actor.is_staff
    )  # fmt: skip
    answer = await index_of(request.app).ask(session, asked.wanted, size=MOST_STONES, facets=(), bars=())
    stones: list[Stone] = await queries.listed_of(session, answer.ids)
    return [stone.public_id for stone in stones]


def _markup(typed: str, prices: bool) -> int:
    """Basis points of what was typed as per cent; a link that shows no prices has none to add to."""
    if not typed:
        return 0
    match = _PERCENT.fullmatch(typed)
    found = int(match[1]) * 100 + int(((match[2] or "") + "00")[:2]) if match else MOST_MARKUP_BP + 1
    if found > MOST_MARKUP_BP:
        raise BadInput(fields={"markup": "markup_range"})
    if found and not prices:
        raise BadInput(fields={"markup": "markup_unshown"})
    return found


def _private(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"  # a link's token must not travel on
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    return answer
