"""What an invoice says of each stone beside its weight: where it was mined and made, its passport, its treatment."""

import json
from collections.abc import Collection
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue import queries as catalogue
from pavilion.catalogue.models import Stone
from pavilion.provenance import eligibility
from pavilion.provenance.models import ExposedStone
from pavilion.provenance.passport_models import Passport


async def stones(session: AsyncSession, ids: Collection[str], day: date) -> dict[str, dict[str, Any]]:
    """By public id; origin as the newest passport says it, else as the chain and the stone's supplier did."""
    rows = await catalogue.sold_as(session, ids)
    passports = {row.stone: row for row in await _newest(session, ids)}
    found = {row.public_id: _described(row, passports.get(row.public_id)) for row in rows}
    for stone, country in (await _made(session, [one for one in found if one not in passports], day)).items():
        found[stone]["made"] = country
    return found


async def _made(session: AsyncSession, ids: Collection[str], day: date) -> dict[str, str]:
    """The country of the last cut or polish of stones that stand verified, as their chains have it."""
    shown = sorted(await session.scalars(select(ExposedStone.stone).where(ExposedStone.stone.in_(ids))))
    made = {}
    for stone, case in (await eligibility.cases_of(session, shown, day)).items() if shown else ():
        countries = [event.cc for event in case.transformations if event.cc]
        if countries:
            made[stone] = countries[-1]
    return made


async def _newest(session: AsyncSession, ids: Collection[str]) -> list[Passport]:
    last = select(Passport.stone, func.max(Passport.n).label("n")).where(Passport.stone.in_(ids))
    newest = last.group_by(Passport.stone).subquery()
    wanted = select(Passport).join(newest, (newest.c.stone == Passport.stone) & (newest.c.n == Passport.n))
    return list(await session.scalars(wanted))


def _described(stone: Stone, passport: Passport | None) -> dict[str, Any]:
    said: dict[str, Any] = {
        "stone": stone.public_id,
        "stock_no": stone.stock_no,
        "mct": stone.weight_mct,
        "report": f"{stone.lab} {stone.report_no}" if stone.report_no else "",
        "species": stone.species,
        "variety": stone.variety,
        "treatment": stone.treatment,
        "mined": stone.mine_country,
        "made": None,
        "passport": None,
    }
    if passport is not None:
        subject = json.loads(passport.document)["credentialSubject"]
        said["mined"] = subject["stone:origin"]["mine"]["country"] or said["mined"]
        said["made"] = subject["product"].get("countryOfProduction")
        said["passport"] = {"page": subject["id"], "version": passport.n, "sha256": passport.sha256}
    return said
