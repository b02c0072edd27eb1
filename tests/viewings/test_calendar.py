"""Invitations as other calendars read them: six golden files, read back by another library, equal to what is known."""

import re
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from dateutil.tz import tzical
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from pavilion.viewings import vtimezone
from pavilion.viewings.calendar import (
    Address,
    Status,
    cancellation,
    folded,
    invitation,
    published,
    text,
    zone_of,
)
from tests.viewings.calendars import HOUSE, KNOWN, SENT, UID, WEN, antwerp, utc

ZONES = ("Europe/Brussels", "Asia/Hong_Kong", "Asia/Dubai", "America/New_York", "Asia/Jerusalem")
HOUR = timedelta(hours=1)


def by_name(known):
    return known.name


def read(written):
    (event,) = Calendar.from_ical(written).walk("VEVENT")
    return event


def clocks(written):
    """The zone as the file itself says it: no time zone data of this machine takes part."""
    return tzical(StringIO(written.replace("\r\n", "\n"))).get()


@pytest.mark.parametrize("known", KNOWN, ids=by_name)
def test_what_is_written_is_the_golden_file(known):
    assert known.written().encode() == known.golden()


@pytest.mark.parametrize("known", KNOWN, ids=by_name)
def test_another_library_reads_back_every_field_and_the_same_instants(known):
    calendar = Calendar.from_ical(known.golden())
    assert calendar["METHOD"] == known.method and calendar["VERSION"] == "2.0"
    event, entry = read(known.golden()), known.entry
    assert event.errors == [] and "METHOD" not in event
    assert (event["UID"], event["SEQUENCE"], event["STATUS"]) == (entry.uid, entry.sequence, entry.status)
    assert (event["SUMMARY"], event["LOCATION"]) == (entry.summary, entry.location)
    assert (event.get("DESCRIPTION", ""), event["URL"]) == (entry.description, entry.url)
    assert (event["ORGANIZER"], event["ORGANIZER"].params["CN"]) == (f"mailto:{HOUSE.email}", entry.organizer.name)
    assert (event["ATTENDEE"], event["ATTENDEE"].params["CN"]) == (f"mailto:{WEN.email}", WEN.name)
    assert event["DTSTAMP"].dt == known.sent
    start, end = event["DTSTART"], event["DTEND"]
    assert start.params["TZID"] == end.params["TZID"] == entry.zone
    assert (f"{start.dt:%Y%m%dT%H%M%S}", f"{end.dt:%Y%m%dT%H%M%S}") == (known.start, known.end)
    assert (start.dt.astimezone(UTC), end.dt.astimezone(UTC)) == (known.first, known.last)
    assert end.dt.astimezone(UTC) - start.dt.astimezone(UTC) == known.elapsed


@pytest.mark.parametrize("known", KNOWN, ids=by_name)
def test_the_zone_in_the_file_gives_the_instants_without_any_other_data(known):
    said = known.golden().decode()
    zone = clocks(said)
    assert {at: int(at.astimezone(zone).utcoffset() / timedelta(minutes=1)) for at in known.offsets} == known.offsets
    for wall, instant in ((known.start, known.first), (known.end, known.last)):
        assert datetime.strptime(wall, "%Y%m%dT%H%M%S").replace(tzinfo=zone).astimezone(UTC) == instant


@pytest.mark.parametrize("known", KNOWN, ids=by_name)
def test_lines_end_fold_and_stop_as_the_standard_has_them(known):
    said = known.golden()
    assert said.endswith(b"END:VCALENDAR\r\n") and b"\r\n\r\n" not in said
    lines = said.split(b"\r\n")[:-1]
    assert not any(b"\n" in line or b"\r" in line for line in lines)
    assert max(map(len, lines)) <= 75
    for line in lines:
        line.decode()  # no character is cut
    assert [line for line in lines if line.startswith(b"METHOD")] == [f"METHOD:{known.method}".encode()]
    assert lines.index(f"METHOD:{known.method}".encode()) < lines.index(b"BEGIN:VTIMEZONE")


def test_invite_move_and_cancel_are_of_one_appointment_in_rising_order():
    events = [read(known.golden()) for known in KNOWN[:3]]
    assert {str(event["UID"]) for event in events} == {UID}
    assert [event["SEQUENCE"] for event in events] == [0, 1, 2]
    stamps = [event["DTSTAMP"].dt for event in events]
    assert stamps == sorted(stamps) and len(set(stamps)) == 3


@pytest.mark.parametrize("zone", ZONES)
def test_a_zone_in_a_file_agrees_with_the_time_zone_data_for_its_year(zone):
    at = utc(1, 5, 9)
    said = invitation(antwerp(zone=zone, start=at, end=at + HOUR), SENT)
    mine = clocks(said)
    other = read(said)["DTSTART"].dt.tzinfo
    (component,) = Calendar.from_ical(said).walk("VTIMEZONE")
    theirs = component.to_tz(lookup_tzid=False)
    for step in range(2920):
        now = at + step * 3 * HOUR
        assert now.astimezone(mine).utcoffset() == now.astimezone(other).utcoffset(), now
        assert now.astimezone(theirs).utcoffset() == now.astimezone(other).utcoffset(), now


# Published by the governments: the local time before the change, and the offsets in minutes.
CHANGES_2027 = {
    "Europe/Brussels": [("2027-03-28T02:00", 60, 120), ("2027-10-31T03:00", 120, 60)],
    "America/New_York": [("2027-03-14T02:00", -300, -240), ("2027-11-07T02:00", -240, -300)],
    "Asia/Jerusalem": [("2027-03-26T02:00", 120, 180), ("2027-10-31T02:00", 180, 120)],
    "Asia/Hong_Kong": [],
    "Asia/Dubai": [],
}


@pytest.mark.parametrize("zone", ZONES)
def test_the_changes_of_the_clocks_are_those_that_were_published(zone):
    found = [
        (f"{row.start:%Y-%m-%dT%H:%M}", int(row.before.total_seconds()) // 60, int(row.after.total_seconds()) // 60)
        for row in vtimezone.observances(zone, utc(1, 5, 9), utc(1, 5, 10))
        if row.start.year == 2027
    ]
    assert found == CHANGES_2027[zone]


def test_a_zone_that_never_changed_has_one_lasting_offset():
    assert vtimezone.lines("Asia/Dubai", utc(3, 9, 6), utc(3, 9, 8))[2:] == [
        "BEGIN:STANDARD", "DTSTART:19700101T000000", "TZOFFSETFROM:+0400", "TZOFFSETTO:+0400", "TZNAME:+04",
        "END:STANDARD", "END:VTIMEZONE",
    ]  # fmt: skip


@pytest.mark.parametrize(("offset", "said"), [(330, "+0530"), (-210, "-0330"), (0, "+0000"), (-300, "-0500")])
def test_offsets_are_written_with_their_sign(offset, said):
    assert vtimezone.offset_text(timedelta(minutes=offset)) == said
    assert vtimezone.offset_text(timedelta(minutes=17, seconds=30)) == "+001730"


def test_the_second_run_of_a_repeated_hour_is_said_in_utc_because_a_local_time_means_the_first():
    """01:30 in New York on 7 November 2027 happens at 05:30Z and again at 06:30Z."""
    first = antwerp(zone="America/New_York", start=utc(11, 7, 5, 30), end=utc(11, 7, 5, 45))
    second = antwerp(zone="America/New_York", start=utc(11, 7, 6, 30), end=utc(11, 7, 8))
    ends_in_it = antwerp(zone="America/New_York", start=utc(11, 7, 5, 30), end=utc(11, 7, 6, 30))
    assert [zone_of(one) for one in (first, second, ends_in_it)] == ["America/New_York", "Etc/UTC", "Etc/UTC"]
    for entry in (first, second, ends_in_it):
        said = invitation(entry, SENT)
        event = read(said)
        assert event["DTSTART"].dt.astimezone(UTC) == entry.start and event["DTEND"].dt.astimezone(UTC) == entry.end
        wall = event["DTSTART"].dt.replace(tzinfo=clocks(said))
        assert wall.astimezone(UTC) == entry.start


def test_a_cancellation_asks_no_answer_and_frees_the_time():
    said = cancellation(antwerp(status=Status.CANCELLED, sequence=1), SENT)
    assert "TRANSP:TRANSPARENT" in said and "PARTSTAT" not in said
    with pytest.raises(AssertionError):
        cancellation(antwerp(), SENT)


def test_a_feed_holds_many_zones_once_and_is_the_same_when_nothing_happened():
    hong_kong = antwerp(
        uid="b@x", zone="Asia/Hong_Kong", attendee=None, changed=SENT, start=utc(5, 4, 2), end=utc(5, 4, 4)
    )
    entries = [antwerp(attendee=None, changed=SENT), antwerp(uid="c@x", attendee=None, changed=SENT), hong_kong]
    said = published(entries, "Viewings")
    assert said == published(entries, "Viewings")
    calendar = Calendar.from_ical(said)
    assert calendar["METHOD"] == "PUBLISH" and calendar["X-WR-CALNAME"] == "Viewings"
    assert [str(zone["TZID"]) for zone in calendar.walk("VTIMEZONE")] == ["Asia/Hong_Kong", "Europe/Brussels"]
    assert all(event["DTSTAMP"].dt == SENT and "ATTENDEE" not in event for event in calendar.walk("VEVENT"))


def test_an_empty_feed_is_a_calendar_too():
    assert Calendar.from_ical(published([], "x")).walk("VEVENT") == []


def test_signs_that_mean_something_are_escaped_and_come_back():
    evil = "a;b,c\\n\\;\nBEGIN:VEVENT\r\nATTENDEE:mailto:x\x00\x07\x7f|"
    assert text("half \ud83d of a sign") == "half  of a sign"
    assert text(evil) == "a\\;b\\,c\\\\n\\\\\\;\\nBEGIN:VEVENT\\nATTENDEE:mailto:x|"
    entry = antwerp(
        summary=evil, url="https://x.example/a\r\nX:1", attendee=Address('W "x"^;:,\r\n', "w en\r\n@x.example")
    )
    said = invitation(entry, SENT)
    assert said.count("\r\nBEGIN:VEVENT\r\n") == 1 and "\r\nX:1" not in said
    event = read(said)
    assert event["SUMMARY"] == "a;b,c\\n\\;\nBEGIN:VEVENT\nATTENDEE:mailto:x|"
    assert event["ATTENDEE"].params["CN"].rstrip("\n") == 'W "x"^;:,'


@given(st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"]), max_size=300))
def test_whatever_is_folded_unfolds_to_itself_within_75_octets(line):
    pieces = list(folded(line))
    assert "".join([pieces[0], *(piece[1:] for piece in pieces[1:])]) == line
    assert all(piece.startswith(" ") for piece in pieces[1:])
    assert all(len(piece.encode()) <= 75 for piece in pieces)


@settings(max_examples=40)
@given(st.text(max_size=200))
def test_any_words_come_back_as_they_were_said(words):
    kept = re.sub(r"\r\n?", "\n", words)
    kept = "".join(sign for sign in kept if sign == "\n" or (sign >= " " and sign != "\x7f"))
    assert read(invitation(antwerp(summary=words), SENT))["SUMMARY"] == kept


def test_far_years_and_a_zone_east_of_the_date_line_are_written_too():
    late = datetime(2100, 12, 31, 23, tzinfo=UTC)
    event = read(invitation(antwerp(zone="Pacific/Kiritimati", start=late, end=late + HOUR), SENT))
    assert f"{event['DTSTART'].dt:%Y%m%dT%H%M%S}" == "21010101T130000"
