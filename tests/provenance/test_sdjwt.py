"""Selective disclosure, held to a public implementation in both directions."""

import json
from datetime import timedelta

import pytest
from jwcrypto.jwk import JWK
from sd_jwt.holder import SDJWTHolder
from sd_jwt.verifier import SDJWTVerifier

from pavilion.kernel.base64url import base64url, from_base64url
from pavilion.kernel.canon import canonical
from pavilion.provenance import proofs, sdjwt
from pavilion.provenance.proofs import BadCredential, Signer
from tests.make import NOON

ISSUER = Signer("did:web:pavilion.example#passport-2026", b"\1" * 32)
HOLDER = Signer("did:web:pavilion.example:did:jeweller#1", b"\2" * 32)
OPEN = {"iss": "did:web:pavilion.example", "vct": "x", "verdict": "VERIFIED", "version": 3}
HIDDEN = {"cutter_name": "A. Peeters", "cutter_years": 27, "kp_numbers": ["BW004321"], "plant": "Antwerp, 安特卫普"}
TO = {"audience": "https://bank.example", "nonce": "n-1"}


def issued() -> str:
    return sdjwt.issue(OPEN, HIDDEN, ISSUER, holder=HOLDER.public)


def shown(*names: str, **how) -> str:
    return sdjwt.present(issued(), names, HOLDER, **{**TO, "now": NOON, **how})


def test_only_what_the_holder_chose_is_shown():
    found = sdjwt.verify(shown("cutter_years", "plant"), ISSUER.public, now=NOON, **TO)
    assert found.claims == {**OPEN, "cutter_years": 27, "plant": "Antwerp, 安特卫普"}
    assert (found.disclosed, found.kid, found.holder, found.bound) == (
        {"cutter_years", "plant"},
        ISSUER.kid,
        HOLDER.public,
        True,
    )
    assert sdjwt.names_in(issued()) == list(HIDDEN)
    assert "Peeters" not in str([from_base64url(part) for part in shown("plant").split("~")[1:-1]])


@pytest.mark.parametrize(("hidden", "digests"), [(0, 0), (1, 8), (7, 8), (8, 8), (9, 16)])
def test_decoys_hide_how_many_claims_there_are(hidden, digests):
    token = sdjwt.issue(OPEN, {f"c{n}": n for n in range(hidden)}, ISSUER, holder=HOLDER.public).split("~")[0]
    payload = proofs.verify_jwt(token, ISSUER.public, sdjwt.TYP).document
    assert len(set(payload["_sd"])) == digests and payload["_sd"] == sorted(payload["_sd"])


def test_every_salt_is_its_own_and_equal_claims_look_different():
    first, second = issued(), issued()
    assert not set(first.split("~")[1:-1]) & set(second.split("~")[1:-1])
    salts = [json.loads(from_base64url(part))[0] for part in first.split("~")[1:-1]]
    assert len(set(salts)) == len(HIDDEN) and {len(from_base64url(salt)) for salt in salts} == {16}


@pytest.mark.parametrize(
    "how",
    [
        {"audience": "https://other.example"},
        {"nonce": "n-2"},
        {"now": NOON + sdjwt.AGE + timedelta(seconds=1)},
        {"now": NOON - timedelta(minutes=2)},
    ],
)
def test_a_presentation_holds_for_its_audience_its_question_and_five_minutes(how):
    with pytest.raises(BadCredential, match="SD-JWT"):
        sdjwt.verify(shown("plant"), ISSUER.public, **{**TO, "now": NOON, **how})


def test_a_choice_cannot_be_changed_after_the_holder_signed():
    whole, some = shown("plant", "cutter_name"), issued()
    token, first, second, binding = whole.split("~")
    for changed in (
        "~".join([token, first, binding]),
        "~".join([token, second, first, binding]),
        "~".join([token, first, second, some.split("~")[1], binding]),
        "~".join([token, first, first, binding]),
        whole[:-2] + ("AA" if whole[-2:] != "AA" else "BB"),
        whole.rpartition("~")[0] + "~",
        "~".join([token, first, second, binding, ""]),
    ):
        with pytest.raises(BadCredential):
            sdjwt.verify(changed, ISSUER.public, now=NOON, **TO)


def test_another_persons_key_presents_nothing():
    stranger = Signer("x", b"\3" * 32)
    with pytest.raises(BadCredential, match="does not hold"):
        sdjwt.verify(sdjwt.present(issued(), (), stranger, **TO, now=NOON), ISSUER.public, now=NOON, **TO)
    with pytest.raises(BadCredential):
        sdjwt.verify(shown(), stranger.public, now=NOON, **TO)


def test_what_is_no_presentation_is_refused():
    token = issued().split("~")[0]
    odd = base64url(canonical(["salt", "_sd", []]))
    for text in ("", "~", "a~b~", token, f"{token}~{odd}~", f"{token}~AA~", "é~", "a" * 600_000):
        with pytest.raises(BadCredential):
            sdjwt.verify(text, ISSUER.public)
    with pytest.raises(ValueError, match="own"):
        sdjwt.issue({"_sd": []}, {}, ISSUER, holder=HOLDER.public)


def jwk(signer: Signer, *, private: bool = False) -> JWK:
    d = {"d": base64url(signer.seed)} if private else {}
    return JWK(**proofs.jwk(signer.public), **d)


def test_a_public_library_reads_what_we_show(monkeypatch):
    monkeypatch.setattr("sd_jwt.verifier.DEFAULT_SIGNING_ALG", "EdDSA")  # it has no other way to be told
    verifier = SDJWTVerifier(shown("cutter_name"), lambda *_: jwk(ISSUER), TO["audience"], TO["nonce"])
    payload = verifier.get_verified_payload()
    assert payload["cutter_name"] == "A. Peeters" and payload["version"] == 3 and "plant" not in payload


def test_we_read_what_a_public_library_shows():
    holder = SDJWTHolder(issued())
    holder.create_presentation({"plant": True}, TO["nonce"], TO["audience"], jwk(HOLDER, private=True), "EdDSA")
    found = sdjwt.verify(holder.sd_jwt_presentation, ISSUER.public, **TO)
    assert found.disclosed == {"plant"} and found.bound
