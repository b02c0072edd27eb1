"""Where things stand when all is done, without the names and times that chance gives: every row of every table, by what
it says of itself."""

from collections import Counter
from pathlib import Path
from typing import Any

from sqlalchemy import null, select

from pavilion.kernel.db import Base, Sessions
from pavilion.kernel.outbox import Outbox
from pavilion.settlement import ledger
from tests.faults.mortal import world_at

SAYS = (
    *("name", "kind", "state", "reason", "outcome", "regime", "source", "choice", "purpose", "mode", "lang", "number"),
    *("currency", "account", "company_id", "entity", "value_date", "due_on", "default_on", "issued_on", "paid_on"),
    *("by_wire", "bank_reference", "holder", "places", "n", "version", "how", "effect", "type", "warranty_id"),
    *("payee", "payee_account", "credit_note", "payable_on", "carrier", "collector", "destination", "closed_by"),
)
AMOUNTS = ("_minor", "_mct")
LEFT_OUT = (
    *("event_cursors", "provider_objects"),  # how far somebody has read
    # of what no money and no stone is
    *("appointment", "book_", "fairness_", "film", "insight_", "notice_", "office", "opening_", "outcome_", "push_"),
    *("sign_in_", "stock_", "tender_", "tour_", "travel_", "trust_", "viewing_", "visitor", "webhook_", "wire_scans"),
)
THERE = (
    *("customer", "checkout.session", "payment_intent", "charge"),
    *("refund", "dispute", "payout", "balance_transaction"),
)


async def end_of(sessions: Sessions, folder: Path) -> dict[str, Any]:
    """The rows here and the objects at the provider; the books are proved on the way."""
    found: dict[str, Any] = {}
    async with sessions() as session:
        assert await ledger.proves(session)
        found["balances"] = sorted(map(str, await ledger.balances(session)))
        for name, table in sorted(Base.metadata.tables.items()):
            if name.startswith(LEFT_OUT):
                continue
            says = [one for one in table.columns if one.name in SAYS or one.name.endswith(AMOUNTS)]
            wanted = select(*says, *([] if says else [null()])).select_from(table)
            if name == "provider_events":  # whether the night found it, or a look at the page before, is all one
                wanted = wanted.where(~table.c.found)
            rows = await session.execute(wanted)
            said = Counter(str(tuple(row)) for row in rows)
            if name == "outbox":  # what was told, and to whom
                told = await session.scalars(select(Outbox.payload))
                said = Counter(f"{one['notice']} {one['person']}" for one in told)
            if said:
                found[name] = dict(sorted(said.items()))
    world = world_at(folder)
    for kind in THERE:
        things = (f"{one.get('status')} {one.get('amount')} {one.get('currency')}" for one in world.state.all(kind))
        found[f"there: {kind}"] = dict(sorted(Counter(things).items()))
    found["there: calls"] = dict(Counter(one["state"] for one in world.state.calls(newest=10_000)))
    world.state.close()
    return found


def difference(wanted: dict[str, Any], found: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What is not as it should be: wanted, found."""
    keys = sorted(wanted.keys() | found.keys())
    return {key: (wanted.get(key), found.get(key)) for key in keys if wanted.get(key) != found.get(key)}
