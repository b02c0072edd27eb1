"""Nonsense from a registry is never believed: any byte changed, any value of another kind, anybody else's answer."""

import base64
import json
from copy import deepcopy

import pytest

from pavilion.provenance.issuers import key_of
from pavilion.provenance.registries import connecting, questions
from pavilion.provenance.registries.lines import HttpLine
from pavilion.provenance.registries.outbound import Heard
from pavilion.provenance.registries.port import NAMES, PRODUCERS, Claim, Reason, Status, plain_bytes
from pavilion.provenance.registries.world import World
from tests.make import NOON
from tests.provenance import simulated, stones

KEY = key_of(b"fuzz", "registry")
CLAIMS = {
    "own-production": Claim("own-production", stones.origin_id(1)),
    "shared-producer": Claim("shared-producer", simulated.SHARED),
    "match": Claim("match", stones.origin_id(1)),
    "laboratory": Claim("laboratory", "GIA:6100000001"),
    "kp": Claim("kp", "BW000001"),
    "rjc": Claim("rjc", "0000 2222"),
    "warranty": Claim("warranty", "manu"),
    "sanctions": Claim("sanctions", "parties", {"manu": "Manu Works"}),
}


class Wire:
    """The end of the line: the bytes it carries are the world's, unless they are changed on the way."""

    def __init__(self, world, name):
        self.world, self.name = world, name
        self.change = None  # of the signed bytes
        self.rewrite = None  # of the document, before it is signed
        self.body = b""

    async def get(self, url, headers):
        return self._carry(url, None)

    async def post(self, url, content, headers):
        return self._carry(url, json.loads(content))

    def _carry(self, url, content):
        path = url.removeprefix("https://r.example/")
        told = self.world.answer(self.name, path, content)
        first = path != "trust"
        document = self.rewrite(deepcopy(told.document)) if self.rewrite and first else told.document
        body = plain_bytes(document)
        signature = base64.b64encode(KEY.sign(body)).decode()
        if first:
            self.body = body
            body, signature = self.change(body, signature) if self.change else (body, signature)
        return Heard(told.status, {"x-signature": signature}, body)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(simulated.folder_of(tmp_path_factory.mktemp("fuzz"), 2))
    yield world
    world.close()


def asking(world, name):
    wire = Wire(world, name)
    line = HttpLine(wire, "https://r.example", KEY.public_key(), "key")
    return wire, lambda: connecting.adapter_for(name, line).confirm(CLAIMS[name], NOON)


@pytest.mark.parametrize("name", NAMES)
async def test_any_byte_changed_and_the_answer_is_not_believed(world, name):
    wire, ask = asking(world, name)
    assert (await ask()).status is Status.FOUND
    for place in range(len(wire.body)):
        wire.change = lambda body, sig, at=place: (body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :], sig)
        answer = await ask()
        assert (answer.status, answer.reason, answer.fields) == (Status.UNAVAILABLE, Reason.BAD_SIGNATURE, {})


@pytest.mark.parametrize("name", NAMES)
async def test_any_letter_of_the_signature_changed_and_the_answer_is_not_believed(world, name):
    wire, ask = asking(world, name)
    await ask()
    for place in range(88):
        wire.change = lambda body, sig, at=place: (body, sig[:at] + ("B" if sig[at] == "A" else "A") + sig[at + 1 :])
        assert (await ask()).reason is Reason.BAD_SIGNATURE  # also where the bits of the letter mean nothing
    for signature in ("", "x", "é", "A" * 4000):
        wire.change = lambda body, sig, said=signature: (body, said)
        assert (await ask()).reason is Reason.BAD_SIGNATURE


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"7", b"{", b'"x"', b"\xff", b'{"a":1,"a":2}', b'{"a":1.5}'])
async def test_rubbish_under_a_good_signature_is_no_answer(world, name, body):
    wire, ask = asking(world, name)
    wire.change = lambda *_: (body, base64.b64encode(KEY.sign(body)).decode())
    answer = await ask()
    assert (answer.status, answer.reason) == (Status.UNAVAILABLE, Reason.SCHEMA)


async def test_documents_too_deep_are_no_answer(world):
    deep = b"[" * 100_000 + b"]" * 100_000
    wire, ask = asking(world, "kp")
    wire.change = lambda *_: (deep, base64.b64encode(KEY.sign(deep)).decode())
    assert (await ask()).reason is Reason.SCHEMA


def places_of(document, before=()):
    """Every place in a document that holds a value, but not inside the signed events."""
    for name, value in document.items() if isinstance(document, dict) else enumerate(document):
        yield (*before, name)
        if isinstance(value, dict | list) and name != "events":
            yield from places_of(value, (*before, name))


STRANGE = (None, True, 7, -1, 10**40, "", "x", "2026-13-45", [], [None], {}, {"x": None}, "long" * 1000)


@pytest.mark.parametrize("name", NAMES)
async def test_values_of_another_kind_never_crash_and_never_pass_for_another_key(world, name):
    wire, ask = asking(world, name)
    whole = await ask()
    document = json.loads(wire.body)
    for place in places_of(document):
        for strange in STRANGE:

            def rewritten(said, place=place, strange=strange):
                inner = said
                for step in place[:-1]:
                    inner = inner[step]
                inner[place[-1]] = strange
                return said

            wire.rewrite = rewritten
            answer = await ask()
            if answer.status is Status.UNAVAILABLE:
                assert answer.reason is Reason.SCHEMA and not answer.fields
                continue
            plain_bytes(answer.fields)  # whatever is believed has a canonical form
            assert set(answer.fields) == set(whole.fields) or answer.differs
            told = next(questions.gathered(stones.claim(1), [(CLAIMS[name], answer)], whole.events))
            plain_bytes(told.fields)


IDENTITY = {
    "own-production": ("origin_id",),
    "shared-producer": ("id",),
    "match": ("id",),
    "laboratory": ("data", "getReport", "report_number"),
    "kp": ("no",),
    "rjc": ("no",),
    "warranty": ("id",),
}


@pytest.mark.parametrize("name", IDENTITY)
async def test_the_answer_about_something_else_is_no_answer(world, name):
    wire, ask = asking(world, name)

    def of_another(said):
        inner = said
        *steps, last = IDENTITY[name]
        for step in steps:
            inner = inner[step]
        inner[last] = f"{inner[last]}0"
        return said

    wire.rewrite = of_another
    answer = await ask()
    assert (answer.status, answer.reason) == (Status.UNAVAILABLE, Reason.SCHEMA)


@pytest.mark.parametrize("name", set(NAMES) - {"laboratory"})
async def test_that_something_is_unknown_must_be_said_of_the_thing_asked(world, name):
    class Elsewhere(Wire):
        def _carry(self, url, content):
            body = plain_bytes({"error": "unknown", "asked": "something/else", "simulated": True})
            return Heard(404, {"x-signature": base64.b64encode(KEY.sign(body)).decode()}, body)

    line = HttpLine(Elsewhere(world, name), "https://r.example", KEY.public_key())
    answer = await connecting.adapter_for(name, line).confirm(CLAIMS[name], NOON)
    assert (answer.status, answer.reason) == (Status.UNAVAILABLE, Reason.SCHEMA)


async def test_a_producer_that_hides_a_part_of_the_chain_is_not_heard(world):
    wire, ask = asking(world, "shared-producer")
    wire.rewrite = lambda said: {**said, "view": "own", "events": said["events"][1:]}
    assert (await ask()).reason is Reason.SCHEMA
    assert "shared-producer" in PRODUCERS


async def test_a_sanctions_list_that_has_run_out_is_no_list(world):
    wire, ask = asking(world, "sanctions")
    wire.rewrite = lambda said: {**said, "valid_until": "2026-01-01"}
    answer = await ask()
    assert (answer.status, answer.reason) == (Status.UNAVAILABLE, Reason.SCHEMA)
