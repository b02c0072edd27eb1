"""The two proofs of a credential, held to the printed example."""

import hashlib
import json
from copy import deepcopy
from pathlib import Path

import pytest

from pavilion.kernel.base64url import base64url, from_base64url
from pavilion.kernel.canon import canonical
from pavilion.provenance import contexts, proofs
from pavilion.provenance.proofs import BadCredential, Signer

EXAMPLE = json.loads((Path(__file__).parents[1] / "vectors" / "passport-example.json").read_text())
PASSPORT = EXAMPLE["passport"]
SIGNER = Signer(
    "did:web:pavilion.example#passport-2026", hashlib.sha256(b"pavilion passport example, not a secret").digest()
)


def test_the_example_has_the_key_the_hashes_and_the_signature_it_says():
    document = proofs.unproved(PASSPORT)
    config = {name: value for name, value in PASSPORT["proof"].items() if name != "proofValue"}
    assert proofs.multikey(SIGNER.public) == EXAMPLE["publicKeyMultibase"]
    assert proofs.config_hash(config).hex() == EXAMPLE["configHash"]
    assert proofs.document_hash(document).hex() == EXAMPLE["documentHash"]
    proved = proofs.verify_di(PASSPORT, proofs.from_multikey(EXAMPLE["publicKeyMultibase"]))
    assert (proved.kid, proved.created, proved.document) == (SIGNER.kid, "2026-04-01T00:00:00Z", document)


def test_signing_again_with_the_stated_seed_gives_the_same_bytes():
    signed = proofs.sign_di(proofs.unproved(PASSPORT), SIGNER, PASSPORT["proof"]["created"])
    assert canonical(signed) == canonical(PASSPORT)


def test_both_proofs_are_over_the_same_document():
    document = proofs.unproved(PASSPORT)
    jwt = proofs.sign_jwt(document, SIGNER)
    assert proofs.verify_jwt(jwt, SIGNER.public) == (document, SIGNER.kid, None)
    header = json.loads(from_base64url(jwt.split(".")[0]))
    assert header == {"alg": "EdDSA", "kid": SIGNER.kid, "typ": "vc+jwt"}


@pytest.mark.parametrize("member", ["type", "cryptosuite", "created", "verificationMethod", "proofPurpose"])
def test_a_proof_with_another_member_does_not_hold(member):
    changed = deepcopy(PASSPORT)
    changed["proof"][member] += "x"
    with pytest.raises(BadCredential, match="PROOF-DI"):
        proofs.verify_di(changed, SIGNER.public)


def test_a_changed_fact_an_added_member_and_another_key_do_not_hold():
    richer, other = deepcopy(PASSPORT), deepcopy(PASSPORT)
    richer["credentialSubject"]["stone:origin"]["grade"] = "B"
    other["proof"]["nonce"] = "1"
    for secured, public in [(richer, SIGNER.public), (other, SIGNER.public), (PASSPORT, b"\1" * 32)]:
        with pytest.raises(BadCredential):
            proofs.verify_di(secured, public)
    with pytest.raises(BadCredential):
        proofs.verify_di({**PASSPORT, "proof": [PASSPORT["proof"]]}, SIGNER.public)


def test_no_byte_of_a_token_can_be_changed():
    jwt = proofs.sign_jwt({"id": "x", "n": 1}, SIGNER)
    for place in range(len(jwt)):
        for letter in ("A", "b", "-", ".", "="):
            if jwt[place] != letter:
                with pytest.raises(BadCredential):
                    proofs.verify_jwt(jwt[:place] + letter + jwt[place + 1 :], SIGNER.public)


def test_a_token_of_another_kind_is_refused():
    for header in ({"alg": "none"}, {"typ": "JWT"}, {"kid": 7}, {"crit": ["b64"]}):
        said = {"alg": "EdDSA", "kid": SIGNER.kid, "typ": "vc+jwt", **header}
        unsigned = f"{base64url(canonical(said))}.{base64url(b'{}')}"
        with pytest.raises(BadCredential):
            proofs.verify_jwt(f"{unsigned}.{base64url(SIGNER.sign(unsigned.encode()))}", SIGNER.public)


def test_what_is_too_long_twofold_or_no_object_is_no_credential():
    for data in (b'{"a":"' + b"x" * proofs.MAX_CREDENTIAL + b'"}', b'{"a":1,"a":2}', b"[]", b"\xff", b"[" * 99_999):
        with pytest.raises(BadCredential, match="SCHEMA"):
            proofs.read_credential(data)
    assert proofs.read_credential(canonical(PASSPORT)) == PASSPORT


def test_base58_has_one_spelling():
    for data in (b"", b"\0\0\1", bytes(range(64)), b"\xff" * 64):
        assert proofs.from_base58(proofs.base58(data)) == data
    assert proofs.base58(b"Hello World!") == "2NEpo7TZRRrLZSi2U"
    for text in ("0", "l", "x" * 201):
        with pytest.raises(ValueError, match="base58"):
            proofs.from_base58(text)
    assert proofs.from_jwk(proofs.jwk(SIGNER.public)) == SIGNER.public


def test_unknown_contexts_are_refused_and_ours_has_no_vocabulary_for_everything():
    contexts.check(PASSPORT)
    named = PASSPORT["@context"]
    house = "https://pavilion.example"
    assert contexts.of_passport(house) == named
    wrong = (
        named[1:],
        [*named, "https://elsewhere.example/contexts/v1"],
        [*named, named[0]],
        [*named[:2], "https://elsewhere.example/contexts/stone/v1"],
        [*named, {"@vocab": "https://elsewhere.example/"}],
        "https://www.w3.org/ns/credentials/v2",
    )
    for listed in wrong:
        with pytest.raises(BadCredential, match="CONTEXT"):
            contexts.check({**PASSPORT, "@context": listed})
    ours = json.loads(contexts.stone_context())["@context"]
    assert "@vocab" not in ours


def test_no_byte_of_a_passport_can_be_changed():
    data, tried = canonical(PASSPORT), 0
    for place in range(0, len(data), 5):
        changed = bytearray(data)
        changed[place] ^= 1 << (place % 7)
        with pytest.raises(BadCredential):
            read = proofs.read_credential(bytes(changed))
            contexts.check(read)
            proofs.verify_di(read, SIGNER.public)
        tried += 1
    assert tried > 1_000
