"""Sealing bytes to a P-256 public key: HPKE (RFC 9180), base mode, single shot, in the one suite this house uses:
DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-128-GCM. Pure: randomness is handed in.

The library has the suite as well, but not in public with associated data, nor with a given ephemeral key, without which
the vectors of appendix A.3 could not be checked. A test holds the two against each other."""

import hmac
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

POINT_BYTES, SCALAR_BYTES, TAG_BYTES = 65, 32, 16
_CURVE = ec.SECP256R1()
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_KEM = b"KEM" + (0x0010).to_bytes(2, "big")
_HPKE = b"HPKE" + (0x0010).to_bytes(2, "big") + (0x0001).to_bytes(2, "big") + (0x0001).to_bytes(2, "big")


class NotSealed(ValueError):
    """Not a key of this curve, or not sealed to this key for this purpose."""


class PrivateKey:
    """A P-256 key pair."""

    __slots__ = ("_key", "point")

    def __init__(self, scalar: int) -> None:
        if not 0 < scalar < _ORDER:
            raise NotSealed("not a private key")
        self._key = ec.derive_private_key(scalar, _CURVE)
        self.point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    @classmethod
    def derived(cls, ikm: bytes) -> "PrivateKey":
        """The key pair that follows from 32 random bytes (RFC 9180, 7.1.3)."""
        assert len(ikm) >= SCALAR_BYTES, "too few random bytes for a key"
        prk = _labeled_extract(_KEM, b"", b"dkp_prk", ikm)
        for counter in range(256):
            scalar = int.from_bytes(_labeled_expand(_KEM, prk, b"candidate", bytes([counter]), SCALAR_BYTES), "big")
            if 0 < scalar < _ORDER:
                return cls(scalar)
        raise AssertionError("256 candidates in a row were no keys")

    @classmethod
    def from_bytes(cls, scalar: bytes) -> "PrivateKey":
        if len(scalar) != SCALAR_BYTES:
            raise NotSealed("not a private key")
        return cls(int.from_bytes(scalar, "big"))

    def to_bytes(self) -> bytes:
        return self._key.private_numbers().private_value.to_bytes(SCALAR_BYTES, "big")

    @property
    def signing(self) -> ec.EllipticCurvePrivateKey:
        return self._key

    def agreed(self, point: bytes) -> bytes:
        """The x-coordinate that both sides can compute."""
        return self._key.exchange(ec.ECDH(), public_key(point))


def public_key(point: bytes) -> ec.EllipticCurvePublicKey:
    """The key of an uncompressed point; NotSealed for anything that is no point of the curve."""
    if len(point) != POINT_BYTES or point[0] != 4:
        raise NotSealed("not a public key")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, point)
    except ValueError:
        raise NotSealed("not a public key") from None


def seal(point: bytes, info: bytes, aad: bytes, plain: bytes, ephemeral: PrivateKey) -> tuple[bytes, bytes]:
    """(enc, ct) for the holder of `point`. The ephemeral key serves once."""
    key, nonce = _schedule(ephemeral.agreed(point), ephemeral.point, point, info)
    return ephemeral.point, AESGCM(key).encrypt(nonce, plain, aad)


def unseal(private: PrivateKey, info: bytes, aad: bytes, enc: bytes, ct: bytes) -> bytes:
    """What was sealed; NotSealed when a single bit of it, of `info` or of `aad` is another."""
    key, nonce = _schedule(private.agreed(enc), enc, private.point, info)
    try:
        return AESGCM(key).decrypt(nonce, ct, aad)
    except (InvalidTag, ValueError):
        raise NotSealed("not sealed to this key for this purpose") from None


# -- the key schedule -------------------------------------------------------------------------------------------------


def _schedule(agreed: bytes, enc: bytes, point: bytes, info: bytes) -> tuple[bytes, bytes]:
    """Key and first nonce."""
    prk = _labeled_extract(_KEM, b"", b"eae_prk", agreed)
    shared = _labeled_expand(_KEM, prk, b"shared_secret", enc + point, 32)
    no_psk = _labeled_extract(_HPKE, b"", b"psk_id_hash", b"")
    context = b"\0" + no_psk + _labeled_extract(_HPKE, b"", b"info_hash", info)
    secret = _labeled_extract(_HPKE, shared, b"secret", b"")
    key = _labeled_expand(_HPKE, secret, b"key", context, 16)
    return key, _labeled_expand(_HPKE, secret, b"base_nonce", context, 12)


def _labeled_extract(suite: bytes, salt: bytes, label: bytes, ikm: bytes) -> bytes:
    return extract(salt, b"HPKE-v1" + suite + label + ikm)


def _labeled_expand(suite: bytes, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
    return expand(prk, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, length)


def extract(salt: bytes, ikm: bytes) -> bytes:
    """HKDF-SHA-256, first half (RFC 5869)."""
    return hmac.digest(salt or bytes(32), ikm, sha256)


def expand(prk: bytes, info: bytes, length: int) -> bytes:
    """HKDF-SHA-256, second half; one block is all that is needed here."""
    assert length <= 32, "longer than one block"
    return hmac.digest(prk, info + b"\1", sha256)[:length]
