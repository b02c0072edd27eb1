"""Stones by the numbers that people know them by: stock numbers and report numbers, as they were copied."""

import re
from typing import NamedTuple

from sqlalchemy import or_
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.catalogue.models import Stone
from pavilion.catalogue.queries import visible_to

MOST_NUMBERS = 100  # words that are looked up of what was pasted


class Named(NamedTuple):
    """What the pasted numbers name: the stones, the numbers nobody knows, those that several stones bear."""

    stones: list[Stone]
    unknown: list[str]
    shared: list[str]


async def numbered(session: AsyncSession, actor: Actor, typed: str) -> Named:
    """The stones that this reader may see under these stock or report numbers, in the order typed."""
    words = list(dict.fromkeys(re.split(r"[\s,;，；、]+", typed.strip())))[:MOST_NUMBERS]
    keys = {word: word.casefold() for word in words if word}
    either = or_(Stone.stock_no_key.in_(keys.values()), Stone.report_no.in_([key.upper() for key in keys.values()]))
    rows = (await session.scalars(visible_to(actor).where(either).order_by(Stone.id))).all()
    found = Named([], [], [])
    for word, key in keys.items():
        fitting = [row for row in rows if key in (row.stock_no_key, (row.report_no or "").casefold())]
        if len(fitting) == 1 and fitting[0] not in found.stones:
            found.stones.append(fitting[0])
        elif len(fitting) != 1:
            (found.shared if fitting else found.unknown).append(word)
    return found
