"""Prices per carat by colour and clarity, the index of the house, and the map of fancy hues: pages and JSON."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import CurrentActor
from pavilion.accounts.rules import Actor
from pavilion.catalogue import asking, showing
from pavilion.catalogue.queries import sees_prices
from pavilion.insight import hue_map, price_grid, price_index
from pavilion.insight.price_answers import PriceGridTold
from pavilion.insight.price_grid import GRAINS, GROUPS, PERIODS, SOURCES, Wanted
from pavilion.insight.price_index import Step
from pavilion.insight.price_models import LEAST
from pavilion.kernel.errors import BadInput, NotAllowed
from pavilion.kernel.instants import stamp
from pavilion.kernel.money import CURRENCIES
from pavilion.webkit.answers import answers
from pavilion.webkit.deps import Now, Reading
from pavilion.webkit.html import language, page

router = APIRouter(tags=["sales"])

CHART_HIGH = 160


def _asks(about: str, example: str) -> Any:
    return Query(max_length=20, description=about, examples=[example])


Source = Annotated[str, _asks("`results` of this house, or `asking` prices, for who sees them.", "results")]
Grain = Annotated[str, _asks("`groups` of colours and clarities, or single `grades`.", "groups")]
Shape = Annotated[str, _asks("Group of shapes; left out: the one of which most is told.", "round")]
Size = Annotated[str, _asks("Size in carats; of grades a narrow band.", "1.00-1.99")]
Period = Annotated[str, _asks("Months back: `12`, `24` or `all`.", "24")]
Cur = Annotated[str, _asks("Currency, ISO 4217; prices of two are never mixed.", "USD")]


@router.get("/prices")
async def prices(
    request: Request,
    actor: CurrentActor,
    session: Reading,
    now: Now,
    source: Source = "",
    grain: Grain = "",
    shape: Shape = "",
    size: Size = "",
    period: Period = "",
    cur: Cur = "",
) -> Response:
    """The grid; what cannot be read of an address is left out."""
    said = {"source": source, "grain": grain, "shape": shape, "size": size, "period": period, "cur": cur}
    told = await price_grid.currencies(session)
    wanted, _ = await _wanted(session, actor, said, told)
    steps = await price_index.index(session, wanted.currency, now)
    return page(
        request,
        "insight/prices.html",
        wanted=wanted,
        grid=await price_grid.asked(session, wanted)
        if wanted.source == "asking"
        else await price_grid.told(session, wanted, now),
        sizes=[name for name, _, _ in price_grid.sizes_of(wanted.grain)],
        groups=GROUPS,
        periods=tuple(PERIODS),
        currencies=sorted({*told, wanted.currency, "USD"}),
        priced=sees_prices(actor),
        least=LEAST,
        opened=price_grid.opened if wanted.source == "results" else None,
        steps=steps,
        line=_line(steps),
    )


@router.get("/api/v1/prices", responses=answers({200: PriceGridTold}, NotAllowed, BadInput))
async def prices_as_json(
    actor: CurrentActor,
    session: Reading,
    now: Now,
    source: Source = "results",
    grain: Grain = "groups",
    shape: Shape = "",
    size: Size = "",
    period: Period = "24",
    cur: Cur = "USD",
) -> JSONResponse:
    """The same grid for programs. Cells with fewer than five prices are not there, and no sum counts them."""
    said = {"source": source, "grain": grain, "shape": shape, "size": size, "period": period, "cur": cur}
    if source == "asking" and not sees_prices(actor):
        raise NotAllowed(right="price:see")
    wanted, wrong = await _wanted(session, actor, said, [])
    if wrong:
        raise BadInput(fields=dict.fromkeys(wrong, "search_value_unknown"))
    grid = await (price_grid.asked(session, wanted) if source == "asking" else price_grid.told(session, wanted, now))
    cells = [
        {
            "color": color,
            "clarity": clarity,
            "n": one.n,
            "low_minor": one.low,
            "median_minor": one.median,
            "high_minor": one.high,
            "last_at": stamp(one.last_at) if one.last_at else None,
        }
        for (color, clarity), one in grid.cells.items()
    ]
    answer = wanted._asdict() | {"least": LEAST, "n": grid.n, "cells": cells}
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})


@router.get("/prices/hues")
async def hues(
    request: Request, actor: CurrentActor, session: Reading, now: Now, period: Period = "24", cur: Cur = ""
) -> Response:
    """The fancy colours that are listed, on the circle of hues, and what each hue brought."""
    told = await price_grid.currencies(session)
    currency = cur if cur in CURRENCIES else (told or ["USD"])[0]
    stones = await asking.fancy_listed(session)
    figures = await price_grid.hues(session, currency, period if period in PERIODS else "24", now)
    lang = language(request)
    return page(
        request,
        "insight/hues.html",
        stones=stones,
        names={one.id: showing.name_of(one, lang) for one in stones},
        map=hue_map.drawn(stones),
        figures=figures,
        opened=price_grid.opened_hue,
        most=max((one.figure.high for one in figures), default=1),
        period=period if period in PERIODS else "24",
        periods=tuple(PERIODS),
        currency=currency,
        currencies=sorted({*told, currency}),
        priced=sees_prices(actor),
        least=LEAST,
    )


async def _wanted(
    session: AsyncSession, actor: Actor, said: Mapping[str, str], told: list[str]
) -> tuple[Wanted, list[str]]:
    """The grid that is meant, and the names of what could not be read."""
    wrong: list[str] = []

    def one_of(name: str, known: tuple[str, ...] | list[str], usual: str) -> str:
        if said[name] and said[name] not in known:
            wrong.append(name)
        return said[name] if said[name] in known else usual

    sources = SOURCES if sees_prices(actor) else SOURCES[:1]
    grain, source = one_of("grain", GRAINS, GRAINS[0]), one_of("source", sources, SOURCES[0])
    currency = one_of("cur", sorted(CURRENCIES), (told or ["USD"])[0])
    shape, size = await price_grid.richest(session, currency)
    sizes = [name for name, _, _ in price_grid.sizes_of(grain)]
    usual = size if size in sizes else "1.00-1.49"
    return Wanted(
        source,
        grain,
        one_of("shape", GROUPS, shape),
        one_of("size", sizes, usual),
        one_of("period", tuple(PERIODS), "24"),
        currency,
    ), wrong


def _line(steps: list[Step]) -> list[tuple[int, int, Step]]:
    """Where the told quarters stand in a drawing 640 wide."""
    told = [(place, one) for place, one in enumerate(steps) if one.tenths is not None]
    if len(told) < 2:
        return []
    levels = [one.tenths or 0 for _, one in told]
    low, span = min(levels), max(max(levels) - min(levels), 1)
    return [
        (
            40 + place * 560 // max(len(steps) - 1, 1),
            20 + CHART_HIGH - ((one.tenths or 0) - low) * CHART_HIGH // span,
            one,
        )
        for place, one in told
    ]
