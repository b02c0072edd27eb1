"""A tender in plain mode, for trials: the house itself is the one custodian, with a key made from its own. The operator
could read these bids, and the pages, the rules and the record of such a sale say so."""

from collections.abc import Callable, Sequence

from pavilion.bidding.folding import Draft
from pavilion.bidding.sealing import Envelope, open_share
from pavilion.bidding.tender_book import SealedLine
from pavilion.kernel.base64url import base64url
from pavilion.kernel.hpke import NotSealed, PrivateKey

Read = Sequence[tuple[SealedLine, Envelope]]
Shares = dict[str, dict[int, bytes]]


def open_by_itself(draft: Draft, open_all: Callable[[Read, Shares], None], envelopes: Read) -> None:
    """Every envelope is opened at the closing. Not where the rules name another key than this house has: then staff
    open, a day later, what can be opened."""
    assert draft.rules.tender is not None
    key, custodians = draft.vault.custodian(), draft.rules.tender.custodians
    if base64url(key.point) == custodians[0]:
        open_all(envelopes, {envelope.hash: _share(key, custodians, envelope) for _, envelope in envelopes})


def _share(key: PrivateKey, custodians: Sequence[str], envelope: Envelope) -> dict[int, bytes]:
    """The house's share, if the bidder sealed one that is worth anything."""
    try:
        return {1: open_share(key, custodians, envelope, 1)}
    except NotSealed:
        return {}
