"""The holder's pages: who may see more of a stone, and under which name it is presented."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import UploadFile

from pavilion.accounts.deps import CurrentActor, SignedInActor
from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel.errors import BadInput, NotFound, Refusal
from pavilion.kernel.ids import is_ulid
from pavilion.provenance import (
    countersigning,
    did,
    holders,
    hosted,
    logos,
    passport_hands,
    passport_queries,
    passport_showing,
    proofs,
    sharing,
    verify_elsewhere,
)
from pavilion.provenance.negotiating import VC
from pavilion.provenance.passport_models import Passport
from pavilion.provenance.presenting_forms import CountersignForm, ShareForm
from pavilion.provenance.proofs import Secret
from pavilion.settings import Settings
from pavilion.webkit import limits
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import language, page
from pavilion.webkit.upload import body_of

router = APIRouter(tags=["presenting"])

SEALED = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
FOREVER = "public, max-age=31536000, immutable"
PER_MINUTE = 30


class NotAPassport(Refusal):
    """The body is no credential that could be read."""

    status, code = 422, "bad_countersignature"


SharedStones = Callable[[Request, str, Actor, datetime], Awaitable[Response | None]]


class House(NamedTuple):
    base: str
    did: str
    seed: Secret  # of the passports' key
    hosting: bytes  # from which the keys follow that are kept for companies


@router.get("/passports/{stone}/share")
async def share_page(request: Request, stone: str, actor: SignedInActor, session: Reading, now: Now) -> Response:
    found, company = await _held(request, session, actor, stone)
    return await _share_page(request, session, found, company, now)


@router.post("/passports/{stone}/share")
async def make_link(
    request: Request,
    stone: str,
    said: Annotated[ShareForm, Form()],
    actor: SignedInActor,
    session: Writing,
    now: Now,
) -> Response:
    """The link is shown once, on the page that answers; only its hash is kept."""
    found, company = await _held(request, session, actor, stone)
    house = _house(request)
    view = await sharing.viewed(
        session,
        passport=found,
        company_id=company,
        did=house.did,
        seed=house.seed,
        hosting=house.hosting,
        now=now,
    )
    try:
        _, token = await sharing.share(
            session,
            view=view,
            claims=said.claims,
            days=said.days,
            uses=said.uses,
            note=said.note.strip(),
            by=_person(actor),
            now=now,
        )
    except BadInput as fault:
        return await _share_page(request, session, found, company, now, faults=fault.fields, said=said, status_code=422)
    return await _share_page(request, session, found, company, now, link=f"{house.base}/shared/{token}")


@router.post("/passports/{stone}/share/{public_id}/end")
async def end_link(
    request: Request, stone: str, public_id: str, actor: SignedInActor, session: Writing, now: Now
) -> Response:
    _, company = await _held(request, session, actor, stone)
    await sharing.end(session, stone=stone, company_id=company, public_id=public_id[:26], by=_person(actor), now=now)
    return RedirectResponse(f"/passports/{stone}/share?done=ended", status_code=303)


@router.get("/shared/{token}")
async def shared(request: Request, token: str, actor: CurrentActor, session: Reading, now: Now) -> Response:
    """What stands behind the link is told when it is opened; looking at this page spends no use. A link to stones of
    the catalogue has the same address and is answered there."""
    others: SharedStones | None = getattr(request.app.state, "shared_stones", None)
    if others is not None and (answer := await others(request, token[:80], actor, now)) is not None:
        return answer
    row = await sharing.behind(session, token[:80], now)
    found = await passport_queries.version(session, row.stone, row.n)
    assert found is not None
    title = await _title(request, session, found)
    return _private(
        page(request, "provenance/shared.html", share=row, passport=found, opened=None, token=token, title=title)
    )


@router.post("/shared/{token}")
async def open_shared(request: Request, token: str, actor: CurrentActor, session: Writing, now: Now) -> Response:
    await limits.take(request, "shared", per_minute=PER_MINUTE)
    house, row = _house(request), await sharing.behind(session, token[:80], now)
    opened = await sharing.open_link(
        session,
        token=token[:80],
        person=actor.public_id,
        browser=request.headers.get("user-agent", ""),
        audience=f"{house.base}/shared",
        nonce=row.public_id,
        did=house.did,
        hosting=house.hosting,
        now=now,
    )
    title = await _title(request, session, opened.passport)
    shown = opened.passport
    return _private(
        page(request, "provenance/shared.html", share=row, passport=shown, opened=opened, token=token, title=title)
    )


@router.get("/passports/{stone}/countersignatures")
async def countersign_page(request: Request, stone: str, actor: SignedInActor, session: Reading, now: Now) -> Response:
    found, company = await _held(request, session, actor, stone)
    return await _countersign_page(request, session, found, company)


@router.post("/passports/{stone}/countersignatures")
async def countersign(
    request: Request, stone: str, actor: SignedInActor, reading: Reading, session: Writing, now: Now
) -> Response:
    """By form, signed with the key the house keeps for the company; or a ready-made credential as the body."""
    if request.headers.get("content-type", "").startswith(("multipart/form-data", "application/x-www-form-urlencoded")):
        return await _by_form(request, stone, actor, session, now)
    found, company = await _held(request, reading, actor, stone)
    await reading.close()  # nobody holds a connection while a stranger is asked, nor while waiting for a second one
    try:
        credential = proofs.read_credential(await body_of(request, proofs.MAX_CREDENTIAL))
        issuer = countersigning.issuer_of(credential)
        resolved = await _resolver(request).resolve(issuer, now)  # before the writing session is first used
        keys = resolved.keys(issuer)
    except proofs.BadCredential as fault:
        raise NotAPassport(check=fault.code, why=fault.why) from None
    row = await countersigning.accept(
        session,
        passport=found,
        credential=credential,
        keys=keys,
        company_id=company,
        by=_person(actor),
        now=now,
    )
    where = f"/passports/{stone}/countersignatures/{row.public_id}"
    return JSONResponse({"id": row.public_id, "sha256": row.sha256}, status_code=201, headers={"Location": where})


@router.get("/passports/{stone}/countersignatures/{public_id}")
async def one_countersignature(
    request: Request, stone: str, public_id: str, actor: CurrentActor, session: Reading
) -> Response:
    """The credential as it was signed, while it stands."""
    row = await passport_queries.countersignature(session, stone, public_id[:26])
    if row is None or row.withdrawn_at is not None:
        raise NotFound()
    headers = {"ETag": f'"{row.sha256}"', "Cache-Control": "public, no-cache", "Access-Control-Allow-Origin": "*"}
    return Response(row.document.encode(), media_type=VC, headers=headers)


@router.post("/passports/{stone}/countersignatures/{public_id}/withdrawal")
async def withdraw(
    request: Request, stone: str, public_id: str, actor: SignedInActor, session: Writing, now: Now
) -> Response:
    """Its author may withdraw it, also when the stone has another owner by now."""
    if actor.company_id is None:
        raise NotFound()
    await countersigning.withdraw(
        session, stone=stone, public_id=public_id[:26], company_id=actor.company_id, by=_person(actor), now=now
    )
    return RedirectResponse(f"/passports/{stone}", status_code=303)


@router.get("/passports/{stone}/logos/{sha256}")
async def mark(stone: str, sha256: str, session: Reading) -> Response:
    found = await passport_queries.logo(session, stone, sha256[:64])
    if found is None:
        raise NotFound()
    headers = {"Cache-Control": FOREVER, "ETag": f'"{found.sha256}"', **SEALED}
    return Response(found.data, media_type=found.media_type, headers=headers)


async def _by_form(request: Request, stone: str, actor: Actor, session: AsyncSession, now: datetime) -> Response:
    found, company = await _held(request, session, actor, stone)
    async with request.form(max_files=1, max_fields=10, max_part_size=logos.MOST_BYTES + 1) as sent:
        said, fault = CountersignForm.read(sent)
        upload = sent.get("logo")
        data = await upload.read(logos.MOST_BYTES + 1) if isinstance(upload, UploadFile) else b""
    house = _house(request)
    try:
        if fault is not None:
            raise fault
        await countersigning.countersign(
            session,
            passport=found,
            words=said.words(),
            logo=logos.redrawn(data) if data else None,
            key=await hosted.of_company(session, company, did=house.did, seed=house.hosting, now=now),
            company_id=company,
            base=house.base,
            by=_person(actor),
            now=now,
        )
    except BadInput as refused:
        return await _countersign_page(
            request, session, found, company, said=said, faults=refused.fields, status_code=422
        )
    return RedirectResponse(f"/passports/{stone}/countersignatures?done=signed", status_code=303)


async def _share_page(
    request: Request,
    session: AsyncSession,
    found: Passport,
    company: int,
    now: datetime,
    *,
    link: str | None = None,
    faults: object = None,
    said: ShareForm | None = None,
    status_code: int = 200,
) -> Response:
    shares = await sharing.shares_of(session, found.stone, company)
    return _private(
        page(
            request,
            "provenance/share.html",
            status_code=status_code,
            passport=found,
            title=await _title(request, session, found),
            offered=await sharing.offered(session, found.stone),
            shares=shares,
            openings=await sharing.openings_of(session, shares),
            people=await sharing.openers_of(session, shares),
            is_open=lambda one: sharing.is_open(one, now),
            link=link,
            faults=faults or {},
            said=said or ShareForm(),
        )
    )


async def _countersign_page(
    request: Request,
    session: AsyncSession,
    found: Passport,
    company: int,
    *,
    said: CountersignForm | None = None,
    faults: object = None,
    status_code: int = 200,
) -> Response:
    standing = await passport_queries.standing_of(session, found)
    return _private(
        page(
            request,
            "provenance/countersign.html",
            status_code=status_code,
            passport=found,
            title=await _title(request, session, found),
            state=standing.state,
            made=await passport_queries.countersignatures_of(session, found.stone, company),
            said=said or CountersignForm(),
            faults=faults or {},
            jewels=countersigning.JEWELS,
        )
    )


async def _title(request: Request, session: AsyncSession, found: Passport) -> str:
    """The stone in the reader's words, as on the page of its passport."""
    portraits: passport_showing.Portraits | None = getattr(request.app.state, "portraits", None)
    portrait = None if portraits is None else await portraits(session, found.stone, language(request))
    name: str = found.content["credentialSubject"]["product"]["name"]
    return name if portrait is None else portrait.title


async def _held(request: Request, session: AsyncSession, actor: Actor, stone: str) -> tuple[Passport, int]:
    """The newest passport of a stone, and the company of the person who may present it."""
    if not is_ulid(stone):
        raise NotFound()
    company = await holders.holder(session, actor, stone, holders.of_app(request.app))
    found = await passport_queries.latest(session, stone)
    if found is None or not actor.may(Permission.PASSPORT_SEE):
        raise NotFound()
    return found, company


def _house(request: Request) -> House:
    settings = _settings(request)
    seed = passport_hands.of(settings)
    assert seed is not None
    hosting = bytes.fromhex(settings.data_key.get_secret_value())
    return House(settings.public_url.rstrip("/"), settings.house_did, seed, hosting)


def _resolver(request: Request) -> did.Resolver:
    return verify_elsewhere.resolver_of(request.app)


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def _person(actor: Actor) -> str:
    assert actor.public_id is not None
    return actor.public_id


def _private(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"  # a link's token must not travel on
    return answer
