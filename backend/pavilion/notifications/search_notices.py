"""What kept searches found, told to the one person who keeps each: as the stones are when the mail is written, and none
that this person may not see then."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Person
from pavilion.accounts.queries import as_actor, person_with_rights
from pavilion.accounts.rules import Permission
from pavilion.catalogue import queries as catalogue
from pavilion.catalogue import saving, showing
from pavilion.catalogue.saved_models import AlertKind, Cadence, SavedSearch
from pavilion.kernel.db import Sessions
from pavilion.kernel.events import Event
from pavilion.kernel.instants import from_stamp
from pavilion.notifications.hearing import Hearing
from pavilion.notifications.rules import Kind
from pavilion.notifications.telling import Teller
from pavilion.webkit.figures import Figures
from pavilion.webkit.i18n import Tongue

FOLLOWER = "search notices"
NAMES = ("search:matched",)
KINDS = frozenset({Kind.SEARCH})
MOST_NAMED = 20  # stones in one mail; the page has them all


class Told(NamedTuple):
    """`search` is its public id, for the link that ends its mail."""

    subject: str
    lines: Sequence[str]
    stones: Sequence[str]
    path: str
    search: str


def hearing(sessions: Sessions) -> Hearing:
    return Hearing(sessions, FOLLOWER, NAMES, heard)


async def heard(session: AsyncSession, teller: Teller, event: Event) -> None:
    person = await session.scalar(select(SavedSearch.person_id).where(SavedSearch.public_id == event.subject))
    if person is not None:
        facts = {"about": event.subject, "told": event.facts["told"]}
        await teller.tell_people("search_matched", str(event.id), [person], at=event.at, **facts)


async def told(session: AsyncSession, payload: Mapping[str, Any], tongue: Tongue, person: Person) -> Told | None:
    """None when nothing of it can be seen any more, or no mail of this search is wanted."""
    search = await session.scalar(select(SavedSearch).where(SavedSearch.public_id == payload["about"]))
    reader = await person_with_rights(session, person.id)
    if search is None or reader is None or search.ended_at is not None or search.cadence == Cadence.NEVER:
        return None
    actor = as_actor(reader)
    if not actor.may(Permission.SHORTLIST_EDIT):
        return None
    found = await saving.found_by(session, actor, search, told_at=from_stamp(str(payload["told"])))
    prices = catalogue.sees_prices(actor)
    sold = await catalogue.sold_among(session, [one.stone for one in found])
    named = [(one, saving.kinds_of(one.kinds, prices=prices)) for one in found]
    stones = [_line(one, kinds, tongue, prices=prices and one.stone.id not in sold) for one, kinds in named if kinds]
    if not stones:
        return None
    words = {"name": search.name, "count": Figures(tongue).number(len(stones))}
    lines = [tongue.say("notice_search_matched_text", **words)]
    if len(stones) > MOST_NAMED:
        lines.append(tongue.say("notice_search_more", count=MOST_NAMED))
    path = f"/saved-searches/{search.public_id}"
    return Told(tongue.say("notice_search_matched", **words), lines, stones[:MOST_NAMED], path, search.public_id)


def _line(one: saving.Found, kinds: Sequence[AlertKind], tongue: Tongue, *, prices: bool) -> str:
    stone = one.stone
    said = {
        "title": showing.name_of(stone, tongue.lang).title,
        "report": f"{stone.lab} {stone.report_no}",
        "kinds": tongue.say("notice_search_and").join(tongue.say(f"notice_search_{kind}") for kind in kinds),
    }
    if not prices or stone.price_total_minor is None:
        return tongue.say("notice_search_line", **said)
    price = f"{stone.currency} {Figures(tongue).amount(stone.price_total_minor, stone.currency, True)}"
    return tongue.say("notice_search_priced_line", **said, price=price)
