"""Reading contracts, purchases, reports and cases."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company, Person
from pavilion.accounts.rules import Actor, Permission
from pavilion.provenance.outcome_models import (
    OutcomeCase,
    OutcomeDecision,
    OutcomeFault,
    OutcomeFile,
    OutcomeLine,
    OutcomeReport,
    PartyName,
    RoughPurchase,
    SupplyContract,
)
from pavilion.provenance.outcomes import ReportState

AT_ONCE = 400  # names in one question
HISTORY = 50
LINES = 100
FAULTS = 200


class Standing(StrEnum):
    """What became of a report: its state, and after that what people decided."""

    ACCEPTED = "accepted"
    REVIEW = "review"
    REJECTED = "rejected"
    REFUSED = "refused"


class ContractRow(NamedTuple):
    contract: SupplyContract
    supplier: str
    buyer: str


class CaseRow(NamedTuple):
    case: OutcomeCase
    report: OutcomeReport
    contract: SupplyContract
    supplier: str
    buyer: str
    decision: OutcomeDecision | None


def visible_to(actor: Actor) -> Select[SupplyContract]:
    """The one gate: who may see origins reads all contracts, a company those it is a party of."""
    wanted = select(SupplyContract)
    if actor.may(Permission.ORIGIN_SEE):
        return wanted
    own = actor.company_id or 0
    return wanted.where(or_(SupplyContract.buyer_company_id == own, SupplyContract.supplier_company_id == own))


async def contracts(session: AsyncSession, actor: Actor) -> list[ContractRow]:
    rows = (await session.scalars(visible_to(actor).order_by(SupplyContract.id.desc()).limit(200))).all()
    return await _named(session, rows)


async def contract_for(session: AsyncSession, actor: Actor, public_id: str) -> ContractRow | None:
    found = await session.scalar(visible_to(actor).where(SupplyContract.public_id == public_id))
    return None if found is None else (await _named(session, [found]))[0]


async def purchases_of(session: AsyncSession, contract_ids: Iterable[int]) -> dict[int, list[RoughPurchase]]:
    wanted = select(RoughPurchase).where(RoughPurchase.contract_id.in_(list(contract_ids)))
    found: dict[int, list[RoughPurchase]] = {}
    for row in await session.scalars(wanted.order_by(RoughPurchase.sight, RoughPurchase.id)):
        found.setdefault(row.contract_id, []).append(row)
    return found


async def reports_of(session: AsyncSession, contract_id: int) -> Sequence[OutcomeReport]:
    wanted = select(OutcomeReport).where(OutcomeReport.contract_id == contract_id)
    return (await session.scalars(wanted.order_by(OutcomeReport.n.desc()).limit(HISTORY))).all()


async def report_for(session: AsyncSession, actor: Actor, public_id: str) -> OutcomeReport | None:
    mine = visible_to(actor).with_only_columns(SupplyContract.id)
    return await session.scalar(
        select(OutcomeReport).where(OutcomeReport.public_id == public_id, OutcomeReport.contract_id.in_(mine))
    )


def refused() -> ColumnElement[bool]:
    """Condition on a report: a person refused it."""
    decided = (
        select(OutcomeDecision.id)
        .join(OutcomeCase, OutcomeCase.id == OutcomeDecision.case_id)
        .where(OutcomeCase.report_id == OutcomeReport.id, OutcomeDecision.accepted.is_(False))
    )
    return decided.exists()


def standing_ids() -> Select[int]:
    """Per contract the last report that was neither rejected nor refused."""
    return (
        select(func.max(OutcomeReport.id))
        .where(OutcomeReport.state != ReportState.REJECTED, ~refused())
        .group_by(OutcomeReport.contract_id)
    )


async def standing_reports(session: AsyncSession, contract_ids: Iterable[int]) -> dict[int, OutcomeReport]:
    wanted = select(OutcomeReport).where(
        OutcomeReport.contract_id.in_(list(contract_ids)), OutcomeReport.id.in_(standing_ids())
    )
    return {row.contract_id: row for row in await session.scalars(wanted)}


async def states_of(session: AsyncSession, reports: Sequence[OutcomeReport]) -> dict[int, Standing]:
    """The standing of each report by its row."""
    ids = [report.id for report in reports]
    rows = await session.execute(
        select(OutcomeCase.report_id, OutcomeDecision.accepted)
        .join(OutcomeDecision, OutcomeDecision.case_id == OutcomeCase.id, isouter=True)
        .where(OutcomeCase.report_id.in_(ids))
    )
    said: dict[int, list[bool | None]] = {}
    for report_id, accepted in rows:
        said.setdefault(report_id, []).append(accepted)
    return {report.id: _standing(report.state, said.get(report.id, [])) for report in reports}


def _standing(state: str, decisions: Sequence[bool | None]) -> Standing:
    if state == ReportState.REJECTED:
        return Standing.REJECTED
    if False in decisions:
        return Standing.REFUSED
    return Standing.REVIEW if None in decisions else Standing.ACCEPTED


async def elsewhere(session: AsyncSession, contract_id: int, objects: Sequence[str]) -> frozenset[str]:
    """Which of these stones stand in a report under another contract."""
    found: set[str] = set()
    last = standing_ids().where(OutcomeReport.contract_id != contract_id)
    others = set(await session.scalars(last)) if objects else set()
    for start in range(0, len(objects), AT_ONCE):
        named = OutcomeLine.object.in_(objects[start : start + AT_ONCE])
        rows = await session.execute(select(OutcomeLine.object, OutcomeLine.report_id).where(named))
        found.update(row.object for row in rows if row.report_id in others)
    return frozenset(found)


async def peer_yields(session: AsyncSession, contract: SupplyContract) -> dict[str, list[int]]:
    """Yields of the supplier's other buyers by assortment, in basis points."""
    others = select(SupplyContract.id).where(
        SupplyContract.supplier_company_id == contract.supplier_company_id,
        SupplyContract.buyer_company_id != contract.buyer_company_id,
    )
    wanted = select(OutcomeReport.assortments).where(
        OutcomeReport.contract_id.in_(others), OutcomeReport.id.in_(standing_ids())
    )
    found: dict[str, list[int]] = {}
    for assortments in await session.scalars(wanted):
        for one in assortments:
            if one["consumed_mct"] > 0:
                found.setdefault(one["code"], []).append(one["polished_mct"] * 10_000 // one["consumed_mct"])
    return found


async def lines_of(session: AsyncSession, report_id: int, after: int = 0) -> tuple[Sequence[OutcomeLine], int | None]:
    """One page of a report's stones, and where the next begins."""
    wanted = select(OutcomeLine).where(OutcomeLine.report_id == report_id, OutcomeLine.place > after)
    rows = (await session.scalars(wanted.order_by(OutcomeLine.place).limit(LINES + 1))).all()
    return rows[:LINES], rows[LINES - 1].place if len(rows) > LINES else None


async def file_for(session: AsyncSession, actor: Actor, public_id: str) -> OutcomeFile | None:
    mine = visible_to(actor).with_only_columns(SupplyContract.id)
    return await session.scalar(
        select(OutcomeFile).where(OutcomeFile.public_id == public_id, OutcomeFile.contract_id.in_(mine))
    )


async def files_of(session: AsyncSession, contract_id: int) -> Sequence[OutcomeFile]:
    wanted = select(OutcomeFile).where(OutcomeFile.contract_id == contract_id)
    return (await session.scalars(wanted.order_by(OutcomeFile.id.desc()).limit(20))).all()


async def faults_of(session: AsyncSession, file_id: int, most: int = FAULTS) -> Sequence[OutcomeFault]:
    wanted = select(OutcomeFault).where(OutcomeFault.file_id == file_id).order_by(OutcomeFault.place)
    return (await session.scalars(wanted.limit(most))).all()


async def report_of_file(session: AsyncSession, file_id: int) -> OutcomeReport | None:
    return await session.scalar(select(OutcomeReport).where(OutcomeReport.file_id == file_id))


async def cases(session: AsyncSession, *, undecided: bool = True) -> list[CaseRow]:
    """Cases that wait, the oldest first; or those decided, the latest first."""
    wanted = select(OutcomeCase).join(OutcomeDecision, OutcomeDecision.case_id == OutcomeCase.id, isouter=True)
    if undecided:
        wanted = wanted.where(OutcomeDecision.id.is_(None)).order_by(OutcomeCase.id)
    else:
        wanted = wanted.where(OutcomeDecision.id.is_not(None)).order_by(OutcomeDecision.id.desc())
    return await _cases(session, (await session.scalars(wanted.limit(HISTORY))).all())


async def case_of(session: AsyncSession, public_id: str, *, lock: bool = False) -> OutcomeCase | None:
    wanted = select(OutcomeCase).where(OutcomeCase.public_id == public_id)
    return await session.scalar(wanted.with_for_update() if lock else wanted)


async def cases_of(session: AsyncSession, report_id: int) -> list[CaseRow]:
    wanted = select(OutcomeCase).where(OutcomeCase.report_id == report_id).order_by(OutcomeCase.id)
    return await _cases(session, (await session.scalars(wanted)).all())


async def waiting(session: AsyncSession) -> int:
    decided = exists().where(OutcomeDecision.case_id == OutcomeCase.id)
    return int(await session.scalar(select(func.count(OutcomeCase.id)).where(~decided)) or 0)


async def named_people(session: AsyncSession, public_ids: Iterable[str]) -> dict[str, str]:
    rows = await session.scalars(select(Person).where(Person.public_id.in_(set(public_ids))))
    return {person.public_id: person.name for person in rows}


async def company_named(session: AsyncSession, text: str) -> Company | None:
    """The one company with this public id or exactly this name, whatever the case."""
    wanted = select(Company).where(or_(Company.public_id == text, func.lower(Company.name) == text.lower()))
    rows = (await session.scalars(wanted.limit(2))).all()
    return rows[0] if len(rows) == 1 else None


async def companies_named(session: AsyncSession, texts: Iterable[str]) -> dict[str, Company]:
    return {text: firm for text in set(texts) if (firm := await company_named(session, text)) is not None}


async def parties_of(session: AsyncSession, company_ids: Iterable[int]) -> dict[int, list[str]]:
    """The names under which companies act in chains."""
    found: dict[int, list[str]] = {}
    wanted = select(PartyName).where(PartyName.company_id.in_(list(company_ids))).order_by(PartyName.party)
    for row in await session.scalars(wanted):
        found.setdefault(row.company_id, []).append(row.party)
    return found


async def _named(session: AsyncSession, rows: Sequence[SupplyContract]) -> list[ContractRow]:
    ids = {row.supplier_company_id for row in rows} | {row.buyer_company_id for row in rows}
    names = await company_names(session, ids)
    return [ContractRow(row, names[row.supplier_company_id], names[row.buyer_company_id]) for row in rows]


async def company_names(session: AsyncSession, ids: Iterable[int]) -> dict[int, str]:
    rows = await session.execute(select(Company.id, Company.name).where(Company.id.in_(set(ids))))
    return {row.id: row.name for row in rows}


async def _cases(session: AsyncSession, rows: Sequence[OutcomeCase]) -> list[CaseRow]:
    reports = {
        row.id: row
        for row in await session.scalars(
            select(OutcomeReport).where(OutcomeReport.id.in_({row.report_id for row in rows}))
        )
    }
    wanted = select(SupplyContract).where(SupplyContract.id.in_({one.contract_id for one in reports.values()}))
    named = {row.contract.id: row for row in await _named(session, (await session.scalars(wanted)).all())}
    wanted_decisions = select(OutcomeDecision).where(OutcomeDecision.case_id.in_({row.id for row in rows}))
    decisions: Mapping[int, Any] = {row.case_id: row for row in await session.scalars(wanted_decisions)}
    found = []
    for row in rows:
        report = reports[row.report_id]
        found.append(CaseRow(row, report, *named[report.contract_id], decisions.get(row.id)))
    return found
