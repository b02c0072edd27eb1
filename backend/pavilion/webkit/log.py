"""One JSON line per act. Never names, tokens or secret amounts; ids make lines greppable across processes."""

import logging
import re
import sys
import time
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pavilion.kernel.clock import utc_now
from pavilion.kernel.ids import ulid
from pavilion.kernel.instants import stamp

# Addresses whose last part is itself a key: whoever reads it may do what it opens.
_KEYED = re.compile(
    r"^(/(?:shared|notices/stop|api/v1/notices/stop|viewings/(?:feed|pass|link|invitation))/).+", re.DOTALL
)


def without_keys(path: str) -> str:
    """The path as it may stand in a log."""
    return _KEYED.sub(r"\1…", path)[:200]


def get_logger() -> Any:
    return structlog.get_logger()


def _at(_logger: Any, _name: str, line: MutableMapping[str, Any]) -> Mapping[str, Any]:
    return {"at": stamp(utc_now()), **line}


def _on_standard_error(*_names: Any) -> structlog.WriteLogger:
    """Asked for per line: who has put another stream in its place, or closed one, does not silence the house."""
    return structlog.WriteLogger(sys.stderr)


def set_up(process: str, level: str) -> None:
    """JSON lines on standard error from here on, ours and the libraries' warnings alike."""
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    logging.basicConfig(stream=sys.stderr, level=max(number, logging.WARNING), format="%(name)s: %(message)s")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            _at,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=_on_standard_error,
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(process=process)


class RequestLog:
    """ASGI middleware: numbers each request and says how it ended, unless it only fetched a static file."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/static/"):
            await self.app(scope, receive, send)
            return
        request_id = ulid(utc_now())
        scope.setdefault("state", {})["request_id"] = request_id
        started, status = time.perf_counter(), 0

        async def send_numbered(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self.app(scope, receive, send_numbered)
            finally:
                actor = scope["state"].get("actor")
                get_logger().info(
                    "request",
                    act=f"{scope['method']} {without_keys(scope['path'])}",
                    actor_id=getattr(actor, "public_id", None),
                    outcome=status,
                    ms=round((time.perf_counter() - started) * 1000, 1),
                )
