"""Argon2id, off the event loop: one check costs tens of milliseconds on purpose."""

import secrets

from anyio import to_thread
from pwdlib import PasswordHash

_HASHER = PasswordHash.recommended()
# Checked when nobody has the address, so that both answers take the same time.
_NOBODY = _HASHER.hash(secrets.token_hex(16))


def hash_now(password: str) -> str:
    return _HASHER.hash(password)


async def hashed(password: str) -> str:
    return await to_thread.run_sync(_HASHER.hash, password)


async def matches(password: str, password_hash: str | None) -> bool:
    fits = await to_thread.run_sync(_HASHER.verify, password, password_hash or _NOBODY)
    return fits and password_hash is not None
