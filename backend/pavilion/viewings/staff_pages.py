"""What the pages of an office's staff share: who acts, the day in an address, and acts that are refused in place."""

import re
from collections.abc import Awaitable
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.convertors import Convertor, register_url_convertor

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel.errors import Refusal
from pavilion.provenance.handling import HouseHand
from pavilion.viewings import showing
from pavilion.viewings.place_models import Office
from pavilion.webkit.refusals import wants_json

Runner = Annotated[Actor, may(Permission.VIEWING_RUN)]
_DAY = re.compile(r"20[0-9]{2}-[01][0-9]-[0-3][0-9]")


class _IsoDay(Convertor[date]):
    """A day in an address. Everything else in its place is another page."""

    regex = _DAY.pattern

    def convert(self, value: str) -> date:
        try:
            return date.fromisoformat(value)
        except ValueError:
            return date(2000, 1, 1)  # the 31st of a short month: an empty day long past

    def to_string(self, value: date) -> str:
        return value.isoformat()


register_url_convertor("isoday", _IsoDay())


def by_of(actor: Actor) -> str:
    assert actor.public_id is not None
    return actor.public_id


async def tried(request: Request, session: AsyncSession, act: Awaitable[Any]) -> Refusal | None:
    """None when the act was carried out; else nothing has changed, and the page says why. Programs are told at once."""
    try:
        async with session.begin_nested():
            await act
    except Refusal as refused:
        if wants_json(request):
            raise
        return refused
    return None


async def office_facts(request: Request, session: AsyncSession, actor: Actor, office: Office, now: datetime) -> Any:
    """What every page of an office says: whose clock, and who reads."""
    reader = await showing.reader_of(request, session, actor)
    return {"office": office, "reader": reader, "now": now, "zone": office.zone}


def said_of(reader: showing.Reader, refused: Refusal | None, zone: str) -> str | None:
    """The sentence of a refusal with its facts in the reader's words."""
    if refused is None:
        return None
    return reader.sentence(refused.code, refused.facts, zone)


def status_of(refused: Refusal | None) -> int:
    return 200 if refused is None else refused.status


def hand_of(request: Request) -> HouseHand | None:
    """What the house signs with; none in a house without its data key."""
    settings = request.app.state.settings
    key = settings.data_key.get_secret_value()
    return HouseHand(settings.house_did, bytes.fromhex(key)) if key else None
