"""A quarter's figures are made once from the reports accepted by then, and stand for ever."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.insight.grid import COLS, ROWS, Col, Row, col_of, row_of
from pavilion.insight.models import Comparison, CountedLine, Snapshot
from pavilion.insight.quarters import Quarter, latest_due, named
from pavilion.kernel.canon import canonical, sha256_hex
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.events import record
from pavilion.kernel.instants import stamp
from pavilion.provenance import log
from pavilion.provenance.outcome_models import (
    OutcomeCase,
    OutcomeDecision,
    OutcomeLine,
    OutcomeReport,
    SupplyContract,
)
from pavilion.provenance.outcome_queries import refused
from pavilion.provenance.outcomes import BP, Line, Published, benchmark, publish, sealed, spoken

AT_ONCE = 500
ROW_NAMES, COL_NAMES = tuple(map(str, ROWS)), tuple(map(str, COLS))


class Counted(NamedTuple):
    """A line that counts, and who reported it."""

    reporter: int
    contract_id: int
    object: str
    stones: int
    mct: int
    rough_mct: int | None
    shape: str
    color: str
    clarity: str

    @property
    def cell(self) -> tuple[str, str]:
        row: Row = row_of(self.mct, self.stones, self.shape)
        col: Col = col_of(self.color, self.clarity)
        return str(row), str(col)


async def tick(sessions: Sessions, house: str, now: datetime) -> int:
    """The quarter whose day has come is published; 1 when there was one."""
    async with reading(sessions) as session:
        if await due(session, now) is None:
            return 0
    async with sessions.begin() as session:
        quarter = await due(session, now)
        if quarter is None:
            return 0
        await publish_quarter(session, quarter=quarter, house=house, now=now)
        return 1


async def due(session: AsyncSession, now: datetime) -> Quarter | None:
    """The next quarter to publish, if its day has come. The calendar begins with the first report."""
    latest = latest_due(now)
    last = named(await session.scalar(select(func.max(Snapshot.quarter))) or "")
    if last is not None:
        return last.next if last < latest else None
    began = await session.scalar(select(OutcomeReport.at).order_by(OutcomeReport.id).limit(1))
    return latest if began is not None and began < latest.end else None


async def publish_quarter(session: AsyncSession, *, quarter: Quarter, house: str, now: datetime) -> Snapshot:
    """Counts every accepted line reported before the quarter's end and never counted before."""
    lines = await _lines(session, quarter)
    document = document_of(quarter, told(lines))
    spelled = canonical(document)
    snapshot = Snapshot(quarter=str(quarter), document=spelled.decode(), sha256=sha256_hex(spelled), at=now)
    session.add(snapshot)
    await session.flush()
    counted = [{"contract_id": one.contract_id, "object": one.object, "quarter": str(quarter)} for one in lines]
    await _put(session, CountedLine, counted)
    await _put(session, Comparison, list(comparisons(quarter, lines)))
    await log.append(session, [log.Leaf("outcome", f"insight/{quarter}", spelled, house)], now)
    record(session, "insight:published", str(quarter), by=None, at=now, sha256=snapshot.sha256)
    return snapshot


def told(lines: Iterable[Counted]) -> Published:
    """Masses by cell with all totals of rows and columns, from which no suppressed cell follows."""
    cells: dict[tuple[str, str], dict[str, int]] = {}
    for one in lines:
        by, reporter = cells.setdefault(one.cell, {}), str(one.reporter)
        by[reporter] = by.get(reporter, 0) + one.mct
    return sealed(publish(ROW_NAMES, COL_NAMES, cells, row_totals=True, col_totals=True))


def document_of(quarter: Quarter, published: Published) -> dict[str, Any]:
    """The figures in three digits; cells that are not named hold nothing."""
    return {
        "v": 1,
        "quarter": str(quarter),
        "until": stamp(quarter.end),
        "unit": "mct",
        "rows": list(ROW_NAMES),
        "cols": list(COL_NAMES),
        "cells": [[*cell, spoken(mass)] for cell, mass in published.cells.items() if mass != 0],
        "row_totals": [[name, spoken(published.totals[Line(True, name)])] for name in ROW_NAMES],
        "col_totals": [[name, spoken(published.totals[Line(False, name)])] for name in COL_NAMES],
    }


def comparisons(quarter: Quarter, lines: Iterable[Counted]) -> Iterable[dict[str, Any]]:
    """For each reporter its own yield in the cells that may be told, beside the median of the others."""
    sums: dict[tuple[str, str], dict[str, list[int]]] = {}
    for one in lines:
        if one.rough_mct:
            both = sums.setdefault(one.cell, {}).setdefault(str(one.reporter), [0, 0])
            both[0] += one.mct
            both[1] += one.rough_mct
    for (row, col), by_reporter in sums.items():
        mass = {reporter: both[0] for reporter, both in by_reporter.items()}
        yields: Mapping[str, int] = {reporter: both[0] * BP // both[1] for reporter, both in by_reporter.items()}
        for reporter in mass:
            shown = benchmark(reporter, mass, yields)
            if shown is not None:
                place = {"quarter": str(quarter), "company_id": int(reporter), "row": row, "col": col}
                yield {**place, "own_bp": shown.own, "peer_median_bp": shown.peer_median}


async def _lines(session: AsyncSession, quarter: Quarter) -> list[Counted]:
    """Of each contract the lines of the last report of the quarter that stands, if nothing about it is undecided."""
    last = (
        select(func.max(OutcomeReport.id))
        .where(OutcomeReport.at < quarter.end, OutcomeReport.state != "rejected", ~refused())
        .group_by(OutcomeReport.contract_id)
    )
    undecided = (
        select(OutcomeCase.id)
        .join(OutcomeDecision, OutcomeDecision.case_id == OutcomeCase.id, isouter=True)
        .where(OutcomeCase.report_id == OutcomeReport.id, OutcomeDecision.id.is_(None))
    )
    before = select(CountedLine.object).where(
        CountedLine.contract_id == OutcomeReport.contract_id, CountedLine.object == OutcomeLine.object
    )
    wanted = (
        select(
            *(SupplyContract.buyer_company_id, SupplyContract.id, OutcomeLine.object, OutcomeLine.stones),
            *(OutcomeLine.mct, OutcomeLine.rough_mct, OutcomeLine.shape, OutcomeLine.color, OutcomeLine.clarity),
        )
        .join(OutcomeReport, OutcomeReport.id == OutcomeLine.report_id)
        .join(SupplyContract, SupplyContract.id == OutcomeReport.contract_id)
        .where(OutcomeReport.id.in_(last), ~undecided.exists(), ~before.exists())
        .order_by(OutcomeLine.report_id, OutcomeLine.place)
    )
    return [Counted._make(row) for row in await session.execute(wanted)]


async def _put(session: AsyncSession, model: type[Any], rows: Sequence[dict[str, Any]]) -> None:
    for start in range(0, len(rows), AT_ONCE):
        await session.execute(insert(model), rows[start : start + AT_ONCE])
