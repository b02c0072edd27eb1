"""Trays of a sale at an office: composed of lots, and who must see them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.auctions.models import Sale
from pavilion.kernel import events
from pavilion.kernel.errors import BadInput, NotFound, Refusal
from pavilion.kernel.ids import ulid
from pavilion.provenance import custody_keeping
from pavilion.viewings.desk_models import Incident, Tray
from pavilion.viewings.place_models import Office
from pavilion.viewings.travelling_models import RotationSpan, TrayWant
from pavilion.viewings.trays_reading import LotStones, label_order

LABEL = re.compile(r"^[\w.-]{1,12}$")
RANGE = re.compile(r"^(\d{1,5}[A-Za-z]{0,2})(?:\s*[-–]\s*(\d{1,5}))?$")
MOST_LOTS, MOST_ROUNDS = 200, 1000


class TrayInUse(Refusal):
    """It is on a desk, or an incident is told of it: it stays as it is."""

    status, code = 409, "tray_in_use"


async def of_sale(session: AsyncSession, office: Office, sale: Sale) -> Sequence[Tray]:
    """In the order of their labels, numbers as numbers."""
    wanted = select(Tray).where(Tray.office_id == office.id, Tray.sale == sale.public_id)
    return sorted(await session.scalars(wanted), key=lambda tray: label_order(tray.label))


async def compose(
    session: AsyncSession, office: Office, sale: Sale, lots: Sequence[LotStones], *, label: str, numbers: str, by: str,
    now: datetime,
) -> Tray:  # fmt: skip
    """A tray of these lots. BadInput for a label or lots that cannot be, and for a stone that lies in another tray."""
    faults: dict[str, str] = {}
    others = await of_sale(session, office, sale)
    if not LABEL.match(label):
        faults["label"] = "bad_input"
    elif any(tray.label.casefold() == label.casefold() for tray in others):
        faults["label"] = "tray_taken"
    chosen = lots_named(numbers, lots)
    if chosen is None:
        faults["numbers"] = "lot_not_in_sale"
    elif not chosen:
        faults["numbers"] = "tray_empty"
    stones = [stone for lot in chosen or () for stone in lot.public_ids]
    if {stone for tray in others for stone in tray.stones} & set(stones):
        faults["numbers"] = "stone_in_two_trays"
    if faults:
        raise BadInput(fields=faults)
    tray = Tray(public_id=ulid(now), office_id=office.id, sale=sale.public_id, label=label, stones=stones, made_at=now)
    session.add(tray)
    await session.flush()
    events.record(session, "tray:composed", tray.public_id, by=by, at=now, office=office.id, stones=len(stones))
    return tray


async def dissolve(session: AsyncSession, office: Office, public_id: str, *, by: str, now: datetime) -> None:
    """The lots are shown one by one again."""
    tray = await session.scalar(select(Tray).where(Tray.public_id == public_id, Tray.office_id == office.id))
    if tray is None:
        raise NotFound()
    told = await session.scalar(select(Incident.id).where(Incident.tray_id == tray.id).limit(1))
    if told is not None or await custody_keeping.open_entry(session, tray=tray.public_id) is not None:
        raise TrayInUse()
    await session.execute(delete(TrayWant).where(TrayWant.tray_id == tray.id))
    await session.delete(tray)
    events.record(session, "tray:dissolved", public_id, by=by, at=now, office=office.id)


async def set_wants(
    session: AsyncSession, office: Office, sale: Sale, wants: Iterable[tuple[str, str]],
    spans: Mapping[str, tuple[int, int]], *, by: str, now: datetime,
) -> None:  # fmt: skip
    """Exactly these companies (public ids) must see these trays (public ids), besides who has an appointment, and come
    in these rounds."""
    own = {tray.public_id: tray.id for tray in await of_sale(session, office, sale)}
    pairs = set(wants)
    named = {company for _, company in pairs} | set(spans)
    rows = await session.execute(select(Company.public_id, Company.id).where(Company.public_id.in_(named)))
    ids = {row.public_id: row.id for row in rows}
    if named - set(ids) or {tray for tray, _ in pairs} - set(own):
        raise BadInput(fields={"want": "unknown_reference"})
    if any(not 1 <= first <= last <= MOST_ROUNDS for first, last in spans.values()):
        raise BadInput(fields={"first": "bad_input"})
    await session.execute(delete(TrayWant).where(TrayWant.tray_id.in_(own.values())))
    kept = RotationSpan.office_id == office.id, RotationSpan.sale == sale.public_id
    await session.execute(delete(RotationSpan).where(*kept))
    session.add_all(TrayWant(tray_id=own[tray], company_id=ids[company], by=by, at=now) for tray, company in pairs)
    session.add_all(
        RotationSpan(office_id=office.id, sale=sale.public_id, company_id=ids[company], first=first, last=last)
        for company, (first, last) in spans.items()
    )
    await session.flush()
    events.record(session, "rotation:wanted", sale.public_id, by=by, at=now, office=office.id, pairs=len(pairs))


def lots_named(text: str, lots: Sequence[LotStones]) -> list[LotStones] | None:
    """`11, 14-18, 12A`: the lots so numbered, in that order; None where one is none of the sale."""
    by_number = {one.lot.number_text.upper(): one for one in lots if one.lot.number is not None}
    found: dict[str, LotStones] = {}
    for part in re.split(r"[,;，、\s]+", re.sub(r"\s*[-–]\s*", "-", text.strip())):
        if not part:
            continue
        match = RANGE.match(part)
        if match is None:
            return None
        for number in _numbers(match, lots):
            if number not in by_number:
                return None
            found[number] = by_number[number]
        if len(found) > MOST_LOTS:
            return None
    return list(found.values())


def _numbers(match: re.Match[str], lots: Sequence[LotStones]) -> list[str]:
    """Of a span all that the sale has; both ends must be among them."""
    first, last = match.group(1).upper(), match.group(2)
    if last is None:
        return [first]
    inside = [
        one.lot.number_text.upper()
        for one in lots
        if one.lot.number is not None and first.isdecimal() and int(first) <= one.lot.number <= int(last)
    ]
    return inside or [first]
