"""The line to a registry: a question goes out, a document comes back, signed by whom we asked."""

import asyncio
import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pavilion.kernel.canon import no_fraction, read_json
from pavilion.provenance.registries.orders import Fault
from pavilion.provenance.registries.outbound import MOST_BYTES, Outbound, Refused
from pavilion.provenance.registries.port import Reason, plain_bytes
from pavilion.provenance.registries.world import World

SIGNATURE = "X-Signature"  # base64 of Ed25519 over exactly the bytes of the body
SLOW_S = 5

SIMULATED = "X-Simulated"


class Asked(NamedTuple):
    """A question as the registry takes it. `path` is below its address; `lab` fills that place in the address."""

    path: str
    content: Mapping[str, Any] | None = None  # posted, if there is any
    once: str = ""  # the same question asked again costs nothing
    lab: str = ""


class Said(NamedTuple):
    document: Mapping[str, Any] | None  # None: the registry does not know it, and says so under its signature
    raw_sha256: str
    signature: str | None
    simulated: bool = False


class Silent(Exception):
    """There is no answer to believe."""

    def __init__(self, reason: Reason, raw_sha256: str | None = None) -> None:
        self.reason, self.raw_sha256 = reason, raw_sha256


class Line(Protocol):
    @property
    def address(self) -> str:
        """Where the registry is; empty for one in this process."""

    async def ask(self, asked: Asked) -> Said:
        """Silent, TimeoutError or OSError where there is no answer."""

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class HttpLine:
    """To another house, through the one door."""

    outbound: Outbound
    url: str
    public_key: Ed25519PublicKey
    api_key: str = ""

    @property
    def address(self) -> str:
        return self.url

    async def ask(self, asked: Asked) -> Said:
        url = self.url.replace("{lab}", quote(asked.lab, safe="")).rstrip("/") + "/" + asked.path
        headers = {"Accept": "application/json"} | ({"Idempotency-Key": asked.once} if asked.once else {})
        if self.api_key:
            headers["Authorization"] = self.api_key
        try:
            if asked.content is None:
                heard = await self.outbound.get(url, headers)
            else:
                headers["Content-Type"] = "application/json"
                heard = await self.outbound.post(url, plain_bytes(asked.content), headers)
        except Refused:
            raise Silent(Reason.SCHEMA) from None
        if heard.status not in (200, 404):
            raise Silent(Reason.DOWN)
        raw_sha256 = sha256(heard.body).hexdigest()
        signature = heard.headers.get(SIGNATURE.lower(), "")
        if not self._signed(signature, heard.body):
            raise Silent(Reason.BAD_SIGNATURE, raw_sha256)
        simulated = heard.headers.get(SIMULATED.lower()) == "true"
        return Said(_document(heard.status, heard.body, asked, raw_sha256), raw_sha256, signature, simulated)

    async def close(self) -> None:
        await self.outbound.close()

    def _signed(self, signature: str, body: bytes) -> bool:
        try:
            raw = base64.b64decode(signature, validate=True)
            if base64.b64encode(raw).decode() != signature:
                return False  # another spelling of the same bytes
            self.public_key.verify(raw, body)
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class LocalLine:
    """To a simulator in this process; nothing goes over a wire that would have to be signed."""

    world: World
    registry: str
    address: str = ""

    async def ask(self, asked: Asked) -> Said:
        fault = self.world.orders.fault(self.registry)
        if fault is Fault.SLOW:
            await asyncio.sleep(SLOW_S)
        if fault in (Fault.DOWN, Fault.DROP):
            raise Silent(Reason.DOWN)
        if fault is Fault.GARBLE:
            raise Silent(Reason.BAD_SIGNATURE)
        status, document = self.world.answer(self.registry, asked.path, asked.content, lab=asked.lab, once=asked.once)
        return Said(document if status == 200 else None, sha256(plain_bytes(document)).hexdigest(), None, True)

    async def close(self) -> None:
        self.world.close()


def _document(status: int, body: bytes, asked: Asked, raw_sha256: str) -> Mapping[str, Any] | None:
    try:
        document = read_json(body, MOST_BYTES, fraction=no_fraction)
    except ValueError:
        raise Silent(Reason.SCHEMA, raw_sha256) from None
    if not isinstance(document, dict):
        raise Silent(Reason.SCHEMA, raw_sha256)
    if status == 200:
        return document
    if document.get("error") != "unknown" or document.get("asked") != asked.path:
        raise Silent(Reason.SCHEMA, raw_sha256)  # the answer to somebody else's question
    return None
