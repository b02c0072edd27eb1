"""What happens to viewings reaches who booked, who comes and the office: in their words, on their clock, in time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from icalendar import Calendar
from sqlalchemy import delete, select

from pavilion.accounts.models import Person
from pavilion.accounts.rules import Role
from pavilion.kernel import events
from pavilion.kernel.instants import stamp
from pavilion.kernel.outbox import Outbox
from pavilion.notifications import box, reminding, service, viewing_notices, viewing_times, zones
from pavilion.notifications.jobs import MOOT, Mailing
from pavilion.notifications.mail import MailFolder, Smtp
from pavilion.notifications.models import PushBrowser
from pavilion.notifications.rules import Channel, Kind, Quiet, due_before
from pavilion.notifications.viewing_notices import REMINDER
from pavilion.notifications.wording import Author
from pavilion.viewings import changing, feeds, recording, sweeping, waiting
from pavilion.viewings import service as desk
from pavilion.viewings.desk_models import Incident
from pavilion.viewings.models import Appointment, AppointmentVisitor, WaitEntry
from pavilion.viewings.place_models import Regime, Window
from pavilion.viewings.states import AppointmentState as S
from pavilion.viewings.states import WaitState
from pavilion.viewings.wishes import Wish
from pavilion.webkit import static
from pavilion.webkit.html import pages_of
from tests import make
from tests.make import HOUR, NOON
from tests.notifications.mailserver import mail_server
from tests.viewings import booked
from tests.viewings.booked import DAY

PAGES = pages_of(static.frontend())
SENDER = "Pavilion <notices@pavilion.example>"
AUTHOR = Author(PAGES, "https://pavilion.example", b"secret", SENDER)
START = datetime(2026, 3, 9, 2, tzinfo=UTC)  # ten in the morning in Hong Kong
MINUTE = timedelta(minutes=1)


class Town:
    """Hong Kong with Wen and Li of one company, Ilse of another and Sam of the office, and one appointment of Wen's."""

    def __init__(self, sessions, people, row):
        self.sessions, self.people, self.row = sessions, people, row
        self.hearing = viewing_notices.hearing(sessions)

    async def change(self, what, at=NOON, by="01WEN", cause="", reason="", **changes):
        """The row after it, with its event; then the event is heard."""
        async with self.sessions.begin() as session:
            row = await session.get(Appointment, self.row.id)
            was = {"was_start": stamp(row.starts_at), "was_end": stamp(row.ends_at), "was_office": "hkg"}
            for name, value in changes.items():
                setattr(row, name, value)
            row.version += 1
            facts = was if what == "moved" else {}
            recording.happened(session, row, what, office="hkg", by=by, at=at, cause=cause, reason=reason, **facts)
        await self.hearing.tick(at)

    async def told(self, channel=Channel.MAIL):
        """(notice, who, when due) of what waits."""
        names = {one.id: name for name, one in self.people.items()}
        rows = [row for row in await self.rows(channel) if row.sent_at is None and row.given_up_at is None]
        return [(row.payload["notice"], names[row.payload["person"]], row.due_at) for row in rows]

    async def rows(self, kind=Channel.MAIL):
        async with self.sessions() as session:
            return (await session.scalars(select(Outbox).where(Outbox.kind == kind).order_by(Outbox.id))).all()

    async def said(self, which=-1):
        async with self.sessions() as session:
            return await AUTHOR.worded(session, (await self.rows())[which].payload, Channel.MAIL)

    async def wish(self, name, zone="UTC", quiet=(None, None), mail=tuple(Kind), lang=None):
        async with self.sessions.begin() as session:
            await service.set_wishes(
                session, person=self.people[name].id, mail=mail, push=list(Kind), amounts=False, quiet=quiet,
                zone=zone, now=NOON,
            )  # fmt: skip
            if lang:
                (await session.get(Person, self.people[name].id)).lang = lang


async def made(sessions, **changes):
    async with sessions.begin() as session:
        lumen, rival = await make.company(session), await make.company(session, "Vandael", "BE")
        people = {
            "wen": await make.person(session, "wen@lumen.example", firm=lumen),
            "li": await make.person(session, "li@lumen.example", firm=lumen),
            "ilse": await make.person(session, "ilse@vandael.example", firm=rival),
            "sam": await make.person(session, "sam@pavilion.example", (Role.VIEWINGS,)),
            "noor": await make.person(session, "noor@pavilion.example", (Role.CURATOR,)),
        }
        await booked.office(session, "hkg", [people["sam"], people["noor"]])
        row = await booked.appointment(session, people["wen"], start=START, number="HKG-0417", **changes)
    return Town(sessions, people, row)


@pytest.fixture
async def town(sqlite_sessions):
    return await made(sqlite_sessions)


async def test_a_booking_is_told_with_an_invitation_and_reminders_on_each_database(sessions):
    town = await made(sessions)
    await town.change("booked")
    await town.hearing.tick(NOON)
    assert await town.told() == [("viewing_booked", "wen", NOON)]
    reminders = [(row.key, row.due_at) for row in await town.rows(REMINDER)]
    mine = town.row.public_id
    assert reminders == [(f"{mine}:24h:0", START - 24 * HOUR), (f"{mine}:2h:0", START - 2 * HOUR)]
    await town.change("moved", starts_at=START + DAY, ends_at=START + DAY + HOUR, sequence=1)
    waits = {row.key: row.due_at for row in await town.rows(REMINDER) if row.given_up_at is None}
    assert waits == {f"{mine}:24h:1": START, f"{mine}:2h:1": START + 22 * HOUR}
    await town.change("cancelled", state=S.CANCELLED, sequence=2)
    assert all(row.given_up_at for row in await town.rows(REMINDER))
    assert [notice for notice, _, _ in await town.told()] == ["viewing_booked", "viewing_moved", "viewing_cancelled"]


async def test_the_words_have_office_and_reference_in_the_subject_and_both_clocks_in_the_text(town):
    await town.wish("wen", "America/New_York")
    await town.change("booked")
    said = await town.said()
    assert said.subject == "Viewing HKG-0417, Hong Kong: booked"
    assert said.lines[0] == "Your viewing stands: Monday 9 March 2026, 10:00–12:00 in Hong Kong (HKT, UTC+8)."
    assert said.lines[1] == "On your clock: 22:00–00:00 in New York (EDT, UTC−4), the day before, 8 March."
    assert "Where: 15 Queen’s Road Central." in said.lines and "Ring at the blue door." in said.lines
    assert said.url == f"https://pavilion.example/viewings/appointments/{town.row.public_id}"
    assert said.entry.summary == "Pavilion Hong Kong · HKG-0417"
    assert said.entry.location == "Hong Kong, 15 Queen’s Road Central"
    await town.wish("wen", "America/New_York", lang="zh")
    said = await town.said()
    assert said.subject == "看货 HKG-0417，香港：已预约"
    assert said.lines[0] == "您的看货已确定：2026年3月9日星期一，香港时间 10:00–12:00（HKT，UTC+8）。"
    assert said.lines[1] == "您的当地时间：纽约时间 22:00–00:00（EDT，UTC−4），前一日，3月8日。"
    assert said.entry.location == "香港，皇后大道中15号".replace("，", ", ")


async def test_who_is_named_with_an_account_is_told_too_and_nobody_else(town):
    async with town.sessions.begin() as session:
        row = await session.get(Appointment, town.row.id)
        await booked.visitor(session, row, town.people["li"])
        await booked.visitor(session, row, town.people["ilse"])  # an account of another company
        await booked.visitor(session, row, None, "Ada Lovelace")
    await town.change("booked")
    assert [who for _, who, _ in await town.told()] == ["wen", "li"]
    assert "Ada" not in str([row.payload for row in await town.rows()])


async def test_booked_by_the_house_all_who_may_book_are_told(sqlite_sessions):
    town = await made(sqlite_sessions)
    await town.change("booked", booked_by=None)
    assert sorted(who for _, who, _ in await town.told()) == ["li", "wen"]


async def test_a_mail_carries_the_invitation_as_a_part_and_as_a_file_and_a_cancellation_takes_it_out(town):
    await town.change("booked")
    async with mail_server() as server:
        mailing = Mailing(town.sessions, AUTHOR, Smtp(server.url), SENDER, "pavilion.example")
        await mailing.tick(NOON + MINUTE)
        await town.change("moved", NOON + HOUR, starts_at=START + DAY, ends_at=START + DAY + HOUR, sequence=1)
        await mailing.tick(NOON + HOUR)
        await town.change("cancelled", NOON + 2 * HOUR, state=S.CANCELLED, sequence=2)
        await mailing.tick(NOON + 2 * HOUR)
    read = []
    for mail in server.taken:
        assert mail.get_content_type() == "multipart/mixed"
        (part,) = [one for one in mail.walk() if one.get_content_type() == "text/calendar"]
        (file,) = list(mail.iter_attachments())
        assert file.get_content_type() == "application/ics"
        octets = file.get_content()
        assert part.get_payload(decode=True) == octets and octets.endswith(b"END:VCALENDAR\r\n")
        assert [one.get_content_type() for one in mail.get_payload(0).iter_parts()] == [
            "text/plain", "text/html", "text/calendar",
        ]  # fmt: skip
        calendar = Calendar.from_ical(octets)
        (event,) = calendar.walk("VEVENT")
        assert part.get_param("method") == calendar["METHOD"] and "method" not in file["content-type"]
        assert (
            event["ATTENDEE"] == "mailto:wen@lumen.example" and event["ORGANIZER"] == "mailto:notices@pavilion.example"
        )
        assert "stone" not in octets.decode().lower() and event["UID"] == town.row.uid
        read.append((calendar["METHOD"], event["SEQUENCE"], event["STATUS"], event["DTSTAMP"].dt, file.get_filename()))
    assert read == [
        ("REQUEST", 0, "CONFIRMED", NOON + MINUTE, "invite.ics"),
        ("REQUEST", 1, "CONFIRMED", NOON + HOUR, "invite.ics"),
        ("CANCEL", 2, "CANCELLED", NOON + 2 * HOUR, "cancel.ics"),
    ]


async def test_what_a_later_change_overtook_is_not_sent(town):
    await town.change("booked")
    await town.change("moved", starts_at=START + DAY, ends_at=START + DAY + HOUR, sequence=1)
    assert await town.said(0) is None
    assert (await town.said(1)).entry.sequence == 1
    await town.change("cancelled", state=S.CANCELLED, sequence=2)
    assert await town.said(1) is None and (await town.said(2)).entry.sequence == 2


async def test_what_never_stood_in_a_calendar_is_not_taken_out_of_one(sqlite_sessions):
    town = await made(sqlite_sessions, state=S.HELD, expires_at=NOON + HOUR)
    await town.change("held")
    await town.change("cancelled", state=S.CANCELLED, expires_at=None)
    assert await town.told() == []


async def test_a_wish_is_told_to_both_sides_and_declined_without_a_calendar(sqlite_sessions):
    town = await made(sqlite_sessions, state=S.REQUESTED)
    await town.change("requested")
    assert [(notice, who) for notice, who, _ in await town.told()] == [
        ("viewing_requested", "wen"), ("office_requested", "sam"),
    ]  # fmt: skip
    assert (await town.said(1)).url == f"https://pavilion.example/staff/viewings/hkg/appointments/{town.row.public_id}"
    assert await town.rows(REMINDER) == []
    await town.change("cancelled", by="01SAM", state=S.CANCELLED, reason="We are closed for stock-taking.")
    said = await town.said()
    assert said.subject.endswith("not possible") and said.entry is None
    assert "Reason: We are closed for stock-taking." in said.lines


async def test_after_days_without_a_worker_what_is_still_to_come_is_told_and_what_is_over_is_not(town):
    async with town.sessions.begin() as session:
        over = await booked.appointment(session, town.people["wen"], start=NOON + HOUR)
        over.version = 2
        coming = await session.get(Appointment, town.row.id)
        coming.version = 2
        recording.happened(session, coming, "booked", office="hkg", by="01WEN", at=NOON)
        over.state = S.NO_SHOW
        recording.happened(session, over, "no_show", office="hkg", by="house", at=NOON + 2 * HOUR)
    await town.hearing.tick(NOON + 4 * DAY)
    assert [(notice, who) for notice, who, _ in await town.told()] == [("viewing_booked", "wen")]
    assert [row.payload["hours"] for row in await town.rows(REMINDER)] == [24, 2]


async def test_a_reminder_goes_to_who_comes_when_it_is_due_and_only_while_it_holds(town):
    await town.change("booked")
    assert await reminding.tick(town.sessions, START - 24 * HOUR - MINUTE) == 0
    assert await reminding.tick(town.sessions, START - 24 * HOUR) == 1
    assert [(notice, who) for notice, who, _ in await town.told()][1:] == [("viewing_reminder", "wen")]
    said = await town.said()
    assert said.entry is None and said.lines[0].startswith("Your viewing is near: Monday 9 March 2026, 10:00–12:00")
    assert await reminding.tick(town.sessions, START - 24 * HOUR) == 0, "once"
    await town.change("moved", START - 20 * HOUR, starts_at=START + HOUR, ends_at=START + 3 * HOUR, sequence=1)
    waits = [row.key for row in await town.rows(REMINDER) if row.sent_at is None and row.given_up_at is None]
    assert waits == [f"{town.row.public_id}:2h:1"], "a day ahead is over: the mail of the move has said it"
    await town.change("checked_in", START - HOUR - MINUTE, state=S.CHECKED_IN)
    assert await reminding.tick(town.sessions, START) == 0


async def test_a_worker_that_was_away_sends_one_reminder_and_not_two(town):
    await town.change("booked")
    assert await reminding.tick(town.sessions, START - HOUR) == 2
    assert [notice for notice, _, _ in await town.told()] == ["viewing_booked", "viewing_reminder"]
    assert [row.last_error for row in await town.rows(REMINDER)] == [MOOT, None]


async def test_an_appointment_changed_behind_its_reminder_keeps_it_silent(town):
    await town.change("booked")
    async with town.sessions.begin() as session:
        (await session.get(Appointment, town.row.id)).sequence = 5
    assert await reminding.tick(town.sessions, START - 24 * HOUR) == 1
    assert [notice for notice, _, _ in await town.told()] == ["viewing_booked"]


async def test_quiet_hours_hold_a_reminder_back_but_never_beyond_its_use(town):
    """Wen sleeps in Hong Kong from ten to seven; the viewing there is at ten in the morning, or at eight."""
    await town.wish("wen", "Asia/Hong_Kong", (22 * 60, 7 * 60))
    await town.change("booked")
    await reminding.tick(town.sessions, START - 24 * HOUR)
    assert (await town.told())[-1][2] == START - 24 * HOUR, "ten in the morning of the day before"
    early = START - 3 * HOUR - 30 * MINUTE  # 06:30: two hours before is 04:30, and the night ends after the start
    await town.change("moved", starts_at=early, ends_at=early + HOUR, sequence=1)
    await reminding.tick(town.sessions, early - 2 * HOUR)
    assert (await town.told())[-1][::2] == ("viewing_reminder", early - 2 * HOUR), "woken rather than told too late"
    later = START - 2 * HOUR  # 08:00: two hours before is 06:00, and an hour is still left at 07:00
    await town.change("moved", starts_at=later, ends_at=later + HOUR, sequence=2)
    await reminding.tick(town.sessions, later - 2 * HOUR)
    assert (await town.told())[-1][::2] == ("viewing_reminder", later - HOUR)


async def test_a_cancellation_by_night_wakes_only_who_would_set_out_for_nothing(town):
    await town.wish("wen", "Asia/Hong_Kong", (22 * 60, 7 * 60))
    night = START - 9 * HOUR  # one in the morning there; the viewing is at ten
    await town.change("cancelled", night, state=S.CANCELLED, sequence=1)
    assert await town.told() == [("viewing_cancelled", "wen", START - 3 * HOUR)]


def test_a_notice_waits_for_the_morning_unless_that_is_too_late():
    night = Quiet(22 * 60, 7 * 60, "UTC")
    now = datetime(2026, 3, 2, 23, tzinfo=UTC)
    morning = now + 8 * HOUR
    assert due_before(now, night, None) == due_before(now, night, morning) == morning
    assert due_before(now, night, morning - MINUTE) == now
    assert due_before(now, None, now - DAY) == now


async def offered(town, *, lapses=0, state=WaitState.OFFERED):
    async with town.sessions.begin() as session:
        entry = WaitEntry(
            public_id="01WAIT", company_id=town.row.company_id, desk_id="hkg-d3", starts_at=START,
            ends_at=START + HOUR, party=1, wish={}, created_at=NOON, state=state, lapses=lapses,
            appointment_id=town.row.id, request_key="w", joined_by=town.people["li"].id,
        )  # fmt: skip
        session.add(entry)
        await session.flush()
    return entry


async def waited(town, entry, what, at, **facts):
    async with town.sessions.begin() as session:
        recording.waited(session, entry, what, office="hkg", by=facts.pop("by", "house"), at=at, **facts)
    await town.hearing.tick(at)


async def test_an_offer_is_told_at_once_to_who_waits_by_night_too(sqlite_sessions):
    town = await made(sqlite_sessions, state=S.HELD, expires_at=NOON + 2 * HOUR)
    entry = await offered(town)
    await town.wish("li", "UTC", (11 * 60, 20 * 60))
    expires = stamp(NOON + 2 * HOUR)
    await waited(town, entry, "offered", NOON, cause="cancelled", appointment=town.row.public_id, expires=expires)
    assert await town.told() == [("viewing_offered", "li", NOON)]
    said = await town.said()
    assert said.entry is None and "held for you until 2 March 2026, 14:00 UTC" in said.lines[0]
    await waited(town, entry, "skipped", NOON, reason="desk_taken")
    await waited(town, entry, "joined", NOON, by="01LI")
    assert len(await town.told()) == 1


async def test_an_offer_that_lapsed_is_told_and_after_the_second_only_that_the_waiting_ended(sqlite_sessions):
    town = await made(sqlite_sessions, state=S.EXPIRED, booked_by=None)
    entry = await offered(town, lapses=1, state=WaitState.WAITING)
    await town.change("expired", by="house", cause="offer")
    assert {notice for notice, _, _ in await town.told()} == {"viewing_offer_lapsed"}
    assert (await town.said()).url == "https://pavilion.example/viewings/waitlist"
    async with town.sessions.begin() as session:
        (await session.get(WaitEntry, entry.id)).state = WaitState.GONE
    await town.change("expired", NOON + HOUR, by="house", cause="offer", sequence=1)
    await waited(town, entry, "gone", NOON + HOUR, cause="lapsed")
    assert [notice for notice, _, _ in await town.told()][2:] == ["viewing_wait_ended"]
    assert "9 March 2026" in (await town.said()).lines[0]
    await waited(town, entry, "gone", NOON + HOUR, cause="left", by="01LI")
    assert len(await town.told()) == 3
    await town.change("expired", NOON + HOUR, by="house", sequence=2)
    assert len(await town.told()) == 3, "a hold of minutes that ran out stood on the page"


async def test_what_must_be_settled_is_told_to_both_sides_and_that_it_is_settled(town):
    await town.change("attention", by="01SAM", cause="travel", reason="stone_in_transit", attention="stone_in_transit")
    assert [(notice, who) for notice, who, _ in await town.told()] == [
        ("office_attention", "sam"), ("viewing_attention", "wen"),
    ]  # fmt: skip
    assert "nothing is cancelled without you" in (await town.said()).lines[0]
    await town.change("changed", by="01SAM", cause="travel", attention=None)
    assert (await town.told())[-1][:2] == ("viewing_settled", "wen")
    assert await town.said(1) is None, "it holds no longer"
    await town.change("changed", cause="visitors")
    assert (await town.told())[-1][0] == "viewing_settled", "no new SEQUENCE, nothing for a calendar"
    await town.change("changed", by="house", cause="stone_sold", sequence=1)
    assert [(notice, who) for notice, who, _ in (await town.told())[-2:]] == [
        ("office_stone_gone", "sam"), ("viewing_changed", "wen"),
    ]  # fmt: skip
    assert "shown as agreed" in (await town.said(-2)).lines[0] and (await town.said()).entry.sequence == 1
    assert "A stone of this viewing has been sold." in (await town.said()).lines
    await town.change("attention", by="house", cause="stone_withdrawn", sequence=2, attention="stone_withdrawn")
    said = await town.said()
    assert said.entry.sequence == 2 and "A stone of this viewing has been withdrawn." in said.lines


async def test_a_move_says_what_it_was_and_other_visitors_are_a_change(town):
    async with town.sessions.begin() as session:
        row = await session.get(Appointment, town.row.id)
        await booked.visitor(session, row, town.people["li"])
    await town.change("booked")
    await town.change("moved", starts_at=START + DAY, ends_at=START + DAY + HOUR, sequence=1, reason="Snow.")
    said = await town.said()
    assert said.subject == "Viewing HKG-0417, Hong Kong: moved" and "Reason: Snow." in said.lines
    assert "Before, it was: Monday 9 March 2026, 10:00–12:00 in Hong Kong (HKT, UTC+8)." in said.lines
    async with town.sessions.begin() as session:
        await session.execute(delete(AppointmentVisitor))
    for sequence in (2, 3):
        await town.change("moved", sequence=sequence)
    assert [(notice, who) for notice, who, _ in await town.told()][4:] == [
        ("viewing_changed", "wen"), ("viewing_unnamed", "li"), ("viewing_changed", "wen"),
    ]  # fmt: skip
    async with town.sessions.begin() as session:
        await booked.visitor(session, await session.get(Appointment, town.row.id), town.people["li"])
    await town.change("moved", sequence=4)
    assert (await town.told())[-1][:2] == ("viewing_changed", "li"), "named again"


async def test_who_is_named_no_more_has_the_entry_taken_out(town):
    async with town.sessions.begin() as session:
        row = await session.get(Appointment, town.row.id)
        await booked.visitor(session, row, town.people["li"])
    await town.change("booked")
    async with town.sessions.begin() as session:
        await session.execute(delete(AppointmentVisitor))
    await town.change("moved", sequence=1)
    said = await town.said()
    assert said.address == "li@lumen.example" and said.entry.status == "CANCELLED" and said.entry.sequence == 1
    await town.change("moved", sequence=2)  # of which only those who come are told
    assert (await town.said(3)).entry.sequence == 2
    await town.change("cancelled", state=S.CANCELLED, sequence=3)
    told = await town.said(3)
    assert (told.address, told.entry.status, told.entry.sequence) == ("li@lumen.example", "CANCELLED", 3)


async def test_what_was_only_asked_for_enters_no_calendar_when_its_stone_goes(sqlite_sessions):
    town = await made(sqlite_sessions, state=S.REQUESTED)
    await town.change("changed", by="house", cause="stone_withdrawn")
    assert "You are still asking for the others" in (await town.said()).lines[0] and (await town.said()).entry is None
    await town.change("attention", by="house", cause="stone_sold", attention="stone_sold")
    assert [(notice, who) for notice, who, _ in await town.told()] == [
        ("office_stone_gone", "sam"), ("viewing_stone_gone", "wen"),
        ("office_attention", "sam"), ("viewing_attention", "wen"),
    ]  # fmt: skip
    assert (await town.said()).entry is None


async def test_a_held_place_without_a_stone_is_to_be_settled_once_it_is_booked_all_the_same(sqlite_sessions):
    town = await made(sqlite_sessions, state=S.HELD, expires_at=NOON + HOUR)
    await town.change("attention", by="house", cause="stone_sold", attention="stone_sold")
    assert await town.told() == []
    await town.change("booked", state=S.BOOKED, expires_at=None)
    await town.change("attention", cause="stone_sold")
    assert [(notice, who) for notice, who, _ in (await town.told())[-2:]] == [
        ("office_attention", "sam"), ("viewing_attention", "wen"),
    ]  # fmt: skip
    assert "A stone of this viewing has been sold." in (await town.said()).lines


async def test_who_shows_the_stones_by_video_is_invited_too_and_led_to_the_board(town):
    await town.change("booked", operator_id=town.people["sam"].id, mode="remote", party=0)
    assert [who for _, who, _ in await town.told()] == ["wen", "sam"]
    wen, sam = await town.said(0), await town.said(1)
    assert "You show the stones by video." in sam.lines and "You show the stones by video." not in wen.lines
    assert sam.url == sam.entry.url == f"https://pavilion.example/staff/viewings/hkg/appointments/{town.row.public_id}"
    assert wen.entry.location == sam.entry.location == "Hong Kong"


async def test_who_left_the_company_before_the_mail_went_hears_nothing(town):
    await town.change("booked")
    async with town.sessions.begin() as session:
        (await session.get(Person, town.people["wen"].id)).company_id = town.people["ilse"].company_id
    assert await town.said() is None


async def test_a_late_wish_to_cancel_and_an_incident_reach_the_office_alone(town):
    async with town.sessions.begin() as session:
        row = await session.get(Appointment, town.row.id)
        await changing.ask_to_cancel(session, row, by="01WEN", reason="Flight missed.", now=NOON)
        session.add(Incident(public_id="01INC", office_id="hkg", kind="weight", opened_by="01SAM", opened_at=NOON))
        events.record(
            session, "incident:opened", "01INC", by="01SAM", at=NOON, office="hkg", kind="weight", stone="01ST"
        )
    await town.hearing.tick(NOON)
    assert [(notice, who) for notice, who, _ in await town.told()] == [
        ("office_late_cancel", "sam"), ("office_incident", "sam"),
    ]  # fmt: skip
    said = await town.said()
    assert said.subject == "Hong Kong: an incident at a desk" and "01ST" not in AUTHOR.plain(said)
    assert said.url == "https://pavilion.example/staff/viewings/hkg/incidents"
    async with town.sessions.begin() as session:
        (await session.scalar(select(Incident))).closed_at = NOON
    assert await town.said() is None


async def test_who_did_not_come_hears_until_when_they_may_still(town):
    await town.change("no_show", START + 15 * MINUTE, by="house", state=S.NO_SHOW)
    assert (await town.told())[-1][:2] == ("viewing_no_show", "wen")
    assert "Until 12:00 you may still be let in" in (await town.said()).lines[0]


async def test_a_push_says_when_and_where_and_who_switched_it_off_hears_nothing(town):
    async with town.sessions.begin() as session:
        session.add(PushBrowser(
            person_id=town.people["wen"].id, endpoint="https://x", endpoint_sha256="x", p256dh="x", auth="x",
            browser="x", at=NOON,
        ))  # fmt: skip
    await town.change("booked")
    assert [(notice, who) for notice, who, _ in await town.told(Channel.PUSH)] == [("viewing_booked", "wen")]
    await town.wish("wen", mail=[kind for kind in Kind if kind is not Kind.VIEWING])
    await town.change("moved", starts_at=START + DAY, ends_at=START + DAY + HOUR, sequence=1)
    assert [notice for notice, _, _ in await town.told()] == ["viewing_booked"]
    assert await town.said() is None


async def test_the_simulated_box_shows_the_invitation(town, tmp_path):
    await town.change("booked")
    await Mailing(town.sessions, AUTHOR, MailFolder(tmp_path), SENDER, "pavilion.example").tick(NOON)
    (mail,) = box.mails_of(tmp_path, "wen@lumen.example")
    assert mail.invitation is not None and mail.invitation.method == "REQUEST"
    assert mail.invitation.text.startswith("BEGIN:VCALENDAR\r\n")


async def test_what_the_verbs_of_the_desk_do_arrives_in_mail_and_feed_and_who_waits_is_offered_the_place(sessions):
    town = await made(sessions)
    begin = START + 2 * DAY
    wish = Wish(town.row.company_id, "hkg-d3", begin, begin + HOUR)
    async with sessions.begin() as session:
        session.add(Window(
            office_id="hkg", day=begin.date(), opens="09:00", closes="18:00", opens_at=begin - HOUR,
            closes_at=begin + 8 * HOUR, tz_version="2026a",
        ))  # fmt: skip
        wen, ilse = town.people["wen"], town.people["ilse"]
        row, answer = await desk.book(session, wish, key="a", by=wen.public_id, person_id=wen.id, now=NOON)
        assert answer.ok
        theirs = replace(wish, company_id=ilse.company_id)
        _, answer = await desk.join(session, theirs, key="w", by=ilse.public_id, person_id=ilse.id, now=NOON)
        assert answer.ok
        _, token = await feeds.make(session, person_id=wen.id, office=None, by=wen.public_id, now=NOON)
    await town.hearing.tick(NOON)
    async with sessions.begin() as session:
        row = await session.get(Appointment, row.id)
        later = {"start": begin + 2 * HOUR, "end": begin + 3 * HOUR}
        assert (await desk.reschedule(session, row, **later, by=wen.public_id, now=NOON + MINUTE)).ok
    await town.hearing.tick(NOON + MINUTE)
    async with sessions.begin() as session:
        row = await session.get(Appointment, row.id)
        assert (await desk.cancel(session, row, by=wen.public_id, now=NOON + 2 * MINUTE)).ok
    await town.hearing.tick(NOON + 2 * MINUTE)
    assert [(notice, who) for notice, who, _ in await town.told()] == [
        ("viewing_booked", "wen"), ("viewing_moved", "wen"), ("viewing_offered", "ilse"), ("viewing_cancelled", "wen"),
    ]  # fmt: skip
    assert [(await town.said(n)) is None for n in range(4)] == [True, True, False, False]
    gone = (await town.said(3)).entry
    async with sessions() as session:
        rows = await feeds.entries(session, await feeds.behind(session, token), NOON, base="https://x", sender="a@b")
        (mine,) = [one for one in rows if one.uid == gone.uid]
    assert (mine.status, mine.sequence, mine.start) == (gone.status, gone.sequence, gone.start)
    assert (gone.status, gone.sequence, gone.uid) == ("CANCELLED", 2, row.uid)
    assert all(one.given_up_at for one in await town.rows(REMINDER) if one.payload["appointment"] == row.public_id)
    for hours in (3, 6):
        async with sessions.begin() as session:
            await sweeping.due(session, NOON + hours * HOUR)
            waits = (await session.scalars(select(WaitEntry))).one()
            if waits.state == WaitState.WAITING:
                await waiting.offer(session, NOON + hours * HOUR, cause="cancelled")
        await town.hearing.tick(NOON + hours * HOUR)
    said = [notice for notice, who, _ in await town.told() if who == "ilse"]
    assert said == ["viewing_offered", "viewing_offer_lapsed", "viewing_offered", "viewing_wait_ended"]


TONGUES = PAGES.tongues


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("Asia/Hong_Kong", ""),
        ("Asia/Singapore", ""),
        ("UTC", "02:00–04:00 UTC"),
        ("Asia/Tokyo", "11:00–13:00 in Tokyo (JST, UTC+9)"),
        ("Asia/Dubai", "06:00–08:00 in Dubai (UTC+4)"),
        ("Asia/Kolkata", "07:30–09:30 in Mumbai (IST, UTC+5:30)"),
        ("America/New_York", "22:00–00:00 in New York (EDT, UTC−4), the day before, 8 March"),
    ],
)
def test_the_own_clock_is_told_where_it_differs(zone, said):
    assert viewing_times.at_own(TONGUES["en"], START, START + 2 * HOUR, zone, "Asia/Hong_Kong") == said


@pytest.mark.parametrize(
    ("country", "zone"),
    [
        *(("HK", "Asia/Hong_Kong"), ("BE", "Europe/Brussels"), ("DE", "Europe/Berlin"), ("CN", "Asia/Shanghai")),
        *(("US", "UTC"), ("AU", "UTC"), ("", "UTC"), ("XX", "UTC")),
    ],
)
def test_a_country_with_one_clock_tells_whose_clock_until_it_is_chosen(country, zone):
    assert zones.of_country(country) == zone


async def test_until_a_clock_is_chosen_it_is_that_of_the_country(town):
    async with town.sessions() as session:
        assert await zones.of_person(session, town.people["ilse"].id) == "Europe/Brussels"
        assert await zones.of_person(session, town.people["sam"].id) == "UTC"
    await town.wish("ilse", "Asia/Dubai")
    async with town.sessions() as session:
        assert await zones.of_person(session, town.people["ilse"].id) == "Asia/Dubai"
        await service.stop_mail(session, person=town.people["wen"].public_id, kind=Kind.WON, now=NOON)
        assert await zones.of_person(session, town.people["wen"].id) == "Asia/Hong_Kong", (
            "a link in a mail chooses none"
        )


def test_a_span_over_a_change_of_the_clocks_says_both_offsets():
    start = datetime(2027, 3, 28, 0, 30, tzinfo=UTC)
    said = viewing_times.at_office(TONGUES["en"], start, start + HOUR, "Europe/Brussels")
    assert said == "Sunday 28 March 2027, 01:30 (CET, UTC+1)–03:30 (CEST, UTC+2) in Antwerp"
    said = viewing_times.at_office(TONGUES["zh"], start, start + HOUR, "Europe/Brussels")
    assert said == "2027年3月28日星期日，安特卫普时间 01:30（CET，UTC+1）–03:30（CEST，UTC+2）"
    new_year = datetime(2027, 12, 31, 20, tzinfo=UTC)
    said = viewing_times.at_own(TONGUES["en"], new_year, new_year + HOUR, "Asia/Tokyo", "Europe/Brussels")
    assert said == "05:00–06:00 in Tokyo (JST, UTC+9), the day after, 1 January 2028"


async def test_who_comes_is_told_that_a_health_declaration_is_asked_for(town):
    async with town.sessions.begin() as session:
        span = {"starts_at": START, "ends_at": START + HOUR, "at": NOON}
        session.add(Regime(office_id="hkg", declaration=True, **span))
    await town.change("moved", sequence=1)
    assert "health declaration of the last 24 hours" in " ".join((await town.said()).lines)
