"""Companies against the sanctions list: every day, at once when the list changes, and never by a list nobody signed."""

from datetime import timedelta

from sqlalchemy import select, update

from pavilion.accounts.check_models import CompanyScreening
from pavilion.accounts.models import Company
from pavilion.kernel.events import Event
from pavilion.provenance.registries.asking import Registries
from pavilion.provenance.registries.port import SANCTIONS, Answer, Reason, Status
from pavilion.provenance.screening import AGAIN, AT_ONCE, EVERY, Screening
from tests import make
from tests.make import NOON


class List:
    """A sanctions registry under the test's hand."""

    name = SANCTIONS

    def __init__(self):
        self.version, self.listed, self.near, self.silent, self.asked = "L-1", set(), set(), False, []

    async def confirm(self, claim, now):
        if self.silent:
            return Answer(SANCTIONS, Status.UNAVAILABLE, now, reason=Reason.BAD_SIGNATURE)
        self.asked += claim.fields
        matched = [key for key, name in claim.fields.items() if name in self.listed]
        near = [{"party": key, "entry": "S-9"} for key, name in claim.fields.items() if name in self.near]
        fields = {"version": self.version, "issued": "2026-02-01", "matched": matched, "near": near}
        return Answer(SANCTIONS, Status.FOUND, now, raw_sha256="a" * 64, simulated=True, fields=fields)


async def rows(sessions):
    async with sessions() as session:
        wanted = select(Company.name, CompanyScreening).join(Company, Company.id == CompanyScreening.company_id)
        return [(name, row) for name, row in await session.execute(wanted.order_by(CompanyScreening.id))]


async def test_every_company_is_screened_daily_and_at_once_by_another_list(sessions):
    registry = List()
    async with sessions.begin() as session:
        lumen = await make.company(session, "Lumen Trading", "HK")
        gone = await make.company(session, "Declined Stones", "BE")
        await make.company(session, "Scheldt Rough", "BE")
        await session.execute(update(Company).where(Company.id == lumen.id).values(owners=["Wen Li"]))
        await session.execute(update(Company).where(Company.id == gone.id).values(state="declined"))
    now = NOON

    async def tick(after=timedelta(0)):
        nonlocal now
        now += after
        return await Screening(sessions, Registries.of(registry)).tick(now)

    registry.silent = True
    assert await tick() == 0 and await rows(sessions) == [], "a list without a good signature is no list"
    registry.silent = False
    assert await tick() == 2
    found = await rows(sessions)
    assert [(name, row.outcome, row.list_version) for name, row in found] == [
        ("Lumen Trading", "clear", "L-1"), ("Scheldt Rough", "clear", "L-1"),
    ]  # fmt: skip
    assert found[0][1].names == ["Lumen Trading", "Wen Li"] and found[0][1].simulated
    assert await tick(EVERY) == 0, "the same list again within the day"
    assert await tick(AGAIN) == 2 and len(await rows(sessions)) == 2
    assert all(row.last_at == now and row.first_at == NOON for _, row in await rows(sessions))
    registry.version, registry.listed, registry.near = "L-2", {"Wen Li"}, {"Scheldt Rough"}
    assert await tick(EVERY) == 2
    latest = {name: (row.outcome, row.found) for name, row in await rows(sessions)}
    assert latest["Lumen Trading"] == ("listed", [{"name": "Wen Li", "entry": ""}]), "an owner counts as its company"
    assert latest["Scheldt Rough"] == ("resembles", [{"name": "Scheldt Rough", "entry": "S-9"}])
    async with sessions() as session:
        told = (await session.scalars(select(Event.name).where(Event.name.startswith("screening:")))).all()
    assert sorted(told) == ["screening:listed", "screening:resembles"]


async def test_one_worker_asks_for_the_version_every_ten_minutes_and_goes_on_while_companies_are_left(sqlite_sessions):
    registry = List()
    async with sqlite_sessions.begin() as session:
        for number in range(AT_ONCE + 1):
            await make.company(session, f"Firm {number}", "BE")
    worker = Screening(sqlite_sessions, Registries.of(registry))
    assert [await worker.tick(NOON) for _ in range(3)] == [AT_ONCE, 1, 0]
    registry.version = "L-2"
    assert await worker.tick(NOON + EVERY / 2) == 0
    worker = Screening(sqlite_sessions, Registries.of(registry))
    assert await worker.tick(NOON + EVERY) == AT_ONCE
    assert await Screening(sqlite_sessions, Registries.of()).tick(NOON) == 0, "no list connected, nobody screened"
