"""What people are told of, and when they are left in peace. Pure; `now` is an argument."""

from collections.abc import Collection
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

OUTBID_EVERY = timedelta(minutes=1)  # of one lot, to one person
STALE = timedelta(days=1)  # what is older is no news any more


class Channel(StrEnum):
    MAIL = "mail"
    PUSH = "push"


class Kind(StrEnum):
    """What a person may switch on and off; each covers several notices."""

    OUTBID = "outbid"
    WON = "won"
    CLOSED = "closed"
    BEHALF = "behalf"
    VOIDED = "voided"
    LOT = "lot"
    EXTENDED = "extended"
    RECORD = "record"
    REGISTRATION = "registration"
    STOPPED = "stopped"
    VIEWING = "viewing"
    REMINDER = "reminder"
    OFFICE = "office"
    CURATION = "curation"
    PAYMENT = "payment"
    OFFER = "offer"
    GOODS = "goods"
    TRADE = "trade"
    SEARCH = "search"
    SHORTLIST = "shortlist"


PUSHED = frozenset(Kind) - {Kind.RECORD}  # a checkpoint is a text to keep, nothing for a pop-up

NOTICES: dict[str, Kind] = {
    "outbid": Kind.OUTBID,
    "outbid_by_seller": Kind.OUTBID,
    "won": Kind.WON,
    "closed": Kind.CLOSED,
    "behalf": Kind.BEHALF,
    "voided": Kind.VOIDED,
    "void_other": Kind.VOIDED,
    "retraction_declined": Kind.VOIDED,
    "tender_offered": Kind.WON,
    "tender_invited": Kind.LOT,
    "tender_not_invited": Kind.LOT,
    "lot_paused": Kind.LOT,
    "lot_resumed": Kind.LOT,
    "lot_withdrawn": Kind.LOT,
    "lot_reopened": Kind.LOT,
    "lot_notice": Kind.LOT,
    "sale_paused": Kind.LOT,
    "sale_resumed": Kind.LOT,
    "sale_amended": Kind.LOT,
    "lot_added": Kind.LOT,
    "extended": Kind.EXTENDED,
    "record": Kind.RECORD,
    "registration_approved": Kind.REGISTRATION,
    "registration_declined": Kind.REGISTRATION,
    "registration_asked": Kind.REGISTRATION,
    "registration_suspended": Kind.REGISTRATION,
    "registration_resumed": Kind.REGISTRATION,
    "registration_limit_changed": Kind.REGISTRATION,
    "registration_end_changed": Kind.REGISTRATION,
    "registration_end_lifted": Kind.REGISTRATION,
    "closed_to_bidder": Kind.STOPPED,
    "settlement_stopped": Kind.STOPPED,
    "settlement_released": Kind.STOPPED,
    "settlement_cancelled": Kind.STOPPED,
    "passport_suspended": Kind.STOPPED,
    "passport_reinstated": Kind.STOPPED,
    "passport_revoked": Kind.STOPPED,
    "viewing_requested": Kind.VIEWING,
    "viewing_booked": Kind.VIEWING,
    "viewing_moved": Kind.VIEWING,
    "viewing_changed": Kind.VIEWING,
    "viewing_stone_gone": Kind.VIEWING,
    "viewing_unnamed": Kind.VIEWING,
    "viewing_attention": Kind.VIEWING,
    "viewing_settled": Kind.VIEWING,
    "viewing_cancelled": Kind.VIEWING,
    "viewing_declined": Kind.VIEWING,
    "viewing_no_show": Kind.VIEWING,
    "viewing_offered": Kind.VIEWING,
    "viewing_offer_lapsed": Kind.VIEWING,
    "viewing_wait_ended": Kind.VIEWING,
    "viewing_reminder": Kind.REMINDER,
    "office_requested": Kind.OFFICE,
    "office_attention": Kind.OFFICE,
    "office_stone_gone": Kind.OFFICE,
    "office_late_cancel": Kind.OFFICE,
    "office_incident": Kind.OFFICE,
    "lot_not_taken": Kind.CURATION,
    "invoice_issued": Kind.PAYMENT,
    "invoice_reminded": Kind.PAYMENT,
    "invoice_charge_refused": Kind.PAYMENT,
    "invoice_overdue": Kind.PAYMENT,
    "invoice_defaulted": Kind.PAYMENT,
    "invoice_paid": Kind.PAYMENT,
    "invoice_reopened": Kind.PAYMENT,
    "invoice_credited": Kind.PAYMENT,
    "invoice_way_reminded": Kind.GOODS,
    "refund_paid": Kind.PAYMENT,
    "dispute_opened": Kind.PAYMENT,
    "deposit_asked": Kind.PAYMENT,
    "deposit_held": Kind.PAYMENT,
    "deposit_lapsed": Kind.PAYMENT,
    "deposit_raise_asked": Kind.PAYMENT,
    "deposit_raised": Kind.PAYMENT,
    "deposit_released": Kind.PAYMENT,
    "statement_issued": Kind.PAYMENT,
    "payout_paid": Kind.PAYMENT,
    **{
        f"{thread}_{word}": Kind.OFFER
        for thread in ("approach", "bargain")
        for word in (
            *("made", "raised", "withdrawn", "taken", "refused"),  # to the seller
            *("countered", "accepted", "declined", "recalled", "lapsed", "void"),  # to the buyer
        )
    },
    "offer_made": Kind.OFFER,
    "offer_lapsing": Kind.OFFER,
    "offer_lapsed": Kind.OFFER,
    **{
        f"order_{word}": Kind.TRADE for word in ("placed", "confirmed", "refused", "cancelled", "called_off", "stopped")
    },
    **{f"hold_{word}": Kind.TRADE for word in ("asked", "granted", "refused", "lapsed", "first_right")},
    **{f"memo_{word}": Kind.TRADE for word in ("requested", "approved", "refused", "overdue", "late")},
    **{f"memo_{word}": Kind.TRADE for word in ("extension_asked", "extended", "extension_refused")},
    **{f"memo_{word}": Kind.TRADE for word in ("differs", "differs_owner")},
    "search_matched": Kind.SEARCH,
    "shortlist_changed": Kind.SHORTLIST,
    "webhook_paused": Kind.STOPPED,
    "release_released": Kind.GOODS,
    "release_handed_over": Kind.GOODS,
}


class Quiet(NamedTuple):
    """Hours of the local day without notices, as minutes since midnight; they may span midnight."""

    start: int
    end: int
    zone: str


def due_at(now: datetime, quiet: Quiet | None) -> datetime:
    """Now, or the end of the quiet hours in which it is now."""
    if quiet is None or quiet.start == quiet.end:
        return now
    local = now.astimezone(ZoneInfo(quiet.zone))
    minute = local.hour * 60 + local.minute
    inside = quiet.start <= minute < quiet.end if quiet.start < quiet.end else not quiet.end <= minute < quiet.start
    if not inside:
        return now
    day = local.date() + timedelta(days=int(minute >= quiet.end))
    wakes = time(quiet.end // 60, quiet.end % 60)
    return datetime.combine(day, wakes, ZoneInfo(quiet.zone)).astimezone(now.tzinfo)


def due_before(now: datetime, quiet: Quiet | None, last: datetime | None) -> datetime:
    """As `due_at`; but now, where the quiet hours end too late: after `last` the notice would be worth nothing. Who
    asks not to be woken loses no journey and no place over it."""
    waits = due_at(now, quiet)
    return now if last is not None and waits > last else waits


def next_outbid(now: datetime, last: datetime | None) -> datetime | None:
    """When to tell it: at once, or a minute after the last time; None while a notice that will say it still waits."""
    if last is None or last + OUTBID_EVERY <= now:
        return now
    return None if last > now else last + OUTBID_EVERY


def wanted(kind: Kind, channel: Channel, mail_off: Collection[str], push_off: Collection[str]) -> bool:
    if channel is Channel.MAIL:
        return kind not in mail_off
    return kind in PUSHED and kind not in push_off
