"""Before a report typed by hand takes the place of another: what it changes, to be confirmed by whoever sends it."""

from collections.abc import Sequence
from typing import NamedTuple

from fastapi import Request, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.canon import canonical, sha256_hex
from pavilion.provenance import outcome_queries as queries
from pavilion.provenance.outcome_forms import ReportForm
from pavilion.provenance.outcome_models import OutcomeReport, SupplyContract
from pavilion.provenance.outcome_queries import ContractRow
from pavilion.provenance.outcome_said import Said
from pavilion.webkit.html import page

MASSES = ("polished", "loss", "stock", "lost", "resold", "accounted")


class Change(NamedTuple):
    """A figure of the report that stands, and of the one that would take its place."""

    name: str
    before: int
    after: int
    is_mass: bool = True


async def replaced(session: AsyncSession, contract: SupplyContract, said: Said) -> OutcomeReport | None:
    """The report that these words would replace; none when they are its own. No other can come in between: the
    contract stays locked until the transaction ends."""
    await session.execute(select(SupplyContract.id).where(SupplyContract.id == contract.id).with_for_update())
    standing = (await queries.standing_reports(session, [contract.id])).get(contract.id)
    return None if standing is None or standing.sha256 == said.sha256 else standing


def token(before: OutcomeReport, said: Said) -> str:
    """Names these words in place of that report, and nothing else; a confirmation carries it."""
    return sha256_hex(canonical({"replaces": before.sha256, "n": before.n, "said": said.sha256}))


def changes(before: OutcomeReport, said: Said) -> Sequence[Change]:
    resold = sum(one.mct for one in said.resold)
    after = {"polished": said.polished_mct, "loss": said.loss_mct, "stock": said.stock_mct, "lost": said.lost_mct}
    after |= {"resold": resold, "accounted": sum(after.values()) + resold}
    masses = [Change(name, getattr(before, f"{name}_mct"), after[name]) for name in MASSES]
    return [*masses, Change("stones", before.lines, len(said.lines), is_mass=False)]


def shown(request: Request, row: ContractRow, before: OutcomeReport, said: Said, form: ReportForm) -> Response:
    """The page that asks; everything typed goes along with it."""
    typed = form.model_dump(exclude={"confirmed", "back"})
    fields = [(name, one) for name, value in typed.items() for one in (value if isinstance(value, list) else [value])]
    return page(
        request,
        "provenance/outcome_preview.html",
        row=row,
        before=before,
        changes=changes(before, said),
        fields=fields,
        confirmed=token(before, said),
        sha256=said.sha256,
    )
