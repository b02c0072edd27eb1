"""Pages and acts of accounts: sign in and out, apply, own sessions, companies, proposals of two persons."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from pavilion.accounts import addressing, queries, service
from pavilion.accounts.deps import CurrentActor, SignedInActor, may
from pavilion.accounts.forms import AddressForm, ApplyForm, Reason, SignInForm
from pavilion.accounts.rules import APPROVERS, SESSION_LIFE, Actor, CompanyState, Permission
from pavilion.accounts.sign_in import COOKIE
from pavilion.kernel.errors import BadInput, NotAllowed, NotFound
from pavilion.webkit import limits
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import language, page, safe_back

router = APIRouter(tags=["accounts"])
SIGN_INS, APPLICATIONS = 20, 10  # a minute from one address


@router.get("/sign-in")
async def sign_in_page(request: Request, next: str = "/") -> Response:
    return page(request, "accounts/sign_in.html", next=safe_back(next[:500]), email="", fault=None)


@router.post("/sign-in")
async def sign_in(request: Request, said: Annotated[SignInForm, Form()], session: Writing, now: Now) -> Response:
    await limits.take(request, "sign-in", said.email.strip().lower(), per_minute=SIGN_INS)
    browser = request.headers.get("user-agent", "")
    token = await service.sign_in(session, email=said.email, password=said.password, browser=browser, now=now)
    if token is None:
        facts = {"next": safe_back(said.next), "email": said.email, "fault": service.WrongSignIn.code}
        return page(request, "accounts/sign_in.html", status_code=401, **facts)
    answer = RedirectResponse(safe_back(said.next), status_code=303)
    answer.set_cookie(
        COOKIE,
        token,
        max_age=int(SESSION_LIFE.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=request.app.state.settings.secure,
    )
    return answer


@router.post("/sign-out")
async def sign_out(actor: CurrentActor, session: Writing, now: Now) -> Response:
    if actor.session_id is not None:
        await service.sign_out(session, session_id=actor.session_id, actor=actor, now=now)
    answer = RedirectResponse("/", status_code=303)
    answer.delete_cookie(COOKIE)
    return answer


@router.get("/apply")
async def apply_page(request: Request) -> Response:
    return page(request, "accounts/apply.html", form={}, faults={})


@router.post("/apply")
async def apply(request: Request, session: Writing, now: Now) -> Response:
    await limits.take(request, "apply", per_minute=APPLICATIONS)
    said = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    faults: dict[str, str] = {}
    try:
        form = ApplyForm.model_validate(said)
    except ValidationError as error:
        faults = {str(fault["loc"][0]) if fault["loc"] else "form": "bad_input" for fault in error.errors()}
    else:
        try:
            await service.apply(session, **form.model_dump(), lang=language(request), now=now)
        except service.EmailTaken as taken:
            faults = {"email": taken.code}
    if faults:
        kept: dict[str, Any] = {name: value[:254] for name, value in said.items() if name != "password"}
        return page(request, "accounts/apply.html", status_code=422, form=kept, faults=faults)
    return RedirectResponse("/sign-in?applied=1", status_code=303)


@router.get("/account")
async def account(request: Request, actor: SignedInActor, session: Reading) -> Response:
    company = await queries.company_name(session, actor.company_id) if actor.company_id else None
    return page(request, "accounts/account.html", company=company)


@router.get("/account/company")
async def own_company(request: Request, actor: SignedInActor, session: Reading) -> Response:
    return await _company_page(request, session, actor)


@router.post("/account/company")
async def move_company(request: Request, actor: SignedInActor, session: Writing, now: Now) -> Response:
    """The address of the own company, by its administrator."""
    said = {name: value[:200] for name, value in (await request.form()).items() if isinstance(value, str)}
    try:
        form = AddressForm.model_validate(said)
    except ValidationError as error:
        faults = {str(fault["loc"][0]) if fault["loc"] else "form": "bad_input" for fault in error.errors()}
        return await _company_page(request, session, actor, said=said, faults=faults)
    await addressing.change(session, **form.model_dump(), actor=actor, now=now)
    return RedirectResponse("/account/company?done=1", status_code=303)


async def _company_page(
    request: Request,
    session: Reading,
    actor: Actor,
    *,
    said: dict[str, str] | None = None,
    faults: dict[str, str] | None = None,
) -> Response:
    company = await addressing.own(session, actor)
    return page(
        request,
        "accounts/company.html",
        status_code=422 if faults else 200,
        company=company,
        history=await addressing.history(session, company.id),
        may_change=addressing.may_change(actor),
        said=said or {},
        faults=faults or {},
        done=request.query_params.get("done") == "1",
    )


@router.get("/account/sessions")
async def own_sessions(request: Request, actor: SignedInActor, session: Reading, now: Now) -> Response:
    return page(request, "accounts/sessions.html", lines=await queries.sessions_of(session, actor, now))


@router.post("/account/sessions/{session_id}/revocation")
async def revoke(session_id: int, actor: SignedInActor, session: Writing, now: Now) -> Response:
    await service.sign_out(session, session_id=session_id, actor=actor, now=now)
    return RedirectResponse("/account/sessions", status_code=303)


StaffActor = Annotated[Actor, may(Permission.STAFF_SEE)]
CompanyProposer = Annotated[Actor, may(Permission.COMPANY_PROPOSE)]


@router.get("/staff/companies")
async def companies(request: Request, actor: StaffActor, session: Reading, state: str | None = None) -> Response:
    if not (actor.may(Permission.COMPANY_PROPOSE) or actor.may(Permission.COMPANY_DECIDE)):
        raise NotAllowed(right=Permission.COMPANY_DECIDE.value)
    wanted = state if state in set(CompanyState) else None
    rows = await queries.companies(session, wanted)
    return page(request, "accounts/companies.html", companies=rows, state=wanted, states=list(CompanyState))


@router.post("/staff/companies/{company}/{act}")
async def propose_company(
    company: str, act: str, said: Annotated[Reason, Form()], actor: CompanyProposer, session: Writing, now: Now
) -> Response:
    if act not in ("approval", "decline"):
        raise NotFound()
    row = await queries.company_by_public_id(session, company)
    if row is None:
        raise NotFound()
    if act == "decline" and not said.reason:
        raise BadInput(fields={"reason": "missing"})
    kind = "company.approve" if act == "approval" else "company.decline"
    facts = {"company": row.name}
    await service.propose(
        session, kind=kind, subject=row.public_id, facts=facts, actor=actor, reason=said.reason, now=now
    )
    return RedirectResponse("/staff/proposals", status_code=303)


@router.get("/staff/proposals")
async def proposals(request: Request, actor: StaffActor, session: Reading, now: Now) -> Response:
    lines = await queries.proposals(session, now)
    mine = {kind for kind, right in APPROVERS.items() if actor.may(right)}
    state = request.app.state
    tongue = state.pages.tongues[language(request)]
    did = await state.proposal_lines(session, [line.proposal for line in lines], tongue)
    return page(request, "accounts/proposals.html", lines=lines, did=did, decidable=mine, now=now)


@router.post("/staff/proposals/{proposal}/{word}")
async def decide(
    request: Request,
    proposal: str,
    word: str,
    actor: StaffActor,
    session: Writing,
    now: Now,
    back: Annotated[str, Form(max_length=300)] = "",
) -> Response:
    """The second person's word; from a page of another desk the way leads back there."""
    if word not in ("approval", "decline"):
        raise NotFound()
    await service.decide(
        session,
        proposal_id=proposal,
        approve=word == "approval",
        actor=actor,
        handlers=request.app.state.proposal_handlers,
        now=now,
    )
    return RedirectResponse(safe_back(back, f"/staff/proposals?done={word}"), status_code=303)
