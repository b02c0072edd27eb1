"""Who signed an event: the signature holds for its issuer, its bytes and its days, and for nothing else."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from pavilion.kernel.ids import ulid
from pavilion.provenance import trust_table
from pavilion.provenance.issuers import NO_KEYS, IssuerKeys, SimulatedIssuers, signature_of
from pavilion.provenance.trust_models import IssuerKeyAct, KeyDeed, TrustAct, TrustDeed

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
DAY = NOW.date()
ISSUERS = SimulatedIssuers(b"a seed for tests")
EVENT = ISSUERS.sign({"t": "MINED", "at": "2026-01-12", "by": "kgale", "cc": "BW", "out": {"R": 2650}})
KEYS = IssuerKeys([ISSUERS.row("kgale"), ISSUERS.row("tapi")])


def test_a_signature_holds_for_its_issuer_and_says_on_which_days_its_key_does():
    assert signature_of(EVENT, KEYS) == {"ok": True, "key_from": "2000-01-01", "key_to": None}


@pytest.mark.parametrize(
    "change",
    [
        {"cc": "ZA"},
        {"by": "tapi"},
        {"issuer": "tapi"},
        {"more": 1},
        {"sig": None},
        {"sig": {**EVENT["sig"], "kid": "tapi#1"}},
        {"sig": {**EVENT["sig"], "value": EVENT["sig"]["value"][:-1]}},
        {"sig": {**EVENT["sig"], "value": EVENT["sig"]["value"] + "\n"}},
        {"sig": {**EVENT["sig"], "also": 1}},
        {"sig": {"kid": ["kgale#1"], "value": 3}},
    ],
)
def test_whatever_is_changed_no_signature_is_left(change):
    assert signature_of({**EVENT, **change}, KEYS) == {"ok": False}
    assert signature_of(EVENT, NO_KEYS) == {"ok": False}


def test_a_revoked_key_holds_until_the_day_before():
    row = {**ISSUERS.row("kgale"), "revoked_at": "2026-01-12"}
    assert signature_of(EVENT, IssuerKeys([row]))["key_to"] == "2026-01-11"


def test_a_key_belongs_to_the_party_it_is_named_after():
    with pytest.raises(ValueError, match="named after"):
        IssuerKeys([{**ISSUERS.row("kgale"), "issuer": "tapi"}])
    with pytest.raises(ValueError, match="two keys"):
        IssuerKeys([ISSUERS.row("kgale"), {**ISSUERS.row("kgale"), "from": "2001-01-01"}])


ROW = {"issuer": "kgale", "types": ["MINED"], "from": "2020-01-01", "to": None}


async def adopted(session, **changes):
    said = {"proposed_by": "cato", "approved_by": "imre", "reason": "connected", "now": NOW} | changes
    await trust_table.adopt(session, trust=[ROW], keys=[ISSUERS.row("kgale")], **said)


def a_deed(deed, row, **changes):
    facts = {"issuer": "kgale", "types": ["MINED"], "cc": None, "lab": None, "from_day": "2020-01-01", "to_day": None}
    facts |= {"reason": "a reason", "proposed_by": "cato", "approved_by": "imre", "at": NOW, "until": None}
    return TrustAct(public_id=ulid(NOW), act=deed, row=row, **(facts | changes))


async def test_what_two_persons_adopted_is_trusted_and_only_once(sessions):
    for _ in range(2):
        async with sessions.begin() as session:
            await adopted(session)
    async with sessions() as session:
        trust, keys = await trust_table.in_force(session, NOW)
        assert list(trust.rows("kgale", "MINED", DAY))
        assert not list(trust.rows("kgale", "POLISHED", DAY))
        assert signature_of(EVENT, keys)["ok"]
        assert len((await session.scalars(trust_table.select(TrustAct))).all()) == 1


async def test_a_stop_by_one_person_lasts_until_its_end_and_a_removal_for_ever(sessions):
    async with sessions.begin() as session:
        await adopted(session)
        row = (await session.scalars(trust_table.select(TrustAct))).one().row
        until = NOW + timedelta(hours=24)
        session.add(a_deed(TrustDeed.STOP, row, approved_by=None, at=NOW, until=until))
        await session.flush()
        trusted = {}
        for hours in (1, 25):
            trust, _ = await trust_table.in_force(session, NOW + timedelta(hours=hours))
            trusted[hours] = bool(list(trust.rows("kgale", "MINED", DAY)))
        assert trusted == {1: False, 25: True}
        session.add(a_deed(TrustDeed.REMOVE, row))
        await session.flush()
        trust, _ = await trust_table.in_force(session, NOW + timedelta(hours=25))
        assert not list(trust.rows("kgale", "MINED", DAY))


async def test_the_database_refuses_a_row_of_one_person_and_a_stop_without_end(sessions):
    for deed, changes in (
        (TrustDeed.ADD, {"approved_by": "cato"}),
        (TrustDeed.ADD, {"approved_by": None}),
        (TrustDeed.REMOVE, {"approved_by": None}),
        (TrustDeed.STOP, {"approved_by": None}),
    ):
        with pytest.raises(DBAPIError):
            async with sessions.begin() as session:
                session.add(a_deed(deed, "R", **changes))
    with pytest.raises(DBAPIError):
        async with sessions.begin() as session:
            facts = {
                "issuer": "kgale",
                "kid": "kgale#1",
                "public": "00" * 32,
                "from_day": "2020-01-01",
                "hosted": False,
            }
            session.add(
                IssuerKeyAct(act=KeyDeed.ADD, reason="r", proposed_by="cato", approved_by="cato", at=NOW, **facts)
            )
