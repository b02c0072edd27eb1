"""The receipt of a bid: its event, the way from it to a signed root, and the opening of its commitment."""

import base64
import json
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.bidding.bus import OwnOpening
from pavilion.bidding.models import BookEvent, Checkpoint
from pavilion.kernel.tlog import Tree


async def receipt(session: AsyncSession, sale: str, n: int, opening: OwnOpening | None = None) -> dict[str, Any] | None:
    """The receipt of a decided bid under the checkpoint of its own batch; None for any other event."""
    event = await session.get(BookEvent, (sale, n))
    if event is None or event.type not in ("bid.accepted", "bid.refused", "tender.sealed", "tender.withdrawn"):
        return None
    wanted = select(Checkpoint).where(Checkpoint.sale == sale, Checkpoint.size > n).order_by(Checkpoint.size).limit(1)
    checkpoint = await session.scalar(wanted)
    assert checkpoint is not None, "every batch has its checkpoint"
    hashes = await session.scalars(
        select(BookEvent.hash).where(BookEvent.sale == sale, BookEvent.n < checkpoint.size).order_by(BookEvent.n)
    )
    tree = Tree(bytes.fromhex(one) for one in hashes)
    path = [base64.b64encode(part).decode() for part in tree.inclusion_proof(n, checkpoint.size)]
    told = None if opening is None else {"amount": opening.amount, "nonce": opening.nonce, "key": opening.key}
    return {
        "v": 1,
        "event": json.loads(event.body),
        "proof": {"index": n, "size": checkpoint.size, "path": path},
        "checkpoint": checkpoint.text,
        "opening": told,
    }


def tlog_proof(document: dict[str, Any]) -> str:
    """The same as a C2SP tlog-proof: index, path, then the signed checkpoint."""
    lines = ["c2sp.org/tlog-proof@v1", f"index {document['proof']['index']}", *document["proof"]["path"]]
    return "\n".join(lines) + "\n\n" + str(document["checkpoint"])
