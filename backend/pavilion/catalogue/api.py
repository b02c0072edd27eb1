"""Stones for programs: search, one stone and what changed, as JSON."""

from collections.abc import Collection, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import CurrentActor
from pavilion.accounts.rules import Actor
from pavilion.catalogue import change_feed, cursors, forms, past_showing, queries
from pavilion.catalogue.answers import ChangesTold, StonesTold, StoneTold
from pavilion.catalogue.answers_asked import of_search
from pavilion.catalogue.forms import Asked
from pavilion.catalogue.keeping import Index, index_of
from pavilion.catalogue.models import CommitmentKind, Stone
from pavilion.catalogue.origins import of_stones
from pavilion.catalogue.searching import After
from pavilion.catalogue.wanted import choices_of
from pavilion.kernel.errors import BadInput, NotAllowed, SignedOut
from pavilion.kernel.instants import stamp
from pavilion.webkit.answers import Limit, PublicId, answers
from pavilion.webkit.deps import Reading
from pavilion.webkit.etags import tagged

router = APIRouter(prefix="/api/v1", tags=["stones"])
PLACE = r"^[0-9]{1,15}(-[0-9A-HJKMNP-TV-Z]{26})?$"  # a sequence number, and behind it a stone of that number
AFTER = "`as_of` of a search, then `next` of each answer."
LAST = "Z" * 26  # behind every stone of a number


@router.get(
    "/stones",
    responses=answers({200: StonesTold, 304: None}, past_showing.PastUnknown, SignedOut, NotAllowed),
    openapi_extra=of_search(),
)
async def search(request: Request, actor: CurrentActor, session: Reading) -> Response:
    """The same question and the same counts as the page; what cannot be read is refused, field by field. With `as_of`
    the list of that change: its order and its number, without counts of what else could be asked."""
    if "as_of" in request.query_params:
        return await _as_it_was(request, actor, session)
    prices, index = queries.sees_prices(actor), index_of(request.app)
    asked, here, after = _asked(request, actor, index)
    answer = await index.ask(
        session, asked.wanted, size=asked.limit, after=after, facets=choices_of(staff=actor.is_staff)
    )
    stones = await queries.listed_of(session, answer.ids)
    sold = await queries.sold_among(session, stones)
    origins = await of_stones(session, stones, request.app.state.settings.public_url)
    bars = {name: found for name, found in answer.histograms.items() if prices or name != "ppc"}
    return tagged(
        request,
        {
            "total": answer.total,
            "facets": answer.facets,
            "histograms": {name: {"bounds": one.bounds, "counts": one.counts} for name, one in bars.items()},
            "items": [
                stone_facts(stone, actor, sold=stone.id in sold) | {"origin": origins[stone.public_id]}
                for stone in stones
            ],
            "cursor": cursors.sealed(answer.after, here, answer.as_of, index.secret) if answer.after else None,
            "as_of": answer.as_of,
            "shown_no_more": 0,
        },
    )


def _asked(request: Request, actor: Actor, index: Index, seq: int | None = None) -> tuple[Asked, str, After | None]:
    """The question, its one address (of that change, if one is named) and the place in its answer."""
    prices = queries.sees_prices(actor)
    params = [(name, value) for name, value in request.query_params.multi_items() if name != "as_of"]
    asked = forms.asked(params, prices=prices, staff=actor.is_staff)
    if asked.faults:
        raise BadInput(fields=dict(asked.faults))
    here = forms.address(asked.wanted, prices=prices, as_of=None if seq is None else str(seq))
    after = cursors.opened(asked.cursor, here, index.secret) if asked.cursor else None
    if asked.cursor and after is None:
        raise BadInput(fields={"cursor": "search_cursor_foreign"})
    return asked, here, after


async def _as_it_was(request: Request, actor: Actor, session: AsyncSession) -> Response:
    seq, index = await past_showing.change_of(session, actor, request.query_params["as_of"]), index_of(request.app)
    asked, here, after = _asked(request, actor, index, seq)
    found = await past_showing.shown(session, index, actor, asked.wanted, seq, after, size=asked.limit)
    lines = [(line.stone, line.promise) for line in found.lines if line.stone is not None]
    origins = await of_stones(session, [stone for stone, _ in lines], request.app.state.settings.public_url)
    items = []
    for stone, promise in lines:
        sold = promise is not None and promise[0] == CommitmentKind.SOLD
        items.append(stone_facts(stone, actor, sold=sold) | {"origin": origins[stone.public_id]})
    return tagged(
        request,
        {
            "total": found.total,
            "facets": {},
            "histograms": {},
            "items": items,
            "cursor": cursors.sealed(found.after, here, seq, index.secret) if found.after else None,
            "as_of": seq,
            "shown_no_more": len(found.lines) - len(lines),
        },
    )


@router.get("/stones/{stone}", responses=answers({200: StoneTold, 304: None}))
async def show(request: Request, stone: PublicId, actor: CurrentActor, session: Reading) -> Response:
    """A stone that the reader may see, with its origin."""
    found = await queries.asked_stone(session, actor, stone)
    origins = await of_stones(session, [found], request.app.state.settings.public_url)
    sold = found.id in await queries.sold_among(session, [found])
    return tagged(request, stone_facts(found, actor, sold=sold) | {"origin": origins[found.public_id]})


@router.get("/changes", responses=answers({200: ChangesTold, 304: None}))
async def changes(
    request: Request,
    actor: CurrentActor,
    session: Reading,
    after: Annotated[str, Query(pattern=PLACE, description=AFTER, examples=["4711"])] = "0",
    limit: Annotated[int, Limit] = 100,
) -> Response:
    """What changed past `after`, each stone once, the latest last. `next` is the `after` of the next question."""
    seq, _, stone = after.partition("-")
    found = await change_feed.changes_after(session, actor, (int(seq), stone or LAST), limit)
    shown = [change.stone for change in found if change.stone is not None]
    origins = await of_stones(session, shown, request.app.state.settings.public_url)
    sold = await queries.sold_among(session, shown)
    items = [_change(change, actor, origins, sold) for change in found]
    last = f"{found[-1].seq}-{found[-1].id}" if found else after
    return tagged(request, {"items": items, "next": last, "more": len(found) == limit})


def _change(
    change: change_feed.Change, actor: Actor, origins: Mapping[str, Any], sold: Collection[int]
) -> dict[str, Any]:
    stone = change.stone
    gone = stone is None or stone.withdrawn_at is not None
    state = "withdrawn" if gone else "listed" if stone is not None and stone.listed else "unlisted"
    facts = stone and stone_facts(stone, actor, sold=stone.id in sold) | {"origin": origins[stone.public_id]}
    return {"id": change.id, "seq": change.seq, "state": state, "stone": facts}


def stone_facts(stone: Stone, actor: Actor, *, sold: bool) -> dict[str, Any]:
    """What this reader may know of a stone. Weights in milli-carats, lengths in micrometres, percent in hundredths.
    What was asked for a sold one is told to nobody: each of its prices is null."""
    facts: dict[str, Any] = {
        "id": stone.public_id,
        "seq": stone.seq,
        "stock_no": stone.stock_no,
        "species": stone.species,
        "variety": stone.variety,
        "shape": stone.shape,
        "weight_mct": stone.weight_mct,
        "color": stone.color,
        "fancy": _fancy(stone),
        "clarity": stone.clarity,
        "cut": stone.cut,
        "polish": stone.polish,
        "symmetry": stone.symmetry,
        "fluorescence": {"intensity": stone.fluor_intensity, "color": stone.fluor_color},
        "treatment": stone.treatment,
        "treatment_degree": stone.treatment_degree,
        "coloured": _coloured(stone),
        "shade": stone.shade,
        "milky": stone.milky,
        "eye_clean": stone.eye_clean,
        "inclusions": {"black": stone.black_inclusion, "white": stone.white_inclusion, "open": stone.open_inclusion},
        "report": {
            "lab": stone.lab,
            "number": stone.report_no,
            "date": stone.report_date,
            "inscription": stone.inscription,
            "key_to_symbols": stone.key_to_symbols,
            "origin_opinion": stone.origin_opinion,
        },
        "measurements": {"length_um": stone.length_um, "width_um": stone.width_um, "depth_um": stone.depth_um},
        "depth_pct": stone.depth_pct,
        "table_pct": stone.table_pct,
        "ratio": stone.ratio,
        "crown_angle": stone.crown_angle,
        "pavilion_angle": stone.pavilion_angle,
        "girdle": {"min": stone.girdle_min, "max": stone.girdle_max, "condition": stone.girdle_condition},
        "culet": stone.culet,
        "culet_condition": stone.culet_condition,
        "brand": stone.brand,
        "pair": stone.pair_stock_no and {"stock_no": stone.pair_stock_no, "separable": stone.pair_separable},
        "availability": stone.availability,
        "place": {"city": stone.city, "region": stone.region, "country": stone.country},
        "mined": {"country": stone.mine_country, "mine": stone.mine, "producer": stone.producer},
        "listed_at": stamp(stone.listed_at) if stone.listed_at else None,
    }
    if queries.sees_price_of(actor, stone):
        facts["price"] = {
            "per_carat": _money(stone.price_per_carat_minor, stone.currency),
            "total": _money(stone.price_total_minor, stone.currency),
            "list_pct": stone.list_pct,
            "list_price": _money(stone.list_price_minor, stone.currency),
            "cash": _money(stone.cash_price_minor, stone.currency),
            "cash_list_pct": stone.cash_list_pct,
        }
        if sold:
            facts["price"] = dict.fromkeys(facts["price"])
    return facts


def _fancy(stone: Stone) -> dict[str, Any] | None:
    if stone.fancy_color is None and stone.fancy_intensity is None:
        return None
    return {
        "color": stone.fancy_color,
        "secondary": stone.fancy_secondary,
        "intensity": stone.fancy_intensity,
        "overtones": stone.overtones,
    }


def _coloured(stone: Stone) -> dict[str, Any] | None:
    """The colour of a stone that is no diamond, in the laboratory's grades."""
    if stone.species == "diamond":
        return None
    return {
        "hue": stone.gem_hue,
        "tone": stone.gem_tone,
        "saturation": stone.gem_saturation,
        "term": stone.color_term,
        "transparency": stone.transparency,
        "clarity": stone.gem_clarity,
    }


def _money(minor: int | None, currency: str) -> dict[str, Any] | None:
    return None if minor is None else {"amount_minor": minor, "currency": currency}
