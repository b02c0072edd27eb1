"""Pages that span domains: the front page, the desks, the glossary, and the reader's language."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import service as accounts
from pavilion.accounts.deps import CurrentActor, may
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions.reoffering import given_back
from pavilion.bidding import showing
from pavilion.bidding.showing import SaleShown
from pavilion.bidding.still import still_lots
from pavilion.kernel.errors import BadInput
from pavilion.pages import glossary, queries
from pavilion.provenance.passport_showing import with_passport
from pavilion.settlement import deposit_queries
from pavilion.trading import memo_queries, offer_queries
from pavilion.trading.turns import Side
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import language, page, safe_back
from pavilion.webkit.i18n import COOKIE, LANGUAGES

router = APIRouter(tags=["pages"])
YEAR_S = 365 * 24 * 3600
CARDS = 4

StaffActor = Annotated[Actor, may(Permission.STAFF_SEE)]
BuyingActor = Annotated[Actor, may(Permission.VIEWING_BOOK)]


@router.get("/")
async def home(request: Request, actor: CurrentActor, session: Reading, now: Now) -> Response:
    front = await queries.front(session)
    cover = next(iter([*front.running, *front.upcoming, *front.over]), None)
    on_show = front.running or [cover] if cover else []
    sales = [await _shown(request, session, line.sale.public_id, actor) for line in on_show]
    sale = sales[0] if sales else None
    own, ahead = queries.own_lots(sales, CARDS), queries.lots_ahead(sales, CARDS)
    stones = [stone.public_id for lot, _ in (*own, *ahead) for stone in lot.stones]
    return page(
        request,
        "pages/home.html",
        front=front,
        cover=cover,
        sale=sale,
        plate=queries.plate_of(sale.lots) if sale else None,
        own=own,
        ahead=ahead,
        passports=await with_passport(session, stones),
        now=now,
    )


async def _shown(request: Request, session: AsyncSession, sale: str, actor: Actor) -> SaleShown:
    """The sale as this reader sees it, with the own bids that only its room knows."""
    rooms = getattr(request.app.state, "rooms", None)
    mine = await rooms.mine(sale, actor.company_id) if rooms and actor.company_id is not None else None
    return await showing.sale_shown(session, sale, actor, mine)


@router.post("/language")
async def choose_language(
    request: Request,
    actor: CurrentActor,
    session: Writing,
    to: Annotated[str, Form(max_length=10)],
    back: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    """The reader's language from now on: in this browser, and in the account when signed in."""
    if to not in LANGUAGES:
        raise BadInput(fields={"to": "bad_input"})
    if actor.person_id is not None:
        await accounts.set_language(session, person_id=actor.person_id, lang=to)
    answer = RedirectResponse(safe_back(back), status_code=303)
    secure = request.app.state.settings.secure
    answer.set_cookie(COOKIE, to, max_age=YEAR_S, samesite="lax", secure=secure, httponly=True)
    return answer


@router.get("/desk")
async def desk(request: Request, actor: BuyingActor, session: Reading, now: Now) -> Response:
    company = actor.company_id or 0
    registrations = await queries.registrations_of(session, company)
    invoices = await queries.own_invoices(session, company)
    viewings = await queries.coming_viewings(session, company, now)
    lots_offered = await queries.open_offers(session, company, now)
    deposits_left = await deposit_queries.left_of(session, company)
    return page(
        request,
        "pages/desk.html",
        registrations=registrations,
        invoices=invoices,
        viewings=viewings,
        lots_offered=lots_offered,
        offers_to_answer={side: await offer_queries.waiting(session, side, company, now) for side in Side},
        memos_to_answer=await memo_queries.waiting(session, company),
        deposits_left=deposits_left,
        now=now,
    )


@router.get("/staff")
async def staff(request: Request, actor: StaffActor, session: Reading, now: Now) -> Response:
    running = await queries.sales_in(session, queries.RUNNING)
    waiting = await queries.waiting(session, actor, now)
    still = await still_lots(session) if actor.may(Permission.LOT_RUN) else []
    back = await given_back(session, now) if actor.may(Permission.LOT_CURATE) else []
    return page(request, "pages/staff.html", waiting=waiting, running=running, still=still, back=back, now=now)


@router.get("/glossary")
async def words(request: Request) -> Response:
    tongue = request.app.state.pages.tongues[language(request)]
    return page(request, "pages/glossary.html", terms=glossary.TERMS, codes=glossary.sentences(tongue))
