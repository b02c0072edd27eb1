"""The one door through which the house calls strangers: https only, only hosts that were named (or, where a company
names the address itself, any public one), no redirects, a small answer, a short time, and never an address inside our
own walls.

The name is looked up here, every address it has is checked, and the connection goes to an address that was checked: a
name that means something else a moment later gains nothing.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping
from typing import Any, NamedTuple

import httpcore2
import httpx2

MOST_BYTES = 1024 * 1024
TIMEOUT_S = 3
CONNECTIONS = 128
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Refused(ValueError):
    """The call was not made, or its answer not taken. The text is for the operator's log."""


class Heard(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


class Outbound:
    """Calls the hosts it was given and no others; given None, any host of the public network. `loopback` is for
    demonstrations and tests: there plain http is allowed too, but only to this machine."""

    def __init__(
        self, hosts: Iterable[str] | None, *, loopback: bool = False, timeout_s: float = TIMEOUT_S,
        most_bytes: int = MOST_BYTES,
    ) -> None:  # fmt: skip
        self._hosts = None if hosts is None else frozenset(host.lower() for host in hosts)
        self._loopback, self._timeout_s, self._most_bytes = loopback, timeout_s, most_bytes
        self._client: httpx2.AsyncClient | None = None

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Heard:
        return await self.call("GET", url, headers=headers)

    async def post(self, url: str, content: bytes, headers: Mapping[str, str] | None = None) -> Heard:
        return await self.call("POST", url, content=content, headers=headers)

    async def call(
        self, method: str, url: str, *, content: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Heard:
        """What was heard, whatever its status. Refused, TimeoutError or OSError otherwise."""
        self.check(url)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._heard(method, url, content, headers)
        except httpx2.TimeoutException:
            raise TimeoutError(url) from None
        except httpx2.InvalidURL:
            raise Refused("not an address") from None
        except httpx2.HTTPError as fault:
            raise OSError(f"{type(fault).__name__}: {fault}") from None

    def check(self, url: str) -> None:
        """Refused unless the address is one this house may call."""
        try:
            parsed = httpx2.URL(url)
        except (httpx2.InvalidURL, TypeError, ValueError):
            raise Refused("not an address") from None
        host = parsed.host.lower()
        if parsed.scheme != "https" and not (parsed.scheme == "http" and self._loopback and host in LOOPBACK):
            raise Refused(f"{parsed.scheme} is not spoken to {host}")
        if parsed.port is not None and not 0 < parsed.port < 65536:
            raise Refused("no such port")
        if parsed.userinfo:
            raise Refused("a name and password in an address")
        if not host:
            raise Refused("no host")
        if self._hosts is not None and host not in self._hosts and f"{host}:{parsed.port}" not in self._hosts:
            raise Refused(f"{host} is not on the list of hosts")

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _heard(self, method: str, url: str, content: bytes | None, headers: Mapping[str, str] | None) -> Heard:
        wanted = {"Accept-Encoding": "identity", **(headers or {})}
        async with self._opened().stream(method, url, content=content, headers=wanted) as answer:
            if 300 <= answer.status_code < 400:
                raise Refused(f"redirected ({answer.status_code})")
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise Refused("packed, though it was asked for plain")
            body = bytearray()
            async for part in answer.aiter_raw():
                body += part
                if len(body) > self._most_bytes:
                    raise Refused(f"longer than {self._most_bytes} bytes")
            return Heard(answer.status_code, dict(answer.headers), bytes(body))

    def _opened(self) -> httpx2.AsyncClient:
        """Connections belong to a running loop; they are made when the first call is."""
        if self._client is None:
            transport = _Transport(_CheckedBackend(self._loopback))
            self._client = httpx2.AsyncClient(
                transport=transport, timeout=self._timeout_s, follow_redirects=False, trust_env=False
            )
        return self._client


class _CheckedBackend(httpcore2.AsyncNetworkBackend):
    """Connects to addresses that were looked up and checked here."""

    def __init__(self, loopback: bool) -> None:
        self._loopback = loopback
        self._tcp = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface of httpcore2
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(place[4][0]) for place in found]
        local = self._loopback and host.lower() in LOOPBACK
        for address in addresses:
            if not is_outside(address) and not (local and ipaddress.ip_address(address).is_loopback):
                raise Refused(f"{host} is {address}, an address inside")
        return await self._tcp.connect_tcp(addresses[0], port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface of httpcore2
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        raise Refused("a file is no host")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def is_outside(text: str) -> bool:
    """Whether an address is of the public network, also where it is wrapped in another."""
    address: Address = ipaddress.ip_address(text.partition("%")[0])
    return all(part.is_global and not part.is_multicast for part in _unwrapped(address))


def _unwrapped(address: Address) -> Iterable[Address]:
    yield address
    if isinstance(address, ipaddress.IPv6Address):
        inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address in NAT64:
            inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        yield from (one for one in inner if one is not None)


class _Transport(httpx2.AsyncBaseTransport):
    """The client's requests over the checked connections."""

    def __init__(self, backend: httpcore2.AsyncNetworkBackend) -> None:
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=CONNECTIONS,
            max_keepalive_connections=CONNECTIONS,
            keepalive_expiry=15,
            network_backend=backend,
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        asked = httpcore2.Request(
            method=request.method,
            url=httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        try:
            answer = await self._pool.handle_async_request(asked)
        except (httpcore2.TimeoutException, TimeoutError):
            raise TimeoutError(str(url)) from None
        except (httpcore2.NetworkError, httpcore2.ProtocolError, socket.gaierror) as fault:
            raise OSError(f"{type(fault).__name__}: {fault}") from None
        assert isinstance(answer.stream, AsyncIterable)
        return httpx2.Response(
            answer.status, headers=answer.headers, stream=_Body(answer.stream), extensions=answer.extensions
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Body(httpx2.AsyncByteStream):
    def __init__(self, stream: AsyncIterable[bytes]) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._stream:
                yield part
        except httpcore2.TimeoutException:
            raise TimeoutError from None
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as fault:
            raise OSError(f"{type(fault).__name__}: {fault}") from None

    async def aclose(self) -> None:
        if hasattr(self._stream, "aclose"):
            await self._stream.aclose()
