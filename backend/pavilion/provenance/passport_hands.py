"""Who holds the house's key for passports: a seed that the house was given, or a command in front of a key that never
leaves its place (a KMS, a token, another machine)."""

import shlex
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from pavilion.kernel.errors import Refusal
from pavilion.provenance.proofs import Secret, holds
from pavilion.settings import Settings

TIMEOUT_S: Final = 10


class HandFailed(Refusal):
    """The command did not sign, or not with the key it named; `why` is for the operator."""

    status, code = 503, "passport_hand_failed"


@dataclass(frozen=True, slots=True)
class Command:
    """`COMMAND public` prints the Ed25519 public key, `COMMAND sign` the signature over the bytes it is given
    on its standard input, both in hexadecimal. It is started without a shell."""

    argv: tuple[str, ...]

    @property
    def public(self) -> bytes:
        return _public(self.argv)

    def sign(self, data: bytes) -> bytes:
        """A signature that holds; HandFailed otherwise, so that nothing wrong is ever given out."""
        signature = _answer(self.argv, "sign", data, 64)
        if not holds(self.public, signature, data):
            raise HandFailed(why=f"{self.argv[0]}: the signature does not hold under the key it names")
        return signature


def of(settings: Settings) -> Secret | None:
    """What signs the house's passports; None in a house that has no key for them."""
    if settings.passport_signer:
        return Command(tuple(shlex.split(settings.passport_signer)))
    seed = settings.passport_key.get_secret_value()
    return bytes.fromhex(seed) if seed else None


@lru_cache(maxsize=8)
def _public(argv: tuple[str, ...]) -> bytes:
    return _answer(argv, "public", b"", 32)


def _answer(argv: tuple[str, ...], verb: str, data: bytes, length: int) -> bytes:
    try:
        ran = subprocess.run([*argv, verb], input=data, capture_output=True, timeout=TIMEOUT_S, check=True)  # noqa: S603
        found = bytes.fromhex(ran.stdout.decode("ascii").strip())
    except (OSError, subprocess.SubprocessError, ValueError) as fault:
        raise HandFailed(why=f"{argv[0]} {verb}: {type(fault).__name__}") from None
    if len(found) != length:
        raise HandFailed(why=f"{argv[0]} {verb}: {len(found)} bytes instead of {length}")
    return found
