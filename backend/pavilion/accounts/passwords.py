"""Argon2id, off the event loop: one check costs tens of milliseconds on purpose."""

from anyio import to_thread
from pwdlib import PasswordHash

_HASHER = PasswordHash.recommended()
# Checked when nobody has the address, so that both answers take the same time: of chance bytes that nobody kept.
NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$9WWePr/gpQXGwAxOf8zbGw$i+gd2MiU4CCXODHY9l6zqySzQJxLtjTZllfxLGG9Xik"


def hash_now(password: str) -> str:
    return _HASHER.hash(password)


async def hashed(password: str) -> str:
    return await to_thread.run_sync(_HASHER.hash, password)


async def matches(password: str, password_hash: str | None) -> bool:
    fits = await to_thread.run_sync(_HASHER.verify, password, password_hash or NOBODY)
    return fits and password_hash is not None
