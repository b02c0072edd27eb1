"""How the command asks strangers: one host that the reader or the passport names, https or this machine, shortly."""

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

from pavilion.provenance.registries.outbound import Heard, Outbound

TIMEOUT_S = 5
ACCEPT: Mapping[str, str] = {"Accept": "application/vc, application/zip;q=0.9, application/vc+jwt;q=0.8, */*;q=0.1"}
TOKEN: Mapping[str, str] = {"Accept": "application/vc+jwt"}


def fetched(url: str) -> bytes | None:
    """What stands at the address; None when nobody answers with it."""
    try:
        host = urlsplit(url).hostname
        if host is None:
            return None
        heard = asyncio.run(_asked(url, host))
    except (OSError, ValueError):
        return None
    return heard.body if heard.status == 200 else None


async def _asked(url: str, host: str) -> Heard:
    door = Outbound({host}, loopback=True, timeout_s=TIMEOUT_S)
    try:
        return await door.get(url, TOKEN if "/status/" in url else ACCEPT)
    finally:
        await door.close()
