"""What only the engine can read: maxima and nonces under a data key per sale, itself wrapped with the house's key."""

import hashlib
import hmac
import os
import struct
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pavilion.kernel.hpke import PrivateKey
from pavilion.kernel.seals import AmountSeal

KEY_BYTES, IV_BYTES, NONCE_BYTES = 32, 12, 32
_BID = struct.Struct(">qqq32s3s32s")  # every sealed bid has one length, so its size tells nothing
_RESERVE = struct.Struct(">q32s")
_NONE = -(2**63)


class Opening(NamedTuple):
    """The secret part of one decided bid: what was asked, and what the answer said besides the event."""

    amount: int
    currency: str
    rules: str
    nonce: str
    ask: int | None
    headroom: int | None


class SaleVault:
    """Seals and opens what belongs to one sale. Each cipher text is bound to its place, so rows cannot be swapped."""

    def __init__(self, sale: str, key: bytes, house: AmountSeal) -> None:
        self._sale, self._house = sale, house
        self._cipher = AESGCM(key)

    def seal_bid(self, opening: Opening, lot: str, paddle: int, key: str) -> bytes:
        plain = _BID.pack(
            opening.amount,
            _NONE if opening.ask is None else opening.ask,
            _NONE if opening.headroom is None else opening.headroom,
            bytes.fromhex(opening.nonce),
            opening.currency.encode(),
            bytes.fromhex(opening.rules),
        )
        iv = _luck(IV_BYTES)
        return iv + self._cipher.encrypt(iv, plain, self._place(lot, paddle, key))

    def open_bid(self, sealed: bytes, lot: str, paddle: int, key: str) -> Opening:
        plain = self._cipher.decrypt(sealed[:IV_BYTES], sealed[IV_BYTES:], self._place(lot, paddle, key))
        amount, ask, headroom, nonce, currency, rules = _BID.unpack(plain)
        return Opening(
            amount,
            currency.decode(),
            rules.hex(),
            nonce.hex(),
            None if ask == _NONE else ask,
            None if headroom == _NONE else headroom,
        )

    def seal_reserve(self, reserve: int, nonce: str, lot: str) -> bytes:
        iv = os.urandom(IV_BYTES)
        return iv + self._cipher.encrypt(
            iv, _RESERVE.pack(reserve, bytes.fromhex(nonce)), self._place(lot, 0, "reserve")
        )

    def open_reserve(self, sealed: bytes, lot: str) -> tuple[int, str]:
        plain = self._cipher.decrypt(sealed[:IV_BYTES], sealed[IV_BYTES:], self._place(lot, 0, "reserve"))
        reserve, nonce = _RESERVE.unpack(plain)
        return reserve, nonce.hex()

    def seal_plan(self, plain: bytes, plan: str, version: int) -> bytes:
        iv = os.urandom(IV_BYTES)
        return iv + self._cipher.encrypt(iv, plain, self._place(plan, version, "plan"))

    def open_plan(self, sealed: bytes, plan: str, version: int) -> bytes:
        return self._cipher.decrypt(sealed[:IV_BYTES], sealed[IV_BYTES:], self._place(plan, version, "plan"))

    def custodian(self) -> PrivateKey:
        """The house's key of a tender in plain mode."""
        return self._house.custodian(self._sale)

    def seal_held(self, plain: bytes, n: int) -> bytes:
        iv = os.urandom(IV_BYTES)
        return iv + self._cipher.encrypt(iv, plain, self._place("held", n, ""))

    def open_held(self, sealed: bytes, n: int) -> bytes:
        return self._cipher.decrypt(sealed[:IV_BYTES], sealed[IV_BYTES:], self._place("held", n, ""))

    def _place(self, lot: str, paddle: int, key: str) -> bytes:
        return f"{self._sale}|{lot}|{paddle}|{key}".encode()


class Vault:
    """The house's key: makes the data key of a new sale and unwraps it again, and seals amounts outside any sale."""

    def __init__(self, house_key: bytes) -> None:
        assert len(house_key) == KEY_BYTES, "the data key has 32 bytes"
        self._wrap = AESGCM(hmac.digest(house_key, b"pavilion/sale-keys/v1", hashlib.sha256))
        self.amounts = AmountSeal(house_key)

    def new_sale(self, sale: str) -> tuple[SaleVault, bytes]:
        """The vault of a new sale, and its key as it may be stored."""
        key, iv = os.urandom(KEY_BYTES), os.urandom(IV_BYTES)
        return SaleVault(sale, key, self.amounts), iv + self._wrap.encrypt(iv, key, sale.encode())

    def fits(self, sale: str, wrapped: bytes) -> bool:
        """Whether the sale's key was wrapped by this vault."""
        try:
            self.of_sale(sale, wrapped)
        except InvalidTag:
            return False
        return True

    def of_sale(self, sale: str, wrapped: bytes) -> SaleVault:
        key = self._wrap.decrypt(wrapped[:IV_BYTES], wrapped[IV_BYTES:], sale.encode())
        return SaleVault(sale, key, self.amounts)


def new_nonce() -> str:
    return _luck(NONCE_BYTES).hex()


class _Luck:
    """Random bytes of the system, fetched many at a time: a call per bid would be a tenth of the bid's cost."""

    def __init__(self) -> None:
        self._store, self._at = b"", 0

    def __call__(self, count: int) -> bytes:
        if self._at + count > len(self._store):
            self._store, self._at = os.urandom(8192), 0
        start, self._at = self._at, self._at + count
        return self._store[start : self._at]


_luck = _Luck()
os.register_at_fork(after_in_child=_luck.__init__)  # type: ignore[misc]  # a forked process draws its own
