"""Stones for programs: search and one stone, as JSON."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import CurrentActor
from pavilion.accounts.rules import Actor
from pavilion.catalogue import cursors, forms, queries
from pavilion.catalogue.keeping import index_of
from pavilion.catalogue.models import Stone
from pavilion.kernel.errors import BadInput, NotFound
from pavilion.kernel.ids import is_ulid
from pavilion.kernel.instants import stamp
from pavilion.provenance import queries as provenance
from pavilion.provenance.queries import ChainStep
from pavilion.webkit.deps import Reading

router = APIRouter(prefix="/api/v1")


@router.get("/stones")
async def search(request: Request, actor: CurrentActor, session: Reading) -> JSONResponse:
    """The same question and the same counts as the page; what cannot be read is refused, field by field."""
    prices = queries.sees_prices(actor)
    asked = forms.asked(request.query_params.multi_items(), prices=prices)
    if asked.faults:
        raise BadInput(fields=dict(asked.faults))
    index = index_of(request.app)
    here = forms.address(asked.wanted, prices=prices)
    after = cursors.opened(asked.cursor, here, index.secret) if asked.cursor else None
    if asked.cursor and after is None:
        raise BadInput(fields={"cursor": "search_cursor_foreign"})
    answer = await index.ask(session, asked.wanted, size=asked.limit, after=after)
    stones = await queries.listed_of(session, answer.ids)
    bars = {name: found for name, found in answer.histograms.items() if prices or name != "ppc"}
    return JSONResponse(
        {
            "total": answer.total,
            "facets": answer.facets,
            "histograms": {name: {"bounds": found.bounds, "counts": found.counts} for name, found in bars.items()},
            "items": [stone_facts(stone, actor) for stone in stones],
            "cursor": cursors.sealed(answer.after, here, answer.as_of, index.secret) if answer.after else None,
            "as_of": answer.as_of,
        },
        headers={"Cache-Control": "no-store"},
    )


@router.get("/stones/{stone}")
async def show(stone: str, actor: CurrentActor, session: Reading) -> JSONResponse:
    found = await queries.stone_of(session, actor, stone) if is_ulid(stone) else None
    if found is None:
        raise NotFound()
    facts = stone_facts(found, actor) | {"origin": await _origin(session, found)}
    return JSONResponse(facts, headers={"Cache-Control": "no-store"})


def stone_facts(stone: Stone, actor: Actor) -> dict[str, Any]:
    """What this reader may know of a stone. Weights in milli-carats, lengths in micrometres, percent in hundredths."""
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


async def _origin(session: AsyncSession, stone: Stone) -> dict[str, Any]:
    verdict = await provenance.verdict_of(session, stone.public_id)
    chain = await provenance.chain_of(session, stone.public_id)
    return {
        "registry": stone.origin_registry,
        "origin_id": stone.origin_id,
        "mine": stone.mine,
        "country": stone.mine_country,
        "producer": stone.producer,
        "rough_weight_mct": stone.rough_weight_mct,
        "cutter": _cutter(chain),
        "verdict": verdict and {"verdict": verdict.verdict, "grade": verdict.grade, "ruleset": verdict.ruleset},
    }


def _cutter(chain: list[ChainStep]) -> dict[str, Any] | None:
    """The last cutter in the chain; the name only where its bearer does not mind."""
    named = [step.facts["cutter"] for step in chain if isinstance(step.facts.get("cutter"), dict)]
    if not named:
        return None
    consents = named[-1].get("consent") == "name"
    return {"name": named[-1].get("name") if consents else None, "years": named[-1].get("years")}
