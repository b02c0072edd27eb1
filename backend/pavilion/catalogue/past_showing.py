"""A search as it was answered at an earlier change, told to staff and to members: what could be seen at that time."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.queries import member_since
from pavilion.accounts.rules import Actor, Permission
from pavilion.catalogue import history, past, queries
from pavilion.catalogue.history import Promise
from pavilion.catalogue.keeping import Index
from pavilion.catalogue.models import Stone
from pavilion.catalogue.searching import After
from pavilion.catalogue.wanted import PAGE, Wanted
from pavilion.kernel.errors import NotAllowed, Refusal, SignedOut

LONGEST_INSTANT = 40
INSTANT = timedelta(microseconds=1)


class PastUnknown(Refusal):
    """No change of this number, none kept from so long ago, none from before the reader's company was let in, or more
    has changed since than is taken back."""

    status, code = 422, "past_unknown"


class Line(NamedTuple):
    """A stone as it was; `stone` is None where this reader may not see it any more: then nothing of it is told."""

    stone: Stone | None
    promise: Promise | None


class Shown(NamedTuple):
    seq: int
    at: datetime | None  # when that change was made
    total: int
    lines: list[Line]
    after: After | None


async def change_of(session: AsyncSession, actor: Actor, said: str) -> int:
    """The change that is asked for: its number, or an instant (UTC) of which it was the last."""
    if not actor.signed_in:
        raise SignedOut()
    if not (actor.is_staff or actor.may(Permission.SHORTLIST_EDIT)):
        raise NotAllowed(right=Permission.SHORTLIST_EDIT.value)
    head = await history.head(session)
    if said.isascii() and said.isdigit() and len(said) < 16:
        seq = int(said)
    else:
        try:
            at = datetime.fromisoformat(said[:LONGEST_INSTANT])
            at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            raise PastUnknown(head=head) from None
        seq = await history.last_before(session, at)
    if not await _first(session, actor) <= seq <= head:
        raise PastUnknown(head=head)
    return seq


async def _first(session: AsyncSession, actor: Actor) -> int:
    """The earliest list that this reader may look at again: nobody is shown prices of a time before the own company was
    let in, which it could not have seen then."""
    begins = await history.begins(session)
    if actor.is_staff or actor.company_id is None:
        return begins
    since = await member_since(session, actor.company_id)
    return max(begins, await history.last_before(session, since - INSTANT))


async def shown(
    session: AsyncSession,
    index: Index,
    actor: Actor,
    wanted: Wanted,
    seq: int,
    after: After | None,
    *,
    size: int = PAGE,
) -> Shown:
    """The same question, the same order and the same count as at that change."""
    snapshot = await index.at(session, seq)
    if snapshot is None:
        raise PastUnknown(head=await history.head(session))
    answer = snapshot.ask(wanted, size=size, after=after, facets=(), bars=())
    were = {one.stone.id: one for one in await past.stones_at(session, answer.ids, seq)}
    seen = set(answer.ids) if actor.is_staff else {stone.id for stone in await queries.listed_of(session, answer.ids)}
    lines = [Line(were[id_].stone, were[id_].promise) if id_ in seen else Line(None, None) for id_ in answer.ids]
    return Shown(seq, await history.moment(session, seq), answer.total, lines, answer.after)
