"""From settings to a log that runs: its key, its policy, its worker."""

from urllib.parse import urlsplit

import httpx2

from pavilion.kernel.cosigning import BadPolicy, parse_policy, policy_text
from pavilion.kernel.db import Sessions
from pavilion.kernel.signing import SigningKey
from pavilion.provenance.log import LogSigner
from pavilion.provenance.witnessing import Reply, Witnessing
from pavilion.settings import Environment, Settings

PATIENCE_S = 2.0
MOST_REPLY = 65_536
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def signer_of(settings: Settings) -> LogSigner:
    """The log's key with the policy of the house; BadPolicy when the file is none, or knows this log by another key."""
    key = SigningKey(f"{settings.host_name}/origin", bytes.fromhex(settings.log_key.get_secret_value()))
    address = f"{settings.public_url.rstrip('/')}/log"
    if settings.witness_policy is None:
        return LogSigner(key, parse_policy(policy_text(key.verifier, address)))
    try:
        policy = parse_policy(settings.witness_policy.read_text("utf-8"))
    except (OSError, UnicodeError) as fault:
        raise BadPolicy(f"{settings.witness_policy}: {fault}") from None
    if not policy.logs:
        policy = parse_policy(f"log {key.verifier} {address}\n{policy.text}")
    if all(log.key != key.verifier for log in policy.logs):
        raise BadPolicy(f"{settings.witness_policy}: it names logs, but not this house's {key.verifier}")
    return LogSigner(key, policy)


def witnessing_of(settings: Settings, sessions: Sessions) -> Witnessing:
    plain = settings.environment is not Environment.PRODUCTION
    return Witnessing(sessions, signer_of(settings), Caller(plain_on_loopback=plain))


class Caller:
    """Speaks to witnesses: https, or plain http on loopback where that is allowed; no redirects, small answers."""

    def __init__(self, *, plain_on_loopback: bool) -> None:
        self._plain = plain_on_loopback
        self._client = httpx2.AsyncClient(timeout=PATIENCE_S, follow_redirects=False, trust_env=False)

    async def __call__(self, url: str, body: bytes) -> Reply:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (self._plain and parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise ConnectionRefusedError(f"{url}: only https is called")
        try:
            async with self._client.stream("POST", url, content=body) as answer:
                read = bytearray()
                async for part in answer.aiter_bytes():
                    read += part
                    if len(read) > MOST_REPLY:
                        raise ConnectionAbortedError(f"{url}: too long an answer")
                return Reply(answer.status_code, bytes(read))
        except httpx2.HTTPError as fault:
            raise ConnectionError(f"{url}: {fault}") from None
