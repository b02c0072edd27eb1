"""Pages of the catalogue: search, a stone, stones side by side, drawn plans."""

from collections.abc import Mapping, Sequence
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

import anyio
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import CurrentActor
from pavilion.accounts.rules import Actor, Permission
from pavilion.catalogue import (
    benchmarks,
    cursors,
    forms,
    laboratory,
    media_queries,
    past_showing,
    plan,
    portraits,
    queries,
    rulers,
    shortlist_reading,
    showing,
    table_columns,
)
from pavilion.catalogue.benchmarks import Beside, Choice
from pavilion.catalogue.keeping import Index, index_of
from pavilion.catalogue.models import CommitmentKind, Stone, StoneCommitment
from pavilion.catalogue.nomenclature import term
from pavilion.catalogue.numbered import numbered
from pavilion.catalogue.position import stood_at
from pavilion.catalogue.searching import After
from pavilion.catalogue.shortlist_forms import unticked
from pavilion.kernel.errors import NotFound
from pavilion.kernel.ids import is_ulid
from pavilion.provenance import passport_queries
from pavilion.provenance import queries as provenance
from pavilion.provenance.journey import Sees
from pavilion.provenance.passport_showing import journey_of, sees_of, with_passport
from pavilion.webkit.deps import Now, Reading
from pavilion.webkit.html import language, page

router = APIRouter()

SVG = "image/svg+xml"
Ids = Annotated[list[str], Query(default_factory=list)]
Pasted = Annotated[str, Query(max_length=4000)]
FOR_EVER = "public, max-age=31536000, immutable"


@router.get("/stones")
async def search(request: Request, actor: CurrentActor, session: Reading) -> Response:
    """The one address of a question; any other spelling of it leads there."""
    if "as_of" in request.query_params:
        return await _as_it_was(request, actor, session)
    prices, lang = queries.sees_prices(actor), language(request)
    asked = forms.asked(request.query_params.multi_items(), prices=prices, staff=actor.is_staff)
    here = forms.address(asked.wanted, view=asked.view, prices=prices)
    swap = request.headers.get("hx-request") == "true"
    canonical = forms.address(asked.wanted, view=asked.view, prices=prices, cursor=asked.cursor)
    if not swap and not asked.faults and canonical != _asked_address(request):
        return RedirectResponse(canonical, status_code=303)
    index = index_of(request.app)
    after, faults = _place(asked, here, index), list(asked.faults)
    if asked.cursor and after is None:
        faults.append(("cursor", "search_cursor_foreign"))
    counted = ("tab", "shape", *showing.offered(asked.wanted, staff=actor.is_staff))
    answer = await index.ask(session, asked.wanted, after=after, facets=counted)
    called = await queries.called_in(session, asked.wanted, answer.facets, lang)
    stones = await queries.listed_of(session, answer.ids)
    promised = await queries.commitments_of(session, [stone.id for stone in stones])
    marks = await shortlist_reading.marks_of(session, actor, [stone.id for stone in stones])
    lists = await _lists(request, session, actor)
    before = after.shown if after else 0
    last = answer.after and answer.after._replace(shown=before + len(answer.ids))
    following = last and cursors.sealed(last, here, answer.as_of, index.secret)
    response = page(
        request,
        "catalogue/index.html",
        partial="found",
        asked=asked,
        wanted=asked.wanted,
        answer=answer,
        shown=showing.shown(asked, answer, prices=prices, lang=lang, called=called, staff=actor.is_staff),
        called=called,
        names={stone.id: showing.name_of(stone, lang) for stone in stones},
        stones=stones,
        promised=promised,
        marks=marks,
        plans={stone.id: plan.plan_of(stone).name for stone in stones},
        passports=await with_passport(session, [stone.public_id for stone in stones]),
        shapes={code: plan.standard(code).name for code in ("round", *(o for o in answer.facets["shape"]))},
        word_of=showing.word_of,
        faults=faults,
        prices=prices,
        lists=lists,
        against=await _against(session, lists, stones, promised),
        columns=await _columns(request, session, actor, prices, lists) if asked.view == "table" else None,
        first=here if after else None,
        before=before,
        following=forms.address(asked.wanted, view=asked.view, prices=prices, cursor=following) if following else None,
    )
    if swap:
        response.headers["HX-Push-Url"] = canonical
    return response


@router.get("/stones/compare")
async def compare(
    request: Request, actor: CurrentActor, session: Reading, ids: Ids, numbers: Pasted = "", back: str = ""
) -> Response:
    """Up to six stones, side by side, others set beside them by their numbers; what is not visible is absent."""
    if not (ids or numbers) and (where := unticked(back, "compare")):
        return RedirectResponse(where, status_code=303)
    chosen, more = forms.compared(",".join(ids))
    typed = await numbered(session, actor, numbers) if numbers.strip() else None
    if typed and typed.stones:
        chosen, left = forms.compared(",".join([*chosen, *(stone.public_id for stone in typed.stones)]))
        more += left
    stones = await queries.stones_of(session, actor, chosen)
    promised = await queries.commitments_of(session, [stone.id for stone in stones])
    lists = await _lists(request, session, actor)
    return page(
        request,
        "catalogue/compare.html",
        stones=stones,
        plans={stone.id: plan.plan_of(stone).name for stone in stones},
        priced={stone.id: queries.sees_price_of(actor, stone) for stone in stones},
        names={stone.id: showing.name_of(stone, language(request)) for stone in stones},
        sold={stone for stone, promise in promised.items() if promise.kind == CommitmentKind.SOLD},
        girdles={stone.id: showing.girdle_of(stone, language(request)) for stone in stones},
        best=showing.best_of(stones),
        lists=lists,
        against=await _against(session, lists, stones, promised),
        asked_for=len(chosen),
        more=more,
        typed=typed,
    )


@router.get("/stones/plans/{name}.svg")
async def drawn(name: str, view: str = "face") -> Response:
    """A picture that many stones share; its name says everything that is drawn."""
    found = plan.named(name)
    if found is None or view not in plan.VIEWS:
        raise NotFound()
    body = await anyio.to_thread.run_sync(plan.picture, found, view)
    return Response(body, media_type=SVG, headers={"Cache-Control": FOR_EVER})


@router.get("/stones/{stone}")
async def show(request: Request, stone: str, actor: CurrentActor, session: Reading, now: Now) -> Response:
    found = await _visible(session, actor, stone)
    promised = (await queries.commitments_of(session, [found.id])).get(found.id)
    verdict = await provenance.verdict_of(session, found.public_id)
    shown = plan.proportions_of(found)
    lang = language(request)
    trade = await request.app.state.trade_of(session, found, actor, now)
    known = queries.sees_supplier_of(actor, found) or (trade is not None and trade.knows_supplier)
    return page(
        request,
        "catalogue/show.html",
        stone=found,
        promised=promised,
        marks=await shortlist_reading.marks_of(session, actor, [found.id]),
        name=showing.name_of(found, lang),
        priced=queries.sees_price_of(actor, found),
        among=await stood_at(session, actor, found, promised),
        inside=queries.sees_supplier_of(actor, found),
        said=laboratory.said_of(found.supplier_said, lang) if queries.sees_supplier_of(actor, found) else [],
        supplier=await queries.supplier_of(session, found) if known else None,
        trade=trade,
        rulers=rulers.rulers_of(found),
        plan=plan.plan_of(found),
        proportions=shown,
        drawing=plan,
        journey=await journey_of(session, found.public_id, _sees(actor, found), here=portraits.whereabouts(found)),
        verdict=verdict,
        passport=await passport_queries.latest(session, found.public_id),
        lines=provenance.rule_by_rule(verdict, inside=actor.may(Permission.ORIGIN_SEE)) if verdict else [],
        shape_word=term("shape", found.shape, lang),
        girdle_words=showing.girdle_of(found, lang),
        angle=showing.hundredths,
        document=verdict is not None and provenance.may_read_document(actor, verdict),
        stood=await request.app.state.stood_in(session, found, actor, now),
        gallery=await media_queries.gallery_of(session, found),
        may_tend=queries.sees_supplier_of(actor, found) and (not actor.is_staff or actor.may(Permission.LOT_CURATE)),
        now=now,
    )


@router.get("/stones/{stone}/verdict.json")
async def verdict_document(stone: str, actor: CurrentActor, session: Reading) -> Response:
    """The verdict as it is kept, byte for byte: its SHA-256 is the one on the stone's page."""
    found = await _visible(session, actor, stone)
    verdict = await provenance.verdict_of(session, found.public_id)
    if verdict is None or not provenance.may_read_document(actor, verdict):
        raise NotFound()
    document = await provenance.document_of(session, verdict)
    if document is None:
        raise NotFound()
    headers = {
        "Content-Disposition": f'attachment; filename="verdict-{found.public_id}.json"',
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(document.encode(), media_type="application/json", headers=headers)


@router.get("/stones/{stone}/plan.svg")
async def plan_of_stone(stone: str, actor: CurrentActor, session: Reading, view: str = "crown") -> Response:
    found = await _visible(session, actor, stone)
    if view not in plan.VIEWS:
        raise NotFound()
    shown = plan.proportions_of(found)
    body = await anyio.to_thread.run_sync(plan.picture, plan.plan_of(found), view, shown)
    return Response(body, media_type=SVG, headers={"Cache-Control": "private, max-age=300"})


async def _lists(request: Request, session: AsyncSession, actor: Actor) -> Choice:
    return await benchmarks.choice_of(session, actor, request.cookies.get(benchmarks.COOKIE, ""))


async def _against(
    session: AsyncSession, lists: Choice, stones: Sequence[Stone], promised: Mapping[int, StoneCommitment]
) -> dict[int, Beside]:
    """The chosen list beside those that are to be had: what a sold one asked is told to nobody."""
    asking = [stone for stone in stones if stone.id not in promised or promised[stone.id].kind != CommitmentKind.SOLD]
    return await benchmarks.discounts(session, lists, asking)


async def _columns(
    request: Request, session: AsyncSession, actor: Actor, prices: bool, lists: Choice
) -> dict[str, list[str]]:
    chosen = await table_columns.of_reader(session, actor, request.cookies.get(table_columns.COOKIE, ""))
    offered = table_columns.offered(prices=prices, against=lists.chosen is not None)
    return {"offered": offered, "chosen": chosen, "shown": [column for column in chosen if column in offered]}


async def _as_it_was(request: Request, actor: Actor, session: AsyncSession) -> Response:
    """The same address with `as_of`: the list of that change, from the history."""
    prices, lang, index = queries.sees_prices(actor), language(request), index_of(request.app)
    seq = await past_showing.change_of(session, actor, request.query_params["as_of"])
    params = [(name, value) for name, value in request.query_params.multi_items() if name != "as_of"]
    asked = forms.asked(params, prices=prices, staff=actor.is_staff)
    here = forms.address(asked.wanted, prices=prices, as_of=str(seq))
    if not asked.faults and forms.address(asked.wanted, prices=prices, as_of=str(seq), cursor=asked.cursor) != (
        _asked_address(request)
    ):
        return RedirectResponse(here, status_code=303)
    after, faults = _place(asked, here, index), list(asked.faults)
    if asked.cursor and after is None:
        faults.append(("cursor", "search_cursor_foreign"))
    found = await past_showing.shown(session, index, actor, asked.wanted, seq, after)
    following = found.after and cursors.sealed(found.after, here, seq, index.secret)
    now_address = forms.address(asked.wanted, prices=prices)
    return page(
        request,
        "catalogue/past.html",
        past=found,
        asked=showing.said(asked.wanted, await queries.called_in(session, asked.wanted, {}, lang)),
        names={line.stone.id: showing.name_of(line.stone, lang) for line in found.lines if line.stone},
        word_of=showing.word_of,
        faults=faults,
        prices=prices,
        now_address=now_address,
        fields=parse_qsl(urlsplit(now_address).query),
        first=here if after else None,
        following=forms.address(asked.wanted, prices=prices, as_of=str(seq), cursor=following) if following else None,
    )


def _sees(actor: Actor, stone: Stone) -> Sees:
    return sees_of(actor, holder=not actor.is_staff and queries.sees_supplier_of(actor, stone))


async def _visible(session: AsyncSession, actor: Actor, public_id: str) -> Stone:
    found = await queries.stone_of(session, actor, public_id) if is_ulid(public_id) else None
    if found is None:
        raise NotFound()
    return found


def _asked_address(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def _place(asked: forms.Asked, here: str, index: Index) -> After | None:
    return cursors.opened(asked.cursor, here, index.secret) if asked.cursor else None
