"""The rotation of trays at an office for a sale: what is known, the rounds that follow, and the papers of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.auctions.models import Sale
from pavilion.viewings import rotation, trays, trays_reading
from pavilion.viewings.desk_models import Tray
from pavilion.viewings.models import Appointment, AppointmentStone
from pavilion.viewings.place_models import Desk, Office, Window
from pavilion.viewings.rotation import Rotation
from pavilion.viewings.rotation_sheets_seating import seated, timed
from pavilion.viewings.showing import Reader, office_name
from pavilion.viewings.states import TAKING
from pavilion.viewings.travelling_models import RotationSpan, TrayWant
from pavilion.viewings.trays_reading import LotStones
from pavilion.webkit.i18n import Tongue

USUAL_MINUTES = 45
MOST_WINDOWS = 60


@dataclass(frozen=True, slots=True)
class Buyer:
    public_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Round:
    """`seats`: desk, none where there are too few, with buyer and tray."""

    n: int
    start: datetime | None
    seats: Sequence[tuple[Desk | None, Buyer, Tray]]


@dataclass(frozen=True, slots=True)
class Circulation:
    """All of it, for the page and for the papers."""

    office: Office
    sale: Sale
    trays: Sequence[Tray]
    lots: Mapping[str, str]  # of each tray by public id, in words: 11, 12, 14A
    buyers: Sequence[Buyer]
    typed: frozenset[tuple[str, str]]  # tray, company
    booked: frozenset[tuple[str, str]]
    spans: Mapping[str, tuple[int, int]]
    rotation: Rotation
    rounds: Sequence[Round]
    desks: Sequence[Desk]
    minutes: int

    @property
    def added(self) -> int:
        """Rounds that only the number of desks asks for."""
        return max(0, len(self.rounds) - len(self.rotation.rounds))

    def buyer(self, public_id: str) -> Buyer:
        return next(one for one in self.buyers if one.public_id == public_id)

    def tray(self, public_id: str) -> Tray:
        return next(one for one in self.trays if one.public_id == public_id)


async def circulation(
    session: AsyncSession, office: Office, sale: Sale, lots: Sequence[LotStones], *, since: datetime, minutes: int
) -> Circulation:
    """The least rounds in which everybody sees what they must, from `since` on in the hours of the office."""
    own = await trays.of_sale(session, office, sale)
    typed = await _typed(session, own)
    booked = await _booked(session, office, own, since)
    buyers = await _buyers(session, sale, typed | booked)
    spans = await _spans(session, office, sale)
    desks = await _desks(session, office)
    wants: dict[str, list[str]] = {}
    for tray, company in sorted(typed | booked):
        wants.setdefault(company, []).append(tray)
    hours = {company: (first - 1, last - 1) for company, (first, last) in spans.items() if company in wants}
    made = rotation.plan(wants, hours or None)
    rounds = [list(one) for one in made.rounds]
    if desks and not hours:
        rounds = seated(rounds, len(desks))
    begins = timed(len(rounds), minutes, await _openings(session, office, since))
    seats = _seats(sorted(wants), desks, rounds)
    trays_by, buyers_by = {one.public_id: one for one in own}, {one.public_id: one for one in buyers}
    return Circulation(
        office, sale, own, {tray.public_id: _lot_words(tray, lots) for tray in own}, buyers, frozenset(typed),
        frozenset(booked), spans, made,
        [
            Round(
                n + 1, begins[n] if n < len(begins) else None,
                [(seats[n].get(buyer), buyers_by[buyer], trays_by[tray]) for buyer, tray in pairs],
            )
            for n, pairs in enumerate(rounds)
        ],
        desks, minutes,
    )  # fmt: skip


def paper(shown: Circulation, kind: str, reader: Reader, tongues: Mapping[str, Tongue], title: str) -> dict[str, Any]:
    """What the printer is told: a page of its own for each round, desk or buyer; those of buyers in both languages."""
    languages = ["en", "zh"] if kind == "buyers" else [reader.tongue.lang]
    makers = {"circulation": _round_pages, "desks": _desk_pages, "buyers": _buyer_pages}
    readers = [Reader(tongues[lang], reader.zone) for lang in languages]
    pages = makers[kind](shown, readers)
    said = reader.say
    return {
        "lang": reader.tongue.lang, "title": said(f"sheet_{kind}"), "footer": said("sheet_footer", title=title),
        "pages": pages,
    }  # fmt: skip


def desk_name(desk: Desk | None, lang: str) -> str:
    return "–" if desk is None else desk.name_zh if lang == "zh" else desk.name_en


def _round_pages(shown: Circulation, readers: Sequence[Reader]) -> list[dict[str, Any]]:
    [reader] = readers
    return [
        {
            "parts": [
                _part(
                    reader, shown, reader.say("sheet_round", n=one.n, of=len(shown.rounds)), _when(reader, shown, one),
                    ("sheet_desk", "sheet_tray", "sheet_buyer", "sheet_lots"),
                    [
                        [desk_name(desk, reader.tongue.lang), tray.label, buyer.name, shown.lots[tray.public_id]]
                        for desk, buyer, tray in one.seats
                    ],
                )
            ]
        }
        for one in shown.rounds
    ]  # fmt: skip


def _desk_pages(shown: Circulation, readers: Sequence[Reader]) -> list[dict[str, Any]]:
    [reader] = readers
    found = []
    for desk in shown.desks:
        rows = [
            [str(one.n), _clock(reader, shown, one), buyer.name, tray.label, shown.lots[tray.public_id]]
            for one in shown.rounds
            for at, buyer, tray in one.seats
            if at is not None and at.id == desk.id
        ]
        if not rows:
            continue
        heads = ("sheet_n", "sheet_time", "sheet_buyer", "sheet_tray", "sheet_lots")
        found.append(
            {
                "parts": [
                    _part(
                        reader,
                        shown,
                        reader.say("sheet_of_desk", desk=desk_name(desk, reader.tongue.lang)),
                        "",
                        heads,
                        rows,
                    )
                ]
            }
        )
    return found


def _buyer_pages(shown: Circulation, readers: Sequence[Reader]) -> list[dict[str, Any]]:
    found = []
    heads = ("sheet_n", "sheet_time", "sheet_desk", "sheet_tray", "sheet_lots")
    for buyer in shown.buyers:
        parts = []
        for reader in readers:
            rows = [
                [
                    str(one.n),
                    _clock(reader, shown, one),
                    desk_name(desk, reader.tongue.lang),
                    tray.label,
                    shown.lots[tray.public_id],
                ]
                for one in shown.rounds
                for desk, who, tray in one.seats
                if who == buyer
            ]
            if rows:
                parts.append(_part(reader, shown, buyer.name, "", heads, rows))
        if parts:
            found.append({"parts": parts})
    return found


def _part(
    reader: Reader, shown: Circulation, title: str, when: str, heads: Sequence[str], rows: list[list[str]]
) -> dict[str, Any]:
    lang = reader.tongue.lang
    sale = shown.sale.title_zh if lang == "zh" and shown.sale.title_zh else shown.sale.title_en
    place = f"{sale}{'，' if lang == 'zh' else ', '}{office_name(shown.office, lang)}"
    return {
        "lang": lang, "title": title, "subtitle": place, "when": when, "columns": [reader.say(one) for one in heads],
        "rows": rows,
    }  # fmt: skip


def _when(reader: Reader, shown: Circulation, one: Round) -> str:
    if one.start is None:
        return reader.say("sheet_no_time")
    zone = shown.office.zone
    day, clock = reader.day(one.start, zone, year=True), reader.clock(one.start, zone)
    gap = ", " if reader.tongue.lang == "en" else " "
    return f"{day}{gap}{clock} ({reader.zone_words(one.start, zone)})"


def _clock(reader: Reader, shown: Circulation, one: Round) -> str:
    if one.start is None:
        return "–"
    return f"{reader.day(one.start, shown.office.zone, short=True)} {reader.clock(one.start, shown.office.zone)}"


def _seats(
    buyers: Sequence[str], desks: Sequence[Desk], rounds: Sequence[Sequence[rotation.Pair]]
) -> list[dict[str, Desk]]:
    """Who sits where in each round: everybody at the same desk all day where there are enough, else where they sat
    before, or at a free one. Who finds none has none."""
    if len(buyers) <= len(desks):
        own = dict(zip(buyers, desks, strict=False))
        return [own for _ in rounds]
    found: list[dict[str, Desk]] = []
    last: dict[str, Desk] = {}
    for pairs in rounds:
        now: dict[str, Desk] = {}
        for buyer, _ in pairs:
            if buyer in last and last[buyer] not in now.values():
                now[buyer] = last[buyer]
        free = [desk for desk in desks if desk not in now.values()]
        for buyer, _ in pairs:
            if buyer not in now and free:
                now[buyer] = free.pop(0)
        last |= now
        found.append(now)
    return found


async def _typed(session: AsyncSession, own: Sequence[Tray]) -> set[tuple[str, str]]:
    names = {tray.id: tray.public_id for tray in own}
    rows = await session.execute(
        select(TrayWant.tray_id, Company.public_id)
        .join(Company, Company.id == TrayWant.company_id)
        .where(TrayWant.tray_id.in_(names))
    )
    return {(names[row.tray_id], row.public_id) for row in rows}


async def _booked(session: AsyncSession, office: Office, own: Sequence[Tray], since: datetime) -> set[tuple[str, str]]:
    """Whose coming appointments at the office are for a stone of a tray."""
    at = {stone: tray.public_id for tray in own for stone in tray.stones}
    rows = await session.execute(
        select(AppointmentStone.stone, Company.public_id)
        .join(Appointment, Appointment.id == AppointmentStone.appointment_id)
        .join(Desk, Desk.id == Appointment.desk_id)
        .join(Company, Company.id == Appointment.company_id)
        .where(
            AppointmentStone.stone.in_(at), AppointmentStone.dropped.is_(None), Desk.office_id == office.id,
            Desk.room_id.is_not(None), Appointment.state.in_(TAKING), Appointment.ends_at > since,
        )
    )  # fmt: skip
    return {(at[row.stone], row.public_id) for row in rows}


async def _buyers(session: AsyncSession, sale: Sale, wants: set[tuple[str, str]]) -> list[Buyer]:
    """Who must see something, and who may bid."""
    ids = list(await trays_reading.registered(session, sale))
    named = (Company.public_id.in_({company for _, company in wants})) | Company.id.in_(ids)
    rows = await session.execute(select(Company.public_id, Company.name).where(named).order_by(Company.name))
    return [Buyer(row.public_id, row.name) for row in rows]


async def _spans(session: AsyncSession, office: Office, sale: Sale) -> dict[str, tuple[int, int]]:
    rows = await session.execute(
        select(Company.public_id, RotationSpan.first, RotationSpan.last)
        .join(Company, Company.id == RotationSpan.company_id)
        .where(RotationSpan.office_id == office.id, RotationSpan.sale == sale.public_id)
    )
    return {row.public_id: (row.first, row.last) for row in rows}


async def _desks(session: AsyncSession, office: Office) -> Sequence[Desk]:
    wanted = select(Desk).where(Desk.office_id == office.id, Desk.closed_at.is_(None), Desk.room_id.is_not(None))
    return (await session.scalars(wanted.order_by(Desk.rank, Desk.id))).all()


async def _openings(
    session: AsyncSession, office: Office, since: datetime
) -> list[tuple[datetime, datetime, list[tuple[datetime, datetime]]]]:
    wanted = select(Window).where(Window.office_id == office.id, Window.closes_at > since)
    rows = await session.scalars(wanted.order_by(Window.opens_at).limit(MOST_WINDOWS))
    return [
        (
            max(row.opens_at, since), row.closes_at,
            [(datetime.fromisoformat(one), datetime.fromisoformat(two)) for one, two in row.breaks_at or ()],
        )
        for row in rows
    ]  # fmt: skip


def _lot_words(tray: Tray, lots: Sequence[LotStones]) -> str:
    inside = [
        one.lot.number_text for one in lots if one.lot.number is not None and set(one.public_ids) & set(tray.stones)
    ]
    return ", ".join(inside)
