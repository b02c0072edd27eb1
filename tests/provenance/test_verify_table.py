"""Every form in which evidence is handed in, offline and online: what is found of it, and that nothing which was not
decided reads as valid."""

import base64
import io
import json
from datetime import timedelta
from hashlib import sha256

import pytest
from pypdf import PdfWriter

from pavilion.bidding import receipt_checking
from pavilion.provenance import proofs, sdjwt, sharing, verifying
from pavilion.provenance.passport_models import Passport
from pavilion.provenance.verifying_forms import anchors_of
from tests.bidding.test_receipt_checking import SIGNER as HOUSE_OF_SALES
from tests.bidding.test_receipt_checking import receipt
from tests.provenance import sealed
from tests.provenance.sealed import BASE, NOW, SIGNER, STONE, STRANGER, Sealed

MADE = Sealed()
HOLDER = proofs.Signer("holder", b"h" * 32)
PINS = {"policy": sealed.policy().encode(), "did.json": sealed.did_document()}
GOOD = "VALID, grade A, as of 2026-04-01, witnesses 2 of 3"
SHOWN_AT = NOW + timedelta(minutes=1)
NOWHERE: dict[str, bytes] = {}
HOUSE = {
    f"{BASE}/.well-known/did.json": sealed.did_document(),
    f"{BASE}/passports/{STONE}/3/bundle": MADE.packed(),
    f"{BASE}/status/1": sealed.status_token(1),
    f"{BASE}/status/2": sealed.status_token(2),
}


def view(changes=(), *, signer=SIGNER, at=NOW, made=MADE, bound=True, holder=HOLDER):
    """What a holder shows of the sealed passport, as the house issues it."""
    raw = made.parts.passport
    row = Passport(stone=STONE, n=3, document=raw.decode(), sha256=sha256(raw).hexdigest())
    token = sdjwt.issue(
        sharing.open_claims(row, at) | dict(changes), {"plant": "Works", "years": 17}, signer, holder=holder.public
    )
    if not bound:
        return token.encode()
    return sdjwt.present(token, ["plant"], holder, audience="bank", nonce="1", now=SHOWN_AT).encode()


def paper():
    writer, data = PdfWriter(), io.BytesIO()
    writer.add_blank_page(100, 100)
    writer.add_attachment("passport.json", MADE.parts.passport)
    writer.add_attachment("passport.tlog-proof", MADE.parts.proofs["passport"][1])
    writer.write(data)
    return data.getvalue()


ENTRY, PROOF = MADE.parts.proofs["verdict"]
LOGGED = "VALID, verdict of 2026-04-01 by did:web:house.example, content not shown, witnesses 2 of 3"
RECEIPT = json.dumps(receipt()).encode()

FORMS = {"json": MADE.parts.passport, "jwt": MADE.parts.jwt, "sd-jwt": view(), "pdf": paper(), "bundle": MADE.packed()}

# form, pinned, house that answers (None: --offline) -> last line, exit code, and the lines STATUS, INCLUSION, WITNESS
TABLE = [
    ("json", "did", None, "NOT DECIDED: STATUS", 2, "skip skip -"),
    ("json", "", None, "NOT DECIDED: PROOF-DI", 2, "skip skip -"),
    ("json", "did", NOWHERE, "NOT DECIDED: STATUS", 2, "skip skip -"),
    ("json", "", HOUSE, GOOD, 0, "ok ok ok"),
    ("jwt", "did", None, "NOT DECIDED: STATUS", 2, "skip skip -"),
    ("jwt", "", None, "NOT DECIDED: PROOF-JWT", 2, "skip skip -"),
    ("jwt", "did", NOWHERE, "NOT DECIDED: STATUS", 2, "skip skip -"),
    ("jwt", "", HOUSE, GOOD, 0, "ok ok ok"),
    ("pdf", "did", None, "NOT DECIDED: STATUS", 2, "skip ok -"),
    ("pdf", "did policy", None, "NOT DECIDED: STATUS", 2, "skip ok ok"),
    ("pdf", "did policy", NOWHERE, "NOT DECIDED: STATUS", 2, "skip ok ok"),
    ("pdf", "", HOUSE, GOOD, 0, "ok ok ok"),
    ("sd-jwt", "did", None, "NOT DECIDED: STATUS", 2, "skip skip -"),
    ("sd-jwt", "", None, "NOT DECIDED: PROOF-JWT", 2, "- - -"),
    ("sd-jwt", "did", NOWHERE, "NOT DECIDED: STATUS", 2, "skip skip -"),
    ("sd-jwt", "", NOWHERE, "NOT DECIDED: PROOF-JWT", 2, "- - -"),
    ("sd-jwt", "", HOUSE, GOOD, 0, "ok ok ok"),
    ("sd-jwt", "did policy", HOUSE, GOOD, 0, "ok ok ok"),
    ("bundle", "", None, GOOD, 0, "ok ok ok"),
    ("bundle", "did policy", None, GOOD, 0, "ok ok ok"),
    ("bundle", "", NOWHERE, GOOD, 0, "ok ok ok"),
    ("bundle", "policy", HOUSE, GOOD, 0, "ok ok ok"),
]  # fmt: skip


def examined(data, pins="", house=NOWHERE, *, now=NOW, entry=None):
    names = {"did": "did.json", "policy": "policy"}
    anchors = anchors_of({names[one]: PINS[names[one]] for one in pins.split()})
    resolver = None if house is None else house.get
    return verifying.verify(data, policy=anchors, offline=house is None, now=now, resolver=resolver, entry=entry)


def state(report, name):
    return next((line.state for line in report.lines if line.name == name), "-")


@pytest.mark.parametrize(("form", "pins", "house", "verdict", "code", "states"), TABLE)
def test_what_is_found_of_each_form(form, pins, house, verdict, code, states):
    report = examined(FORMS[form], pins, house)
    assert (report.verdict, report.exit) == (verdict, code), str(report)
    assert " ".join(state(report, name) for name in ("STATUS", "INCLUSION", "WITNESS")) == states, str(report)


@pytest.mark.parametrize("house", [None, NOWHERE, HOUSE])
@pytest.mark.parametrize("form", sorted(FORMS))
def test_nothing_reads_as_valid_while_its_status_its_log_or_its_witnesses_are_open(form, house):
    for pins in ("", "did", "policy", "did policy"):
        report = examined(FORMS[form], pins, house)
        decided = [state(report, name) for name in ("STATUS", "LEAF", "INCLUSION", "CHECKPOINT", "WITNESS")]
        assert report.verdict.startswith("VALID") == (report.exit == 0) == (decided == ["ok"] * 5), str(report)


@pytest.mark.parametrize(
    ("pins", "entry", "verdict", "code"),
    [
        ("policy", ENTRY, LOGGED, 0),
        ("policy", None, "NOT DECIDED: LEAF", 2),
        ("", ENTRY, "NOT DECIDED: CHECKPOINT", 2),
        ("policy", ENTRY.replace(b"verdict", b"outcome"), "NOT VALID: LEAF", 1),
    ],
)
def test_a_proof_of_the_log_says_that_something_was_logged_and_that_it_was_not_shown(pins, entry, verdict, code):
    for house in (None, HOUSE):
        report = examined(PROOF, pins, house, entry=entry)
        assert (report.verdict, report.exit) == (verdict, code)


def test_a_proof_with_its_passport_is_asked_what_the_passport_is_asked():
    proof = MADE.parts.proofs["passport"][1]
    report = examined(proof, "did policy", None, entry=MADE.parts.passport)
    assert (report.verdict, state(report, "WITNESS")) == ("NOT DECIDED: STATUS", "ok")
    assert examined(proof, "", HOUSE, entry=MADE.parts.passport).verdict == GOOD


@pytest.mark.parametrize(
    ("keys", "verdict", "code"),
    [
        ((HOUSE_OF_SALES.verifier,), "VALID, bid.accepted recorded as 2 in sale S-1", 0),
        ((), "NOT DECIDED: CHECKPOINT", 2),
    ],
)
def test_the_receipt_of_a_bid_is_valid_under_a_pinned_key_alone(keys, verdict, code):
    evidence = verifying.evidence_of(RECEIPT)
    report = receipt_checking.check(evidence.receipt, keys)
    assert (report.verdict, report.exit) == (verdict, code)


# -- what a holder shows ----------------------------------------------------------------------------------------------


def test_the_bundle_of_another_passport_does_not_vouch_for_what_is_shown():
    other = Sealed(created="2026-04-01T11:00:00Z").packed()
    report = examined(view(), house=HOUSE | {f"{BASE}/passports/{STONE}/3/bundle": other})
    assert report.verdict == "NOT VALID: SCHEMA" and "passport" in str(report)


@pytest.mark.parametrize("changes", [{"grade": "B"}, {"verdict": "REVIEW"}, {"status": []}, {"log": {}}])
def test_a_token_that_says_something_else_than_its_passport_is_false(changes):
    assert examined(view(changes), house=HOUSE).verdict == "NOT VALID: SCHEMA"


@pytest.mark.parametrize("changes", [{"sub": "elsewhere"}, {"version": "3"}, {"version": 0}, {"sub": None}])
def test_a_token_that_names_no_passport_stays_open(changes):
    assert examined(view(changes), house=HOUSE).verdict == "NOT DECIDED: STATUS"


@pytest.mark.parametrize("number", [1, 2])
def test_what_is_shown_of_a_revoked_or_suspended_passport_is_false(number):
    lists = {one: sealed.status_token(one, (4711,) if one == number else ()) for one in (1, 2)}
    house = HOUSE | {f"{BASE}/passports/{STONE}/3/bundle": MADE.packed(status=lists)}
    report = examined(view(), house=house)
    assert report.verdict == "NOT VALID: STATUS"


def test_what_nobody_signed_for_this_occasion_is_not_called_valid():
    report = examined(view(bound=False), house=HOUSE)
    assert (report.verdict, report.exit) == ("NOT DECIDED: HOLDER", 2)
    assert "for bank at 2026-04-01 12:01 UTC" in str(examined(view(), house=HOUSE))
    thief = proofs.Signer("thief", b"t" * 32)
    token, *rest = view().decode().split("~")
    stolen = "~".join([token, *rest[:-1], view(holder=thief).decode().split("~")[-1]])
    assert examined(stolen.encode(), house=HOUSE).verdict == "NOT VALID: HOLDER"


@pytest.mark.parametrize(
    ("validity", "verdict"),
    [
        ({"valid_to": "2026-03-31T00:00:00Z"}, "NOT VALID: KEY-PERIOD"),
        ({"valid_from": "2026-04-02T00:00:00Z"}, "NOT VALID: KEY-PERIOD"),
        ({"revoked": "2026-03-31T00:00:00Z"}, "NOT VALID: KEY-PERIOD"),
        ({"revoked": "2026-05-01T00:00:00Z"}, "NOT DECIDED: KEY-PERIOD"),
    ],
)
def test_a_view_is_held_to_the_days_of_its_key(validity, verdict):
    report = examined(view(), house=HOUSE | {f"{BASE}/.well-known/did.json": sealed.did_document(**validity)})
    assert report.verdict == verdict, str(report)


def test_a_view_signed_by_another_key_or_changed_is_false():
    assert examined(view(signer=STRANGER), house=HOUSE).verdict == "NOT VALID: PROOF-JWT"
    shown = view().decode()
    forged = base64.urlsafe_b64encode(b'["AAAA","plant","Other"]').decode()
    assert examined(shown.replace(shown.split("~")[1], forged).encode(), house=HOUSE).verdict == "NOT VALID: PROOF-JWT"


# -- what came along and could not be decided --------------------------------------------------------------------------


def test_a_name_beside_ours_whose_key_is_unknown_leaves_the_answer_open():
    signer = proofs.Signer("did:web:jeweller.example#key", b"j" * 32)
    document = {
        "@context": ["https://www.w3.org/ns/credentials/v2", f"{BASE}/contexts/stone/v1"],
        "id": f"{BASE}/countersignatures/1",
        "type": ["VerifiableCredential", "StoneCountersignature"],
        "issuer": "did:web:jeweller.example",
        "credentialSubject": {"id": f"{BASE}/id/stone/{STONE}", "over": "00" * 32, "displayName": "Lumen"},
    }
    signed = proofs.canonical(proofs.sign_di(document, signer, "2026-04-01T12:00:00Z"))
    report = examined(MADE.packed(countersignatures={"1": signed}), house=None)
    assert (report.verdict, report.exit) == ("NOT DECIDED: COUNTERSIGN", 2)
