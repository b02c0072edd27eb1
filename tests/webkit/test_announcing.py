import asyncio
import socket

import pytest

from pavilion.webkit.announcing import LOOPBACK, bound


async def test_a_server_sends_each_packet_at_once():
    delays = asyncio.Queue[int]()

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        delays.put_nowait(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    listener = bound(LOOPBACK, 0)
    async with await asyncio.start_server(serve, sock=listener):
        _, writer = await asyncio.open_connection(*listener.getsockname())
        assert await delays.get() != 0
        writer.close()
        await writer.wait_closed()


def test_a_port_that_somebody_listens_on_is_refused():
    with bound(LOOPBACK, 0) as first:
        first.listen()
        with pytest.raises(OSError, match="in use"):
            bound(LOOPBACK, first.getsockname()[1])
