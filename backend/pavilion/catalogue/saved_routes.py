"""Pages of kept searches: keep one, see what they found, change them, end them."""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.catalogue import plan, queries, saving, showing
from pavilion.catalogue.saved_forms import LONGEST_ASKED, KeepForm, WishesForm
from pavilion.catalogue.saved_models import AlertKind, Cadence, SavedSearch
from pavilion.kernel.errors import Refusal
from pavilion.kernel.ids import is_ulid
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import language, page

router = APIRouter(tags=["catalogue"])
Keeper = Annotated[Actor, may(Permission.SHORTLIST_EDIT)]
HOME = "/saved-searches"


@router.get(HOME)
async def kept(request: Request, actor: Keeper, session: Reading, ended: str = "", done: str = "") -> Response:
    rows = await saving.kept_by(session, actor)
    asked = [await _asked(request, session, actor, row.search.address) for row in rows]
    return page(
        request,
        "catalogue/saved.html",
        rows=list(zip(rows, asked, strict=True)),
        word_of=showing.word_of,
        ended=ended if is_ulid(ended) else "",
        done=done,
        most=saving.MOST,
    )


@router.get(f"{HOME}/new")
async def new(request: Request, actor: Keeper, session: Reading, address: str = "/stones") -> Response:
    """Asks how it is to be kept; a question that is kept already leads to its page."""
    here = saving.address_of(address[:LONGEST_ASKED], actor)
    if (same := await saving.kept_at(session, actor, here)) is not None:
        return RedirectResponse(f"{HOME}/{same}", status_code=303)
    return await _new(request, session, actor, here)


@router.post(HOME)
async def keep(request: Request, actor: Keeper, session: Writing, now: Now) -> Response:
    said = await _said(request)
    try:
        form = KeepForm.model_validate(said)
    except ValidationError as error:
        faults = _faults(error)
        if "address" in faults:
            raise saving.SearchNotKept() from None
        here = saving.address_of(str(said["address"]), actor)
        return await _new(request, session, actor, here, said=said, faults=faults)
    try:
        search = await saving.keep(session, actor, form.address, form.wishes, now=now)
    except saving.TooManySearches as refused:
        here = saving.address_of(form.address, actor)
        return await _new(request, session, actor, here, said=said, refused=refused)
    return RedirectResponse(f"{HOME}/{search.public_id}?done=kept", status_code=303)


@router.get(f"{HOME}/{{search}}")
async def show(
    request: Request, search: str, actor: Keeper, session: Reading, after: int | None = None, done: str = ""
) -> Response:
    mine = await saving.search_of(session, actor, search)
    return await _show(request, session, actor, mine, after=after, done=done)


@router.post(f"{HOME}/{{search}}")
async def change(request: Request, search: str, actor: Keeper, session: Writing, now: Now) -> Response:
    mine = await saving.search_of(session, actor, search)
    said = await _said(request)
    try:
        form = WishesForm.model_validate(said)
    except ValidationError as error:
        return await _show(request, session, actor, mine, said=said, faults=_faults(error))
    await saving.change(session, mine, form.wishes, now=now)
    return RedirectResponse(f"{HOME}/{search}?done=changed", status_code=303)


@router.post(f"{HOME}/{{search}}/look")
async def look(search: str, actor: Keeper, session: Writing) -> Response:
    before = await saving.look(session, await saving.search_of(session, actor, search))
    return RedirectResponse(f"{HOME}/{search}?after={before}", status_code=303)


@router.post(f"{HOME}/{{search}}/end")
async def end(search: str, actor: Keeper, session: Writing, now: Now) -> Response:
    await saving.end(session, await saving.search_of(session, actor, search, ended=True), now=now)
    return RedirectResponse(f"{HOME}?ended={search}", status_code=303)


@router.post(f"{HOME}/{{search}}/restore")
async def restore(search: str, actor: Keeper, session: Writing, now: Now) -> Response:
    mine = await saving.search_of(session, actor, search, ended=True)
    found = await saving.restore(session, mine, now=now)
    return RedirectResponse(f"{HOME}/{found.public_id}?done=restored", status_code=303)


async def _new(
    request: Request,
    session: Reading,
    actor: Actor,
    here: str,
    *,
    said: dict[str, Any] | None = None,
    faults: dict[str, str] | None = None,
    refused: Refusal | None = None,
) -> Response:
    chosen = {"cadence": Cadence.DAILY, "kinds": [AlertKind.NEW, AlertKind.PRICE], "drop_pct": saving.DROP_PCT}
    return page(
        request,
        "catalogue/saved_new.html",
        status_code=refused.status if refused else 422 if faults else 200,
        asked=await _asked(request, session, actor, here),
        word_of=showing.word_of,
        address=here,
        said=chosen | (said or {}),
        faults=faults or {},
        refused=refused,
        kinds=saving.kinds_of(list(AlertKind), prices=queries.sees_prices(actor)),
        cadences=list(Cadence),
    )


async def _show(
    request: Request,
    session: Reading,
    actor: Actor,
    search: SavedSearch,
    *,
    after: int | None = None,
    done: str = "",
    said: dict[str, Any] | None = None,
    faults: dict[str, str] | None = None,
) -> Response:
    found = await saving.found_by(session, actor, search, after=after)
    lang, stones = language(request), [one.stone for one in found]
    chosen = {"name": search.name, "cadence": search.cadence, "kinds": search.kinds, "drop_pct": search.drop_pct}
    return page(
        request,
        "catalogue/saved_show.html",
        status_code=422 if faults else 200,
        search=search,
        asked=await _asked(request, session, actor, search.address),
        word_of=showing.word_of,
        found=found,
        names={stone.id: showing.name_of(stone, lang) for stone in stones},
        plans={stone.id: plan.plan_of(stone).name for stone in stones},
        promised=await queries.commitments_of(session, [stone.id for stone in stones]),
        priced={stone.id for stone in stones if queries.sees_price_of(actor, stone)},
        fresh=sum(one.fresh for one in found),
        looked=after is not None,
        said=said or chosen,
        faults=faults or {},
        kinds=saving.kinds_of(list(AlertKind), prices=queries.sees_prices(actor)),
        cadences=list(Cadence),
        done=done,
    )


async def _asked(request: Request, session: Reading, actor: Actor, address: str) -> showing.Said | None:
    """The question in words; None where the reader may not ask it any more."""
    wanted = saving.question(address, prices=queries.sees_prices(actor), staff=actor.is_staff)
    if wanted is None:
        return None
    return showing.said(wanted, await queries.called_in(session, wanted, {}, language(request)))


async def _said(request: Request) -> dict[str, Any]:
    form = await request.form()
    said: dict[str, Any] = {name: value[:LONGEST_ASKED] for name, value in form.items() if isinstance(value, str)}
    said["kinds"] = [value[:20] for value in form.getlist("kinds")[:10] if isinstance(value, str)]
    return said


def _faults(error: ValidationError) -> dict[str, str]:
    return {str(fault["loc"][0]) if fault["loc"] else "form": "bad_input" for fault in error.errors()}
