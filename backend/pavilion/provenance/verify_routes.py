"""The page where anyone checks a passport, the same by program, and the bundle to check it with. Nothing is stored."""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import UploadFile

from pavilion.accounts.deps import CurrentActor
from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel.errors import BadInput, NotAllowed, NotFound, Refusal, SignedOut, TooLarge
from pavilion.provenance import (
    bundle,
    bundling,
    checks,
    did,
    holders,
    passport_hands,
    passport_queries,
    verify_elsewhere,
    verify_package,
    verifying,
)
from pavilion.provenance.bundling import Press
from pavilion.provenance.checks_log import fingerprint
from pavilion.provenance.issuing import house_of
from pavilion.provenance.passport_models import Passport
from pavilion.provenance.table_versions import ever_listed
from pavilion.provenance.verifying import Line, Report
from pavilion.provenance.verifying_forms import MOST_POLICY, Anchors, Evidence, Unreadable, evidence_of, keys_of
from pavilion.settings import Settings
from pavilion.webkit import limits
from pavilion.webkit.deps import Now, Reading
from pavilion.webkit.html import Pages, language, page
from pavilion.webkit.i18n import fill
from pavilion.webkit.upload import body_of

router = APIRouter(tags=["verify"])

MOST_BYTES = 8 * 1024 * 1024
FORM_SLACK = 64 * 1024
PER_MINUTE = 30
_VERSION = re.compile(r"passports/([0-9A-HJKMNP-TV-Z]{26})/([1-9][0-9]{0,5})")
_VALID = re.compile(r"VALID, grade (.+), as of (.+), witnesses (?:([0-9]+) of ([0-9]+)|not asked)")
_PLAIN = {"FAIL": "NOT VALID: %(check)s", "open": "NOT DECIDED: %(check)s"}


class NotVerifiable(Refusal):
    """Nothing in the file that a verifier knows how to read."""

    status, code = 422, "not_verifiable"


@router.get("/verify")
async def verify_page(request: Request, session: Reading) -> Response:
    return await _page(request, session)


@router.get("/verify/package/{name}")
async def package(request: Request, name: str) -> Response:
    """The package that brings the command, if the operator handed it in."""
    found = await to_thread.run_sync(verify_package.offered, request.app.state.settings.data_dir)
    if found is None or found.path.name != name:
        raise NotFound()
    headers = {"ETag": f'"{found.sha256}"', "Cache-Control": "public, max-age=3600"}
    return FileResponse(found.path, media_type="application/zip", filename=name, headers=headers)


@router.post("/verify")
async def verify(request: Request, session: Reading, now: Now) -> Response:
    """The report on the file in the form, or on the body itself. The file is read, answered for and forgotten."""
    await limits.take(request, "verify", per_minute=PER_MINUTE)
    by_form = request.headers.get("content-type", "").startswith("multipart/form-data")
    try:
        data, pins = await _form_files(request) if by_form else (await body_of(request, MOST_BYTES), {})
        evidence = await to_thread.run_sync(_read, data)
        if verify_elsewhere.issuer_of(evidence) in (None, request.app.state.settings.house_did):
            anchors, asked = await _anchors(request, session), False
            own: Mapping[str, bytes] = await _own_bundle(request, session, evidence, now)
        else:  # asked before the session is first used
            given = verify_elsewhere.given(pins)
            anchors, own, asked = await verify_elsewhere.learned(request.app, evidence, given, now)
        report = await to_thread.run_sync(partial(_report, evidence, anchors, now, own, asked))
    except (Unreadable, BadInput, TooLarge) as fault:
        if by_form and not _wants_json(request):
            refused = fault.code if isinstance(fault, Refusal) else NotVerifiable.code
            return await _page(request, session, refused=refused, why=str(fault), status_code=422)
        if isinstance(fault, Refusal):
            raise
        raise NotVerifiable(why=str(fault)[:200]) from None
    headers = {"Cache-Control": "no-store"}
    if not by_form or _wants_json(request):
        return JSONResponse(report.document(), headers=headers)
    answer = await _page(request, session, report=report, own=bool(own) and not asked)
    answer.headers.update(headers)
    return answer


@router.get("/passports/{stone}/bundle")
async def newest_bundle(
    request: Request, stone: str, actor: CurrentActor, session: Reading, now: Now, view: Annotated[str, Query()] = ""
) -> Response:
    """The newest version's bundle; `view=full` with all inputs, for the holder and for compliance."""
    return await _bundle(request, session, actor, stone, None, view, now)


@router.get("/passports/{stone}/{n:int}/bundle")
async def bundle_of(
    request: Request,
    stone: str,
    n: int,
    actor: CurrentActor,
    session: Reading,
    now: Now,
    view: Annotated[str, Query()] = "",
) -> Response:
    return await _bundle(request, session, actor, stone, n, view, now)


async def _bundle(
    request: Request, session: AsyncSession, actor: Actor, stone: str, n: int | None, view: str, now: Now
) -> Response:
    found = await passport_queries.named(session, stone, n)
    if found is None:
        raise NotFound()
    full = view == "full"
    inside = actor.may(Permission.ORIGIN_SEE)
    if not inside and await holders.may_present(session, actor, stone, holders.of_app(request.app)):
        inside = not full or await bundling.may_leave(session, found)
    if not inside and (full or not await _exposed(session, found)):
        if full and await _exposed(session, found):
            raise NotAllowed() if actor.signed_in else SignedOut()
        raise NotFound()
    parts = await bundling.parts_of(session, _press(request), found, full=full, now=now)
    data = await to_thread.run_sync(bundle.pack, parts)
    name = f"{found.stone}-{found.n}.zip"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "private, no-store" if full else "public, no-cache",
    }
    if not full:
        headers["Access-Control-Allow-Origin"] = "*"
    return Response(data, media_type="application/zip", headers=headers)


async def _exposed(session: AsyncSession, passport: Passport) -> bool:
    return passport.content["credentialSubject"]["stone:origin"]["grade"] in await ever_listed(session)


def _read(data: bytes) -> Evidence:
    evidence = evidence_of(data)
    if evidence.receipt is not None or evidence.presentation is not None:
        raise Unreadable("of these the command pavilion verify tells more than this page may")
    return evidence


def _report(evidence: Evidence, anchors: Anchors, now: Now, own: Mapping[str, bytes], asked: bool) -> Report:
    """By the keys of the passport's house alone, never by those that came along with it. `own`: what that house says
    at its own addresses, so that a passport without its bundle is checked with it. `asked`: its keys are from there."""
    report = verifying.examine(
        evidence, anchors, now=now, resolver=own.get if own else None, offline=not own, believe_own=False
    )
    if not asked:
        return report
    said = {"did": verify_elsewhere.issuer_of(evidence)}
    line = Line("note", "KEYS", "what was not in the file is what %(did)s says at its own address today", said)
    return replace(report, lines=[line, *report.lines])


async def _own_bundle(request: Request, session: AsyncSession, evidence: Evidence, now: Now) -> dict[str, bytes]:
    """The bundle of a passport of this house that came alone, under its address; nothing where there is none."""
    if evidence.bundle is not None:
        return {}
    named = checks.named_in(evidence.passport, evidence.jwt)
    base = request.app.state.settings.public_url.rstrip("/")
    match = _VERSION.fullmatch(named.removeprefix(f"{base}/")) if named is not None else None
    if named is None or match is None:
        return {}
    found = await passport_queries.version(session, match[1], int(match[2]))
    if found is None or not await _exposed(session, found):
        return {}
    try:
        parts = await bundling.parts_of(session, _press(request), found, full=False, now=now)
    except bundling.NotYetLogged:
        return {}
    return {f"{named}/bundle": await to_thread.run_sync(bundle.pack, parts)}


async def _page(
    request: Request,
    session: AsyncSession,
    *,
    report: Report | None = None,
    own: bool = False,
    refused: str | None = None,
    why: str = "",
    status_code: int = 200,
) -> Response:
    press = _press(request)
    document = await _own_did(session, press)
    keys = keys_of(document)[1]
    signer = request.app.state.log_signer
    return page(
        request,
        "provenance/verify.html",
        status_code=status_code,
        report=report,
        own=own,
        said=partial(_said, request),
        verdict=None if report is None else _verdict(request, report),
        refused=refused,
        why=why,
        own_did=document.decode(),
        policy=press.policy,
        did=press.house.did,
        keys=[(key, fingerprint(key.public)) for kid, key in keys.items() if not kid.endswith("-jwk")],
        sale_key=getattr(getattr(request.app.state, "rooms", None), "verifier", ""),
        log_key=fingerprint(signer.key.verifier) if signer is not None else None,
        origin=press.house.log_origin,
        witnesses=[(one.name, fingerprint(one.key)) for one in signer.policy.witnesses] if signer is not None else [],
        needed=signer.policy.needed if signer is not None else 0,
        most=MOST_BYTES,
        package=await to_thread.run_sync(verify_package.offered, request.app.state.settings.data_dir),
    )


def _said(request: Request, line: Line) -> str:
    """A line in the reader's language; its words stand in the catalogue that browsers get for the same checks."""
    pages: Pages = request.app.state.pages
    tongue = pages.tongues[language(request)]
    told = {name: tongue.pgettext("js", one) if isinstance(one, str) else one for name, one in line.facts.items()}
    return fill(tongue.pgettext("js", line.fact), told)


def _verdict(request: Request, report: Report) -> str:
    """The last line of the report in the reader's language, with a plain word beside the check it names."""
    pages: Pages = request.app.state.pages
    tongue = pages.tongues[language(request)]
    if report.code is not None:
        check = f"{report.code} ({tongue.say(f'checking_{report.code.lower()}')})"
        return fill(tongue.pgettext("js", _PLAIN["FAIL" if report.exit == 1 else "open"]), {"check": check})
    if (match := _VALID.fullmatch(report.verdict)) is None:
        return report.verdict
    grade, day, good, of = match.groups()
    if good is None:
        return fill(
            tongue.pgettext("js", "VALID, grade %(grade)s, as of %(day)s, witnesses not asked"),
            {"grade": grade, "day": day},
        )
    facts = {"grade": grade, "day": day, "good": good, "of": of}
    return fill(tongue.pgettext("js", "VALID, grade %(grade)s, as of %(day)s, witnesses %(good)s of %(of)s"), facts)


async def _anchors(request: Request, session: AsyncSession) -> Anchors:
    press = _press(request)
    name, keys = keys_of(await _own_did(session, press))
    signer = request.app.state.log_signer
    return Anchors(signer.policy if signer is not None else None, {name: keys})


async def _own_did(session: AsyncSession, press: Press) -> bytes:
    return did.served(await bundling.house_keys(session, press.house.did), press.house.did)


def _press(request: Request) -> Press:
    settings: Settings = request.app.state.settings
    hand = passport_hands.of(settings)
    assert hand is not None
    signer = request.app.state.log_signer
    text = signer.policy.text if signer is not None else ""
    return Press(house_of(settings), hand, text)


async def _form_files(request: Request) -> tuple[bytes, dict[str, bytes]]:
    """The file to check, and those to check it by."""
    declared = request.headers.get("content-length", "")
    if not declared.isdecimal() or int(declared) > MOST_BYTES + FORM_SLACK:
        raise TooLarge(limit=MOST_BYTES)
    async with request.form(max_files=1 + verify_elsewhere.MOST_PINS, max_fields=8) as form:
        upload = form.get("file")
        if not isinstance(upload, UploadFile) or not upload.filename:
            raise BadInput(fields={"file": "file_missing"})
        data: bytes = await upload.read(MOST_BYTES + 1)
        handed = [one for one in form.getlist("pins") if isinstance(one, UploadFile) and one.filename]
        pins = {f"{n} {one.filename}": await one.read(MOST_POLICY + 1) for n, one in enumerate(handed, start=1)}
    if len(data) > MOST_BYTES or any(len(pin) > MOST_POLICY for pin in pins.values()):
        raise TooLarge(limit=MOST_BYTES)
    return data, pins


def _wants_json(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "")
