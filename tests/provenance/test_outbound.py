"""The one door outwards, tried with real sockets."""

import asyncio
import gzip
from contextlib import asynccontextmanager

import pytest

from pavilion.provenance.registries.outbound import MOST_BYTES, Outbound, Refused, is_outside

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Signature: abc\r\n\r\n{}"


@asynccontextmanager
async def answering(*parts, pause_s=0.0):
    """A server that says exactly these bytes to whoever connects; what it heard stands in the list."""
    heard, released = [], asyncio.Event()

    async def talk(reader, writer):
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
            if pause_s:
                async with asyncio.timeout(pause_s):
                    await released.wait()
        except (ConnectionError, TimeoutError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/path", heard
        finally:
            released.set()


@asynccontextmanager
async def door(hosts=("127.0.0.1",), **how):
    outbound = Outbound(hosts, **({"loopback": True} | how))
    try:
        yield outbound
    finally:
        await outbound.close()


async def test_a_named_host_is_called_and_heard():
    async with answering(OK) as (url, heard), door() as outbound:
        answer = await outbound.get(url, {"Authorization": "KEY"})
        assert (answer.status, answer.body, answer.headers["x-signature"]) == (200, b"{}", "abc")
        assert b"authorization: key" in heard[0].lower() and b"accept-encoding: identity" in heard[0].lower()


async def test_a_redirect_is_not_followed():
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    async with answering(moved) as (url, heard), door() as outbound:
        with pytest.raises(Refused, match="redirected"):
            await outbound.get(url)
        assert len(heard) == 1


@pytest.mark.parametrize("head", [b"Content-Length: 1048577\r\n", b"", b"Transfer-Encoding: chunked\r\n"])
async def test_more_than_a_megabyte_is_refused_whatever_its_head_says(head):
    body = b"x" * (MOST_BYTES + 1)
    if b"chunked" in head:
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    async with answering(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n", body) as (url, _), door() as outbound:
        with pytest.raises(Refused, match="longer than 1048576 bytes"):
            await outbound.get(url)


async def test_a_megabyte_is_heard():
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % MOST_BYTES
    async with answering(head, b"x" * MOST_BYTES) as (url, _), door() as outbound:
        assert len((await outbound.get(url)).body) == MOST_BYTES


async def test_a_packed_answer_is_refused_before_it_is_unpacked():
    bomb = gzip.compress(b"0" * 50_000_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    async with answering(head, bomb) as (url, _), door() as outbound:
        with pytest.raises(Refused, match="packed"):
            await outbound.get(url)


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", b"HTTP/1.1 2"])
async def test_whoever_is_slow_is_left(sent):
    async with answering(sent, pause_s=5) as (url, _), door(timeout_s=0.2) as outbound:
        with pytest.raises(TimeoutError):
            await outbound.get(url)


async def test_a_trickle_does_not_stretch_the_time():
    """Each byte comes in time, and all together too late."""

    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        try:
            for _ in range(1000):
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.02)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server, door(timeout_s=0.3) as outbound:
        with pytest.raises(TimeoutError):
            await outbound.get(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")


@pytest.mark.parametrize(
    "sent",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", b"rubbish\r\n\r\n", b"", b"HTTP/1.1 200 OK\r\n:\r\n\r\n"],
)
async def test_half_an_answer_and_rubbish_are_faults_of_the_line(sent):
    async with answering(sent) as (url, _), door() as outbound:
        with pytest.raises(OSError, match="Error"):
            await outbound.get(url)


async def test_nobody_listening_is_a_fault_of_the_line():
    async with answering(OK) as (url, _):
        pass
    async with door() as outbound:
        with pytest.raises(OSError, match="Error"):
            await outbound.get(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/",  # plain http outside a demonstration
        "http://registry.example/",
        "https://other.example/",
        "https://registry.example.evil.example/",
        "https://name:word@registry.example/",
        "ftp://registry.example/",
        "file:///etc/passwd",
        "//registry.example/",
        "registry.example",
        "",
        "https://",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://registry.example:99999/",
        "https://registry.example\\@evil.example/",
        "https://registry.example\r\nX: y/",
    ],
)
async def test_an_address_that_was_not_named_is_not_called(url):
    async with door(("registry.example",), loopback=False) as outbound:
        with pytest.raises(Refused):
            await outbound.get(url)


async def test_plain_http_goes_to_this_machine_only_even_in_a_demonstration():
    async with door(("registry.example",)) as outbound:
        with pytest.raises(Refused, match="http is not spoken"):
            await outbound.get("http://registry.example/")


@pytest.mark.parametrize("port", [1, 443])
async def test_a_name_that_leads_inside_is_refused_at_the_address_it_leads_to(port):
    """`localhost` is a name like any other here: what counts is where it leads."""
    async with door(("localhost",), loopback=False) as outbound:
        with pytest.raises(Refused, match="an address inside"):
            await outbound.get(f"https://localhost:{port}/")


async def test_a_name_is_looked_up_once_and_every_address_is_checked(monkeypatch):
    """A name with one address outside and one inside is refused; nothing is looked up a second time to connect."""
    looked_up = []

    async def two_faced(host, port, **_):
        looked_up.append(host)
        return [(2, 1, 6, "", (address, port)) for address in ("93.184.216.34", "10.0.0.7")]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", two_faced)
    async with door(("two-faced.example",), loopback=False) as outbound:
        with pytest.raises(Refused, match=r"10\.0\.0\.7"):
            await outbound.get("https://two-faced.example/")
    assert looked_up == ["two-faced.example"]


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
        *("224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "64:ff9b::a00:1", "2001:db8::1"),
    ],
)
def test_addresses_inside_are_known_in_every_dress(address):
    assert not is_outside(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"])
def test_addresses_outside_are_not_mistaken(address):
    assert is_outside(address)
