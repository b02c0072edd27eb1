"""From settings to a log that runs: its key, its policy, its worker."""

from urllib.parse import urlsplit

from pavilion.kernel.cosigning import BadPolicy, parse_policy, policy_text
from pavilion.kernel.db import Sessions
from pavilion.kernel.signing import SigningKey
from pavilion.provenance.log import LogSigner
from pavilion.provenance.registries.outbound import Outbound, Refused
from pavilion.provenance.witnessing import Reply, Witnessing
from pavilion.settings import Environment, Settings

PATIENCE_S = 2.0


def signer_of(settings: Settings) -> LogSigner:
    """The log's key with the policy of the house; BadPolicy when the file is none, or knows this log by another key."""
    key = SigningKey(f"{settings.host_name}/origin", bytes.fromhex(settings.log_key.get_secret_value()))
    address = f"{settings.public_url.rstrip('/')}/log"
    memory = settings.data_dir / "log.checkpoint"
    if settings.witness_policy is None:
        return LogSigner(key, parse_policy(policy_text(key.verifier, address)), memory)
    try:
        policy = parse_policy(settings.witness_policy.read_text("utf-8"))
    except (OSError, UnicodeError) as fault:
        raise BadPolicy(f"{settings.witness_policy}: {fault}") from None
    if not policy.logs:
        policy = parse_policy(f"log {key.verifier} {address}\n{policy.text}")
    if all(log.key != key.verifier for log in policy.logs):
        raise BadPolicy(f"{settings.witness_policy}: it names logs, but not this house's {key.verifier}")
    return LogSigner(key, policy, memory)


def witnessing_of(settings: Settings, signer: LogSigner, sessions: Sessions) -> Witnessing:
    hosts = {urlsplit(witness.url).hostname or "" for witness in signer.policy.witnesses}
    inside = settings.environment is not Environment.PRODUCTION
    return Witnessing(sessions, signer, Caller(Outbound(hosts, loopback=inside, timeout_s=PATIENCE_S)))


class Caller:
    """Speaks to witnesses through the house's one door."""

    def __init__(self, door: Outbound) -> None:
        self._door = door

    async def __call__(self, url: str, body: bytes) -> Reply:
        try:
            heard = await self._door.post(url, body)
        except Refused as fault:
            raise ConnectionRefusedError(f"{url}: {fault}") from None
        return Reply(heard.status, heard.body)
