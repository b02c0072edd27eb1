"""DID documents: what the house says of its keys, and what it believes of others'."""

import asyncio
import json
from datetime import timedelta

import pytest

from pavilion.kernel.canon import canonical
from pavilion.provenance import did
from pavilion.provenance.proofs import BadCredential, Signer
from pavilion.provenance.registries.outbound import Outbound
from tests.make import NOON

HERE = "did:web:pavilion.example"
NEW = did.Key(f"{HERE}#passport-2027", Signer("", b"\2" * 32).public, "2027-01-01T00:00:00Z")
OLD = did.Key(f"{HERE}#passport-2026", Signer("", b"\1" * 32).public, "2026-01-01T00:00:00Z", "2027-01-31T00:00:00Z")


def test_a_key_is_listed_as_multikey_and_as_jwk_and_read_back_with_its_time():
    document = did.document(HERE, [OLD, NEW])
    assert [method["type"] for method in document["verificationMethod"]] == ["Multikey", "JsonWebKey"] * 2
    found = did.keys_in(did.served([OLD, NEW], HERE), HERE)
    assert found[NEW.kid] == NEW and found[OLD.kid] == OLD
    assert found[f"{NEW.kid}-jwk"].public == NEW.public
    assert document["verificationMethod"][0]["publicKeyMultibase"].startswith("z6Mk")


def test_a_key_is_good_only_in_its_time():
    assert did.is_good(OLD, "2026-04-01T00:00:00Z") and did.is_good(OLD, "2027-01-31T00:00:00Z")
    assert not did.is_good(OLD, "2025-12-31T23:59:59Z") and not did.is_good(OLD, "2027-02-01T00:00:00Z")
    assert not did.is_good(OLD._replace(revoked="2026-06-01T00:00:00Z"), "2026-07-01T00:00:00Z")
    assert did.is_good(NEW, "2040-01-01T00:00:00Z")


def test_a_revoked_key_stays_listed_and_asserts_nothing():
    revoked = OLD._replace(revoked="2026-06-01T00:00:00Z")
    document = did.document(HERE, [revoked])
    assert len(document["verificationMethod"]) == 2 and document["assertionMethod"] == []


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"no json",
        b'{"id":"did:web:pavilion.example","id":"x"}',
        canonical({**did.document(HERE, [NEW]), "id": "did:web:elsewhere.example"}),
        canonical({**did.document(HERE, [NEW]), "verificationMethod": None}),
        b" " * (did.MAX_DOCUMENT + 1),
    ],
)
def test_what_is_no_document_of_this_did_is_refused(body):
    with pytest.raises(BadCredential, match="KEY-PERIOD"):
        did.keys_in(body, HERE)


def test_keys_of_another_controller_or_not_for_assertions_are_not_taken():
    document = did.document(HERE, [OLD, NEW])
    document["assertionMethod"] = ["#passport-2027"]
    document["verificationMethod"][2]["controller"] = HERE
    assert set(did.keys_in(canonical(document), HERE)) == {NEW.kid}
    document["verificationMethod"][2]["controller"] = "did:web:elsewhere.example"
    assert did.keys_in(canonical(document), HERE) == {}


def test_addresses_of_did_web():
    assert did.address_of(HERE) == "https://pavilion.example/.well-known/did.json"
    assert did.address_of(did.party_of("kgale", HERE)) == "https://pavilion.example/did/kgale/did.json"
    assert did.address_of("did:web:localhost%3A8080") == "https://localhost:8080/.well-known/did.json"
    for wrong in ("did:key:z6Mk", "did:web:", "did:web:a/b", "did:web:user@host", "did:web:a:..%2f"):
        with pytest.raises(ValueError, match="did:web"):
            did.address_of(wrong)


class Host:
    """A host on the loopback that answers what it is told to."""

    def __init__(self) -> None:
        self.body, self.status, self.asked = b"", "200 OK", 0
        self.answering: list[asyncio.Task] = []

    async def __aenter__(self) -> "Host":
        self.server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        await asyncio.wait_for(asyncio.gather(*self.answering, return_exceptions=True), 5)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        self.answering.append(asyncio.current_task())
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 {self.status}\r\nContent-Length: {len(self.body)}\r\nConnection: close\r\n\r\n"
        try:
            writer.write(head.encode() + self.body)
            await writer.drain()
        finally:
            writer.transport.abort() if len(self.body) > 10_000 else writer.close()


async def test_a_host_is_asked_once_in_ten_minutes_and_its_last_good_copy_serves_when_it_is_silent():
    async with Host() as host:
        name = f"did:web:127.0.0.1%3A{host.port}"
        key = did.Key(f"{name}#1", NEW.public)
        host.body = did.served([key], name)
        resolver = did.Resolver(Outbound({"127.0.0.1"}, loopback=True), loopback=True)
        first = await resolver.resolve(name, NOON)
        assert first.keys(name)[key.kid] == key and len(first.sha256) == 64
        assert await resolver.resolve(name, NOON + timedelta(minutes=9)) is first and host.asked == 1
        host.status = "500 Down"
        assert await resolver.resolve(name, NOON + timedelta(minutes=11)) is first and host.asked == 2
        await resolver.outbound.close()


async def test_redirects_long_answers_and_hosts_not_named_are_refused():
    async with Host() as host:
        name = f"did:web:127.0.0.1%3A{host.port}"
        outbound = Outbound({"127.0.0.1"}, loopback=True)
        for status, body in (
            ("301 Moved", b""),
            ("200 OK", b" " * (did.MAX_DOCUMENT + 1)),
            ("200 OK", json.dumps({"id": "did:web:elsewhere.example"}).encode()),
        ):
            host.status, host.body = status, body
            with pytest.raises(BadCredential, match="KEY-PERIOD"):
                await did.Resolver(outbound, loopback=True).resolve(name, NOON)
        with pytest.raises(BadCredential):
            await did.Resolver(Outbound({"127.0.0.1"})).resolve(name, NOON)  # inside our own walls
        with pytest.raises(BadCredential):
            await did.Resolver(outbound, loopback=True).resolve("did:web:elsewhere.example", NOON)
        await outbound.close()
