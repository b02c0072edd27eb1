"""A web server that tells when it takes connections, and the socket it takes them on."""

import socket
from collections.abc import Callable

import uvicorn

LOOPBACK = "127.0.0.1"


def bound(host: str, port: int) -> socket.socket:
    """The socket that a server is to listen on; port 0 takes any free one. OSError: the address cannot be used."""
    # Only a socket that says it is TCP sends without waiting to fill a packet: otherwise the second write of an answer,
    # or the second frame to a bidder, stays here until the first is acknowledged, up to 40 ms.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


class Announcing(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._tell()
