"""What the pages show of a contract: how much is due, how much of it is accounted for and by what."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.provenance import log_queries
from pavilion.provenance import outcome_queries as queries
from pavilion.provenance.outcome_files import LIMITS as FILE_LIMITS
from pavilion.provenance.outcome_models import FileState, OutcomeFile, OutcomeReport, RoughPurchase, SupplyContract
from pavilion.provenance.outcome_queries import ContractRow, Standing
from pavilion.provenance.outcomes import LIMITS
from pavilion.provenance.table_versions import tables_in_force

DUE_DAYS = LIMITS.due_days
PARTS = ("polished", "loss", "stock", "resold", "lost")
WIDE = 1000  # units of a bar's width


class Part(NamedTuple):
    name: str
    mct: int
    x: int
    width: int


class Bar(NamedTuple):
    """Masses side by side in a bar whose whole width is what was bought, or what is accounted for if that is more."""

    parts: tuple[Part, ...]
    accounted_mct: int
    bought_mct: int
    bought_x: int
    due_mct: int
    due_x: int
    share_bp: int  # of what was bought


class ContractAccount(NamedTuple):
    row: ContractRow
    purchases: Sequence[RoughPurchase]
    standing: OutcomeReport | None
    state: Standing | None
    bar: Bar
    next_due: date | None


async def accounts(session: AsyncSession, rows: Sequence[ContractRow], today: date) -> list[ContractAccount]:
    ids = [row.contract.id for row in rows]
    purchases = await queries.purchases_of(session, ids)
    standing = await queries.standing_reports(session, ids)
    states = await queries.states_of(session, list(standing.values()))
    found = []
    for row in rows:
        bought, reported = purchases.get(row.contract.id, []), standing.get(row.contract.id)
        days = [date.fromisoformat(one.sight) + timedelta(days=DUE_DAYS) for one in bought]
        due = sum(one.mct for one, day in zip(bought, days, strict=True) if day <= today)
        state = states[reported.id] if reported else None
        drawn = bar(reported, sum(one.mct for one in bought), due)
        found.append(
            ContractAccount(
                row, bought, reported, state, drawn, min((day for day in days if day > today), default=None)
            )
        )
    return found


async def resale_limit(session: AsyncSession) -> str:
    """What a new contract lets a manufacturer sell on, in percent as one types it."""
    whole, rest = divmod((await tables_in_force(session)).limits.resale_limit_bp, 100)
    return f"{whole}.{rest:02}".rstrip("0").rstrip(".")


def bar(report: OutcomeReport | None, bought: int, due: int) -> Bar:
    masses = {part: int(getattr(report, f"{part}_mct")) if report else 0 for part in PARTS}
    whole = max(sum(masses.values()), bought, 1)
    parts, at = [], 0
    for name, mct in masses.items():
        x, end = at * WIDE // whole, (at + mct) * WIDE // whole
        parts.append(Part(name, mct, x, end - x))
        at += mct
    share = at * 10_000 // bought if bought else 0
    return Bar(tuple(parts), at, bought, bought * WIDE // whole, due, due * WIDE // whole, share)


def bar_of(report: OutcomeReport, bought: tuple[int, int]) -> Bar:
    return bar(report, *bought)


async def bought_of(session: AsyncSession, report: OutcomeReport) -> tuple[int, int]:
    """What was bought under the report's contract when it was made, and what of that was due."""
    rows = (await queries.purchases_of(session, [report.contract_id])).get(report.contract_id, [])
    last = (date.fromisoformat(report.as_of) - timedelta(days=DUE_DAYS)).isoformat()
    then = [row for row in rows if row.at <= report.at]
    return sum(row.mct for row in then), sum(row.mct for row in then if row.sight <= last)


async def silent(session: AsyncSession, today: date) -> list[ContractAccount]:
    """Contracts of which rough is due and no report stands."""
    last = (today - timedelta(days=DUE_DAYS)).isoformat()
    reported = select(OutcomeReport.contract_id).where(OutcomeReport.id.in_(queries.standing_ids()))
    wanted = select(SupplyContract).where(
        SupplyContract.id.in_(select(RoughPurchase.contract_id).where(RoughPurchase.sight <= last)),
        SupplyContract.id.not_in(reported),
    )
    contracts = (await session.scalars(wanted.order_by(SupplyContract.id).limit(100))).all()
    names = await queries.company_names(
        session, {one.supplier_company_id for one in contracts} | {one.buyer_company_id for one in contracts}
    )
    rows = [ContractRow(one, names[one.supplier_company_id], names[one.buyer_company_id]) for one in contracts]
    return await accounts(session, rows, today)


async def log_index(session: AsyncSession, report: OutcomeReport) -> int | None:
    """Where the report stands in the public log."""
    found: dict[str, int] = dict(await log_queries.indices(session, "outcome", [report.public_id]))
    return found.get(report.public_id)


def progress(file: OutcomeFile) -> int:
    """Percent of a file; while it is read, as far as rows of usual length tell."""
    if file.ended:
        return 100
    if file.state == FileState.QUEUED:
        return 0
    return min(95, file.rows_read * 100 // max(1, min(FILE_LIMITS.rows, file.bytes // 60)))
