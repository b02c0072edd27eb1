"""What a buyer and the staff see of the law and of a lost verdict: on the lot, at the desk, to programs, in both
languages."""

import pytest
from sqlalchemy import select, update

from pavilion.accounts.rules import Role
from pavilion.auctions.models import Lot, LotStone, Registration
from pavilion.bidding.models import BookEvent
from pavilion.catalogue.models import Stone
from pavilion.kernel.events import record
from tests import make
from tests.bidding.test_pages import fields, visit  # noqa: F401
from tests.cast import WEN
from tests.catalogue import stones as listing
from tests.make import NOON


async def delivered_to(visit, destination):  # noqa: F811
    """Every paddle of the sale has its stones delivered there."""
    async with visit.app.state.sessions.begin() as session:
        await session.execute(update(Registration).values(destination=destination))
        record(session, "registration:changed", "all", by=None, at=NOON)
    writer = visit.app.state.rooms.engine.writers[visit.sale.sale]
    while {bidder.destination for bidder in writer.facts.bidders.values()} != {destination}:
        await visit.app.state.rooms.engine.sweep()


@pytest.mark.parametrize(
    ("lang", "words"),
    [("en", ("Not for delivery to United States", "SN-02 US-RU-DIRECT", "CBP CSMS")),
     ("zh", ("不得交付至美国", "规则 SN-02 US-RU-DIRECT", "CBP CSMS"))],
)  # fmt: skip
async def test_a_buyer_reads_before_bidding_why_it_cannot(visit, lang, words):  # noqa: F811
    async with visit.reader(WEN, lang) as wen:
        await wen.post("/language", data={"to": lang})
        page = await wen.get(f"/lots/{visit.sale.lots[0]}")
        said = fields(page)
        assert words[0] not in page.text
        await delivered_to(visit, "US")
        page = await wen.get(f"/lots/{visit.sale.lots[0]}")
        assert [word for word in words if word not in page.text] == [] and 'data-bid="next"' not in page.text
        answer = await wen.post(f"/lots/{visit.sale.lots[0]}/bids", data=said, follow_redirects=True)
        assert [word for word in words if word not in answer.text] == []


async def test_a_program_is_told_rule_and_source_with_the_code(visit):  # noqa: F811
    async with visit.reader(WEN) as wen:
        said = fields(await wen.get(f"/lots/{visit.sale.lots[0]}"))
        await delivered_to(visit, "US")
        body = {"max": 100_000_000, "currency": said["currency"], "rules": said["rules"]}
        headers = {"idempotency-key": "ab" * 16}
        answer = await wen.post(f"/api/v1/lots/{visit.sale.lots[0]}/bids", json=body, headers=headers)
        document = answer.json()
    assert (answer.status_code, document["code"]) == (403, "not_eligible")
    assert document["facts"]["rule"] == "SN-02 US-RU-DIRECT" and "CSMS" in document["facts"]["source"]


async def test_after_a_lost_verdict_lot_room_and_desk_say_so(visit):  # noqa: F811
    sessions, lot = visit.app.state.sessions, visit.sale.lots[0]
    async with visit.reader(WEN) as wen:
        said = fields(await wen.get(f"/lots/{lot}"))
        assert (await wen.post(f"/lots/{lot}/bids", data=said)).status_code == 303
        async with sessions.begin() as session:
            held = select(Stone.public_id).join(LotStone, LotStone.stone_id == Stone.id)
            held = held.join(Lot, Lot.id == LotStone.lot_id).where(Lot.public_id == lot)
            await listing.revoke(session, (await session.scalars(held)).one())
        told = None
        while told is None:
            await visit.app.state.rooms.engine.sweep()
            async with sessions() as session:
                told = await session.scalar(select(BookEvent.lot).where(BookEvent.type == "lot.notice"))
        for address in (f"/lots/{told}", f"/sales/{visit.sale.sale}/room?lot={told}"):
            assert "has been withdrawn; it is being checked again" in (await wen.get(address)).text
        assert "it is being checked again" in (await wen.get("/desk/bids")).text


async def test_only_who_runs_lots_resumes_and_only_what_is_verified(visit):  # noqa: F811
    sessions, lot = visit.app.state.sessions, visit.sale.lots[0]
    async with sessions.begin() as session:
        await make.actor(session, "anna@pavilion.example", (Role.AUCTIONEER,))
        held = select(Stone.public_id).join(LotStone, LotStone.stone_id == Stone.id)
        held = held.join(Lot, Lot.id == LotStone.lot_id).where(Lot.public_id == lot)
        await listing.revoke(session, (await session.scalars(held)).one())
    writer = visit.app.state.rooms.engine.writers[visit.sale.sale]
    while writer.book.lots[lot].state != "paused":
        await visit.app.state.rooms.engine.sweep()
    async with visit.reader(WEN) as wen:
        assert (await wen.post(f"/lots/{lot}/acts", data={"act": "resume"})).status_code == 403
    async with visit.reader("anna@pavilion.example") as anna:
        assert "Resume the lot" in (await anna.get(f"/lots/{lot}")).text
        assert (await anna.post(f"/lots/{lot}/acts", data={"act": "resume"})).status_code == 409
        assert (await anna.post(f"/lots/{lot}/acts", data={"act": "withdraw"})).status_code == 303
    assert writer.book.lots[lot].state == "withdrawn"
