"""A house with contested desks and stones, clients that want them at once, and an independent look at who sits where.

The look reads no claim: it folds the appointments' own events into spans and compares spans.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations

from sqlalchemy import select

from pavilion.accounts.models import Company, Person
from pavilion.kernel.ids import ulid
from pavilion.viewings import service, vector_stones
from pavilion.viewings.models import Appointment, AppointmentStone, AppointmentVisitor, Claim, Visitor
from pavilion.viewings.occupying import quanta, quantum
from pavilion.viewings.place_models import Desk, Office, OfficeStaff, Quota, Room, Window
from pavilion.viewings.states import COUNTING, ViewingMode
from pavilion.viewings.stone_models import Stay
from pavilion.viewings.wishes import Wish
from tests.make import NOON

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
FIRST = (NOON + 2 * DAY).replace(hour=8, minute=0, second=0, microsecond=0)
CAP, QUOTA = 6, 30


@dataclass(frozen=True)
class House:
    companies: list[int]
    desks: list[str]
    stones: list[str]
    visitors: dict[int, int]  # one of each company
    operator: int


async def furnish(session, *, companies=8, desks=4, stones=4, rules=None) -> House:
    rules = rules or {"before": 5, "after": 10, "cutoff_h": 0}
    session.add(Office(id="ant", name_en="Antwerp", name_zh="安特卫普", zone="Europe/Brussels", address_en="",
                       address_zh="", country="BE", rules=rules))  # fmt: skip
    session.add_all([Quota(id="q", cap=QUOTA, used=0)])
    await session.flush()
    session.add(Room(id="R1", office_id="ant", name_en="", name_zh="", cap=CAP, companies=4))
    await session.flush()
    names = [f"D{n}" for n in range(desks)]
    session.add_all(Desk(id=name, office_id="ant", room_id="R1", name_en="", name_zh="") for name in names)
    session.add(Desk(id="V1", office_id="ant", name_en="", name_zh=""))
    session.add(Window(office_id="ant", day=FIRST.date(), opens="", closes="", opens_at=FIRST - DAY,
                       closes_at=FIRST + 20 * DAY, tz_version=""))  # fmt: skip
    gems = [f"S{n}" for n in range(stones)]
    await vector_stones.expose(session, gems, NOON)
    session.add_all(Stay(stone=stone, office_id="ant", at=NOON) for stone in gems)
    rows = [Company(public_id=ulid(NOON), name=f"C{n}", country="BE", state="approved", applied_at=NOON)
            for n in range(companies)]  # fmt: skip
    person = Person(public_id=ulid(NOON), email="op@pavilion.example", name="Op", password_hash="")
    session.add_all([*rows, person])
    await session.flush()
    guests = [Visitor(public_id=ulid(NOON), company_id=row.id, name="V", created_at=NOON) for row in rows]
    session.add_all([*guests, OfficeStaff(office_id="ant", person_id=person.id, operator=True)])
    await session.flush()
    return House([row.id for row in rows], names, gems, {one.company_id: one.id for one in guests}, person.id)


def wish(house, luck, *, slots=16) -> Wish:
    """Something that others want too."""
    company = luck.choice(house.companies)
    start = FIRST + luck.randrange(slots) * 15 * MINUTE
    remote = luck.random() < 0.15
    stones = tuple(luck.sample(house.stones, luck.choice((0, 1, 1, 2))))
    return Wish(
        company, "V1" if remote else luck.choice(house.desks), start, start + luck.choice((30, 45, 60)) * MINUTE,
        0 if remote else luck.choice((1, 1, 2, 3)), stones,
        (house.visitors[company],) if luck.random() < 0.2 and not remote else (),
        house.operator if remote else None, ViewingMode.REMOTE if remote else ViewingMode.IN_PERSON,
        ("q",) if luck.random() < 0.1 else (),
    )  # fmt: skip


async def attempt(sessions, house, luck, key, now=NOON, slots=16, waiting=0.04) -> str:
    """One client's act in a transaction of its own: mostly a booking; some wait, give their place back or move."""
    wanted, act = wish(house, luck, slots=slots), luck.random()
    async with sessions.begin() as session:
        if act < waiting:
            _, answer = await service.join(session, wanted, key=key, by="client", now=now)
            return answer.code
        if act < 0.9:
            verb = service.hold if act < 0.3 else service.book
            _, answer = await verb(session, wanted, key=key, by="client", now=now)
            return answer.code
        mine = select(Appointment).where(Appointment.company_id == wanted.company_id, Appointment.state == "booked")
        found = (await session.scalars(mine.order_by(Appointment.id.desc()).limit(1))).first()
        if found is None:
            return "none"
        if act < 0.97:
            answer = await service.cancel(session, found, by="client", staff=True, now=now)
        else:
            answer = await service.reschedule(
                session, found, start=wanted.start, end=wanted.end, by="client", staff=True, now=now
            )
        return answer.code


# The independent look


@dataclass(frozen=True)
class Sat:
    id: int
    company: int
    desk: str
    start: datetime
    end: datetime
    before: timedelta
    after: timedelta
    party: int
    stones: tuple[str, ...]
    visitors: tuple[int, ...]
    operator: int | None
    state: str
    quotas: tuple[str, ...]

    def near(self, other) -> bool:
        """Closer than the longer of the pads that lie between them."""
        first, second = (self, other) if self.start <= other.start else (other, self)
        return second.start < first.end + max(first.after, second.before)

    def overlaps(self, other) -> bool:
        return self.start < other.end and other.start < self.end


async def sat(session) -> list[Sat]:
    """Who occupies a place, from the appointments alone."""
    stones, visitors = defaultdict(list), defaultdict(list)
    for row in await session.scalars(select(AppointmentStone).where(AppointmentStone.dropped.is_(None))):
        stones[row.appointment_id].append(row.stone)
    for link in await session.scalars(select(AppointmentVisitor)):
        visitors[link.appointment_id].append(link.visitor_id)
    rows = await session.scalars(select(Appointment).where(Appointment.state.in_(COUNTING)))
    return [
        Sat(row.id, row.company_id, row.desk_id, row.starts_at, row.freed_at or row.ends_at,
            row.pad_before * MINUTE, _after(row), row.party, tuple(stones[row.id]),
            tuple(visitors[row.id]), row.operator_id, row.state, tuple(row.quotas))
        for row in rows
        if (row.freed_at or row.ends_at) > row.starts_at
    ]  # fmt: skip


def _after(row):
    """Where nobody came nothing is put in order."""
    return row.pad_after * MINUTE * (row.state != "no_show")


def overlaps(people: list[Sat]) -> list[str]:
    """Everything that is in two places at once; none is what must be found."""
    wrong = []
    for one, other in combinations(people, 2):
        if one.near(other):
            wrong += [f"desk {one.desk}"] * (one.desk == other.desk)
            wrong += [f"stone {stone}" for stone in set(one.stones) & set(other.stones)]
            wrong += ["operator"] * (one.operator is not None and one.operator == other.operator)
        if one.overlaps(other):
            wrong += ["company"] * (one.company == other.company)
            wrong += ["visitor"] * bool(set(one.visitors) & set(other.visitors))
    for at in {one.start for one in people}:
        here = [one for one in people if one.start <= at < one.end and one.party]
        wrong += ["room"] * (sum(one.party for one in here) > CAP)
        wrong += ["companies"] * (len({one.company for one in here}) > 4)
    return wrong


def claimed_by(one: Sat) -> set[tuple[str, int]]:
    """The rows an appointment has to itself by specification 3, without counters."""
    things = [f"desk:{one.desk}", *(f"stone:{stone}" for stone in one.stones)]
    things += [f"operator:{one.operator}"] if one.operator else []
    rows = {(f"{thing}:f", at) for thing in things for at in quanta(one.start - one.before, one.end)}
    rows |= {(f"{thing}:t", at) for thing in things for at in quanta(one.start, one.end + one.after)}
    return rows | {(f"visitor:{who}", at) for who in one.visitors for at in quanta(one.start, one.end)}


async def faults_of_claims(session, now=NOON) -> list[str]:
    """Where the claim table is not what the appointments imply, from now on."""
    wrong = []
    people, first = await sat(session), quantum(now)
    rows = list(await session.scalars(select(Claim).where(Claim.quantum >= first)))
    fixed = {(row.resource, row.quantum): row.appointment_id for row in rows
             if row.resource.split(":")[0] not in ("seat", "roomco", "company")}  # fmt: skip
    wanted = {row: one.id for one in people for row in claimed_by(one) if row[1] >= first}
    wrong += [f"lacks {row}" for row in wanted.keys() - fixed.keys()]
    wrong += [f"too much {row}" for row in fixed.keys() - wanted.keys()]
    wrong += [f"other owner {row}" for row in wanted.keys() & fixed.keys() if wanted[row] != fixed[row]]
    counted = defaultdict(int)
    for row in rows:
        kind = row.resource.split(":")[0]
        if kind in ("seat", "company"):
            counted[kind, row.quantum, row.appointment_id] += 1
        elif kind == "roomco":
            counted[kind, row.quantum, row.company_id] += row.sharers
    expected = defaultdict(int)
    for one in people:
        for at in quanta(one.start, one.end):
            if at >= first:
                expected["company", at, one.id] += 1
                if one.party:
                    expected["seat", at, one.id] += one.party
                    expected["roomco", at, one.company] += 1
    wrong += [f"{key}: {counted[key]} for {expected[key]}" for key in counted.keys() | expected.keys()
              if counted[key] != expected[key]]  # fmt: skip
    used = {quota.id: quota.used for quota in await session.scalars(select(Quota))}
    for name, count in used.items():
        places = await session.scalars(select(Appointment).where(Appointment.state.in_(COUNTING)))
        due = sum(max(1, row.party) for row in places if name in row.quotas)
        wrong += [f"quota {name}: {count} for {due}"] * (count != due)
    return wrong
