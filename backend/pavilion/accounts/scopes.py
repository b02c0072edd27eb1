"""What a key of a company may be used for: every door of the interface for programs, and the scope it asks for. Pure.

A door that does not stand here takes no key at all.
"""

import re
from enum import StrEnum

from pavilion.accounts.rules import Permission


class Scope(StrEnum):
    STONES_READ = "stones:read"
    STOCK_WRITE = "stock:write"
    SALES_READ = "sales:read"
    BID_WRITE = "bid:write"
    TRADE_WRITE = "trade:write"
    VIEWINGS = "viewings"
    WEBHOOKS = "webhooks"


# Nobody gives a key what he may not do himself: one of these rights is asked for. A scope without a line reads only.
NEEDS: dict[Scope, frozenset[Permission]] = {
    Scope.STOCK_WRITE: frozenset({Permission.STOCK_WRITE}),
    Scope.BID_WRITE: frozenset({Permission.BID_PLACE}),
    Scope.TRADE_WRITE: frozenset({Permission.ORDER_PLACE, Permission.OFFER_ANSWER}),
    Scope.VIEWINGS: frozenset({Permission.VIEWING_BOOK}),
    Scope.WEBHOOKS: frozenset({Permission.PEOPLE_EDIT}),
}

ANY_KEY = frozenset(Scope)
_ID = r"[^/]+"
# Method, path under /api/v1, and the scopes of which a key has one.
_DOORS: tuple[tuple[str, str, frozenset[Scope]], ...] = (
    ("GET", rf"/stones/{_ID}/position", frozenset({Scope.STONES_READ})),
    ("GET", "/prices", frozenset({Scope.SALES_READ})),
    ("GET", rf"/(?:stones(?:/{_ID}(?:/passport|/media)?)?|changes)", frozenset({Scope.STONES_READ})),
    ("PUT", "/(?:stock|media)-files", frozenset({Scope.STOCK_WRITE})),
    ("GET", "/stock-insight", frozenset({Scope.STOCK_WRITE})),
    ("GET", rf"/media-files(?:/{_ID})?", frozenset({Scope.STOCK_WRITE})),
    ("GET", rf"/stock-files/{_ID}(?:/rows|/fix\.csv)?", frozenset({Scope.STOCK_WRITE})),
    ("POST", rf"/stock-files/{_ID}/(?:confirmation|mappings)", frozenset({Scope.STOCK_WRITE})),
    ("GET", rf"/(?:sales(?:/{_ID}(?:/snapshot)?)?|lots/{_ID}(?:/events)?|results)", frozenset({Scope.SALES_READ})),
    ("GET", r"/(?:time|asyncapi\.json|openapi\.json)", ANY_KEY),
    ("GET", rf"/(?:bids/{_ID}|sales/{_ID}/receipts/{_ID}|plans(?:/{_ID})?)", frozenset({Scope.BID_WRITE})),
    ("POST", rf"/lots/{_ID}/(?:bids|envelopes)", frozenset({Scope.BID_WRITE})),
    ("POST", rf"/lots/{_ID}/(?:acknowledgements|confirmations|retractions)", frozenset({Scope.BID_WRITE})),
    ("DELETE", rf"/lots/{_ID}/envelopes", frozenset({Scope.BID_WRITE})),
    ("POST", "/(?:plans|tickets)", frozenset({Scope.BID_WRITE})),
    ("PATCH", rf"/plans/{_ID}", frozenset({Scope.BID_WRITE})),
    ("GET|POST", r"/(?:holds|offers|orders|memos)(?:/.+)?", frozenset({Scope.TRADE_WRITE})),
    ("GET|POST", r"/viewings/.+", frozenset({Scope.VIEWINGS})),
    ("GET|POST", "/webhooks", frozenset({Scope.WEBHOOKS})),
    ("DELETE", rf"/webhooks/{_ID}", frozenset({Scope.WEBHOOKS})),
    ("GET", rf"/webhooks/{_ID}/calls", frozenset({Scope.WEBHOOKS})),
    ("POST", rf"/webhooks/{_ID}/(?:replays|resumption|secret|tests)", frozenset({Scope.WEBHOOKS})),
)  # fmt: skip
_READY = tuple(
    (frozenset(methods.split("|")), re.compile(f"/api/v1{path}"), scopes) for methods, path, scopes in _DOORS
)


def asked_for(method: str, path: str) -> frozenset[Scope]:
    """The scopes that open this door, of which one is enough; none where no key opens it."""
    method = "GET" if method == "HEAD" else method
    for methods, pattern, scopes in _READY:
        if method in methods and pattern.fullmatch(path):
            return scopes
    return frozenset()


def on_offer(permissions: frozenset[Permission]) -> list[Scope]:
    """What somebody with these rights may give a key."""
    return [scope for scope in Scope if scope not in NEEDS or NEEDS[scope] & permissions]
