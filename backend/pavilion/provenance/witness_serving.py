"""The witness on a port: just enough HTTP/1.1 for two questions.

A web framework takes longer to load than this process to start, and reads far more than a witness should answer.
"""

import asyncio
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple

from pavilion.provenance.witness import MOST_BODY, Answer, Witness

MOST_HEAD = 8_192
MOST_AT_ONCE = 64
PATIENCE_S = 10.0
_REQUEST = re.compile(r"(?P<method>[A-Z]{1,10}) (?P<path>/[\x21-\x7e]{0,500}) HTTP/1\.(?P<minor>[01])")
_FIELD = re.compile(r"(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}):[ \t]*(?P<value>[\t\x20-\x7e\x80-\xff]*)")
_LENGTH = re.compile(r"[0-9]{1,9}")


class _Refused(Exception):
    """The request is answered so, and the line is closed."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _Request(NamedTuple):
    method: str
    path: str
    length: int
    stays: bool


async def serve(witness: Witness, host: str, port: int, started: Callable[[str], None]) -> None:
    """Questions are answered until the task is cancelled; `started` hears the address."""
    lines: set[asyncio.StreamWriter] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(lines) >= MOST_AT_ONCE:
            writer.close()
            return
        lines.add(writer)
        try:
            while await _answered(witness, reader, writer):
                pass
        except (TimeoutError, ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever goes away or never finishes a sentence is owed nothing
        finally:
            lines.discard(writer)
            writer.close()

    server = await asyncio.start_server(talk, host, port, limit=MOST_HEAD)
    async with server:
        port = server.sockets[0].getsockname()[1]
        started(f"http://{host}:{port}")
        try:
            await server.serve_forever()
        finally:
            for writer in list(lines):
                writer.close()


async def _answered(witness: Witness, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """One question was read and answered; whether the line stays open."""
    stays, head_only = False, False
    try:
        async with asyncio.timeout(PATIENCE_S):
            request = _read_head(await reader.readuntil(b"\r\n\r\n"))
            body = await reader.readexactly(request.length)
        stays, head_only = request.stays, request.method == "HEAD"
        answer = _answer(witness, request, body)
    except _Refused as refusal:
        answer = Answer(refusal.status, f"{HTTPStatus(refusal.status).phrase.lower()}\n")
    data = answer.body.encode()
    fields = [
        f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}",
        f"Content-Type: {answer.content_type}",
        f"Content-Length: {len(data)}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        f"Connection: {'keep-alive' if stays else 'close'}",
    ]
    writer.write("\r\n".join([*fields, "", ""]).encode("latin-1") + (b"" if head_only else data))
    async with asyncio.timeout(PATIENCE_S):
        await writer.drain()
    return stays


def _answer(witness: Witness, request: _Request, body: bytes) -> Answer:
    if request.path == "/add-checkpoint":
        try:
            return witness.add_checkpoint(body) if request.method == "POST" else Answer(405, "post it\n")
        except OSError:
            return Answer(500, "what is cosigned cannot be kept\n")  # and so it is not cosigned
    if request.method not in ("GET", "HEAD"):
        return Answer(404, "nothing here\n")
    return witness.view(request.path)


def _read_head(head: bytes) -> _Request:
    """Exactly one meaning or none: two lengths, folded lines and chunks are refused."""
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    asked = _REQUEST.fullmatch(first)
    if asked is None:
        raise _Refused(400)
    fields: dict[str, str] = {}
    for line in lines:
        field = _FIELD.fullmatch(line)
        if field is None:
            raise _Refused(400)
        name = field["name"].lower()
        if name in fields and name in ("content-length", "transfer-encoding", "host"):
            raise _Refused(400)
        fields[name] = field["value"].strip(" \t")
    if "transfer-encoding" in fields:
        raise _Refused(411)
    length = fields.get("content-length", "0")
    if _LENGTH.fullmatch(length) is None:
        raise _Refused(400)
    if int(length) > MOST_BODY:
        raise _Refused(413)
    stays = asked["minor"] == "1" and fields.get("connection", "").lower() != "close"
    return _Request(asked["method"], asked["path"], int(length), stays)
