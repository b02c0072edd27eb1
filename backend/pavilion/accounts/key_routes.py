"""The page on which a company's administrator makes and revokes the keys of its programs."""

from secrets import token_urlsafe
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from pavilion.accounts import keys, service
from pavilion.accounts.deps import SignedInActor
from pavilion.accounts.forms import KeyForm
from pavilion.accounts.once import form_once, token_of
from pavilion.accounts.rules import Actor, Permission
from pavilion.accounts.scopes import on_offer
from pavilion.kernel.errors import NotAllowed, Refusal
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import page

router = APIRouter(tags=["accounts"])


@router.get("/account/company/keys")
async def own_keys(request: Request, actor: SignedInActor, session: Reading, now: Now) -> Response:
    return await _page(request, session, actor, now)


@router.post("/account/company/keys")
async def make(request: Request, actor: SignedInActor, session: Writing, now: Now) -> Response:
    """The key stands on the answer to this one form and nowhere else: pressed twice, on both answers. Who asks says the
    password once more."""
    form = await request.form()
    said: dict[str, Any] = {name: value[:200] for name, value in form.items() if isinstance(value, str)}
    said["scopes"] = [value for value in form.getlist("scopes")[:20] if isinstance(value, str)]
    if not keys.may_keep(actor) or actor.person_id is None:
        raise NotAllowed(right=Permission.PEOPLE_EDIT.value)
    try:
        wanted = KeyForm.model_validate(said)
    except ValidationError as error:
        faults = {str(fault["loc"][0]) if fault["loc"] else "form": "bad_input" for fault in error.errors()}
        return await _page(request, session, actor, now, said=said, faults=faults)
    if not await service.is_you(session, person_id=actor.person_id, password=wanted.password, now=now):
        return await _page(request, session, actor, now, said=said, faults={"password": "step_up_needed"})
    said_once = ("key", actor.person_id, wanted.name, sorted(wanted.scopes), wanted.days)
    secret = token_of(wanted.once, said_once) or token_urlsafe(32)

    async def act() -> str:
        key, _ = await keys.make(
            session, name=wanted.name, scopes=wanted.scopes, days=wanted.days, secret=secret, actor=actor, now=now
        )
        return key.public_id

    try:
        made = await form_once(session, actor=actor, name=wanted.once, said=said_once, act=act, now=now)
        key, text = await keys.made_by(session, public_id=made, secret=secret, actor=actor)
    except (keys.KeyNameTaken, keys.KeysEnough, keys.KeyMadeBefore) as refused:
        return await _page(request, session, actor, now, said=said, refused=refused)
    return await _page(request, session, actor, now, made=key.name, text=text)


@router.post("/account/company/keys/{key}/revocation")
async def revoke(key: str, actor: SignedInActor, session: Writing, now: Now) -> Response:
    await keys.revoke(session, public_id=key, actor=actor, now=now)
    return RedirectResponse("/account/company/keys?done=revoked", status_code=303)


async def _page(
    request: Request,
    session: Reading,
    actor: Actor,
    now: Now,
    *,
    said: dict[str, Any] | None = None,
    faults: dict[str, str] | None = None,
    refused: Refusal | None = None,
    made: str | None = None,
    text: str | None = None,
) -> Response:
    lines = await keys.keys_of(session, actor)
    answer = page(
        request,
        "accounts/keys.html",
        status_code=refused.status if refused else 422 if faults else 201 if text else 200,
        lines=lines,
        scopes=on_offer(actor.permissions),
        lives=keys.LIVES,
        said=said or {},
        faults=faults or {},
        refused=refused,
        made=made,
        text=text,
        done=request.query_params.get("done") == "revoked",
        now=now,
    )
    answer.headers["cache-control"] = "no-store"
    return answer
