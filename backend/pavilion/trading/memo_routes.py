"""Pages of memos: a buyer asks, an owner answers, the desk hands out and takes back."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select

from pavilion.accounts.deps import SignedInActor, may
from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor, Permission
from pavilion.catalogue import queries as catalogue
from pavilion.catalogue.models import Stone
from pavilion.kernel.errors import BadInput, NotFound, Refusal
from pavilion.kernel.ids import ulid
from pavilion.kernel.money import parse_minor
from pavilion.trading import conditions, memo_desk, memo_queries, memoing, showing
from pavilion.trading.desk import desk_of
from pavilion.trading.forms import ReasonForm
from pavilion.trading.memo_forms import AcceptForm, ApprovalForm, ExtensionForm, MemoForm, PurchaseForm, mct_of
from pavilion.trading.memo_models import MemoPaper
from pavilion.trading.memo_queries import Lent
from pavilion.trading.memo_rules import MOST_DAYS, MOST_STONES
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import language, page

router = APIRouter(tags=["trading"])

Borrower = Annotated[Actor, may(Permission.MEMO_ASK)]
Owner = Annotated[Actor, may(Permission.OFFER_ANSWER)]
Staff = Annotated[Actor, may(Permission.STAFF_SEE)]
Cashier = Annotated[Actor, may(Permission.PAYMENT_BOOK)]


@router.get("/stones/{stone}/memo")
async def ask_page(request: Request, stone: str, actor: Borrower, session: Reading, now: Now) -> Response:
    return await _ask_page(request, session, await catalogue.asked_stone(session, actor, stone), actor, now)


@router.post("/stones/{stone}/memo")
async def ask(
    request: Request, stone: str, said: Annotated[MemoForm, Form()], actor: Borrower, session: Writing, now: Now
) -> Response:
    """The owner is asked for the stone at its asking price; what is in the way is said on that page."""
    found = await catalogue.asked_stone(session, actor, stone)
    try:
        async with session.begin_nested():
            row = await memoing.ask(
                session, stones=[stone], seen=said.seen, days=said.days, destination=said.destination, key=said.key,
                actor=actor, now=now,
            )  # fmt: skip
    except Refusal as refused:
        await session.refresh(found)
        return await _ask_page(request, session, found, actor, now, said, refused)
    return RedirectResponse(f"/desk/memos/{row.public_id}?done=requested", status_code=303)


@router.get("/desk/memos")
async def buyers_page(request: Request, actor: Borrower, session: Reading, now: Now) -> Response:
    rows = await memo_queries.of_company(session, showing.company_of(actor), now)
    return page(request, "trading/memos.html", rows=rows, side="buyer", now=now)


@router.get("/stock/memos")
async def owners_page(request: Request, actor: Owner, session: Reading, now: Now) -> Response:
    rows = await memo_queries.of_owner(session, showing.company_of(actor), now)
    return page(request, "trading/memos.html", rows=rows, side="seller", now=now)


@router.get("/staff/orders/memos")
async def staff_page(request: Request, actor: Staff, session: Reading, now: Now) -> Response:
    return page(request, "trading/memos.html", rows=await memo_queries.of_house(session, now), side="staff", now=now)


@router.get("/desk/memos/{memo}.pdf")
async def paper(memo: str, request: Request, actor: SignedInActor, session: Reading, now: Now) -> Response:
    """The paper as it was set once."""
    found = await _found(session, memo, actor, now)
    wanted = request.query_params.get("lang")
    lang = wanted if wanted in found.papers else language(request)
    row = await session.get(MemoPaper, (found.row.id, lang))
    if row is None or found.side == "seller":  # it names the buyer
        raise NotFound()
    name = f'attachment; filename="{found.row.number}-{lang}.pdf"'
    return Response(row.pdf, media_type="application/pdf", headers={"content-disposition": name})


@router.get("/desk/memos/{memo}")
async def one(memo: str, request: Request, actor: SignedInActor, session: Reading, now: Now) -> Response:
    """For its buyer, its owner and the house; the owner does not learn who has it."""
    return await _memo_page(request, session, memo, actor, now)


@router.post("/desk/memos/{memo}/purchases")
async def keep_some(
    memo: str, said: Annotated[PurchaseForm, Form()], request: Request, actor: Borrower, session: Writing, now: Now
) -> Response:
    """The buyer keeps the stones that were ticked, all of them or none, at the prices of the memo."""
    company = showing.company_of(actor)
    return await _act(
        request, session, memo, actor, now, "bought",
        lambda: memo_desk.buy(session, memo=memo, stones=said.stone, company_id=company, actor=actor, now=now),
        {"stones": said.stone},
    )  # fmt: skip


@router.post("/desk/memos/{memo}/{act}")
async def buyer_acts(
    memo: str, act: Literal["withdrawal", "extension"], request: Request, actor: Borrower, session: Writing, now: Now
) -> Response:
    verb = memoing.withdraw if act == "withdrawal" else memoing.ask_extension
    company = showing.company_of(actor)
    return await _act(
        request, session, memo, actor, now, act,
        lambda: verb(session, memo=memo, company_id=company, actor=actor, now=now),
    )  # fmt: skip


@router.post("/desk/memos/{memo}/stones/{stone}/purchase")
async def keep(memo: str, stone: str, request: Request, actor: Borrower, session: Writing, now: Now) -> Response:
    """The buyer keeps this stone at the price of the memo."""
    company = showing.company_of(actor)
    return await _act(
        request, session, memo, actor, now, "bought",
        lambda: memo_desk.buy(session, memo=memo, stones=[stone], company_id=company, actor=actor, now=now),
    )  # fmt: skip


@router.post("/stock/memos/{memo}/approval")
async def approve(
    memo: str, said: Annotated[ApprovalForm, Form()], request: Request, actor: Owner, session: Writing, now: Now
) -> Response:
    company, found = showing.company_of(actor), await _found(session, memo, actor, now)
    insured = parse_minor(said.insured, found.row.currency) if said.insured else None

    async def act() -> object:
        if said.insured and insured is None:
            raise BadInput(fields={"insured": "amount_invalid"})
        return await memoing.approve(
            session, memo=memo, insured_minor=insured, company_id=company, actor=actor, now=now
        )

    return await _act(request, session, memo, actor, now, "approved", act)


@router.post("/stock/memos/{memo}/refusal")
async def refuse(
    memo: str, said: Annotated[ReasonForm, Form()], request: Request, actor: Owner, session: Writing, now: Now
) -> Response:
    company, reason = showing.company_of(actor), " ".join(said.reason.split())
    return await _act(
        request, session, memo, actor, now, "refused",
        lambda: memoing.refuse(session, memo=memo, reason=reason, company_id=company, actor=actor, now=now),
    )  # fmt: skip


@router.post("/stock/memos/{memo}/extensions/{act}")
async def extend(
    memo: str, act: Literal["approval", "refusal"], said: Annotated[ExtensionForm, Form()], request: Request,
    actor: Owner, session: Writing, now: Now,
) -> Response:  # fmt: skip
    company, yes = showing.company_of(actor), act == "approval"
    return await _act(
        request, session, memo, actor, now, "extended" if yes else "answered",
        lambda: memoing.extend(
            session, memo=memo, extensions=said.extensions, yes=yes, company_id=company, actor=actor, now=now
        ),
    )  # fmt: skip


@router.post("/staff/orders/memos/{memo}/hand-out")
async def hand_out(memo: str, request: Request, actor: Staff, session: Writing, now: Now) -> Response:
    """Every stone as the scale says it now, and who takes them."""
    typed, weights = await _scale(request)
    return await _act(
        request, session, memo, actor, now, "out",
        lambda: memo_desk.hand_out(session, memo=memo, weights=weights, to=typed["to"], actor=actor, now=now), typed,
    )  # fmt: skip


@router.post("/staff/orders/memos/{memo}/returns")
async def take_back(memo: str, request: Request, actor: Staff, session: Writing, now: Now) -> Response:
    """The stones that came back, each as the scale says it now, and who brought them; a stone left empty stays out."""
    typed, weighed = await _scale(request)
    weights = {stone: mct for stone, mct in weighed.items() if typed[f"weight-{stone}"].strip()}
    done = await _act(
        request, session, memo, actor, now, "returned",
        lambda: memo_desk.take_back(session, memo=memo, weights=weights, giver=typed["giver"], actor=actor, now=now),
        typed,
    )  # fmt: skip
    found = await _found(session, memo, actor, now)
    differs = any(line.stone in weights and line.state == "incident" for line in found.row.stones)
    if differs and done.status_code == 303:
        return RedirectResponse(f"/desk/memos/{memo}?done=differs", status_code=303)
    return done


@router.post("/staff/orders/memos/{memo}/acceptance")
async def accept(
    memo: str, said: Annotated[AcceptForm, Form()], request: Request, actor: Staff, session: Writing, now: Now
) -> Response:
    return await _act(
        request, session, memo, actor, now, "accepted",
        lambda: memo_desk.accept(session, memo=memo, stone=said.stone, reason=said.reason, actor=actor, now=now),
        said.model_dump(),
    )  # fmt: skip


@router.post("/staff/orders/memos/{memo}/bill")
async def propose_bill(
    memo: str, said: Annotated[ReasonForm, Form()], request: Request, actor: Cashier, session: Writing, now: Now
) -> Response:
    """What is still out is billed once a second person agrees."""
    return await _act(
        request, session, memo, actor, now, "proposed",
        lambda: memo_desk.propose_bill(session, memo=memo, reason=said.reason, actor=actor, now=now),
        said.model_dump() | {"at": "bill"},
    )  # fmt: skip


async def _scale(request: Request) -> tuple[dict[str, str], dict[str, int]]:
    """What was typed, and the weight of each stone, 0 for what is none."""
    form = await request.form(max_fields=MOST_STONES + 5, max_files=0)
    typed = {str(name): "".join(sign for sign in str(value) if sign.isprintable()) for name, value in form.items()}
    weights = {name.removeprefix("weight-"): mct_of(said) for name, said in typed.items() if name.startswith("weight-")}
    return {"to": "", "giver": "", **typed}, weights


async def _act(
    request: Request, session: Writing, memo: str, actor: Actor, now: Now, done: str,
    act: Callable[[], Awaitable[object]], typed: dict[str, Any] | None = None,
) -> Response:  # fmt: skip
    """Done, or nothing of it was written and the memo's page says why."""
    await _found(session, memo, actor, now)
    try:
        async with session.begin_nested():
            await act()
    except NotFound:
        raise
    except Refusal as refused:
        if refused.status == 403 and refused.code == "not_allowed":
            raise
        return await _memo_page(request, session, memo, actor, now, typed, refused)
    return RedirectResponse(f"/desk/memos/{memo}?done={done}", status_code=303)


async def _found(session: Reading, memo: str, actor: Actor, now: Now) -> Lent:
    found = await memo_queries.seen_by(session, actor, memo, now)
    if found is None:
        raise NotFound()
    return found


async def _memo_page(
    request: Request, session: Reading, memo: str, actor: Actor, now: Now, typed: dict[str, Any] | None = None,
    refused: Refusal | None = None,
) -> Response:  # fmt: skip
    found = await _found(session, memo, actor, now)
    today = now.astimezone(ZoneInfo(found.house.zone)).date()
    return page(
        request,
        "trading/memo.html",
        refused.status if refused else 200,
        memo=found,
        desk=actor.may(Permission.VIEWING_RUN) or actor.may(Permission.RELEASE_PREPARE),
        usual=desk_of(found.house),
        billable=found.row.billable is not None and today >= found.row.billable,
        done=request.query_params.get("done", ""),
        said=typed or {},
        refused=refused,
        now=now,
    )


async def _ask_page(
    request: Request, session: Reading, stone: Stone, actor: Actor, now: Now, said: MemoForm | None = None,
    refused: Refusal | None = None,
) -> Response:  # fmt: skip
    company = showing.company_of(actor)
    trade = await showing.of_stone(session, stone, actor, now)
    home = await session.scalar(select(Company.country).where(Company.id == company))
    return page(
        request,
        "trading/ask_memo.html",
        refused.status if refused else 200,
        stone=stone,
        title=showing.title(stone, language(request)),
        standing=await memo_queries.open_for(session, company, stone.public_id),
        possible=trade is not None and trade.may_borrow,
        left_minor=await memo_queries.left_minor(session, company, stone.currency),
        home=home,
        seen=stone.seq,
        key=said.key if said and not refused else ulid(now),
        usual=desk_of(conditions.house_of([stone])),
        most=MOST_DAYS,
        said=said,
        refused=refused,
    )
