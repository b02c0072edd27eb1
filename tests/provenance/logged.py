"""A log with something in it, its key and its witnesses, for tests of whoever reads or watches it."""

from pavilion.kernel.signing import COSIGNER, SigningKey
from pavilion.kernel.tlog import Witness, parse_policy, policy_text
from pavilion.provenance import log
from pavilion.provenance.log import Leaf, LogSigner
from tests.make import NOON

SEED = b"a log's seed that all may know!!"
SIGNER = LogSigner.of("pavilion.example", SEED)
KGALE, HOUSE = "did:web:pavilion.example:did:kgale", "did:web:pavilion.example"
WITNESS_KEYS = [SigningKey(f"w{k}.example", bytes([k]) * 32, COSIGNER) for k in (1, 2, 3)]


def leaves(count=1, start=0, issuer=KGALE, kind="event"):
    return [Leaf(kind, f"STONE/{start + k}", b'{"n":%d}' % (start + k), issuer) for k in range(count)]


def signer_with(urls, quorum=2, address="http://127.0.0.1/log"):
    """The log's signer where these addresses are its witnesses."""
    witnesses = [
        Witness(key.name.partition(".")[0], key.verifier, url) for key, url in zip(WITNESS_KEYS, urls, strict=False)
    ]
    return LogSigner(SIGNER.key, parse_policy(policy_text(SIGNER.key.verifier, address, witnesses, quorum)))


async def appended(sessions, count=1, start=0, now=NOON, **said):
    async with sessions.begin() as session:
        return await log.append(session, leaves(count, start, **said), now)


async def signed(sessions, now=NOON, signer=SIGNER):
    async with sessions.begin() as session:
        return await log.sign(session, signer, now)
