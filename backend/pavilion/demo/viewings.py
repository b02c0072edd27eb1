"""The five offices of the demonstration, who works there, and where its stones are and travel. All invented."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Person
from pavilion.auctions.models import Lot, LotStone, Sale
from pavilion.auctions.queries import HOUSE
from pavilion.catalogue.models import Stone
from pavilion.catalogue.queries import visible_to
from pavilion.kernel.db import Sessions, reading
from pavilion.viewings import places, travelling
from pavilion.viewings.place_models import OpeningException, Regime
from pavilion.viewings.places import DeskPlan, HoursPlan, OfficePlan, RoomPlan
from pavilion.viewings.stone_models import Stay

ANT, HKG, DXB, NYC, RAM = "ant", "hkg", "dxb", "nyc", "ram"
RULES: dict[str, Any] = {"sitting": 60, "after": 15}
DESK_THINGS = ("north_light", "microscope", "scale")
STATION_THINGS = ("microscope", "camera", "scale")

STAFF = {
    "vic@pavilion.example": ANT,
    "joris@pavilion.example": ANT,
    "mei@pavilion.example": HKG,
    "omar@pavilion.example": DXB,
    "dana@pavilion.example": NYC,
    "yael@pavilion.example": RAM,
}
# Who stands in for whom, so that every office has a second pair of eyes.
SECOND = {
    "omar@pavilion.example": HKG,
    "mei@pavilion.example": DXB,
    "yael@pavilion.example": NYC,
    "dana@pavilion.example": RAM,
}


class _Place(NamedTuple):
    """What differs from office to office."""

    id: str
    name: tuple[str, str]
    zone: str
    country: str
    address: tuple[str, str]
    directions: tuple[str, str]
    cap: int
    desks: int
    hours: tuple[HoursPlan, ...]


PLACES = (
    _Place(
        ANT, ("Antwerp", "安特卫普"), "Europe/Brussels", "BE",
        ("Hoveniershof 12, 2018 Antwerp, Belgium", "比利时安特卫普 Hoveniershof 12 号，邮编 2018"),
        ("Ring at the grey door; bring the document you named. Cloakroom on the left.",
         "请在灰色门口按铃，并携带登记的证件。衣帽间在左侧。"),
        10, 6, (HoursPlan((0, 1, 2, 3, 4), "09:00", "18:00", (("12:30", "13:15"),)),),
    ),
    _Place(
        HKG, ("Hong Kong", "香港"), "Asia/Hong_Kong", "HK",
        ("18/F, Lantern Tower, Hankow Lane, Tsim Sha Tsui, Hong Kong", "香港尖沙咀汉口里灯笼大厦 18 楼"),
        ("Lift bank B; security asks for the pass on your telephone.", "请乘 B 区电梯，保安将查验手机上的通行证。"),
        8, 4, (HoursPlan((0, 1, 2, 3, 4), "10:00", "19:00", (("13:00", "14:00"),)), HoursPlan((5,), "10:00", "14:00")),
    ),
    _Place(
        DXB, ("Dubai", "迪拜"), "Asia/Dubai", "AE",
        ("Level 9, Palm Court, Marsa Street, Dubai, United Arab Emirates", "阿联酋迪拜马尔萨街棕榈阁 9 层"),
        ("Parking under the house; the desk is behind the second gate.", "楼下设有停车场，接待台在第二道门后。"),
        6, 3, (HoursPlan((0, 1, 2, 3), "09:00", "18:00"), HoursPlan((4,), "09:00", "12:00")),
    ),
    _Place(
        NYC, ("New York", "纽约"), "America/New_York", "US",
        ("612 Juniper Row, 7th floor, New York, NY 10036, USA", "美国纽约杜松街 612 号 7 楼，邮编 10036"),
        ("Photo identification at the front desk of the building.", "请在大楼前台出示带照片的证件。"),
        6, 3, (HoursPlan((0, 1, 2, 3, 4), "09:30", "17:30", (("12:30", "13:30"),)),),
    ),
    _Place(
        RAM, ("Ramat Gan", "拉马特甘"), "Asia/Jerusalem", "IL",
        ("4 Facet Street, Ramat Gan, Israel", "以色列拉马特甘刻面街 4 号"),
        ("Entry by the bridge; leave bags at the lockers.", "请由天桥入内，随身包请存入储物柜。"),
        6, 3, (HoursPlan((6, 0, 1, 2, 3), "09:00", "17:00", (("12:00", "12:45"),)),),
    ),
)  # fmt: skip


# Hours from door to door, with customs on both sides.
WAYS = (
    *((ANT, HKG, 30), (ANT, DXB, 22), (ANT, NYC, 24), (ANT, RAM, 20), (HKG, DXB, 24), (HKG, NYC, 36)),
    *((HKG, RAM, 30), (DXB, NYC, 30), (DXB, RAM, 18), (NYC, RAM, 28)),
)


async def furnish(session: AsyncSession, now: datetime) -> None:
    """Five offices with rooms, desks, hours and staff. Asked again nothing changes."""
    if await places.offices(session):
        return
    since = now - timedelta(days=14)  # somebody came last week
    for place in PLACES:
        await places.lay_out(session, _plan(place), valid_from=since.date(), by=places.HOUSE, now=since)
    for email, office in (*STAFF.items(), *SECOND.items()):
        person = await session.scalar(select(Person.id).where(Person.email == email))
        assert person is not None, f"nobody is called {email}"
        await places.employ(session, office, person, operator=STAFF[email] == office, by=places.HOUSE, now=since)
    await _exceptions(session, now)
    for start, end, hours in WAYS:
        for one, other in ((start, end), (end, start)):
            minutes = hours * 60
            await travelling.set_way(
                session, one, other, minutes=minutes, valid_from=since.date(), by=places.HOUSE, now=since
            )


async def put_stones(sessions: Sessions, now: datetime) -> int:
    """Every listed stone that nobody placed yet stands where its supplier says it is, or in Antwerp; some of those with
    a picture go on a tour. Answers how many were placed."""
    async with reading(sessions) as session:
        if not await _unplaced(session):
            return 0
    async with sessions.begin() as session:
        unplaced = await _unplaced(session)
        for place, stone in enumerate(unplaced):
            session.add_all(_line(stone, place, now))
        return len(unplaced)


async def send_to_sale(sessions: Sessions, sale: str, now: datetime) -> None:
    """The stones of this sale are in Hong Kong; every third one is still on its way there from Antwerp."""
    async with sessions.begin() as session:
        held = select(LotStone.stone_id).join(Lot, Lot.id == LotStone.lot_id).join(Sale, Sale.id == Lot.sale_id)
        stones = visible_to(HOUSE).where(Stone.id.in_(held.where(Sale.public_id == sale))).order_by(Stone.id)
        for place, stone in enumerate((await session.scalars(stones)).all()):
            await session.execute(delete(Stay).where(Stay.stone == stone.public_id))
            if place % 3:
                session.add(_stay(stone, HKG, None, None, now))
                continue
            session.add(_stay(stone, ANT, None, at_local(now, 0, "06:00", ANT), now))
            session.add(_stay(stone, HKG, at_local(now, 2, "11:00", HKG), None, now))


def _plan(place: _Place) -> OfficePlan:
    main = f"{place.id}-main"
    desks = [
        DeskPlan(f"{place.id}-{number}", f"Desk {number}", f"{number} 号看货台", main, DESK_THINGS)
        for number in range(1, place.desks + 1)
    ]
    desks.append(DeskPlan(f"{place.id}-v1", "Video station", "视频看货台", None, STATION_THINGS))
    return OfficePlan(
        place.id, *place.name, place.zone, place.country, *place.address, *place.directions,
        rooms=(RoomPlan(main, "Viewing room", "看货室", place.cap, None),),
        desks=tuple(desks), hours=place.hours, rules=dict(RULES),
    )  # fmt: skip


async def _exceptions(session: AsyncSession, now: datetime) -> None:
    """A holiday ahead in Antwerp, and a fortnight in Hong Kong in which fewer may come, with a declaration."""
    holiday = at_local(now, 33, "12:00", ANT).date()
    session.add(OpeningException(office_id=ANT, day=holiday, reason_en="Closed for the feast", reason_zh="节日休息"))
    regime = Regime(
        office_id=HKG, name_en="Health measures", name_zh="健康措施",
        starts_at=at_local(now, 5, "00:00", HKG), ends_at=at_local(now, 19, "00:00", HKG),
        factor_pct=50, gap_min=20, companies=2, declaration=True, by=places.HOUSE, at=now - timedelta(days=2),
    )  # fmt: skip
    session.add(regime)


def at_local(now: datetime, days: int, wall: str, office: str) -> datetime:
    """So many days from today at this time of the office's wall clock. The times of the demonstration lie in the
    working day, where clocks are never changed."""
    zone = ZoneInfo(next(place.zone for place in PLACES if place.id == office))
    day = now.astimezone(zone).date() + timedelta(days=days)
    return datetime.combine(day, time.fromisoformat(wall), zone).astimezone(ZoneInfo("UTC"))


async def _unplaced(session: AsyncSession) -> Sequence[Stone]:
    placed = select(Stay.stone)
    wanted = visible_to(HOUSE).where(Stone.public_id.not_in(placed), Stone.exposed_id.is_not(None))
    return (await session.scalars(wanted.order_by(Stone.stock_no, Stone.id))).all()


def _line(stone: Stone, place: int, now: datetime) -> list[Stay]:
    """Where a stone is and will be."""
    if place % 5 or stone.picture is None:
        return [_stay(stone, _HOME.get(stone.country or "", ANT), None, None, now)]
    return [
        _stay(stone, ANT, None, at_local(now, 3, "15:00", ANT), now),
        _stay(stone, DXB, at_local(now, 5, "10:00", DXB), at_local(now, 9, "16:00", DXB), now),
        _stay(stone, NYC, at_local(now, 12, "11:00", NYC), at_local(now, 16, "15:00", NYC), now),
        _stay(stone, ANT, at_local(now, 19, "11:00", ANT), None, now),
    ]


_HOME = {"BE": ANT, "HK": HKG, "AE": DXB, "US": NYC, "IL": RAM, "IN": DXB}


def _stay(stone: Stone, office: str, arrive: datetime | None, depart: datetime | None, now: datetime) -> Stay:
    return Stay(
        stone=stone.public_id, office_id=office, arrive=arrive, depart=depart,
        pack_min=30, unpack_min=60, carrier="Meridian Secure Carriers", by=places.HOUSE, at=now,
    )  # fmt: skip
