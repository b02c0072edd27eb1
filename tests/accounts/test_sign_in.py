"""Signing in and out; the session is a row that can be revoked."""

from datetime import timedelta

from pwdlib import PasswordHash
from sqlalchemy import select

from pavilion.accounts import passwords, queries, service
from pavilion.accounts.models import Person
from pavilion.accounts.rules import SESSION_IDLE, Permission, Role
from tests import make
from tests.make import NOON, PASSWORD

BROWSER = "a browser"


async def signed_in(sessions, password=PASSWORD, email="wen@lumen.example", now=NOON):
    async with sessions.begin() as session:
        return await service.sign_in(session, email=email, password=password, browser=BROWSER, now=now)


async def actor_by(sessions, token, now=NOON):
    async with sessions() as session:
        return await queries.actor_of(session, service.token_hash(token), now)


async def test_a_right_password_opens_a_session_with_the_persons_rights(sessions):
    async with sessions.begin() as session:
        await make.person(session, firm=await make.company(session))
    token = await signed_in(sessions, email=" WEN@lumen.example ")
    actor, _ = await actor_by(sessions, token)
    assert actor.may(Permission.BID_PLACE)
    assert not actor.is_staff


async def test_only_the_hash_of_the_token_is_kept(sessions):
    async with sessions.begin() as session:
        await make.person(session)
    token = await signed_in(sessions)
    async with sessions() as session:
        kept = (await session.scalars(select(service.SignInSession.token_sha256))).all()
    assert kept == [service.token_hash(token)]
    assert token not in kept


async def test_a_wrong_password_and_an_unknown_address_answer_alike(sessions):
    async with sessions.begin() as session:
        await make.person(session)
    assert await signed_in(sessions, password="wrong") is None
    assert await signed_in(sessions, email="nobody@nowhere.example") is None


async def test_after_too_many_failures_even_the_right_password_waits(sessions):
    async with sessions.begin() as session:
        await make.person(session)
    for _ in range(service.FREE_TRIES):
        await signed_in(sessions, password="wrong")
    assert await signed_in(sessions) is None
    assert await signed_in(sessions, now=NOON + timedelta(seconds=2)) is not None


async def test_a_revoked_session_is_nobodys(sessions):
    async with sessions.begin() as session:
        await make.person(session)
    token = await signed_in(sessions)
    actor, _ = await actor_by(sessions, token)
    async with sessions.begin() as session:
        await service.sign_out(session, session_id=actor.session_id, actor=actor, now=NOON)
    assert await actor_by(sessions, token) is None


async def test_an_idle_session_ends(sessions):
    async with sessions.begin() as session:
        await make.person(session)
    token = await signed_in(sessions)
    assert await actor_by(sessions, token, NOON + SESSION_IDLE - timedelta(seconds=1)) is not None
    assert await actor_by(sessions, token, NOON + SESSION_IDLE) is None


async def test_nobody_ends_another_persons_session(sessions):
    async with sessions.begin() as session:
        await make.person(session)
        stranger = await make.actor(session, "ada@nowhere.example", (Role.BUYER,))
    token = await signed_in(sessions)
    actor, _ = await actor_by(sessions, token)
    async with sessions.begin() as session:
        await service.sign_out(session, session_id=actor.session_id, actor=stranger, now=NOON)
    assert await actor_by(sessions, token) is not None


async def test_the_rights_of_a_company_rest_until_it_is_approved(sessions):
    async with sessions.begin() as session:
        await service.apply(
            session, company="Nouveau", country="AE", city="Dubai", tax_no="", name="Ada", email="ada@nowhere.example",
            password=PASSWORD, supplies=True, lang="en", now=NOON,
        )  # fmt: skip
    actor, _ = await actor_by(sessions, await signed_in(sessions, email="ada@nowhere.example"))
    assert not actor.may(Permission.BID_PLACE)
    assert not actor.may(Permission.STOCK_WRITE)
    assert not actor.may(Permission.PRICE_SEE)


async def test_a_disabled_person_is_turned_away(sessions):
    async with sessions.begin() as session:
        person = await make.person(session)
        person.disabled_at = NOON
    assert await signed_in(sessions) is None
    async with sessions() as session:
        assert (await session.scalar(select(Person.disabled_at))) == NOON


def test_an_address_that_nobody_has_costs_as_much_work_as_one_that_somebody_has():
    def work(hashed):
        return hashed.split("$")[1:4]  # the kind, its version, and memory, rounds and lanes

    assert work(passwords.NOBODY) == work(PasswordHash.recommended().hash("any"))
