"""Contracts and purchases recorded, outcomes reported and judged, cases decided. Each act stands in the public log."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.accounts.rules import CompanyState
from pavilion.kernel.canon import canonical
from pavilion.kernel.errors import BadInput, Refusal
from pavilion.kernel.events import record
from pavilion.kernel.ids import ulid
from pavilion.provenance import log, outcome_chains
from pavilion.provenance import outcome_queries as queries
from pavilion.provenance.outcome_cases import open_case, told
from pavilion.provenance.outcome_models import (
    OutcomeLine,
    OutcomeReport,
    PartyName,
    RoughPurchase,
    SupplyContract,
)
from pavilion.provenance.outcome_said import CLARITIES, COLORS, Said, StoneSaid, folded
from pavilion.provenance.outcomes import (
    LIMITS,
    Account,
    Assortment,
    Category,
    Grades,
    Judgement,
    Purchase,
    ReportState,
    Resale,
    judge,
    limits_of,
)
from pavilion.provenance.table_versions import tables_in_force

JUDGED = "judged"
SCALES: Mapping[str, Sequence[str]] = {"color": COLORS, "clarity": CLARITIES}


class ContractTaken(Refusal):
    """The supplier has a contract of this number already."""

    status, code = 409, "po_contract_taken"


class LotTaken(Refusal):
    """The lot was already bought under this contract."""

    status, code = 409, "po_lot_taken"


class NotTheBuyer(Refusal):
    """Only the company that bought the rough reports what became of it."""

    status, code = 403, "po_not_the_buyer"


class NotTheSupplier(Refusal):
    """Only the supplier records what it sold under its contract."""

    status, code = 403, "po_not_the_supplier"


async def open_contract(
    session: AsyncSession,
    *,
    supplier_id: int,
    buyer: Company,
    number: str,
    category: Category,
    limit_bp: int | None,
    from_day: date,
    to_day: date | None = None,
    by: str | None,
    now: datetime,
) -> SupplyContract:
    if buyer.id == supplier_id:
        raise BadInput(fields={"buyer": "po_own_company"})
    taken = select(SupplyContract.id).where(
        SupplyContract.supplier_company_id == supplier_id, SupplyContract.number == number
    )
    if await session.scalar(taken) is not None:
        raise ContractTaken(number=number)
    if limit_bp is None:
        limit_bp = (await tables_in_force(session)).limits.resale_limit_bp
    contract = SupplyContract(
        public_id=ulid(now),
        number=number,
        supplier_company_id=supplier_id,
        buyer_company_id=buyer.id,
        category=category.value,
        resale_limit_bp=limit_bp,
        from_day=from_day.isoformat(),
        to_day=to_day.isoformat() if to_day else None,
        by=by,
        at=now,
    )
    session.add(contract)
    await session.flush()
    record(session, "outcome:contract", contract.public_id, by=by, at=now, category=category.value)
    return contract


async def know_party(session: AsyncSession, *, company_id: int, party: str, now: datetime) -> None:
    """The company acts under this name in the chains of stones. The first company to be known by it keeps it."""
    if await session.get(PartyName, party) is None:
        session.add(PartyName(party=party, company_id=company_id, at=now))
        await session.flush()


async def record_purchase(
    session: AsyncSession,
    *,
    contract: SupplyContract,
    lot: str,
    sight: date,
    assortment: str,
    mct: int,
    est_color: str | None = None,
    est_clarity: str | None = None,
    by: str | None,
    now: datetime,
) -> RoughPurchase:
    taken = select(RoughPurchase.id).where(RoughPurchase.contract_id == contract.id, RoughPurchase.lot == lot)
    if await session.scalar(taken) is not None:
        raise LotTaken(lot=lot)
    purchase = RoughPurchase(
        public_id=ulid(now),
        contract_id=contract.id,
        lot=lot,
        sight=sight.isoformat(),
        assortment=assortment,
        mct=mct,
        est_color=est_color,
        est_clarity=est_clarity,
        by=by,
        at=now,
    )
    session.add(purchase)
    await session.flush()
    record(session, "outcome:purchase", contract.public_id, by=by, at=now, lot=lot, mct=mct)
    return purchase


async def report(
    session: AsyncSession,
    *,
    contract: SupplyContract,
    said: Said,
    house: str,
    by: str | None,
    now: datetime,
    file_id: int | None = None,
) -> OutcomeReport:
    """The report stands in the history with what the rules say of it; what needs a person waits as a case. The same
    words as in the last report are that report. `house` is the DID under which the house signs what it logs."""
    locked = select(SupplyContract.id).where(SupplyContract.id == contract.id).with_for_update()
    await session.execute(locked)
    last = select(OutcomeReport).where(OutcomeReport.contract_id == contract.id).order_by(OutcomeReport.n.desc())
    before = await session.scalar(last.limit(1))
    if before is not None and before.sha256 == said.sha256:
        return before
    account, resold = await account_of(session, contract, said, now.date())
    judgement = judge(account, limits_of((await tables_in_force(session)).limits))
    row = _row(contract, said, account, judgement, now)
    row.n, row.resold, row.file_id, row.by = (before.n if before else 0) + 1, resold, file_id, by
    session.add(row)
    await session.flush()
    if said.lines:
        await session.execute(insert(OutcomeLine), _lines(row.id, said.lines))
    if judgement.state == ReportState.REVIEW:
        await open_case(session, row, JUDGED, judgement.remarks, judgement.opens_case, now)
    leaf = log.Leaf("outcome", row.public_id, canonical(document(row, contract)), house)
    await log.append(session, [leaf], now)
    facts = {"contract": contract.public_id, "state": row.state, "codes": judgement.codes}
    record(session, "outcome:reported", row.public_id, by=by, at=now, **facts)
    return row


async def account_of(
    session: AsyncSession, contract: SupplyContract, said: Said, as_of: date
) -> tuple[Account, list[dict[str, Any]]]:
    """Everything the rules ask about this report, and its resales with their buyers as we know them."""
    purchases = (await queries.purchases_of(session, [contract.id])).get(contract.id, [])
    resold = await _resold(session, said)
    parties = await queries.parties_of(session, [contract.buyer_company_id])
    peers = await queries.peer_yields(session, contract)
    stones = tuple(line.object for line in said.lines)
    account = Account(
        as_of=as_of,
        buyer=str(contract.buyer_company_id),
        category=Category(contract.category),
        resale_limit_bp=contract.resale_limit_bp,
        purchases=tuple(Purchase(row.lot, date.fromisoformat(row.sight), row.mct) for row in purchases),
        polished_mct=said.polished_mct,
        loss_mct=said.loss_mct,
        stock_mct=said.stock_mct,
        lost_mct=said.lost_mct,
        resold=tuple(Resale(one["party"], one["mct"], one["verified"]) for one in resold),
        cutter_named_mct=said.cutter_named_mct,
        stones=stones,
        assortments=tuple(_assortments(said, purchases, peers)),
        seen=await outcome_chains.rough_sales(session, parties.get(contract.buyer_company_id, [])),
        elsewhere=await queries.elsewhere(session, contract.id, stones),
    )
    return account, resold


def document(row: OutcomeReport, contract: SupplyContract) -> dict[str, Any]:
    """What the log commits to."""
    return {
        "v": 1,
        "report": row.public_id,
        "contract": contract.public_id,
        "n": row.n,
        "as_of": row.as_of,
        "said": row.sha256,
        "polished_mct": row.polished_mct,
        "loss_mct": row.loss_mct,
        "stock_mct": row.stock_mct,
        "lost_mct": row.lost_mct,
        "resold_mct": row.resold_mct,
        "lines": row.lines,
        "state": row.state,
        "codes": [remark["code"] for remark in row.remarks],
    }


def _row(contract: SupplyContract, said: Said, account: Account, judgement: Judgement, now: datetime) -> OutcomeReport:
    return OutcomeReport(
        public_id=ulid(now),
        contract_id=contract.id,
        as_of=account.as_of.isoformat(),
        polished_mct=said.polished_mct,
        loss_mct=said.loss_mct,
        stock_mct=said.stock_mct,
        lost_mct=said.lost_mct,
        cutter_named_mct=said.cutter_named_mct,
        assortments=[
            {"code": one.code, "consumed_mct": one.consumed_mct, "polished_mct": one.polished_mct}
            for one in account.assortments
        ],
        lines=len(said.lines),
        state=judgement.state.value,
        remarks=told(judgement.remarks),
        sha256=said.sha256,
        at=now,
    )


def _lines(report_id: int, lines: Sequence[StoneSaid]) -> list[dict[str, Any]]:
    return [
        {
            "report_id": report_id,
            "place": place,
            "object": line.object,
            "stones": line.stones,
            "mct": line.mct,
            "rough_mct": line.rough_mct,
            "shape": line.shape,
            "color": line.color,
            "clarity": line.clarity,
            "assortment": line.assortment,
            "cutter": line.cutter,
        }
        for place, line in enumerate(lines, start=1)
    ]


async def _resold(session: AsyncSession, said: Said) -> list[dict[str, Any]]:
    """Each resale with the name its buyer has in chains, and whether the house knows and approved that company."""
    firms = await queries.companies_named(session, (one.buyer for one in said.resold))
    parties = await queries.parties_of(session, (firm.id for firm in firms.values()))
    found = []
    for one in said.resold:
        firm = firms.get(one.buyer)
        known = parties.get(firm.id, []) if firm else []
        verified = firm is not None and firm.state == CompanyState.APPROVED
        party = known[0] if known else folded(one.buyer)
        found.append({"buyer": one.buyer, "party": party, "mct": one.mct, "verified": verified})
    return found


def _assortments(
    said: Said, purchases: Sequence[RoughPurchase], peers: Mapping[str, list[int]]
) -> Iterable[Assortment]:
    """What was consumed of each assortment and what came of it, beside the peers and the estimate at the purchase."""
    polished: dict[str, list[StoneSaid]] = {}
    for line in said.lines:
        if line.assortment:
            polished.setdefault(line.assortment, []).append(line)
    for code in sorted(said.consumed.keys() | polished.keys()):
        lines = polished.get(code, [])
        bought = [row for row in purchases if row.assortment == code]
        yield Assortment(
            code=code,
            consumed_mct=said.consumed.get(code, 0),
            polished_mct=sum(line.mct for line in lines),
            peer_yield_bp=tuple(peers.get(code, ())),
            estimated=_graded((row.mct, {"color": row.est_color, "clarity": row.est_clarity}) for row in bought),
            polished=_graded((line.mct, {"color": line.color, "clarity": line.clarity}) for line in lines),
        )


def _graded(stones: Iterable[tuple[int, Mapping[str, str | None]]]) -> dict[str, Grades]:
    """The mean place of the grades that are known, by scale."""
    sums = {name: [0, 0] for name in SCALES}
    for mct, grades in stones:
        for name, scale in SCALES.items():
            if (grade := grades[name]) in scale:
                sums[name][0] += mct
                sums[name][1] += mct * scale.index(grade)
    return {name: Grades(*both) for name, both in sums.items() if both[0]}


async def overdue(session: AsyncSession, today: date) -> int:
    """Contracts of which rough is due and nothing was ever reported."""
    due = (today - timedelta(days=LIMITS.due_days)).isoformat()
    reported = select(OutcomeReport.contract_id)
    wanted = select(func.count(func.distinct(RoughPurchase.contract_id))).where(
        RoughPurchase.sight <= due, RoughPurchase.contract_id.not_in(reported)
    )
    return int(await session.scalar(wanted) or 0)
