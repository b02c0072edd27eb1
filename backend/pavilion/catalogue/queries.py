"""The one gate for who may see which stone, and the reads behind the stone's pages."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor, Permission
from pavilion.catalogue.models import CommitmentKind, OfficeName, Stone, StoneCommitment
from pavilion.catalogue.wanted import Wanted
from pavilion.kernel.errors import NotFound
from pavilion.kernel.ids import is_ulid

AT_ONCE = 500  # ids in one statement

LISTED: ColumnElement[bool] = and_(Stone.exposed_id.is_not(None), Stone.withdrawn_at.is_(None))


def visible_to(actor: Actor) -> Select[Stone]:
    """Staff see every stone, a supplier the own ones and the listed, everybody else the listed only."""
    return select(Stone).where(_may_see(actor))


def _may_see(actor: Actor) -> ColumnElement[bool]:
    if actor.is_staff:
        return true()
    if actor.company_id is not None and actor.may(Permission.STOCK_WRITE):
        return or_(LISTED, Stone.supplier_company_id == actor.company_id)
    return LISTED


def sees_prices(actor: Actor) -> bool:
    """Whether asking prices of other companies are shown to this person, and may be searched by."""
    return actor.may(Permission.PRICE_SEE)


def sees_price_of(actor: Actor, stone: Stone) -> bool:
    return sees_prices(actor) or _own(actor, stone)


def sees_supplier_of(actor: Actor, stone: Stone) -> bool:
    return actor.is_staff or _own(actor, stone)


async def stone_of(session: AsyncSession, actor: Actor, public_id: str) -> Stone | None:
    """None alike for unknown, foreign and unverified."""
    return await session.scalar(visible_to(actor).where(Stone.public_id == public_id))


async def asked_stone(session: AsyncSession, actor: Actor, public_id: str) -> Stone:
    """The stone of an address; the same `NotFound` for what is no id, unknown, foreign or unverified."""
    found = await stone_of(session, actor, public_id) if is_ulid(public_id) else None
    if found is None:
        raise NotFound()
    return found


async def stones_of(session: AsyncSession, actor: Actor, public_ids: Sequence[str]) -> list[Stone]:
    """The visible ones in the order asked for; the others are silently absent."""
    rows = await session.scalars(visible_to(actor).where(Stone.public_id.in_(public_ids)))
    found = {stone.public_id: stone for stone in rows}
    return [found[public_id] for public_id in dict.fromkeys(public_ids) if public_id in found]


async def listed_of(session: AsyncSession, ids: Sequence[int]) -> list[Stone]:
    """The listed ones among these inner ids, in their order: what an index said is asked once more of the database."""
    rows = await session.scalars(select(Stone).where(LISTED, Stone.id.in_(ids)))
    found = {stone.id: stone for stone in rows}
    return [found[inner_id] for inner_id in ids if inner_id in found]


async def supplier_of(session: AsyncSession, stone: Stone) -> str:
    name = await session.scalar(select(Company.name).where(Company.id == stone.supplier_company_id))
    return name or ""


async def supplied_by(session: AsyncSession, public_id: str) -> int | None:
    """The company that brought the stone in; it tells nothing else of it."""
    return await session.scalar(select(Stone.supplier_company_id).where(Stone.public_id == public_id))


async def called_by(session: AsyncSession, public_id: str, company_id: int | None) -> str:
    """The stone by stock number and report, for the company that brought it in; nothing for everybody else."""
    found = select(Stone).where(Stone.public_id == public_id, Stone.supplier_company_id == company_id)
    stone = await session.scalar(found)
    return "" if stone is None else f"{stone.stock_no} ({(stone.lab or '').upper()} {stone.report_no})"


async def sold_as(session: AsyncSession, public_ids: Collection[str]) -> list[Stone]:
    """These stones whatever stands in their way now, for the papers of who bought them."""
    return list(await session.scalars(select(Stone).where(Stone.public_id.in_(public_ids))))


async def weights_of(session: AsyncSession, public_ids: Sequence[str]) -> dict[str, int]:
    """What these stones weigh, for who sold them."""
    found: dict[str, int] = {}
    for start in range(0, len(public_ids), AT_ONCE):
        some = Stone.public_id.in_(public_ids[start : start + AT_ONCE])
        rows = await session.execute(select(Stone.public_id, Stone.weight_mct).where(some))
        found |= {row.public_id: row.weight_mct for row in rows}
    return found


async def commitments_of(session: AsyncSession, stone_ids: Sequence[int]) -> dict[int, StoneCommitment]:
    """What each stone is promised to now, by the stone's inner id."""
    live = select(StoneCommitment).where(StoneCommitment.stone_id.in_(stone_ids), StoneCommitment.released_at.is_(None))
    return {row.stone_id: row for row in await session.scalars(live)}


async def sold_among(session: AsyncSession, stones: Iterable[Stone]) -> set[int]:
    """Inner ids of those of these stones that are sold: what was asked for them is told to nobody."""
    ids, found = [stone.id for stone in stones], set[int]()
    sold = select(StoneCommitment.stone_id).where(
        StoneCommitment.released_at.is_(None), StoneCommitment.kind == CommitmentKind.SOLD
    )
    for start in range(0, len(ids), AT_ONCE):
        found.update(await session.scalars(sold.where(StoneCommitment.stone_id.in_(ids[start : start + AT_ONCE]))))
    return found


async def called_in(
    session: AsyncSession, wanted: Wanted, facets: Mapping[str, Mapping[str, int]], lang: str
) -> dict[str, str]:
    """The titles of the sales and the names of the suppliers (by public id) and offices (by their word) that a question
    or its counts speak of."""
    codes = {name: {*facets.get(name, ()), *wanted.chosen.get(name, ())} for name in ("sale", "supplier", "office")}
    found: dict[str, str] = {}
    if codes["sale"]:
        told = StoneCommitment.facts
        sale, title = told["sale"].as_string(), told["title_zh" if lang == "zh" else "title_en"].as_string()
        live = (StoneCommitment.released_at.is_(None), StoneCommitment.kind == CommitmentKind.IN_SALE)
        titled = select(sale.label("sale"), func.max(title)).where(*live, title.is_not(None)).group_by("sale")
        found |= {code: name for code, name in await session.execute(titled) if code in codes["sale"]}
    if codes["office"]:
        lies = select(OfficeName.office, OfficeName.name_zh if lang == "zh" else OfficeName.name_en)
        found |= dict((await session.execute(lies.where(OfficeName.office.in_(codes["office"])))).all())
    if codes["supplier"]:
        named = select(Company.public_id, Company.name).where(Company.public_id.in_(codes["supplier"]))
        found |= {row.public_id: row.name for row in await session.execute(named)}
    return found


def _own(actor: Actor, stone: Stone) -> bool:
    return actor.company_id == stone.supplier_company_id and actor.may(Permission.STOCK_WRITE)
