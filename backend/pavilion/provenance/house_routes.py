"""What the house says of itself to whoever checks its passports: keys, status lists, contexts, rules and tables."""

import re
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.canon import canonical, sha256_hex
from pavilion.kernel.errors import BadInput, NotFound
from pavilion.provenance import (
    bundling,
    contexts,
    did,
    passport_hands,
    passport_keys,
    proofs,
    rules,
    standing,
    status,
    table_history,
    trust_table,
)
from pavilion.provenance.negotiating import VC, VC_JWT, Form, form_of
from pavilion.provenance.proofs import BadCredential, Signer
from pavilion.settings import Environment, Settings
from pavilion.webkit.deps import Now, Reading
from pavilion.webkit.upload import body_of

router = APIRouter(tags=["house"])

FOREVER = "public, max-age=31536000, immutable"
TEN_MINUTES = "public, max-age=600"
OPEN = {"Access-Control-Allow-Origin": "*"}
LD, DID_JSON = "application/ld+json", "application/did+json"
REFOLDED = timedelta(hours=1)  # an unchanged list is signed anew, so that its day's validity never runs out
MOST_LISTS = 64
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SLUG = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")


class Folded(NamedTuple):
    """A status list as it was signed, in both forms."""

    revision: int
    at: datetime
    document: bytes
    jwt: bytes


@router.get("/.well-known/did.json")
async def own_did(request: Request, session: Reading) -> Response:
    settings = _settings(request)
    body = did.served(await bundling.house_keys(session, settings.house_did), settings.house_did)
    return Response(body, media_type=DID_JSON, headers={"Cache-Control": TEN_MINUTES, **OPEN})


@router.get("/did/{slug}/did.json")
async def party_did(slug: str, request: Request, session: Reading, now: Now) -> Response:
    """The keys of a party whose DID the house serves."""
    if _SLUG.fullmatch(slug) is None:
        raise NotFound()
    house = _settings(request).house_did
    keys = (await trust_table.in_force(session, now)).keys
    found = await bundling.did_documents(session, house, [did.party_of(slug, house)], keys)
    if not found:
        raise NotFound()
    (body,) = found.values()
    return Response(body, media_type=DID_JSON, headers={"Cache-Control": TEN_MINUTES, **OPEN})


@router.get("/status/{number:int}")
async def status_list(number: int, request: Request, session: Reading, now: Now) -> Response:
    """Which passports are revoked (odd numbers) or suspended (even ones), signed; a copy holds for a day."""
    folded = await _folded(request, session, number, now)
    wants_jwt = form_of(request.headers.get("accept", ""), request.query_params.get("as")) is Form.JWT
    body, media = (folded.jwt, VC_JWT) if wants_jwt else (folded.document, VC)
    tag = f'"{sha256_hex(body)}"'
    headers = {"ETag": tag, "Vary": "Accept", "Cache-Control": f"public, max-age={status.TTL_MS // 1000}", **OPEN}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media, headers=headers)


@router.get(contexts.STONE_PATH)
async def stone_context() -> Response:
    headers = {"Cache-Control": FOREVER, "ETag": f'"{contexts.stone_sha256()}"', **OPEN}
    return Response(contexts.stone_context(), media_type=LD, headers=headers)


@router.get("/rules/{version}")
async def ruleset(version: str) -> Response:
    if version != rules.RULESET:
        raise NotFound()
    return Response(rules.document(), media_type="application/json", headers={"Cache-Control": FOREVER, **OPEN})


@router.get("/tables/{name}/{sha256}")
async def dated_table(name: str, sha256: str, session: Reading) -> Response:
    found = None
    if _SHA256.fullmatch(sha256) is not None and len(name) <= 40:
        found = await table_history.table(session, name, sha256)
    if found is None:
        raise NotFound()
    headers = {"Cache-Control": FOREVER, "ETag": f'"{sha256}"', **OPEN}
    return Response(found, media_type="application/json", headers=headers)


@router.post("/credentials/issue")
async def issue(request: Request, session: Reading, now: Now) -> Response:
    """For conformance suites, in the test profile only: the credential with the house's proof."""
    settings = _testing(request)
    said = await _json(request)
    credential = said.get("credential")
    if not isinstance(credential, dict) or "proof" in credential:
        raise BadInput(fields={"credential": "bad_input"})
    signer = await _signer(session, settings, now)
    try:
        contexts.check(credential)
        created = now.strftime("%Y-%m-%dT%H:%M:%SZ")
        signed = proofs.sign_di({**credential, "issuer": credential.get("issuer", settings.house_did)}, signer, created)
    except ValueError as fault:
        raise BadInput(fields={"credential": "bad_input"}) from fault
    return JSONResponse({"verifiableCredential": signed}, status_code=201)


@router.post("/credentials/verify")
async def verify(request: Request, session: Reading) -> Response:
    """For conformance suites, in the test profile only: whether one of the house's keys vouches for the credential."""
    settings = _testing(request)
    said = await _json(request)
    credential = said.get("verifiableCredential")
    if not isinstance(credential, dict):
        raise BadInput(fields={"verifiableCredential": "bad_input"})
    try:
        contexts.check(credential)
        kid = proofs.method_of(credential)
        key = next((one for one in await bundling.house_keys(session, settings.house_did) if one.kid == kid), None)
        if key is None:
            raise BadCredential("KEY-PERIOD", "the key is not of this house")
        proved = proofs.verify_di(credential, key.public)
        if proved.created is None or not did.is_good(key, proved.created):
            raise BadCredential("KEY-PERIOD", "the key was not good then")
    except BadCredential as fault:
        problem = {"verified": False, "checks": [fault.code], "errors": [fault.why]}
        return JSONResponse(problem, status_code=400)
    return JSONResponse({"verified": True, "checks": ["CONTEXT", "PROOF-DI", "KEY-PERIOD"], "errors": []})


async def _folded(request: Request, session: AsyncSession, number: int, now: datetime) -> Folded:
    """The list as it stands; signed anew when a bit changed or the last signing is an hour old."""
    if not 1 <= number <= 2 * MOST_LISTS:
        raise NotFound()
    kept: dict[int, Folded] = getattr(request.app.state, "status_lists", {})
    request.app.state.status_lists = kept
    revision = await standing.revision_of(session, number)
    last = kept.get(number)
    if last is not None and last.revision == revision and timedelta(0) <= now - last.at < REFOLDED:
        return last
    settings = _settings(request)
    marked = await standing.marked(session, number)
    if marked is None:
        raise NotFound()
    signer = await _signer(session, settings, now)
    base = settings.public_url.rstrip("/")
    document = status.list_document(base, settings.house_did, number, status.encode(marked), now)
    signed = canonical(proofs.sign_di(document, signer, document["validFrom"]))
    kept[number] = Folded(revision, now, signed, proofs.sign_jwt(document, signer).encode())
    return kept[number]


async def _signer(session: AsyncSession, settings: Settings, now: datetime) -> Signer:
    """The house's signer, once its key stands in the table; before that the house has signed nothing."""
    hand = passport_hands.of(settings)
    found = None if hand is None else await passport_keys.known(session, settings.house_did, hand, now)
    if found is None:
        raise NotFound()
    return found


def _testing(request: Request) -> Settings:
    settings = _settings(request)
    if settings.environment is not Environment.TEST:
        raise NotFound()
    return settings


async def _json(request: Request) -> dict[str, Any]:
    try:
        return proofs.read_credential(await body_of(request, proofs.MAX_CREDENTIAL))
    except BadCredential as fault:
        raise BadInput(fields={"body": "bad_input"}) from fault


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings
