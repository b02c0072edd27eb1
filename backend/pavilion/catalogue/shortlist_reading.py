"""What the people of a company read on its shortlists, and the counts of companies that others are told."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Person
from pavilion.accounts.rules import Actor
from pavilion.catalogue import queries
from pavilion.catalogue.models import Stone, StoneCommitment
from pavilion.catalogue.shortlist_models import Shortlist, ShortlistLine, ShortlistWords
from pavilion.catalogue.shortlists import Maximum, Member, current, keeps, member_of, place, seal_for, state_of
from pavilion.kernel.errors import NotFound
from pavilion.kernel.seals import CompanySeal

LEAST_COMPANIES = 3  # of which anybody else is told
VERDICTS = ("A", "B", "C")
SORTS = ("added", "verdict", "price", "weight")
STATES = ("offered", "changed", "gone")


class Named(NamedTuple):
    row: Shortlist
    lines: int
    by: str


class Said(NamedTuple):
    """What one person says of a line, as far as the reader may know it."""

    name: str
    mine: bool
    verdict: str | None
    maximum: Maximum | None
    shared_note: str
    own_note: str  # of the reader himself


class Line(NamedTuple):
    """`stone`: none when it is offered no more; then nothing of it is told but what it was called. `priced`: the reader
    may know what is asked for it."""

    row: ShortlistLine
    by: str
    stone: Stone | None
    promise: StoneCommitment | None
    priced: bool
    words: list[Said]

    @property
    def state(self) -> str:
        return state_of(self.promise)

    @property
    def was_minor(self) -> int | None:
        """What was asked when it was put here, where it is another figure now."""
        then = self.row.snapshot["total_minor"]
        if self.stone is None or not self.priced or self.stone.currency != self.row.snapshot["currency"]:
            return None
        return then if then is not None and self.stone.price_total_minor not in (None, then) else None

    @property
    def changed(self) -> bool:
        return self.stone is not None and (self.was_minor is not None or self.state != self.row.snapshot["state"])

    @property
    def mine(self) -> Said:
        return next((one for one in self.words if one.mine), _NOTHING)

    @property
    def verdicts(self) -> list[str]:
        return sorted(one.verdict for one in self.words if one.verdict)


class Marks(NamedTuple):
    """Where the reader's presses go, and which stones stand there already."""

    row: Shortlist | None
    stones: frozenset[int]


_NOTHING = Said("", True, None, None, "", "")


async def lists_of(session: AsyncSession, member: Member) -> list[Named]:
    """The company's lists, the one changed last first."""
    counted = func.count(ShortlistLine.id).filter(ShortlistLine.removed_at.is_(None))
    rows = await session.execute(
        select(Shortlist, counted, Person.name)
        .join(Person, Person.id == Shortlist.made_by)
        .outerjoin(ShortlistLine, ShortlistLine.list_id == Shortlist.id)
        .where(Shortlist.company_id == member.company_id, Shortlist.removed_at.is_(None))
        .group_by(Shortlist.id, Person.name)
        .order_by(Shortlist.changed_at.desc(), Shortlist.id.desc())
    )
    return [Named(row, n, by) for row, n, by in rows]


async def list_of(session: AsyncSession, member: Member, public_id: str) -> Shortlist:
    wanted = select(Shortlist).where(
        Shortlist.company_id == member.company_id, Shortlist.public_id == public_id, Shortlist.removed_at.is_(None)
    )
    row = await session.scalar(wanted)
    if row is None:
        raise NotFound()
    return row


async def removed_of(session: AsyncSession, member: Member, public_id: str) -> Named | None:
    """A list that was removed and can be brought back, with what went with it."""
    wanted = select(Shortlist).where(
        Shortlist.company_id == member.company_id, Shortlist.public_id == public_id, Shortlist.removed_at.is_not(None)
    )
    row = await session.scalar(wanted)
    if row is None:
        return None
    lines = select(func.count(ShortlistLine.id)).where(
        ShortlistLine.list_id == row.id, ShortlistLine.removed_at.is_(None)
    )
    return Named(row, await session.scalar(lines) or 0, "")


async def marks_of(session: AsyncSession, actor: Actor, stone_ids: Sequence[int]) -> Marks | None:
    """None for those who keep no lists."""
    if not keeps(actor):
        return None
    row = await current(session, member_of(actor))
    if row is None:
        return Marks(None, frozenset())
    standing = select(ShortlistLine.stone_id).where(
        ShortlistLine.list_id == row.id, ShortlistLine.removed_at.is_(None), ShortlistLine.stone_id.in_(stone_ids)
    )
    return Marks(row, frozenset(await session.scalars(standing)))


async def lines_of(session: AsyncSession, actor: Actor, row: Shortlist) -> list[Line]:
    """What stands on the list, the newest first. A stone is read through the gate: what is not shown to everybody else
    is not shown here either."""
    wanted = (
        select(ShortlistLine, Person.name)
        .join(Person, Person.id == ShortlistLine.added_by)
        .where(ShortlistLine.list_id == row.id, ShortlistLine.removed_at.is_(None))
        .order_by(ShortlistLine.added_at.desc(), ShortlistLine.id.desc())
    )
    rows = [(line, by) for line, by in await session.execute(wanted)]
    shown = queries.visible_to(actor).where(Stone.id.in_([line.stone_id for line, _ in rows]))
    stones = {stone.id: stone for stone in await session.scalars(shown) if stone.listed}
    promised = await queries.commitments_of(session, list(stones))
    said = await _said(session, actor, row, [line for line, _ in rows])
    return [
        Line(
            line,
            by,
            stone,
            promised.get(line.stone_id) if stone else None,
            stone is not None and queries.sees_price_of(actor, stone) and state_of(promised.get(stone.id)) != "sold",
            said.get(line.id, []),
        )
        for line, by in rows
        for stone in (stones.get(line.stone_id),)
    ]


def arranged(lines: Sequence[Line], *, sort: str, verdict: str, state: str) -> list[Line]:
    """Those asked for, in the order asked for."""
    kept = [line for line in lines if not verdict or verdict in line.verdicts]
    kept = [line for line in kept if not state or state in _states(line)]
    if sort == "verdict":
        return sorted(kept, key=lambda line: (line.verdicts or ["D"])[0])
    if sort == "weight":
        return sorted(kept, key=lambda line: -line.stone.weight_mct if line.stone else 1)
    if sort == "price":
        return sorted(kept, key=_price)
    return kept


async def companies_by_lot(session: AsyncSession, lots: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """How many companies have a stone of the lot on a list, where there are enough of them to be told."""
    keepers = await keepers_of(session, [stone for stones in lots.values() for stone in stones])
    counts = {lot: len(_of(keepers, stones)) for lot, stones in lots.items()}
    return {lot: n for lot, n in counts.items() if n >= LEAST_COMPANIES}


async def companies_by_pair(
    session: AsyncSession, lots: Mapping[str, Sequence[str]], pairs: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], int]:
    """How many companies have stones of both lots on their lists, where there are enough of them to be told."""
    keepers = await keepers_of(session, [stone for stones in lots.values() for stone in stones])
    many = {lot: found for lot, stones in lots.items() if len(found := _of(keepers, stones)) >= LEAST_COMPANIES}
    counts = {(one, other): len(many[one] & many[other]) for one, other in pairs if one in many and other in many}
    return {pair: n for pair, n in counts.items() if n >= LEAST_COMPANIES}


async def companies_with(session: AsyncSession, stones: Sequence[str]) -> set[int]:
    """The companies with one of these stones on a list of theirs."""
    return _of(await keepers_of(session, stones), stones)


async def keepers_of(session: AsyncSession, stones: Sequence[str]) -> dict[str, set[int]]:
    """The companies with each of these stones (public ids) on a list of theirs."""
    found: dict[str, set[int]] = defaultdict(set)
    for start in range(0, len(stones), queries.AT_ONCE):
        rows = await session.execute(
            select(Stone.public_id, Shortlist.company_id)
            .join(ShortlistLine, ShortlistLine.stone_id == Stone.id)
            .join(Shortlist, Shortlist.id == ShortlistLine.list_id)
            .where(
                Stone.public_id.in_(stones[start : start + queries.AT_ONCE]),
                ShortlistLine.removed_at.is_(None),
                Shortlist.removed_at.is_(None),
            )
            .distinct()
        )
        for stone, company in rows:
            found[stone].add(company)
    return found


async def put_on_lists(session: AsyncSession, since: datetime) -> list[tuple[int, int]]:
    """Every stone and company that put it on a list since then, whether or not it stands there yet."""
    rows = await session.execute(
        select(ShortlistLine.stone_id, Shortlist.company_id)
        .join(Shortlist, Shortlist.id == ShortlistLine.list_id)
        .where(ShortlistLine.added_at >= since)
        .distinct()
    )
    return [(stone, company) for stone, company in rows]


def _of(keepers: Mapping[str, set[int]], stones: Sequence[str]) -> set[int]:
    return {company for stone in stones for company in keepers.get(stone, ())}


async def _said(
    session: AsyncSession, actor: Actor, row: Shortlist, lines: Sequence[ShortlistLine]
) -> dict[int, list[Said]]:
    """By line, the reader's own words first."""
    seal = await seal_for(session, row.company_id)
    called = {line.id: line for line in lines}
    rows = await session.execute(
        select(ShortlistWords, Person.name)
        .join(Person, Person.id == ShortlistWords.person_id)
        .where(ShortlistWords.line_id.in_(called))
        .order_by(ShortlistWords.at.desc())
    )
    found: dict[int, list[Said]] = defaultdict(list)
    for words, name in rows:
        found[words.line_id].append(_told(words, name, actor, called[words.line_id], seal))
    return {line: sorted(words, key=lambda one: not one.mine) for line, words in found.items()}


def _told(words: ShortlistWords, name: str, actor: Actor, line: ShortlistLine, seal: CompanySeal | None) -> Said:
    mine, where, maximum = words.person_id == actor.person_id, place(line, words.person_id), None
    if seal is None:
        return Said(name, mine, words.verdict, None, "", "")
    if words.maximum_sealed and words.currency and queries.sees_prices(actor):
        maximum = Maximum(int(seal.open(words.maximum_sealed, f"{where}:maximum")), words.currency)
    shared = seal.open(words.shared_note_sealed, f"{where}:shared") if words.shared_note_sealed else ""
    own = seal.open(words.own_note_sealed, f"{where}:own") if words.own_note_sealed and mine else ""
    return Said(name, mine, words.verdict, maximum, shared, own)


def _states(line: Line) -> set[str]:
    return {"gone"} if line.stone is None else {"offered", *(["changed"] if line.changed else [])}


def _price(line: Line) -> tuple[bool, int]:
    asked = line.stone.price_total_minor if line.stone and line.priced else None
    return asked is None, asked or 0
