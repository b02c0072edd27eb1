"""What happens in a sale reaches the people it concerns: each once, each in their words, nobody else."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from pavilion.accounts.models import Person
from pavilion.accounts.rules import Role
from pavilion.auctions.models import Lot, LotStone, Registration
from pavilion.bidding.acts import StaffAct
from pavilion.bidding.models import Checkpoint
from pavilion.bidding.request_models import Retraction
from pavilion.bidding.texts import canonical_text
from pavilion.catalogue import shortlists
from pavilion.catalogue.models import Stone
from pavilion.kernel import events
from pavilion.kernel.instants import micros, stamp
from pavilion.kernel.outbox import Outbox
from pavilion.notifications import watching
from pavilion.notifications.hearing import Hearing
from pavilion.notifications.models import NoticeWishes
from pavilion.notifications.rules import Channel
from pavilion.notifications.wording import Author
from pavilion.webkit import static
from pavilion.webkit.html import pages_of
from tests import make
from tests.bidding.house import house
from tests.make import NOON, SECOND
from tests.viewings import booked

AUTHOR = Author(pages_of(static.frontend()), "https://pavilion.example", b"secret")
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def sale(sqlite_database_url, sqlite_sessions):
    async with house(sqlite_database_url, sqlite_sessions, lots=3) as made:
        yield made


@pytest.fixture
async def sale_on_each(database_url, sessions):
    async with house(database_url, sessions, lots=3) as made:
        yield made


async def follow(sale):
    while await watching.follow(sale.sessions, sale.clock()):
        pass


async def told(sale, channel=Channel.MAIL):
    """(notice, person's number) of what waits, in order."""
    async with sale.sessions() as session:
        rows = (await session.scalars(select(Outbox).where(Outbox.kind == channel).order_by(Outbox.id))).all()
        people = dict((await session.execute(select(Person.id, Person.email))).all())
    return [(row.payload["notice"], people[row.payload["person"]].split("@")[0]) for row in rows]


async def worded(sale, which=-1, channel=Channel.MAIL):
    async with sale.sessions() as session:
        rows = (await session.scalars(select(Outbox).where(Outbox.kind == channel).order_by(Outbox.id))).all()
        return await AUTHOR.worded(session, rows[which].payload, channel)


async def command(sale, act, lot=0, **changes):
    place = None if lot is None else sale.lots[lot]
    answer = await sale.rooms.command(StaffAct(sale.sale, act, place, by="01STAFF", **changes))
    assert answer.code is None, answer.code


async def run_out(sale, hours=48):
    sale.clock.at += timedelta(hours=hours)

    async def closed():
        return await sale.sale_state() == "closed"

    await sale.until(closed)


async def test_who_led_and_leads_no_more_is_told_once(sale):
    await sale.bid(0, 400_000)
    await sale.bid(1, 500_000)
    await follow(sale)
    assert await told(sale) == [("outbid", "wen1")]
    await follow(sale)
    assert await told(sale) == [("outbid", "wen1")]
    said = await worded(sale)
    assert said is not None and said.subject == "Lot 11: you are outbid"
    assert said.url == f"https://pavilion.example/lots/{sale.lots[0]}"
    text = AUTHOR.plain(said) + AUTHOR.html(said)
    assert "4,000" not in text and "5,000" not in text and "Lumen" not in text, "no amount and no name of another"


async def test_a_bid_that_changes_no_leader_tells_nobody(sale):
    await sale.bid(0, 600_000)
    await sale.bid(1, 450_000)
    await sale.bid(0, 700_000)
    await follow(sale)
    assert await told(sale) == []


async def test_a_duel_of_a_minute_is_one_notice_now_and_one_when_the_minute_is_over(sale_on_each):
    sale = sale_on_each
    amount = 400_000
    for _ in range(4):
        for buyer in (0, 1):
            await sale.bid(buyer, amount)
            amount += 50_000
            await follow(sale)
    assert sorted(await told(sale)) == [("outbid", "wen1"), ("outbid", "wen1"), ("outbid", "wen2"), ("outbid", "wen2")]
    async with sale.sessions() as session:
        dues = (await session.scalars(select(Outbox.due_at).order_by(Outbox.id))).all()
    assert sorted({due - sale.clock() >= 50 * SECOND for due in dues if due}) == [False, True]
    assert await worded(sale, -1) is None or (await worded(sale, -2)) is None, "who leads by then hears nothing"


async def test_a_bid_entered_for_somebody_is_told_to_them(sale):
    await sale.bid(0, 400_000, via="staff", person="01STAFF", mandate="phone")
    await follow(sale)
    assert await told(sale) == [("behalf", "wen1")]
    said = await worded(sale)
    assert said is not None and "by telephone" in said.lines[0] and "4,000" not in AUTHOR.plain(said)


async def test_acts_on_a_lot_reach_those_with_a_live_bid(sale):
    await sale.bid(0, 400_000)
    await command(sale, "pause", reason="staff")
    await command(sale, "resume")
    await command(sale, "notice", text_en="Corrected weight.", text_zh="重量更正。")
    await command(sale, "withdraw", reason="description_changed", ok=("01A", "01B"))
    await command(sale, "withdraw", lot=1, reason="description_changed")
    await follow(sale)
    notices = ["lot_paused", "lot_resumed", "lot_notice", "lot_withdrawn"]
    assert await told(sale) == [(notice, "wen1") for notice in notices]
    said = await worded(sale, 2)
    assert said is not None and "Corrected weight." in said.lines


async def test_a_paused_sale_is_one_notice_however_many_lots(sale):
    for lot in range(3):
        await sale.bid(0, 400_000, lot)
    await command(sale, "pause", lot=None, reason="staff")
    sale.clock.at += 5 * SECOND
    await command(sale, "resume", lot=None)
    await follow(sale)
    assert await told(sale) == [("sale_paused", "wen1"), ("sale_resumed", "wen1")]


async def test_a_voided_bid_is_told_to_its_bidder_and_to_the_others(sale):
    await sale.bid(0, 400_000)
    answer = await sale.bid(1, 500_000)
    await command(sale, "void", reason="typo", seqs=(answer.seq,), ok=("01A", "01B"))
    await follow(sale)
    assert await told(sale) == [("outbid", "wen1"), ("voided", "wen2"), ("void_other", "wen1")]
    assert await worded(sale, 0) is None, "the first leads again: no mail says otherwise"


async def test_an_interruption_is_told_once_with_all_its_lots(sale):
    for lot in range(2):
        await sale.bid(0, 400_000, lot)
    sale.clock.at += timedelta(hours=1, minutes=55)
    since = micros(sale.clock() - 30 * SECOND)
    await command(sale, "incident", lot=None, reason="outage", to=since, ok=("01A", "01B"))
    await follow(sale)
    assert await told(sale) == [("extended", "wen1")]
    said = await worded(sale)
    assert said is not None and [lot[:6] for lot in said.lots] == ["Lot 11", "Lot 12"]


async def test_the_close_tells_the_winner_at_once_and_everybody_what_became_of_their_lots(sale_on_each):
    sale = sale_on_each
    await sale.bid(0, 400_000)
    await sale.bid(1, 500_000)
    await sale.bid(1, 400_000, 1)
    await run_out(sale)
    await follow(sale)
    found = [one for one in await told(sale) if one[0] != "outbid"]
    assert found == [("won", "wen2"), ("won", "wen2"), ("closed", "wen1"), ("record", "wen1"), ("record", "wen2")]
    async with sale.sessions() as session:
        last = await session.scalar(select(Checkpoint.text).order_by(Checkpoint.size.desc()).limit(1))
    said = await worded(sale, -1)
    assert said is not None and said.block == last and last in AUTHOR.plain(said)
    closed = await worded(sale, -3)
    assert closed is not None and closed.lots[0].endswith(": somebody else won it")


async def test_sums_stand_only_where_the_reader_allows_them(sale):
    await sale.bid(0, 400_000)
    await sale.bid(1, 900_000)
    async with sale.sessions.begin() as session:
        for buyer in sale.buyers[:2]:
            session.add(NoticeWishes(person_id=buyer.person_id, amounts=True, changed_at=NOON))
    await follow(sale)
    said = await worded(sale)
    assert said is not None and said.lines[-1] == "The next bid was USD 4,500 when this was written."
    assert "9,000" not in AUTHOR.plain(said), "the maximum of another"
    await run_out(sale)
    await follow(sale)
    won = [k for k, (notice, _) in enumerate(await told(sale)) if notice == "won"]
    said = await worded(sale, won[0])
    assert said is not None and said.lines[-1] == "Hammer price: USD 4,250."


async def test_a_reader_of_chinese_is_told_in_chinese_and_wishes_are_kept(sale):
    async with sale.sessions.begin() as session:
        await session.execute(update(Person).where(Person.id == sale.buyers[0].person_id).values(lang="zh"))
        session.add(NoticeWishes(person_id=sale.buyers[1].person_id, mail_off=["outbid"], changed_at=NOON))
    await sale.bid(1, 400_000)
    await sale.bid(0, 500_000)
    await sale.bid(1, 600_000)
    await follow(sale)
    assert await told(sale) == [("outbid", "wen1")], "the second wants no mail of being outbid"
    said = await worded(sale)
    assert said is not None and said.subject == "拍品 11：您的出价已被超过" and 'lang="zh-Hans"' in AUTHOR.html(said)


async def test_who_switches_a_kind_off_meanwhile_gets_none_of_it(sale):
    await sale.bid(0, 400_000)
    await sale.bid(1, 500_000)
    await follow(sale)
    async with sale.sessions.begin() as session:
        session.add(NoticeWishes(person_id=sale.buyers[0].person_id, mail_off=["outbid"], changed_at=NOON))
    assert await worded(sale) is None


async def test_quiet_hours_put_off_and_old_events_are_no_news(sale):
    async with sale.sessions.begin() as session:
        quiet = {"quiet_from": 12 * 60, "quiet_to": 14 * 60, "zone": "UTC"}
        session.add(NoticeWishes(person_id=sale.buyers[0].person_id, changed_at=NOON, **quiet))
    await sale.bid(0, 400_000)
    await sale.bid(1, 500_000)
    await follow(sale)
    async with sale.sessions() as session:
        assert await session.scalar(select(Outbox.due_at)) == NOON + timedelta(hours=2)


async def test_a_worker_that_was_away_for_days_tells_no_stories(sale):
    await sale.bid(0, 400_000)
    await sale.bid(1, 500_000)
    await watching.follow(sale.sessions, sale.clock() + timedelta(days=2))
    assert await told(sale) == []
    await follow(sale)
    assert await told(sale) == [], "what was passed over stays so"


async def test_decided_registrations_and_late_events_are_heard_once(sale_on_each):
    sale = sale_on_each
    hearing = Hearing(sale.sessions)
    while await hearing.tick(sale.clock()):
        pass
    assert await told(sale) == [("registration_approved", f"wen{n}") for n in (1, 2, 3)]
    facts = {"sale": sale.sale, "company_id": sale.buyers[0].company_id}
    async with sale.sessions.begin() as session:
        events.record(session, "registration:suspended", sale.registrations[0], by="x", at=NOON, **facts)
    assert await hearing.tick(sale.clock()) == 1
    assert await hearing.tick(sale.clock()) == 0
    assert await Hearing(sale.sessions).tick(sale.clock()) > 0, "another worker reads the last ones again"
    assert (await told(sale))[3:] == [("registration_suspended", "wen1")]


async def test_a_changed_end_of_an_approval_is_mailed_with_its_day_in_the_readers_language(sale):
    hearing = Hearing(sale.sessions)
    while await hearing.tick(sale.clock()):
        pass
    before, facts = len(await told(sale)), {"sale": sale.sale, "company_id": sale.buyers[0].company_id}
    end = stamp(NOON + timedelta(days=3))
    for ends in ({"before": None, "until": end}, {"before": end, "until": end}, {"before": end, "until": None}):
        async with sale.sessions.begin() as session:
            events.record(session, "registration:end_changed", sale.registrations[0], by="x", at=NOON, **facts, **ends)
    assert await hearing.tick(sale.clock()) == 3
    assert (await told(sale))[before:] == [("registration_end_changed", "wen1"), ("registration_end_lifted", "wen1")]
    said = await worded(sale, before)
    assert "5 March 2026, 13:00" in said.lines[0] and said.url.endswith(f"/sales/{sale.sale}/registration")
    async with sale.sessions.begin() as session:
        await session.execute(update(Person).values(lang="zh"))
    assert "2026年3月5日" in (await worded(sale, before)).lines[0]
    assert "不再设期限" in (await worded(sale, before + 1)).subject


async def test_a_suspended_passport_is_told_to_whose_stone_it_is(sale):
    async with sale.sessions.begin() as session:
        firm = await session.get(type(sale.world.supplier), sale.world.supplier.id)
        await make.actor(session, "kara@karowe.example", (Role.SUPPLIER,), firm)
        events.record(session, "passport:suspended", sale.world.stones[0], by="passports", at=sale.clock())
    await Hearing(sale.sessions).tick(sale.clock())
    assert (await told(sale))[-1] == ("passport_suspended", "kara")
    said = await worded(sale)
    assert said is not None and said.subject.startswith("Passport of PV-00001 (GIA 61")


async def test_a_declined_request_and_an_offer_of_the_seller_reach_whom_they_are_for(sale):
    answer = await sale.bid(0, 400_000)
    async with sale.sessions.begin() as session:
        row = Retraction(public_id="01RETRACTION", sale=sale.sale, lot=sale.lots[0], seq=answer.seq, n=answer.n)
        row.company_id, row.ground, row.words, row.by = sale.buyers[0].company_id, "slip", "A nought too many.", "01A"
        row.at = sale.clock()
        session.add(row)
        facts = {"request": "01RETRACTION", "reason": "It was asked too late.", "proposal": None}
        events.record(session, "retraction:declined", sale.lots[0], by="01B", at=sale.clock(), **facts)
        paddle = await session.scalar(
            select(Registration.paddle).where(Registration.public_id == sale.registrations[1])
        )
        facts = {"sale": sale.sale, "bidder": "B", "paddle": paddle, "total": 1}
        events.record(session, "tender:offered", sale.lots[1], by="01B", at=sale.clock(), **facts)
    await Hearing(sale.sessions).tick(sale.clock())
    assert (await told(sale))[-2:] == [("retraction_declined", "wen1"), ("tender_offered", "wen2")]
    said = await worded(sale, -2)
    assert said is not None and said.lines[0].endswith("It stands. It was asked too late.")


async def test_every_registered_bidder_is_told_that_rules_of_lots_were_amended(sale_on_each):
    sale = sale_on_each
    document = json.loads(sale.rooms.engine.writers[sale.sale].book.row.rules) | {"hold_results": True}
    lots = (sale.lots[0], sale.lots[2])
    facts = {"lots": lots, "rules": canonical_text(document), "was": sale.rules, "ok": ("01CORA", "01LENA")}
    assert (await sale.rooms.command(StaffAct(sale.sale, "amend", **facts))).code is None
    await follow(sale)
    await follow(sale)
    assert sorted(await told(sale)) == sorted(("sale_amended", name) for name in await people(sale))
    said = await worded(sale)
    assert "other rules" in said.lines[0] and len(said.lots) == 2


async def people(sale):
    async with sale.sessions() as session:
        ids = [buyer.person_id for buyer in sale.buyers]
        emails = await session.scalars(select(Person.email).where(Person.id.in_(ids)))
        return [email.split("@")[0] for email in emails]


async def test_a_notice_of_a_lot_is_mailed_to_its_bidders_viewers_and_shortlisters_each_in_their_language(sale):
    other, stone = await _stones(sale, 1), await _stones(sale, 0)
    firms = {}
    async with sale.sessions.begin() as session:
        await booked.office(session, "hkg")
        await session.execute(update(Person).where(Person.email.startswith("wen1")).values(lang="zh"))
        chinese = ("viewer", "keeper")
        others = ("seen", "cancelled", "dropped", "elsewhere", "took-off", "keeper-elsewhere", "nobody")
        for name in (*chinese, *others):
            firms[name] = await make.actor(
                session, f"{name}@firm.example", (Role.BUYER,), await make.company(session, f"Firm {name}", "HK")
            )
            await session.execute(
                update(Person).where(Person.id == firms[name].person_id).values(lang="zh" if name in chinese else "en")
            )
        people = {name: await session.get_one(Person, one.person_id) for name, one in firms.items()}
        for name, state, what in (
            ("viewer", "booked", stone), ("seen", "done", stone), ("cancelled", "cancelled", stone),
            ("dropped", "booked", stone), ("elsewhere", "booked", other),
        ):  # fmt: skip
            row = await booked.appointment(session, people[name], state=state)
            gone = {"dropped": "withdrawn", "dropped_at": NOON} if name == "dropped" else {}
            await booked.lines(session, row, [what], **gone)
        for name, what in (("keeper", stone), ("took-off", stone), ("keeper-elsewhere", other)):
            await shortlists.add(session, firms[name], [what], to=None, otherwise="Shortlist", now=NOON)
        await shortlists.take_off(session, shortlists.member_of(firms["took-off"]), [stone], NOON)
    await sale.bid(0, 400_000)
    await sale.bid(1, 400_000, 1)
    await command(sale, "notice", text_en="The stone weighs 1.01 ct.", text_zh="该石重 1.01 克拉。")
    await follow(sale)
    assert sorted(await told(sale)) == [("lot_notice", name) for name in ("keeper", "seen", "viewer", "wen1")]
    for which, (_, name) in enumerate(await told(sale)):
        said = await worded(sale, which)
        zh = name != "seen"
        assert said is not None and ("该石重 1.01 克拉。" in said.lines) == zh, name
        assert ("The stone weighs 1.01 ct." in said.lines) != zh, name


async def _stones(sale, at):
    async with sale.sessions() as session:
        held = select(Stone.public_id).join(LotStone, LotStone.stone_id == Stone.id)
        held = held.join(Lot, Lot.id == LotStone.lot_id).where(Lot.public_id == sale.lots[at])
        return await session.scalar(held)
