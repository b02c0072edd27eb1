"""Single amounts that the database holds and only the house reads, each bound to its place."""

import hashlib
import hmac
import os
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pavilion.kernel.hpke import PrivateKey

KEY_BYTES, IV_BYTES = 32, 12
TEXT_BYTES = 64
NOTE_STEP, LENGTH_BYTES = 256, 4  # notes grow by steps, so that the size of one tells little
SEALED_BYTES = IV_BYTES + 8 + 16  # every amount has one length, so its size tells nothing


class AmountSeal:
    """Seals and opens single amounts under a key made from the house's; what one place seals no other opens."""

    def __init__(self, house_key: bytes) -> None:
        assert len(house_key) == KEY_BYTES, "the data key has 32 bytes"
        self._cipher = AESGCM(hmac.digest(house_key, b"pavilion/amounts/v1", hashlib.sha256))
        self._texts = AESGCM(hmac.digest(house_key, b"pavilion/texts/v1", hashlib.sha256))
        self._plain = hmac.digest(house_key, b"pavilion/plain-tenders/v1", hashlib.sha256)
        self._companies = hmac.digest(house_key, b"pavilion/companies/v1", hashlib.sha256)
        self._marks = hmac.digest(house_key, b"pavilion/amount-marks/v1", hashlib.sha256)

    def close(self, amount: int, place: str) -> bytes:
        iv = os.urandom(IV_BYTES)
        return iv + self._cipher.encrypt(iv, struct.pack(">q", amount), place.encode())

    def open(self, sealed: bytes, place: str) -> int:
        """The amount; InvalidTag when it was sealed for another place, under another key, or was altered."""
        plain = self._cipher.decrypt(sealed[:IV_BYTES], sealed[IV_BYTES:], place.encode())
        return int(struct.unpack(">q", plain)[0])

    def close_text(self, text: str, place: str) -> bytes:
        """A short text, as an account number; its size tells nothing."""
        said = text.encode()
        assert len(said) < TEXT_BYTES, "too long for a sealed text"
        iv = os.urandom(IV_BYTES)
        padded = bytes([len(said)]) + said.ljust(TEXT_BYTES - 1, b"\0")
        return iv + self._texts.encrypt(iv, padded, place.encode())

    def open_text(self, sealed: bytes, place: str) -> str:
        plain = self._texts.decrypt(sealed[:IV_BYTES], sealed[IV_BYTES:], place.encode())
        return plain[1 : 1 + plain[0]].decode()

    def of_company(self, public_id: str) -> "CompanySeal":
        """What one company writes for itself; no other company's seal opens it."""
        return CompanySeal(hmac.digest(self._companies, public_id.encode(), hashlib.sha256))

    def custodian(self, sale: str) -> PrivateKey:
        """The house's own key of this sale's bids, where a tender is a trial in plain mode: whoever operates the house
        can read them."""
        return PrivateKey.derived(hmac.digest(self._plain, sale.encode(), hashlib.sha256))

    def mark(self, amount: int, place: str) -> str:
        """The same amount at the same place always has this mark; without the key it tells nothing of the amount."""
        said = struct.pack(">q", amount) + place.encode()
        return hmac.digest(self._marks, said, hashlib.sha256).hex()


class CompanySeal:
    """Seals what the people of one company write for themselves, of any length, each bound to its place."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def close(self, text: str, place: str) -> bytes:
        said = text.encode()
        padded = struct.pack(">I", len(said)) + said
        padded += b"\0" * (-len(padded) % NOTE_STEP)
        iv = os.urandom(IV_BYTES)
        return iv + self._cipher.encrypt(iv, padded, place.encode())

    def open(self, sealed: bytes, place: str) -> str:
        """The text; InvalidTag when it was sealed for another place or company, or was altered."""
        plain = self._cipher.decrypt(sealed[:IV_BYTES], sealed[IV_BYTES:], place.encode())
        (length,) = struct.unpack(">I", plain[:LENGTH_BYTES])
        return plain[LENGTH_BYTES : LENGTH_BYTES + length].decode()
