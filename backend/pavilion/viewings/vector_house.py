"""A house as a vector describes it, and its operations as the desk's verbs."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company, Person
from pavilion.kernel.events import Event
from pavilion.kernel.ids import ulid
from pavilion.viewings import blocks, regimes, rotation, service, sweeping, vector_stones
from pavilion.viewings.models import Appointment, Visitor, WaitEntry
from pavilion.viewings.place_models import Desk, Office, OfficeStaff, Quota, Room, SaleViewing, Window
from pavilion.viewings.states import AppointmentState, StoneFate, ViewingMode, WaitState
from pavilion.viewings.stone_models import Stay
from pavilion.viewings.wishes import Answer, Code, Wish

LONG_AGO, FAR_AHEAD = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 12, 31, tzinfo=UTC)
SALE = "SALE"
NOWHERE = "nowhere"
INSTANTS = frozenset(
    {"until", "bookable_from", "clash_from", "clash_to", "expires", "cutoff", "from", "at", "earliest"}
)


class House:
    """Names of the vector stand for rows: references for appointments and for wishes that wait."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session
        self.refs: dict[str, str] = {}  # reference: public id of an appointment
        self.entries: dict[str, str] = {}  # reference: public id of a waiting entry
        self.companies: dict[str, int] = {}
        self.visitors: dict[tuple[str, int], int] = {}
        self.people: dict[str, int] = {}
        self.offices: list[str] = []
        self.sale: str | None = None
        self.heard = 0

    async def furnish(self, setup: dict[str, Any]) -> None:
        for office in setup["offices"]:
            self.offices.append(office["id"])
            self._add(
                Office(
                    id=office["id"], name_en=office["id"], name_zh=office["id"], zone=office["zone"], address_en="",
                    address_zh="", country="BE", rules=setup.get("rules", {}),
                )
            )  # fmt: skip
        self._add(
            Office(id=NOWHERE, name_en="", name_zh="", zone="UTC", address_en="", address_zh="", country="BE", rules={})
        )
        await self.session.flush()
        for room in setup["rooms"]:
            self._add(
                Room(
                    id=room["id"], office_id=room["office"], name_en="", name_zh="", cap=room["cap"],
                    companies=room.get("companies"),
                )
            )  # fmt: skip
        await self.session.flush()
        for desk in setup["desks"]:
            self._add(Desk(id=desk["id"], office_id=desk["office"], room_id=desk.get("room"), name_en="", name_zh=""))
        await self._hours(setup)
        await self._stones(setup.get("stones", []))
        for quota in setup.get("quotas", []):
            self._add(Quota(id=quota["id"], cap=quota["cap"], used=0))
        if ends := setup.get("viewing_ends"):
            self.sale = SALE
            self._add(SaleViewing(sale=SALE, ends_at=_at(ends), rules={}))
        for regime in setup.get("regimes", []):
            await self._regime(regime, LONG_AGO)
        await self.session.flush()

    async def act(self, op: dict[str, Any]) -> dict[str, Any]:
        """The answer to one operation; what was due by then has happened before."""
        now = _at(op["at"])
        while (due := await sweeping.next_due(self.session, now)) is not None:
            await sweeping.due(self.session, due)
        verb: Callable[[dict[str, Any], datetime], Awaitable[dict[str, Any]]] = getattr(self, f"_{op['op']}")
        said = await verb(op, now)
        await self.session.flush()
        return said | await self._news()

    # Operations on a reference that does not stand yet

    async def _hold(self, op: dict[str, Any], now: datetime) -> dict[str, Any]:
        return await self._made(service.hold, op, now)

    async def _book(self, op: dict[str, Any], now: datetime) -> dict[str, Any]:
        return await self._made(service.book, op, now)

    async def _request(self, op: dict[str, Any], now: datetime) -> dict[str, Any]:
        return await self._made(service.ask, op, now)

    async def _made(
        self, verb: Callable[..., Awaitable[service.Made]], op: dict[str, Any], now: datetime
    ) -> dict[str, Any]:
        if op["ref"] in self.refs or op["ref"] in self.entries:
            return {"code": Code.BAD_INPUT.value}
        wish = await self._wish(op)
        appointment, answer = await verb(
            self.session, wish, key=op["ref"], by=op.get("by", "buyer"), staff=_staff(op), now=now
        )
        if appointment is not None:
            self.refs[op["ref"]] = appointment.public_id
        return self._said(answer)

    async def _join(self, op: dict[str, Any], now: datetime) -> dict[str, Any]:
        if op["ref"] in self.refs or op["ref"] in self.entries:
            return {"code": Code.BAD_INPUT.value}
        entry, answer = await service.join(
            self.session, await self._wish(op), key=op["ref"], priority=op.get("priority", 0), by="buyer", now=now
        )
        if entry is not None:
            self.entries[op["ref"]] = entry.public_id
        return self._said(answer)

    # Operations on one that stands

    async def _confirm(self, op: dict[str, Any], now: datetime) -> dict[str, Any]:
        entry = await self._entry(op["ref"])
        lapsed = entry is not None and entry.lapses > 0
        found = await self._appointment(op["ref"], lapsed=lapsed)
        return self._said(await service.confirm(self.session, found, by="buyer", now=now)) if found else _unknown()

    async def _approve(self, op: dict[str, Any], now: datetime) -> dict[str, Any]:
        found = await self._appointment(op["ref"])
        return self._said(await service.approve(self.session, found, by="staff", now=now)) if found else _unknown()

    async def _decline(self, op: dict[str, Any], now: datetime) -> dict[str, Any]:
        entry = await self._entry(op["ref"])
        if entry is not None and entry.state == WaitState.WAITING:
            return {"code": Code.WRONG_STATE.value}
        found = await self._appointment(op["ref"])
        return self._said(await service.decline(self.session, found, by="buyer", now=now)) if found else _unknown()

    async def _cancel(self, op: dict[str, Any], now: datetime) -> dict[str, Any]:
        found = await self._appointment(op["ref"])
        if found is None:
            return _unknown()
        return self._said(await service.cancel(self.session, found, by="somebody", staff=_staff(op), now=now))

    async def _reschedule(self, op: dict[str, Any], now: datetime) -> dict[str, Any]:
        found = await self._appointment(op["ref"])
        if found is None:
            return _unknown()
        answer = await service.reschedule(
            self.session, found, start=_at(op["start"]), end=_at(op["end"]), desk=op.get("desk"), by="somebody",
            staff=_staff(op), now=now,
        )  # fmt: skip
        return self._said(answer)

    async def _checkin(self, op: dict[str, Any], now: datetime) -> dict[str, Any]:
        found = await self._appointment(op["ref"])
        if found is None:
            return _unknown()
        signed = _at(op["declaration"]) if op.get("declaration") else None
        override = str(op["override"]) if op.get("override") else None
        answer = await service.check_in(
            self.session, found, by="staff", declaration_at=signed, override=override, now=now
        )
        return self._said(answer)

    async def _finish(self, op: dict[str, Any], now: datetime) -> dict[str, Any]:
        found = await self._appointment(op["ref"])
        return self._said(await service.finish(self.session, found, by="staff", now=now)) if found else _unknown()

    async def _look(self, op: dict[str, Any], now: datetime) -> dict[str, Any]:
        entry = await self._entry(op["ref"])
        if entry is not None and (entry.state == WaitState.WAITING or entry.appointment_id is None):
            return {"code": Code.OK.value, "state": str(entry.state)}
        found = await self._appointment(op["ref"])
        if found is None:
            return _unknown()
        over = entry is not None and found.state in (AppointmentState.EXPIRED, AppointmentState.CANCELLED)
        gone = over and entry is not None and found.sequence == 0
        return {"code": Code.OK.value, "state": "gone" if gone else str(found.state)}

    # Operations on stones, offices and trays

    async def _memo_out(self, op: dict[str, Any], now: datetime) -> dict[str, Any]:
        answer = await blocks.memo_out(
            self.session, op["stone"], frm=_at(op["from"]), to=_at(op["to"]), company_id=None, by="staff", now=now
        )
        return self._said(answer)

    async def _memo_return(self, op: dict[str, Any], now: datetime) -> dict[str, Any]:
        return self._said(await blocks.memo_return(self.session, op["stone"], by="staff", now=now))

    async def _stone_hold(self, op: dict[str, Any], now: datetime) -> dict[str, Any]:
        company = await self._company(op["company"])
        answer = await blocks.stone_hold(
            self.session, op["stone"], company_id=company, frm=_at(op["from"]), to=_at(op["to"]), by="staff", now=now
        )
        return self._said(answer)

    async def _sell(self, op: dict[str, Any], now: datetime) -> dict[str, Any]:
        return await self._ended(op, StoneFate.SOLD, now)

    async def _withdraw(self, op: dict[str, Any], now: datetime) -> dict[str, Any]:
        return await self._ended(op, StoneFate.WITHDRAWN, now)

    async def _ended(self, op: dict[str, Any], fate: StoneFate, now: datetime) -> dict[str, Any]:
        if await self.session.scalar(select(Stay.id).where(Stay.stone == op["stone"]).limit(1)) is None:
            return _unknown()
        ended = await service.end_stone(self.session, op["stone"], fate, by="staff", now=now)
        names = {public: ref for ref, public in self.refs.items()}
        updated = sorted(names[one] for one in ended.updated)
        return {"code": Code.OK.value, "updated": updated,
                "needs_attention": sorted(names[one] for one in ended.needs_attention)}  # fmt: skip

    async def _regime(self, op: dict[str, Any], now: datetime) -> dict[str, Any]:
        said = op.get("regime", op)
        _, answer = await regimes.set_regime(
            self.session, said["office"], frm=_at(said["from"]) if said.get("from") else LONG_AGO,
            to=_at(said["to"]) if said.get("to") else FAR_AHEAD, factor_pct=said.get("factor_pct", 100),
            gap_min=said.get("gap", 0), companies=said.get("companies"), declaration=said.get("declaration", False),
            by="staff", now=now,
        )  # fmt: skip
        return self._said(answer)

    async def _rotate(self, op: dict[str, Any], now: datetime) -> dict[str, Any]:
        made = rotation.rounds(op["wants"])
        for one in made:
            for side in zip(*one, strict=True):
                assert len(set(side)) == len(side), "somebody or something is in two places in a round"
        seen = sorted(pair for one in made for pair in one)
        assert seen == sorted((buyer, tray) for buyer, trays in op["wants"].items() for tray in set(trays))
        return {"code": Code.OK.value, "rounds": len(made)}

    # Rows for names

    def _add(self, row: object) -> None:
        self.session.add(row)

    async def _hours(self, setup: dict[str, Any]) -> None:
        always = [{"office": office, "open": str(LONG_AGO), "close": str(FAR_AHEAD)} for office in self.offices]
        for one in setup.get("windows") or always:
            opens, closes = _at(one["open"]), _at(one["close"])
            self._add(
                Window(
                    office_id=one["office"], day=opens.date(), opens="00:00", closes="24:00", breaks=[],
                    opens_at=opens, closes_at=closes, breaks_at=[], tz_version="", session="",
                )
            )  # fmt: skip

    async def _stones(self, stones: list[dict[str, Any]]) -> None:
        """A stone of which only the name is known was somewhere else, long ago."""
        await vector_stones.expose(self.session, (stone["id"] for stone in stones), LONG_AGO)
        lost = {"office": NOWHERE, "arrive": "2000-01-01T00:00:00Z", "depart": "2000-01-02T00:00:00Z"}
        for stone in stones:
            for stay in stone.get("line") or [lost]:
                ends = {name: _at(stay[name]) if stay.get(name) else None for name in ("arrive", "depart")}
                self._add(
                    Stay(
                        stone=stone["id"], office_id=stay["office"], pack_min=stone.get("pack", 0),
                        unpack_min=stone.get("unpack", 0), at=LONG_AGO, **ends,
                    )
                )  # fmt: skip

    async def _wish(self, op: dict[str, Any]) -> Wish:
        company = await self._company(op["company"])
        visitors = [await self._visitor(name, company) for name in op.get("visitors", [])]
        operator = await self._operator(op["operator"]) if op.get("operator") else None
        return Wish(
            company, op["desk"], _at(op["start"]), _at(op["end"]), op.get("party", max(1, len(visitors))),
            tuple(op.get("stones", ())), tuple(visitors), operator, ViewingMode(op.get("mode", "in_person")),
            tuple(op.get("quotas", ())), self.sale,
        )  # fmt: skip

    async def _company(self, name: str) -> int:
        if name not in self.companies:
            row = Company(public_id=ulid(LONG_AGO), name=name, country="BE", state="approved", applied_at=LONG_AGO)
            self._add(row)
            await self.session.flush()
            self.companies[name] = row.id
        return self.companies[name]

    async def _visitor(self, name: str, company: int) -> int:
        if (name, company) not in self.visitors:
            person = await self._person(f"visitor {name}")
            row = Visitor(
                public_id=ulid(LONG_AGO), company_id=company, person_id=person, name=name, created_at=LONG_AGO
            )
            self._add(row)
            await self.session.flush()
            self.visitors[name, company] = row.id
        return self.visitors[name, company]

    async def _operator(self, name: str) -> int:
        if name not in self.people:
            for office in self.offices:
                self._add(OfficeStaff(office_id=office, person_id=await self._person(name), operator=True))
            await self.session.flush()
        return self.people[name]

    async def _person(self, name: str) -> int:
        if name not in self.people:
            row = Person(public_id=ulid(LONG_AGO), email=f"{name}@pavilion.example", name=name, password_hash="")
            self._add(row)
            await self.session.flush()
            self.people[name] = row.id
        return self.people[name]

    async def _entry(self, ref: str) -> WaitEntry | None:
        if ref not in self.entries:
            return None
        return await self.session.scalar(select(WaitEntry).where(WaitEntry.public_id == self.entries[ref]))

    async def _appointment(self, ref: str, *, lapsed: bool = False) -> Appointment | None:
        """A wish that waits is no appointment; `lapsed`: the one that an earlier offer made of it is meant."""
        entry = await self._entry(ref)
        if entry is not None:
            waiting = entry.state == WaitState.WAITING and not lapsed
            return (
                None
                if waiting or entry.appointment_id is None
                else await self.session.get(Appointment, entry.appointment_id)
            )
        if ref not in self.refs:
            return None
        return await self.session.scalar(select(Appointment).where(Appointment.public_id == self.refs[ref]))

    # Answers

    def _said(self, answer: Answer) -> dict[str, Any]:
        said = {name: _short(value) if name in INSTANTS else value for name, value in answer.facts.items()}
        if "visitor" in said:
            said["visitor"] = next(name for (name, _), row in self.visitors.items() if row == said["visitor"])
        if "operator" in said:
            said["operator"] = next(name for name, row in self.people.items() if row == said["operator"])
        return {"code": answer.code.value} | said

    async def _news(self) -> dict[str, Any]:
        """Offers made, and wishes tried in vain beside them, since the last operation."""
        told = ("waitlist:offered", "waitlist:skipped")
        fresh = select(Event).where(Event.id > self.heard, Event.name.in_(told)).order_by(Event.id)
        names = {public: ref for ref, public in self.entries.items()}
        offers: list[str] = []
        skipped: list[str] = []
        for event in (await self.session.scalars(fresh)).all():
            (offers if event.name == "waitlist:offered" else skipped).append(names[event.facts["entry"]])
        self.heard = await self.session.scalar(select(func.max(Event.id))) or 0
        if not offers:
            return {}
        return {"offers": offers, "skipped": [ref for ref in dict.fromkeys(skipped) if ref not in offers]}


def _staff(op: dict[str, Any]) -> bool:
    return op.get("by") == "staff"


def _unknown() -> dict[str, Any]:
    return {"code": Code.UNKNOWN_REFERENCE.value}


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _short(value: str) -> str:
    return datetime.fromisoformat(value).replace(microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")
