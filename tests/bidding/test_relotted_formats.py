"""A withdrawn lot comes back into a running sale whose lots end together, or by a hard end, or in sealed envelopes: no
other lot moves, both verifiers say so, and where there is no time left the refusal says what to do."""

import dataclasses
from datetime import timedelta

import pytest
from sqlalchemy import select

from pavilion.accounts.models import Person
from pavilion.auctions import adding, curation, kept_words, reoffering
from pavilion.auctions.again import Ends, bar, bar_of
from pavilion.auctions.models import Lot, Sale
from pavilion.auctions.queries import stones_by_lot
from pavilion.auctions.rules import LotState
from pavilion.bidding import closing, queries
from pavilion.bidding.acts import StaffAct
from pavilion.bidding.models import BookEvent
from pavilion.catalogue.models import StoneCommitment
from pavilion.kernel.events import Event
from pavilion.kernel.instants import from_micros, stamp
from pavilion.kernel.outbox import Outbox
from pavilion.notifications.hearing import Hearing
from pavilion.notifications.rules import Channel
from tests.auctions.world import FIRST_CLOSE
from tests.bidding.browser_records import proved
from tests.bidding.house import house
from tests.bidding.served import served
from tests.bidding.test_late_lots import post, state_of
from tests.bidding.test_relotted import offer, offered_again, row_of, withdraw_by_two
from tests.bidding.test_tender_house import closed, envelope, opened, options
from tests.bidding.test_tender_house import post as seal
from tests.make import HOUR, NOON, SECOND
from tests.notifications.test_told import AUTHOR

MINUTE = timedelta(minutes=1)
SOFT = {"window": 120, "extension": 120, "mode": "reset", "scope": "lot", "hard_end": None}
GROUP = SOFT | {"scope": "group"}
HARD = SOFT | {"hard_end": stamp(FIRST_CLOSE + MINUTE + 30 * SECOND)}


async def back_in(live):
    """The first lot is withdrawn and comes back; answers the new lot and the ends of the others before."""
    one, first = live.house, live.house.lots[0]
    writer = one.rooms.engine.writers[one.sale]
    await withdraw_by_two(live, first)
    before = {name: lot.end for name, lot in writer.book.lots.items()}
    lot = await offered_again(live, first)
    answer = await post(live, one.world.curator, f"lots/{lot}/listing")
    assert answer.status_code == 303, answer.text
    await one.until(lambda: lot in writer.book.lots and writer.book.lots[lot].state == "open")
    assert {name: held.end for name, held in writer.book.lots.items() if name != lot} == before, "none moved"
    one.lots.append(lot)
    return lot, from_micros(writer.book.lots[lot].end)


async def ended(made):
    """The list of lots knows what the book has."""

    async def over():
        return await made.sale_state() == "closed"

    await made.until(over, 10)


async def refused(live, lot, code):
    """Said by the act and on the board, in both languages."""
    one = live.house
    answer = await offer(live, lot)
    assert (answer.status_code, answer.json()["code"]) == (409, code)
    async with live.browser(one.world.curator) as curator:
        board = f"/staff/sales/{one.sale}"
        english = (await curator.get(board)).text
        await curator.post("/language", data={"to": "zh"}, headers={"origin": live.origin})
        chinese = (await curator.get(board)).text
    assert "in a draft sale" in english and '/reoffers"' not in english
    assert "草稿拍卖" in chinese and '/reoffers"' not in chinese


@pytest.mark.parametrize(("soft", "end"), [(GROUP, FIRST_CLOSE), (HARD, FIRST_CLOSE + MINUTE + 30 * SECOND)])
async def test_a_lot_comes_back_where_lots_end_together_or_by_a_hard_end(
    sqlite_database_url, sqlite_sessions, soft, end
):
    stagger = 0 if soft is GROUP else 60
    async with house(sqlite_database_url, sqlite_sessions, stagger_s=stagger, soft_close=soft) as made:
        async with served(made) as live:
            lot, ends = await back_in(live)
            assert ends == end
            assert (await made.bid(0, 470_000, lot=2)).result == "accepted"
            made.clock.at = end - 9 * MINUTE
            await withdraw_by_two(live, made.lots[1])
            await refused(live, made.lots[1], "again_no_time")
        made.clock.at = FIRST_CLOSE + HOUR
        await ended(made)
        async with served(made) as live:
            assert await state_of(live, lot) == "sold"
        await proved(made, 3)


async def test_a_lot_comes_back_into_a_tender_until_it_closes(sqlite_database_url, sqlite_sessions):
    changes = {"type": "tender", "stagger_s": 0, "options": options()}
    async with house(sqlite_database_url, sqlite_sessions, **changes) as made:
        async with served(made) as live:
            lot, ends = await back_in(live)
            assert ends == FIRST_CLOSE, "with the others"
            async with live.browser(made.buyers[0]) as wen:
                answer = await seal(wen, made, await envelope(made, 0, 500_000, lot=2), lot=2)
                assert answer.status_code == 201, answer.text
        await closed(made)
        await opened(made, 1, 3)
        await ended(made)
        async with served(made) as live:
            assert await state_of(live, lot) == "sold"
            await refused(live, made.lots[1], "again_over")
        await proved(made, 3)


async def test_what_the_writer_cannot_list_any_more_is_given_back_at_once(sqlite_database_url, sqlite_sessions):
    """Listed with ten minutes left, and looked at by the writer when there are nine."""
    changes = {"stagger_s": 0, "soft_close": GROUP}
    async with house(sqlite_database_url, sqlite_sessions, **changes) as made, served(made) as live:
        first, curator = made.lots[0], made.world.curator
        await withdraw_by_two(live, first)
        lot = await offered_again(live, first)
        await typed(made, lot)
        async with made.rooms.engine._sweeping:  # the writer is told of nothing meanwhile
            assert (await post(live, curator, f"lots/{lot}/listing")).status_code == 303
            made.clock.at = FIRST_CLOSE - 9 * MINUTE

        async def gone():
            return await row_of(live, lot) is None

        await made.until(gone)
        assert lot not in made.rooms.engine.writers[made.sale].book.lots
        async with made.sessions() as session:
            held = StoneCommitment.released_at.is_(None) & StoneCommitment.ref.in_([lot, first])
            assert await session.scalar(select(StoneCommitment.id).where(held)) is None, "its stones are free"
            (unsold,) = await reoffering.unsold_of(session, made.sale)
            assert (unsold.again, unsold.refused.number, unsold.refused.why) == (None, "11A", "again_no_time")
        await told_by_mail(made)
        async with live.browser(curator) as reader:
            desk = (await reader.get("/staff")).text
            assert "Not listed again" in desk and f"/staff/sales/{made.sale}#unsold" in desk
            english = (await reader.get(f"/staff/sales/{made.sale}")).text
            assert "not listed as 11A; its stones are free" in english and "this sale must be over sooner" in english
            await reader.post("/language", data={"to": "zh"}, headers={"origin": live.origin})
            assert "未能以11A列出" in (await reader.get(f"/staff/sales/{made.sale}")).text
        assert (await post(live, curator, f"lots/{lot}/listing")).status_code == 404
        await free_for_a_draft(live, first)


async def stones_of(session, lot):
    row = await session.scalar(select(Lot.id).where(Lot.public_id == lot))
    return (await stones_by_lot(session, [row]))[row]


TYPED = {"title_en": "Once more", "title_zh": "再来一次", "text_en": "With a new report.", "opening_minor": 350_000}


async def typed(made, lot):
    """What the curator types for the lot before it is listed, in two goes."""
    for names in (("title_en", "title_zh", "text_en"), ("opening_minor",)):
        async with made.sessions.begin() as session:
            version = await session.scalar(select(Lot.version).where(Lot.public_id == lot))
            edits = {lot: (version, {name: TYPED[name] for name in names})}
            keeper = made.world.curator
            await curation.edit_lots(session, sale=made.sale, edits=edits, actor=keeper, now=made.clock())


async def told_by_mail(made):
    """Who listed it hears of it once, in their language, with the reason and where to go on."""
    for _ in range(2):
        await Hearing(made.sessions).tick(made.clock())
    for lang, words in (("zh", "本场在此之前必须结束"), ("en", "This sale must be over")):
        async with made.sessions.begin() as session:
            mails = await session.scalars(select(Outbox).where(Outbox.kind == Channel.MAIL))
            (row,) = [one for one in mails if one.payload["notice"] == "lot_not_taken"]
            person = await session.get(Person, row.payload["person"])
            assert person.public_id == made.world.curator.public_id
            person.lang = lang
            said = await AUTHOR.worded(session, row.payload, Channel.MAIL)
        assert said.url == f"https://pavilion.example/staff/sales/{made.sale}#unsold"
        text = AUTHOR.plain(said)
        assert "11A" in said.subject and "11A" in text and (words in text or words.lower() in text), text


async def free_for_a_draft(live, lot):
    """What the sentence names as the next step can be done."""
    made = live.house
    async with made.sessions.begin() as session:
        keeper, values = made.world.curator, {"title_en": "Next", "title_zh": "下场", "currency": "USD"}
        values |= {"zone": "Europe/Brussels", "place_city": "Antwerp", "entity": "ANT"}
        other = await curation.create_sale(session, values=values, actor=keeper, now=made.clock())
        async with session.begin_nested() as trial:
            stones = [one.public_id for one in await stones_of(session, lot)]
            facts = {"sale": other.public_id, "stones": stones, "actor": keeper, "now": made.clock()}
            (fresh,) = await curation.add_stones(session, **facts)
            assert (fresh.title_en, fresh.text_en) == (TYPED["title_en"], TYPED["text_en"]), (
                "nor where it is added anew"
            )
            await trial.rollback()
        new = await reoffering.reoffer(session, lot=lot, into=other.public_id, actor=keeper, now=made.clock())
        assert new.reoffer_of == lot
        assert {name: getattr(new, name) for name in TYPED} == TYPED, "nobody types it twice"
        assert await reoffering.given_back(session, made.clock()) == [], "nothing is left to do"


async def test_a_tender_that_closed_once_takes_no_lot_again_though_its_lots_were_reopened(
    sqlite_database_url, sqlite_sessions
):
    changes = {"type": "tender", "stagger_s": 0, "options": options()}
    async with house(sqlite_database_url, sqlite_sessions, **changes) as made, served(made) as live:
        await withdraw_by_two(live, made.lots[0])
        assert await bar_now(made) is None
        async with made.sessions.begin() as session:  # as its book has it; the lot that is left runs again
            said = {"type": "tender.closed", "prev": "", "hash": "", "body": "{}"}
            session.add(BookEvent(sale=made.sale, n=10_000, seq=10_000, t=NOON, at=NOON, **said))
        assert await bar_now(made) == "again_closed"
        await refused(live, made.lots[0], "again_closed")


async def bar_now(made):
    async with made.sessions() as session:
        sale = await session.scalar(select(Sale).where(Sale.public_id == made.sale))
        return await bar_of(session, sale, made.clock(), await queries.ends_of(session, made.sale))


def test_what_stands_against_it_and_where_it_would_end():
    sale = Sale(type="timed", state="open", soft_close=GROUP, opens_at=NOON)
    near, open_ = [NOON + 9 * MINUTE], {"a": LotState.OPEN}
    assert bar(sale, NOON, near, open_) == "again_no_time"
    assert bar(sale, NOON, [*near, NOON + 10 * MINUTE], open_) is None
    assert bar(sale, NOON, [None], open_) is None
    tender = Sale(type="tender", state="open", soft_close=SOFT, opens_at=NOON)
    assert bar(tender, NOON, near, open_) == "again_no_time"
    assert bar(tender, NOON, [], {"a": LotState.CLOSING}) == "again_closed"
    assert bar(tender, NOON, [], open_) is None and bar(tender, NOON, [], open_, closed=True) == "again_closed"
    hard = Sale(type="timed", state="open", soft_close=SOFT | {"hard_end": stamp(NOON + HOUR)}, opens_at=NOON)
    told = Ends({}).hard_end(hard, "L")
    assert bar(hard, NOON + 50 * MINUTE, near, open_, hard_end=told) is None
    assert bar(hard, NOON + 51 * MINUTE, near, open_, hard_end=told) == "again_no_time"
    amended = Ends({}, hard_ends={None: NOON + 2 * HOUR, "L": None})
    assert (amended.hard_end(hard, "M"), amended.hard_end(hard, "L")) == (NOON + 2 * HOUR, None)
    early = Sale(type="timed", state="published", soft_close=SOFT, opens_at=NOON + 30 * MINUTE)
    assert bar(early, NOON, [], {}) == "again_before_opening"
    assert bar(Sale(type="timed", state="closed", soft_close=SOFT), NOON, [], {}) == "again_over"

    minute, run = 60_000_000, closing.LEAST_RUN
    apart = closing.SoftClose(window=0, extension=1)
    capped, group = dataclasses.replace(apart, hard_end=run), dataclasses.replace(apart, scope="group")
    assert closing.again(apart, 0, [run], 0, minute) == run + minute
    assert closing.again(capped, 0, [run], 0, minute) == run and closing.again(capped, 0, [], 1, minute) is None
    assert closing.again(group, 0, [run], 0, minute) == run and closing.again(group, 0, [run], 1, minute) is None
    assert closing.late(capped, run + minute) == run == closing.hard_end_of(capped, run - 1)
    assert closing.hard_end_of(group, 1) is None and closing.hard_end_of(capped, run + 1) == run + 1


async def test_while_the_sale_is_paused_the_lot_waits(sqlite_database_url, sqlite_sessions):
    """A lot that was listed while ends stand still would be over when the sale goes on."""
    async with house(sqlite_database_url, sqlite_sessions) as made, served(made) as live:
        writer = made.rooms.engine.writers[made.sale]
        await withdraw_by_two(live, made.lots[0])
        assert (await made.rooms.command(StaffAct(made.sale, "pause", by="01STAFF", reason="staff"))).code is None
        lot = await offered_again(live, made.lots[0])
        assert (await post(live, made.world.curator, f"lots/{lot}/listing")).status_code == 303
        await over_before_it_was_listed(made, lot)
        made.clock.at += 3 * HOUR
        assert (await made.rooms.command(StaffAct(made.sale, "resume", by="01STAFF", reason="staff"))).code is None
        await made.until(lambda: lot in writer.book.lots and writer.book.lots[lot].state == "open")
        assert from_micros(writer.book.lots[lot].end) >= made.clock() + 10 * MINUTE


async def over_before_it_was_listed(made, lot):
    """Had the sale ended first, the old lot would say so; all of it is taken back."""
    async with made.sessions() as session:
        sale = await session.scalar(select(Sale).where(Sale.public_id == made.sale))
        sale.state = "closed"
        await adding.let_go(session, sale, made.lots, made.clock())
        (event,) = await session.scalars(select(Event).where(Event.name == kept_words.NOT_TAKEN))
        assert (event.subject, event.facts["why"]) == (made.lots[0], "again_over")
        assert event.facts["asked"] == made.world.curator.public_id
        assert await session.scalar(select(Lot).where(Lot.public_id == lot)) is None
        await session.rollback()
