"""Reading photographs, turns, videos and reports; what was sent; and what a supplier's stones lack."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.catalogue.media_drawing import SHEET
from pavilion.catalogue.media_matching import cell_key
from pavilion.catalogue.media_models import BITS, MediaKind, MediaPiece, MediaSending, PieceState, StoneMedia
from pavilion.catalogue.models import Stone
from pavilion.catalogue.queries import LISTED

AT_ONCE = 500
SENDINGS = 30
REMEMBERED = 500  # sendings in which a file is looked for that may have arrived
LACKING = 50
_KINDS = {kind: place for place, kind in enumerate(MediaKind)}
FILES: Mapping[MediaKind, frozenset[str]] = {
    kind: frozenset({f"{size}.{form}" for size in "sml" for form in ("webp", "jpg")} | more)
    for kind, more in (
        (MediaKind.PHOTO, frozenset[str]()),
        (MediaKind.SPIN, frozenset({"stills.webp", *(f"sheet{number:02}.webp" for number in range(20))})),
        (MediaKind.VIDEO, frozenset({"film.mp4"})),
        (MediaKind.REPORT, frozenset({"report.pdf"})),
    )
}


class Told(NamedTuple):
    """A piece and the stone it is of, as its sender knows it."""

    piece: MediaPiece
    stone: str | None
    stock_no: str | None


async def of_stone(session: AsyncSession, stone_id: int) -> list[StoneMedia]:
    """What is shown of it: photographs first, each kind in its order."""
    wanted = select(StoneMedia).where(StoneMedia.stone_id == stone_id, StoneMedia.removed_at.is_(None))
    rows = (await session.scalars(wanted)).all()
    return sorted(rows, key=lambda one: (_KINDS[MediaKind(one.kind)], one.position, one.id))


async def gallery_of(session: AsyncSession, stone: Stone) -> dict[str, list[StoneMedia]]:
    """What the stone's page shows of it, by kind."""
    shown = await of_stone(session, stone.id) if stone.media else []
    return {kind.value: [one for one in shown if one.kind == kind] for kind in MediaKind}


async def photographs(session: AsyncSession, stones: Iterable[Stone]) -> dict[str, str]:
    """Where the first photograph of each lies, by the photograph's public id."""
    shown = {stone.photo for stone in stones if stone.photo}
    wanted = select(StoneMedia.public_id, StoneMedia.address).where(StoneMedia.removed_at.is_(None))
    rows = await session.execute(wanted.where(StoneMedia.public_id.in_(shown)))
    return {row.public_id: row.address for row in rows}


def sheets_of(frames: int) -> int:
    """How many sheets the frames of a turn fill."""
    return -(-frames // (SHEET * SHEET))


async def one_of(session: AsyncSession, stone: Stone, public_id: str) -> StoneMedia | None:
    wanted = select(StoneMedia).where(StoneMedia.stone_id == stone.id, StoneMedia.public_id == public_id)
    return await session.scalar(wanted.where(StoneMedia.removed_at.is_(None)))


async def sendings_of(session: AsyncSession, company_id: int) -> Sequence[MediaSending]:
    wanted = select(MediaSending).where(MediaSending.supplier_company_id == company_id)
    return (await session.scalars(wanted.order_by(MediaSending.id.desc()).limit(SENDINGS))).all()


async def sending_of(session: AsyncSession, actor: Actor, public_id: str) -> MediaSending | None:
    """The own company's, or for staff anybody's; None alike for unknown and foreign."""
    wanted = select(MediaSending).where(MediaSending.public_id == public_id)
    if not actor.is_staff:
        wanted = wanted.where(MediaSending.supplier_company_id == actor.company_id)
    return await session.scalar(wanted)


async def arrived(session: AsyncSession, company_id: int, sha256: Collection[str]) -> set[str]:
    """Those of these files that the company need not send again: they wait, stand with a stone, or came with others of
    which none was refused."""
    own = MediaSending.supplier_company_id == company_id
    refused = select(MediaPiece.id).where(
        MediaPiece.sending_id == MediaSending.id, MediaPiece.state == PieceState.REFUSED
    )
    sent = select(MediaSending.files).where(own, ~refused.exists()).order_by(MediaSending.id.desc()).limit(REMEMBERED)
    found = {one["sha256"] for files in await session.scalars(sent) for one in files} & set(sha256)
    shown = select(StoneMedia.sha256).join(Stone, Stone.id == StoneMedia.stone_id)
    shown = shown.where(Stone.supplier_company_id == company_id, StoneMedia.removed_at.is_(None))
    return found | set(await session.scalars(shown.where(StoneMedia.sha256.in_(sha256))))


async def pieces_of(session: AsyncSession, sending: MediaSending) -> list[Told]:
    rows = await session.execute(
        select(MediaPiece, Stone.public_id, Stone.stock_no)
        .outerjoin(Stone, Stone.id == MediaPiece.stone_id)
        .where(MediaPiece.sending_id == sending.id)
        .order_by(MediaPiece.place)
    )
    return [Told(*row) for row in rows]


async def counts_of(session: AsyncSession, sendings: Iterable[MediaSending]) -> dict[int, dict[str, int]]:
    """Pieces of each sending by what became of them."""
    ids = [sending.id for sending in sendings]
    found: dict[int, dict[str, int]] = {one: {} for one in ids}
    columns = MediaPiece.sending_id, MediaPiece.state, func.count(MediaPiece.id)
    rows = select(*columns).where(MediaPiece.sending_id.in_(ids)).group_by(*columns[:2])
    for sending, state, count in await session.execute(rows):
        found[sending][state] = count
    return found


async def lacking(session: AsyncSession, company_id: int, kind: MediaKind) -> tuple[dict[str, int], Sequence[Stone]]:
    """Of the company's stones: how many lack each kind, and the first of those that lack this one, listed first."""
    mine = and_(Stone.supplier_company_id == company_id, Stone.withdrawn_at.is_(None))
    sums = [func.coalesce(func.sum(case((lacks(one), 1), else_=0)), 0) for one in MediaKind]
    counted = (await session.execute(select(func.count(Stone.id), *sums).where(mine))).one()
    rows = select(Stone).where(mine, lacks(kind)).order_by(case((LISTED, 0), else_=1), Stone.id).limit(LACKING)
    return dict(zip(("all", *MediaKind), map(int, counted), strict=True)), (await session.scalars(rows)).all()


def lacks(kind: MediaKind) -> ColumnElement[bool]:
    return Stone.media.op("&")(BITS[kind]) == 0


async def named(session: AsyncSession, company_id: int, names: Iterable[str]) -> dict[str, list[int]]:
    """The company's stones behind these names (keys): by stock number, else by report number, else by the cell of the
    stock file that names a file. Stones that stand are meant before withdrawn ones."""
    wanted = sorted({name for name in names if name})
    found: dict[str, list[int]] = {}
    for start in range(0, len(wanted), AT_ONCE):
        some = wanted[start : start + AT_ONCE]
        uppers = [name.upper() for name in some]
        rows = await session.execute(
            select(Stone.id, Stone.stock_no_key, Stone.report_no, Stone.withdrawn_at).where(
                Stone.supplier_company_id == company_id,
                or_(Stone.stock_no_key.in_(some), Stone.report_no.in_(uppers)),
            )
        )
        _note(found, list(rows), some)
    if left := set(wanted) - found.keys():
        await _by_cells(session, company_id, left, found)
    return found


def _note(found: dict[str, list[int]], rows: Sequence[Any], names: Sequence[str]) -> None:
    known = set(names)
    for column in ("stock_no_key", "report_no"):
        for gone in (False, True):
            hits: dict[str, list[int]] = {}
            for row in rows:
                name = str(getattr(row, column)).casefold()
                if (row.withdrawn_at is not None) is gone and name in known and name not in found:
                    hits.setdefault(name, []).append(row.id)
            found |= hits


async def _by_cells(session: AsyncSession, company_id: int, names: set[str], found: dict[str, list[int]]) -> None:
    cells = Stone.image_ref, Stone.video_ref, Stone.report_ref
    wanted = select(Stone.id, *cells).where(
        Stone.supplier_company_id == company_id,
        Stone.withdrawn_at.is_(None),
        or_(*(cell.is_not(None) for cell in cells)),
    )
    async for row in await session.stream(wanted.execution_options(yield_per=1000)):
        for cell in filter(None, row[1:]):
            key = cell_key(cell)
            for name in {key, key.rpartition(".")[0]} & names:
                if row.id not in found.setdefault(name, []):
                    found[name].append(row.id)
