"""Web push: a message that only the browser can read (RFC 8291), sent in the house's name (VAPID, RFC 8292)."""

import json
import os
import struct
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pavilion.kernel.base64url import base64url, from_base64url
from pavilion.kernel.errors import Refusal
from pavilion.provenance.registries.outbound import Outbound, Refused

HOSTS = frozenset({"fcm.googleapis.com", "updates.push.services.mozilla.com", "web.push.apple.com"})
RECORD = 4096
MOST_BYTES = 3000  # of a message before it is encrypted
VALID = timedelta(hours=12)  # of a VAPID token; the standard allows a day
GONE = (404, 410)
TIMEOUT_S = 8.0


class PushHost(Refusal):
    """The browser's push service is not one the house may call."""

    status, code = 422, "push_host"


class BadSubscription(Refusal):
    status, code = 422, "bad_subscription"


class Gone(Exception):
    """The browser no longer wants to hear of us."""


class NotTaken(Exception):
    """Not now; the same message may be tried again. `final`: never."""

    def __init__(self, why: str, *, final: bool = False) -> None:
        super().__init__(why)
        self.final = final


class Subscription(NamedTuple):
    endpoint: str
    p256dh: str  # base64url, an uncompressed point
    auth: str  # base64url, 16 bytes


class PushService:
    """Calls the push services on the list, and nobody else."""

    def __init__(self, key: bytes, contact: str, *, more_hosts: Iterable[str] = (), loopback: bool = False) -> None:
        self._key = ec.derive_private_key(int.from_bytes(key, "big"), ec.SECP256R1())
        self._contact = contact
        self._outbound = Outbound(HOSTS | frozenset(more_hosts), loopback=loopback, timeout_s=TIMEOUT_S)

    @property
    def public_key(self) -> str:
        """What a browser is given when it asks its maker for an address."""
        return base64url(point_of(self._key.public_key()))

    def check(self, subscription: Subscription) -> None:
        """Refused here rather than at the first message."""
        try:
            self._outbound.check(subscription.endpoint)
        except Refused:
            raise PushHost() from None
        try:
            encrypt(b"", subscription)
        except ValueError:
            raise BadSubscription() from None

    async def send(self, subscription: Subscription, message: dict[str, str], now: datetime, *, topic: str) -> None:
        """The push service took it. Gone or NotTaken otherwise."""
        content = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
        assert len(content) <= MOST_BYTES
        headers = {
            "Authorization": self._authorization(subscription.endpoint, now),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": "3600",
            "Urgency": "high",
            "Topic": topic,
        }
        try:
            answer = await self._outbound.post(subscription.endpoint, encrypt(content, subscription), headers)
        except (Refused, ValueError) as fault:
            raise NotTaken(str(fault), final=True) from None
        except OSError as fault:
            raise NotTaken(type(fault).__name__) from None
        if answer.status in GONE:
            raise Gone()
        if answer.status >= 300:
            raise NotTaken(str(answer.status), final=answer.status in (400, 401, 403, 413))

    async def close(self) -> None:
        await self._outbound.close()

    def _authorization(self, endpoint: str, now: datetime) -> str:
        origin = "/".join(endpoint.split("/")[:3])
        claims = {"aud": origin, "exp": int((now + VALID).timestamp()), "sub": self._contact}
        return f"vapid t={signed_token(self._key, claims)}, k={self.public_key}"


def encrypt(
    content: bytes,
    subscription: Subscription,
    *,
    ours: ec.EllipticCurvePrivateKey | None = None,
    salt: bytes | None = None,
) -> bytes:
    """One record of `aes128gcm`, with the keys of RFC 8291; the caller leaves key and salt to chance."""
    theirs, auth = _read(subscription.p256dh), _read(subscription.auth)
    if len(auth) != 16:
        raise ValueError("the secret has 16 bytes")
    receiver = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs)
    ours = ours or ec.generate_private_key(ec.SECP256R1())
    salt = os.urandom(16) if salt is None else salt
    point = point_of(ours.public_key())
    shared = ours.exchange(ec.ECDH(), receiver)
    key, nonce = _keys(shared, auth, theirs, point, salt)
    sealed = AESGCM(key).encrypt(nonce, content + b"\x02", None)
    return salt + struct.pack("!IB", RECORD, len(point)) + point + sealed


def decrypt(body: bytes, private: ec.EllipticCurvePrivateKey, auth: bytes) -> bytes:
    """What the browser reads. ValueError for anything that was not made for it."""
    salt, (size, length), rest = body[:16], struct.unpack("!IB", body[16:21]), body[21:]
    point, sealed = rest[:length], rest[length:]
    if len(sealed) > size:
        raise ValueError("more than one record")
    sender = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    shared = private.exchange(ec.ECDH(), sender)
    key, nonce = _keys(shared, auth, point_of(private.public_key()), point, salt)
    try:
        padded = AESGCM(key).decrypt(nonce, sealed, None)
    except InvalidTag:
        raise ValueError("not for this browser") from None
    return padded.rstrip(b"\x00")[:-1]


def signed_token(key: ec.EllipticCurvePrivateKey, claims: dict[str, object]) -> str:
    """A JWT under ES256."""
    head = base64url(b'{"typ":"JWT","alg":"ES256"}')
    said = f"{head}.{base64url(json.dumps(claims, separators=(',', ':')).encode())}"
    r, s = decode_dss_signature(key.sign(said.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{said}.{base64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def point_of(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _read(text: str) -> bytes:
    """Some browsers pad what they hand out."""
    return from_base64url(text.rstrip("="))


def _keys(shared: bytes, auth: bytes, receiver: bytes, sender: bytes, salt: bytes) -> tuple[bytes, bytes]:
    ikm = _hkdf(shared, auth, b"WebPush: info\x00" + receiver + sender, 32)
    key = _hkdf(ikm, salt, b"Content-Encoding: aes128gcm\x00", 16)
    return key, _hkdf(ikm, salt, b"Content-Encoding: nonce\x00", 12)


def _hkdf(ikm: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(ikm)
