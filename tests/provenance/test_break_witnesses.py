"""Of three witnesses one lies, one talks rubbish and one is down: nothing false is shown, and new stones wait."""

from sqlalchemy import select

from pavilion.kernel.cosigning import cosign
from pavilion.kernel.db import reading
from pavilion.kernel.signing import checkpoint_text, parse_note
from pavilion.provenance import jobs, log, log_queries, queries, service
from pavilion.provenance.log_models import LogCosignature
from pavilion.provenance.models import ExposedStone
from pavilion.provenance.registries.asking import Registries
from pavilion.provenance.witnessing import Reply, Witnessing
from tests.make import NOON, SECOND
from tests.provenance import stones
from tests.provenance.logged import WITNESS_KEYS, signer_with

URLS = [f"http://w{number}.example" for number in (1, 2, 3)]


class Company:
    """Three witnesses with their true keys, each in the mood it is given."""

    def __init__(self, *moods):
        self.moods = list(moods)

    async def __call__(self, url, body):
        number = next(place for place, known in enumerate(URLS) if url.startswith(known))
        note = parse_note(body.decode().partition("\n\n")[2])
        match self.moods[number]:
            case "down":
                raise OSError("gone")
            case "rubbish":
                return Reply(200, b"\xff\x00 \xe2\x80\x94 nothing\n" * 20)
            case "lies":  # signs, under its own good key, another tree of the same size
                origin, size, *_ = note.text.split("\n")
                return self._signed(number, checkpoint_text(origin, int(size), b"\x13" * 32))
        return self._signed(number, note.text)

    def _signed(self, number, text):
        return Reply(200, cosign(text, WITNESS_KEYS[number], int(NOON.timestamp())).encode() + b"\n")


async def held(sessions, claim):
    async with reading(sessions) as session:
        standing = await queries.standing(session, claim.stone)
        shown = await session.get(ExposedStone, claim.stone)
        return standing.verdict, shown is not None, await log.covered(session), await log_queries.proof(session, 0)


async def signed(sessions):
    async with reading(sessions) as session:
        return set(await session.scalars(select(LogCosignature.witness)))


async def test_without_a_quorum_of_true_witnesses_a_stone_waits_and_is_shown_once_they_return(sessions, tmp_path):
    signer, them = signer_with(URLS), Company("lies", "rubbish", "down")
    registry, claim = stones.registry(tmp_path / "registry", (1, stones.chain(1))), stones.claim(1)
    asked = Witnessing(sessions, signer, them)
    async with sessions.begin() as session:
        (told,) = await service.confirm(session, claims=[claim], registry=registry, now=NOON, log=signer)
    assert told.verdict == "pending"
    now = NOON
    for moods in (("lies", "rubbish", "down"), ("lies", "lies", "rubbish"), ("lies", "well", "down")):
        them.moods, now = list(moods), now + 120 * SECOND
        await asked.tick(now)
        await jobs.retry_pending(sessions, Registries.of(registry), now, log=signer)
        assert await held(sessions, claim) == ("pending", False, 0, None), moods
        assert WITNESS_KEYS[0].name not in await signed(sessions), "the lie is kept nowhere"
    them.moods, now = ["lies", "well", "well"], now + 120 * SECOND
    await asked.tick(now)
    await jobs.retry_pending(sessions, Registries.of(registry), now, log=signer)
    verdict, shown, covered, proof = await held(sessions, claim)
    assert (verdict, shown) == ("verified", True) and covered > 0
    assert await signed(sessions) == {key.name for key in WITNESS_KEYS[1:]}
    assert WITNESS_KEYS[0].name not in proof and all(key.name in proof for key in WITNESS_KEYS[1:])
