"""A small mail server on loopback: it takes mail, refuses, greylists, hangs or drops the line, as it is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default


@dataclass
class MailServer:
    port: int = 0
    taken: list[EmailMessage] = field(default_factory=list)
    answers: dict[str, list[str]] = field(default_factory=dict)  # per verb, used up one after the other
    silent: bool = False
    drops: bool = False
    released: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self.silent:
                await self.released.wait()
                return
            writer.write(b"220 here\r\n")
            while line := await reader.readline():
                verb = line[:4].decode().strip().upper()
                if verb == "DATA":
                    writer.write(b"354 go on\r\n")
                    body = await reader.readuntil(b"\r\n.\r\n")
                    if self.drops:
                        return
                    if (answer := self._answer(verb)).startswith("2"):
                        message = message_from_bytes(body[:-5], policy=default)
                        assert isinstance(message, EmailMessage)
                        self.taken.append(message)
                    writer.write(f"{answer}\r\n".encode())
                else:
                    writer.write(f"{self._answer(verb)}\r\n".encode())
                    if verb == "QUIT":
                        return
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _answer(self, verb: str) -> str:
        waiting = self.answers.get(verb, [])
        return waiting.pop(0) if waiting else "250 ok"


@asynccontextmanager
async def mail_server() -> AsyncIterator[MailServer]:
    post = MailServer()
    server = await asyncio.start_server(post.talk, "127.0.0.1", 0)
    post.port = server.sockets[0].getsockname()[1]
    async with server:
        try:
            yield post
        finally:
            post.released.set()
