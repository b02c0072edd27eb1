"""What a company wrote down about stones. Only its own people read it; the house does not."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Person
from pavilion.kernel.errors import NotFound
from pavilion.viewings.desk_models import ViewingNote
from pavilion.viewings.models import Appointment

MOST = 500  # shown at once


async def of_company(
    session: AsyncSession, company_id: int, stones: Sequence[str] | None = None
) -> dict[str, list[tuple[ViewingNote, str]]]:
    """The notes with their writer's name, by stone, the newest first."""
    wanted = (
        select(ViewingNote, Person.name)
        .join(Person, Person.id == ViewingNote.by)
        .where(ViewingNote.company_id == company_id, ViewingNote.erased_at.is_(None))
        .order_by(ViewingNote.at.desc(), ViewingNote.id.desc())
        .limit(MOST)
    )
    if stones is not None:
        wanted = wanted.where(ViewingNote.stone.in_(stones))
    found: dict[str, list[tuple[ViewingNote, str]]] = defaultdict(list)
    for note, name in await session.execute(wanted):
        found[note.stone].append((note, name))
    return found


async def write(
    session: AsyncSession,
    *,
    company_id: int,
    person_id: int,
    stone: str,
    appointment: Appointment | None,
    words: str,
    key: str,
    now: datetime,
) -> ViewingNote:
    """The note stands, once however often its form is sent. No event and no log repeats it."""
    public_id = _of_key(company_id, key, stone, words)
    earlier = await session.scalar(
        select(ViewingNote).where(ViewingNote.company_id == company_id, ViewingNote.public_id == public_id)
    )
    if earlier is not None:
        return earlier
    note = ViewingNote(public_id=public_id, company_id=company_id, stone=stone, words=words, by=person_id, at=now)
    note.appointment_id = appointment.id if appointment is not None else None
    session.add(note)
    await session.flush()
    return note


async def erase(session: AsyncSession, company_id: int, public_id: str, now: datetime) -> ViewingNote:
    """Its words are gone; that there was a note stays."""
    note = await session.scalar(
        select(ViewingNote).where(ViewingNote.company_id == company_id, ViewingNote.public_id == public_id)
    )
    if note is None:
        raise NotFound()
    if note.erased_at is None:
        note.words, note.erased_at = "", now
    return note


def _of_key(company_id: int, key: str, stone: str, words: str) -> str:
    """A public id that the same note of the same form always gets; a form kept open and sent for another stone, or with
    other words, is another note."""
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    value = int.from_bytes(sha256(f"note\n{company_id}\n{key}\n{stone}\n{words}".encode()).digest()[:16], "big") >> 3
    return "".join(alphabet[(value >> shift) & 31] for shift in range(125, -5, -5))
