"""An address that is called: a small web server on loopback that answers as it is told, and keeps what it heard."""

import asyncio
from contextlib import asynccontextmanager


class HookServer:
    def __init__(self):
        self.port, self.heard, self.answers = 0, [], []
        self.released = asyncio.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/pavilion"

    async def talk(self, reader, writer):
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            body = await reader.readexactly(int(headers["content-length"]))
            self.heard.append((headers, body))
            answer = self.answers.pop(0) if self.answers else "200 OK"
            if answer == "hang":
                await self.released.wait()
                return
            more = "location: http://127.0.0.1/x\r\n" if answer.startswith("3") else ""
            writer.write(f"HTTP/1.1 {answer}\r\n{more}content-length: 0\r\nconnection: close\r\n\r\n".encode())
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def hook_server():
    made = HookServer()
    server = await asyncio.start_server(made.talk, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        made.released.set()
        server.close()
        await server.wait_closed()
