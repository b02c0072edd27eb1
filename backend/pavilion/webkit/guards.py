"""What every answer carries and every request must pass: headers, size, and where a writing request came from."""

from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

KEY_PREFIX = "pv_"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
MACHINE_PATHS = ("/api/", "/webhooks/", "/verify", "/epcis/", "/credentials/")


HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=()",
}


def from_our_pages(method: str, path: str, headers: Headers, origins: frozenset[str]) -> bool:
    """Whether a writing request may be ours, by Fetch Metadata first and Origin second.

    A browser always sends one of the two with a POST. A client without either is a program: it may use the
    JSON interface, whose keys no foreign page can attach, but not the forms. With a key of ours in the header the
    cookie counts for nothing, so there is nothing that a foreign page could borrow.
    """
    if method in SAFE or bears_key(headers) is not None:
        return True
    if (site := headers.get("sec-fetch-site")) is not None:
        return site == "same-origin" or (site == "none" and "origin" not in headers)
    if (origin := headers.get("origin")) is not None:
        return origin in origins
    return path.startswith(MACHINE_PATHS)


def bears_key(headers: Headers) -> str | None:
    """The key of ours that a program shows, as it stands in the header; what others call a bearer is not ours."""
    kind, _, said = headers.get("authorization", "").partition(" ")
    said = said.strip()
    return said[:200] if kind.lower() == "bearer" and said.startswith(KEY_PREFIX) else None


class Guards:
    """ASGI middleware: refuses foreign writes before any route sees them and puts our headers on every answer."""

    def __init__(
        self, app: ASGIApp, origins: frozenset[str], secure: bool, refuse: Callable[..., Awaitable[None]]
    ) -> None:
        self.app, self.origins, self.refuse = app, origins, refuse
        self.headers = dict(HEADERS)
        if secure:
            self.headers["strict-transport-security"] = "max-age=63072000; includeSubDomains"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        if from_our_pages(scope["method"], scope["path"], Headers(scope=scope), self.origins):
            await self.app(scope, receive, send_guarded)
        else:
            await self.refuse(scope, receive, send_guarded)
