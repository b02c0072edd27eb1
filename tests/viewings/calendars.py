"""Appointments in other calendars, with what is known of them by hand: from the published changes of the clocks."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pavilion.viewings.calendar import Address, Entry, Status, cancellation, invitation

GOLDEN = Path(__file__).parent / "golden"
HOUSE = Address("Pavilion Antwerp", "notices@pavilion.example")
WEN = Address("Wen Li", "wen@lumen.example")
SENT = datetime(2027, 2, 20, 8, tzinfo=UTC)
UID = "01KANT0417@pavilion.example"


def utc(month, day, hour, minute=0):
    return datetime(2027, month, day, hour, minute, tzinfo=UTC)


def antwerp(**changes):
    said = {
        "uid": UID, "sequence": 0, "start": utc(3, 9, 9), "end": utc(3, 9, 11), "zone": "Europe/Brussels",
        "status": Status.CONFIRMED, "summary": "Pavilion Antwerp · ANT-0417",
        "location": "Antwerp, Hoveniersstraat 22, 2018 Antwerpen; ring at the blue door, second floor",
        "url": "https://pavilion.example/viewings/appointments/01KANT0417",
        "organizer": HOUSE, "attendee": WEN,
    }  # fmt: skip
    return Entry(**(said | changes))


@dataclass(frozen=True)
class Known:
    """One golden file and what stands in it, worked out without our code. `offsets` are in minutes east of Greenwich,
    at instants around the date."""

    name: str
    entry: Entry
    method: str
    start: str  # local, as written
    end: str
    first: datetime
    last: datetime
    elapsed: timedelta
    sent: datetime
    offsets: dict[datetime, int]

    def written(self):
        return (cancellation if self.method == "CANCEL" else invitation)(self.entry, self.sent)

    def golden(self):
        return (GOLDEN / f"{self.name}.ics").read_bytes()


HOUR = timedelta(hours=1)
BRUSSELS = {utc(1, 15, 12): 60, utc(3, 28, 0, 59): 60, utc(3, 28, 1): 120, utc(7, 1, 12): 120, utc(10, 31, 0, 59): 120}
BRUSSELS |= {utc(10, 31, 1): 60, utc(12, 24, 12): 60}
NEW_YORK = {utc(7, 4, 12): -240, utc(11, 7, 5, 59): -240, utc(11, 7, 6): -300, utc(12, 24, 12): -300}
HONG_KONG = {utc(1, 15, 12): 480, utc(7, 1, 12): 480, utc(12, 24, 12): 480}

KNOWN = [
    Known(
        "invite", antwerp(), "REQUEST", "20270309T100000", "20270309T120000",
        utc(3, 9, 9), utc(3, 9, 11), 2 * HOUR, SENT, BRUSSELS,
    ),
    Known(
        "move", antwerp(sequence=1, start=utc(3, 10, 13), end=utc(3, 10, 15)), "REQUEST",
        "20270310T140000", "20270310T160000", utc(3, 10, 13), utc(3, 10, 15), 2 * HOUR, SENT + 25 * HOUR, BRUSSELS,
    ),
    Known(
        "cancel", antwerp(sequence=2, start=utc(3, 10, 13), end=utc(3, 10, 15), status=Status.CANCELLED), "CANCEL",
        "20270310T140000", "20270310T160000", utc(3, 10, 13), utc(3, 10, 15), 2 * HOUR, SENT + 49 * HOUR, BRUSSELS,
    ),
    # The clocks of Belgium go from 02:00 to 03:00: two hours on the wall are one.
    Known(
        "gap_day", antwerp(start=utc(3, 28, 0, 30), end=utc(3, 28, 1, 30)), "REQUEST",
        "20270328T013000", "20270328T033000", utc(3, 28, 0, 30), utc(3, 28, 1, 30), HOUR, SENT, BRUSSELS,
    ),
    # The clocks of New York go from 02:00 back to 01:00: two hours on the wall are three.
    Known(
        "overlap_day",
        antwerp(
            uid="01KNYC0022@pavilion.example", start=utc(11, 7, 4, 30), end=utc(11, 7, 7, 30),
            zone="America/New_York", summary="Pavilion New York · NYC-0022", location="New York, 580 Fifth Avenue",
            organizer=Address("Pavilion New York", HOUSE.email),
        ),
        "REQUEST", "20271107T003000", "20271107T023000", utc(11, 7, 4, 30), utc(11, 7, 7, 30), 3 * HOUR, SENT, NEW_YORK,
    ),
    # Ten in the morning in Hong Kong is nine in the evening of the day before in New York.
    Known(
        "hong_kong_from_new_york",
        antwerp(
            uid="01KHKG0417@pavilion.example", start=utc(3, 9, 2), end=utc(3, 9, 4), zone="Asia/Hong_Kong",
            summary="Pavilion 香港 · HKG-0417", location="香港，皇后大道中15号置地广场告罗士打大厦23楼",
            description="香港：2027年3月9日 10:00–12:00（HKT，UTC+8）\n纽约：21:00–23:00（EST，UTC−5），前一日，3月8日",
            organizer=Address("Pavilion 香港", HOUSE.email),
        ),
        "REQUEST", "20270309T100000", "20270309T120000", utc(3, 9, 2), utc(3, 9, 4), 2 * HOUR, SENT, HONG_KONG,
    ),
]  # fmt: skip
