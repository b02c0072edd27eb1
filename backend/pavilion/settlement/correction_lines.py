"""What the second person reads of a credit note or a write-off before agreeing to it: lots, buyer, what follows."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Proposal
from pavilion.settlement import queries
from pavilion.settlement.correcting import PROPOSAL_HANDLERS
from pavilion.settlement.money_proposals import Line, Said
from pavilion.settlement.rules import LineKind
from pavilion.webkit.i18n import Tongue


async def lines(session: AsyncSession, proposals: Sequence[Proposal], tongue: Tongue) -> dict[int, list[Line]]:
    """By proposal; of corrections alone."""
    return {one.id: await _lines(session, one, tongue) for one in proposals if one.kind in PROPOSAL_HANDLERS}


def beside(others: Said) -> Said:
    """What others say of their proposals, and what is said here of corrections."""

    async def both(session: AsyncSession, proposals: Sequence[Proposal], tongue: Tongue) -> dict[int, list[Any]]:
        return {**await others(session, proposals, tongue), **await lines(session, proposals, tongue)}

    return both


async def _lines(session: AsyncSession, proposal: Proposal, tongue: Tongue) -> list[Line]:
    said, say = proposal.facts, tongue.say
    invoice = await queries.invoice_by_number(session, said["invoice"])
    if invoice is None:
        return []
    found = [Line(say("correction_of", buyer=invoice.facts["buyer"]["name"]))]
    if "lots" not in said:
        return found
    if said["lots"] is None:
        found.append(Line(say("correction_whole")))
    for line in invoice.lines if said["lots"] else ():
        if line.kind == LineKind.HAMMER and line.lot in said["lots"]:
            title = (line.text_zh if tongue.lang == "zh" else "") or line.text_en
            found.append(Line(say("correction_lot", number=line.facts["number"], title=title)))
    if said.get("again"):
        found.append(Line(say("correction_again")))
    return found
