"""What a verifier says of good and of bad evidence, and whom it believes."""

import base64
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from pypdf import PdfWriter
from typer.testing import CliRunner

from pavilion.cli import app
from pavilion.kernel.canon import canonical
from pavilion.kernel.clock import utc_now
from pavilion.kernel.signing import SigningKey
from pavilion.provenance import bundle, proofs, sdjwt, verifying
from pavilion.provenance.verifying_forms import Anchors, Unreadable, anchors_of
from tests.provenance import sealed
from tests.provenance.sealed import DID, HOST, NOW, SIGNER, STRANGER, WITNESSES, Sealed

ROOT = Path(__file__).parents[2]
PINNED = {"policy": sealed.policy().encode(), "did.json": sealed.did_document()}


def checked(data, *, now=NOW, pins=(), resolver=None, offline=True, entry=None):
    anchors = anchors_of({name: PINNED[name] for name in pins})
    return verifying.verify(data, policy=anchors, offline=offline, now=now, resolver=resolver, entry=entry)


def states(report):
    return {line.name: line.state for line in report.lines}


def fact(report, name):
    return next(line.said for line in report.lines if line.name == name)


# -- whom to believe --------------------------------------------------------------------------------------------------


def test_without_a_pin_the_bundles_own_keys_count_and_the_report_says_so_first():
    report = checked(Sealed().packed())
    assert (report.exit, report.verdict) == (0, "VALID, grade A, as of 2026-04-01, witnesses 2 of 3")
    assert str(report).startswith(
        "note KEYS: from the file itself, nobody else vouches for them: did:web:house.example"
    )
    assert sha256(SIGNER.public).hexdigest()[:16] in fact(report, "KEYS")


def test_a_pinned_log_vouches_for_the_passports_key():
    report = checked(Sealed().packed(), pins=["policy"])
    assert report.exit == 0 and "pinned" in fact(report, "KEYS")


def test_a_house_that_only_borrowed_the_name_passes_alone_and_fails_by_every_pin():
    """Everything in it is made by somebody else under this house's name, down to log and witnesses."""
    other = [SigningKey(key.name, sha256(key.name.encode()).digest(), 4) for key in WITNESSES]
    forged = Sealed(signer=STRANGER, log=SigningKey(f"{HOST}/origin", bytes(32)), cosigners=other[:2])
    policy = sealed.policy(witnesses=other, log=SigningKey(f"{HOST}/origin", bytes(32))).encode()
    data = forged.packed(policy=policy)
    alone = checked(data)
    assert alone.exit == 0 and sha256(STRANGER.public).hexdigest()[:16] in fact(alone, "KEYS")
    assert checked(data, pins=["policy"]).verdict == "NOT VALID: CHECKPOINT"
    assert checked(data, pins=["did.json"]).verdict == "NOT VALID: PROOF-DI"


def test_with_a_pinned_log_a_list_by_another_key_cannot_hide_a_revocation():
    """The attacker adds a key of its own beside the true one, and signs a clean list with it."""
    true = Sealed()
    extra = proofs.Signer(f"{DID}#other", bytes(32))
    from pavilion.provenance import did

    keys = [did.Key(one.kid, one.public, "2026-01-01T00:00:00Z") for one in (SIGNER, extra)]
    lists = {1: sealed.status_token(1, signer=extra), 2: sealed.status_token(2, signer=extra)}
    data = true.packed(dids={HOST: did.served(keys, DID)}, status=lists)
    assert checked(data, pins=["policy"]).verdict == "NOT DECIDED: STATUS"
    assert checked(data, pins=["policy", "did.json"]).verdict == "NOT DECIDED: STATUS"


def test_of_another_houses_log_nothing_is_decided():
    policy = sealed.policy(log=SigningKey("other.example/origin", bytes(32))).encode()
    report = verifying.verify(Sealed().packed(), policy=anchors_of({"p": policy}), offline=True, now=NOW)
    assert (report.exit, report.verdict) == (2, "NOT DECIDED: CHECKPOINT")


def test_a_page_that_speaks_for_one_house_believes_no_other():
    evidence = verifying.evidence_of(Sealed().packed())
    report = verifying.examine(evidence, Anchors(), now=NOW, offline=True, believe_own=False)
    assert report.exit == 2 and states(report)["PROOF-DI"] == "skip"


# -- what is false ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sealing", "changes", "code"),
    [
        ({}, {"status": {1: sealed.status_token(1, (4711,)), 2: sealed.status_token(2)}}, "STATUS"),
        ({}, {"status": {1: sealed.status_token(1), 2: sealed.status_token(2, (4711,))}}, "STATUS"),
        ({}, {"status": {1: sealed.status_token(2), 2: sealed.status_token(1)}}, "STATUS"),
        ({}, {"status": {1: sealed.status_token(1, signer=STRANGER), 2: sealed.status_token(2)}}, "STATUS"),
        ({"cosigners": WITNESSES[:1]}, {}, "WITNESS"),
        ({"cosigners": []}, {}, "WITNESS"),
        ({"signer": STRANGER}, {"dids": {HOST: sealed.did_document()}}, "PROOF-DI"),
        ({"created": "2025-12-31T23:59:59Z"}, {}, "KEY-PERIOD"),
        ({"created": "2026-04-02T12:00:01Z"}, {}, "KEY-PERIOD"),
        ({}, {"dids": {HOST: sealed.did_document(revoked="2026-03-01T00:00:00Z")}}, "KEY-PERIOD"),
        ({}, {"dids": {HOST: sealed.did_document(valid_to="2026-03-01T00:00:00Z")}}, "KEY-PERIOD"),
        ({}, {"jwt": proofs.sign_jwt(sealed.document([], "00" * 32), SIGNER).encode()}, "PROOF-JWT"),
        ({}, {"tables": {"law": b"{}"}}, "TABLES"),
        ({}, {"verdict": b"{}"}, "LEAF"),
        ({}, {"events": {0: b"{}", 1: canonical(sealed.EVENTS[1])}}, "LEAF"),
        ({}, {"inputs": {"00" * 32: b"{}"}}, "VERDICT"),
        ({}, {"dids": {HOST: b"rubbish"}}, "KEYS"),
    ],
)
def test_each_falsehood_is_named(sealing, changes, code):
    report = checked(Sealed(**sealing).packed(**changes), now=NOW + timedelta(days=2))
    assert (report.exit, report.verdict) == (1, f"NOT VALID: {code}"), str(report)


def test_what_was_signed_before_a_revocation_stays_good():
    data = Sealed().packed(dids={HOST: sealed.did_document(revoked="2026-05-01T00:00:00Z")})
    assert checked(data).exit == 0


@pytest.mark.parametrize("part", ["status", "proofs", "policy", "dids"])
def test_leaving_something_out_never_makes_valid(part):
    empty = b"quorum none\n" if part == "policy" else {}
    changes = {part: empty} | ({"events": {}} if part == "proofs" else {})
    report = checked(Sealed().packed(**changes))
    assert report.exit == 2 and report.verdict.startswith("NOT DECIDED: ")


def test_the_passport_is_held_to_its_days():
    data = Sealed().packed()
    assert checked(data, now=NOW - timedelta(days=1)).verdict == "NOT VALID: VALIDITY"
    assert checked(data, now=NOW.replace(year=2037)).verdict == "NOT VALID: VALIDITY"


def test_how_old_the_status_is_is_said():
    assert "3 h ago" in fact(checked(Sealed().packed(), now=NOW + timedelta(hours=3)), "STATUS")
    assert "30 days old" in fact(checked(Sealed().packed(), now=NOW + timedelta(days=30)), "STATUS")


def test_a_swapped_proof_or_the_proof_of_another_kind_is_seen():
    made = Sealed()
    swapped = made.parts.proofs | {"passport": made.parts.proofs["verdict"]}
    assert checked(made.packed(proofs=swapped)).verdict == "NOT VALID: LEAF"
    moved = made.parts.proofs | {"event-000": made.parts.proofs["event-001"]}
    assert checked(made.packed(proofs=moved)).verdict == "NOT VALID: LEAF"


def test_an_event_that_is_not_for_everyone_stays_closed_and_is_counted():
    made = Sealed()
    closed = made.parts.proofs | {"event-000": made.proof(0, shown=False)}
    report = checked(made.packed(proofs=closed, events={1: made.parts.events[1]}))
    assert report.exit == 0 and fact(report, "LEAF").startswith("3 commitments opened, 1 stay closed")


# -- forms ------------------------------------------------------------------------------------------------------------


def test_a_bare_passport_needs_a_key_and_says_what_it_could_not_ask():
    made = Sealed().parts
    assert checked(made.passport).verdict == "NOT DECIDED: PROOF-DI"
    report = checked(made.passport, pins=["did.json"])
    assert (report.exit, report.verdict) == (2, "NOT DECIDED: STATUS")
    assert states(report)["STATUS"] == states(report)["INCLUSION"] == "skip"
    assert checked(made.jwt, pins=["did.json"]).exit == 2
    assert checked(made.jwt[:-40] + b"AAAA" + made.jwt[-36:], pins=["did.json"]).exit == 1


def test_online_a_bare_passport_is_checked_with_the_bundle_its_issuer_serves():
    data, made, asked = Sealed().packed(), Sealed().parts, []

    def resolver(url):
        asked.append(url)
        return data

    report = checked(made.passport, resolver=resolver, offline=False)
    assert (report.exit, asked) == (0, [f"https://house.example/passports/{sealed.STONE}/3/bundle"])
    assert checked(made.jwt, resolver=resolver, offline=False).exit == 0
    other = Sealed(created="2026-04-01T11:00:00Z").parts.passport
    assert checked(other, resolver=resolver, offline=False).exit == 1
    silent = checked(made.passport, pins=["did.json"], resolver=lambda url: None, offline=False)
    assert (silent.exit, silent.verdict) == (2, "NOT DECIDED: STATUS")


def test_a_stale_list_is_asked_for_again_and_otherwise_counts_with_its_age():
    data, later = Sealed().packed(), NOW + timedelta(days=3)
    fresh = {"1": sealed.status_token(1, (4711,), later), "2": sealed.status_token(2, (), later)}
    revoked = checked(data, now=later, resolver=lambda url: fresh[url.rpartition("/")[2]], offline=False)
    assert revoked.verdict == "NOT VALID: STATUS"
    assert checked(data, now=later, resolver=lambda url: None, offline=False).exit == 0
    assert checked(data, now=NOW, resolver=pytest.fail, offline=False).exit == 0


def test_a_proof_and_its_entry_show_that_something_was_logged():
    entry, proof = Sealed().parts.proofs["verdict"]
    report = checked(proof, pins=["policy"], entry=entry)
    assert (
        report.verdict == "VALID, verdict of 2026-04-01 by did:web:house.example, content not shown, witnesses 2 of 3"
    )
    assert checked(proof, pins=["policy"]).verdict == "NOT DECIDED: LEAF"
    assert checked(proof, entry=entry).verdict == "NOT DECIDED: CHECKPOINT"
    made = Sealed().parts
    with_passport = checked(made.proofs["passport"][1], pins=["policy", "did.json"], entry=made.passport)
    assert (with_passport.verdict, states(with_passport)["WITNESS"]) == ("NOT DECIDED: STATUS", "ok")
    assert checked(proof, pins=["policy"], entry=entry.replace(b"verdict", b"outcome")).exit == 1


def test_a_paper_carries_its_passport_and_proof():
    made = Sealed().parts
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    writer.add_attachment("passport.json", made.passport)
    writer.add_attachment("passport.tlog-proof", made.proofs["passport"][1])
    paper = io.BytesIO()
    writer.write(paper)
    report = checked(paper.getvalue(), pins=["policy", "did.json"])
    assert (report.verdict, states(report)["WITNESS"]) == ("NOT DECIDED: STATUS", "ok")
    packed = Sealed().packed()
    asked = checked(paper.getvalue(), pins=["policy", "did.json"], resolver=lambda url: packed, offline=False)
    assert asked.verdict == "VALID, grade A, as of 2026-04-01, witnesses 2 of 3"
    with pytest.raises(Unreadable, match="PDF"):
        checked(paper.getvalue()[:300])


def test_what_a_holder_shows_is_checked_with_the_holders_signature():
    holder = proofs.Signer("holder", b"h" * 32)
    claims = {"iss": DID, "grade": "A", "iat": int(NOW.timestamp())}
    token = sdjwt.issue(claims, {"plant": "Works", "years": 17}, SIGNER, holder=holder.public)
    shown = sdjwt.present(token, ["plant"], holder, audience="bank", nonce="1", now=NOW)
    report = checked(shown.encode(), pins=["did.json"])
    assert (report.exit, report.verdict) == (2, "NOT DECIDED: STATUS")  # whether it was revoked, nobody told
    assert (states(report)["HOLDER"], fact(report, "PROOF-JWT")) == ("ok", "EdDSA; disclosed: plant")
    assert checked(shown.encode()).exit == 2
    asked = checked(shown.encode(), resolver=lambda url: sealed.did_document(), offline=False)
    assert (asked.exit, states(asked)["PROOF-JWT"]) == (2, "ok")
    broken = shown.replace(shown.split("~")[1], base64.urlsafe_b64encode(b'["AAAA","plant","Other"]').decode())
    assert checked(broken.encode(), pins=["did.json"]).exit == 1


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not a passport"),
        (b"hello", "not a passport"),
        (b"PK\x03\x04", "not a zip"),
        (b'{"a":1}', "neither a passport nor a receipt"),
        (b'{"@context":[],"credentialSubject":{},"credentialSubject":{}}', "stands twice"),
        (b'{"@context":' + b"[" * 40 + b"]" * 40 + b',"credentialSubject":{}}', "too deep"),
        (b'{"@context":[],"credentialSubject":"' + b"x" * 300_000 + b'"}', "longer than"),
        (b'{"@context":[],"credentialSubject":"\xff"}', "UTF-8"),
        (b"%PDF-1.7 nothing", "PDF"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(data, why):
    with pytest.raises(Unreadable, match=why):
        checked(data)


def test_another_spelling_of_the_same_passport_is_refused():
    passport = Sealed().parts.passport
    pretty = json.dumps(json.loads(passport), indent=1).encode()
    assert checked(pretty, pins=["did.json"]).verdict == "NOT VALID: SCHEMA"
    fraction = passport.replace(b'"mass_mct":1012', b'"mass_mct":1012.5')
    assert "fraction" in fact(checked(fraction, pins=["did.json"]), "SCHEMA")
    unknown = json.loads(passport)
    unknown["@context"].append("https://elsewhere.example/v1")
    assert checked(canonical(unknown), pins=["did.json"]).verdict == "NOT VALID: CONTEXT"


def test_the_printed_example_of_the_specification_holds_with_its_own_key():
    example = json.loads((ROOT / "tests/vectors/passport-example.json").read_text())
    kid = example["passport"]["proof"]["verificationMethod"]
    method = {"id": kid, "publicKeyMultibase": example["publicKeyMultibase"]}
    own = canonical({"id": kid.partition("#")[0], "assertionMethod": [kid], "verificationMethod": [method]})
    report = verifying.verify(
        canonical(example["passport"]), policy=anchors_of({"did.json": own}), offline=True, now=NOW
    )
    assert report.verdict == "NOT DECIDED: STATUS" and states(report)["PROOF-DI"] == "ok"


# -- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path):
    def put(name, data):
        (tmp_path / name).write_bytes(data)
        return str(tmp_path / name)

    return put


def test_the_command_prints_one_line_per_check_and_ends_with_the_exit_code(file):
    made = Sealed()
    good = CliRunner().invoke(app, ["verify", "--offline", file("b.zip", made.packed())])
    assert good.exit_code == 0 and good.stdout.splitlines()[-1].startswith(
        "VALID, grade A, as of 2026-04-01, witnesses"
    )
    assert all(line.split(" ")[0] in ("ok", "skip", "note") for line in good.stdout.splitlines()[:-1])
    as_json = CliRunner().invoke(app, ["verify", "--offline", "--json", file("b.zip", made.packed())])
    assert json.loads(as_json.stdout)["exit"] == 0 and json.loads(as_json.stdout)["lines"][0]["check"] == "KEYS"
    bad = CliRunner().invoke(app, ["verify", "--offline", file("c.zip", made.packed(tables={"law": b"{}"}))])
    assert (bad.exit_code, bad.stdout.splitlines()[-1]) == (1, "NOT VALID: TABLES")
    open_ = CliRunner().invoke(app, ["verify", "--offline", file("p.json", made.parts.passport)])
    assert (open_.exit_code, open_.stdout.splitlines()[-1]) == (2, "NOT DECIDED: PROOF-DI")
    assert CliRunner().invoke(app, ["verify", "--offline", file("x", b"hello")]).exit_code == 3
    assert CliRunner().invoke(app, ["verify", "--offline", "https://house.example/x"]).exit_code == 3
    pins = ["--policy", file("policy", PINNED["policy"]), "--policy", file("did.json", PINNED["did.json"])]
    pinned = CliRunner().invoke(app, ["verify", "--offline", file("b.zip", made.packed()), *pins])
    assert pinned.exit_code == 0 and "note KEYS: pinned" in pinned.stdout
    assert (
        CliRunner().invoke(app, ["verify", file("b.zip", made.packed()), "--policy", file("q", b"no")]).exit_code == 3
    )


def test_a_proof_finds_the_entry_that_lies_beside_it(file):
    entry, proof = Sealed().parts.proofs["passport"]
    file("passport.entry", entry)
    args = ["verify", "--offline", file("passport.tlog-proof", proof), "--policy", file("policy", PINNED["policy"])]
    assert CliRunner().invoke(app, args).exit_code == 0


GUARD = """
import socket, sys

def forbidden(*args, **kwargs):
    raise AssertionError("a socket was opened")

socket.socket = socket.create_connection = socket.getaddrinfo = forbidden
from typer.testing import CliRunner
from pavilion.cli import app

answer = CliRunner().invoke(app, sys.argv[1:])
print(answer.output)
loaded = {name.partition(".")[0] for name in sys.modules}
unwanted = {"sqlalchemy", "fastapi", "starlette", "pydantic_settings", "jinja2", "httpx2", "numpy"}
print("loaded:", sorted(loaded & unwanted))
print("from:", sys.modules["pavilion"].__file__)
raise SystemExit(answer.exit_code)
"""


def test_a_copied_package_verifies_without_a_house_a_database_or_a_socket(file, tmp_path):
    """As after `pip install pavilion` elsewhere: nothing of the checkout is on the path."""
    copied = tmp_path / "elsewhere"
    shutil.copytree(ROOT / "backend" / "pavilion", copied / "pavilion", ignore=shutil.ignore_patterns("__pycache__"))
    place = sysconfig.get_paths()["purelib"]
    script = f"import sys; sys.path[:0] = [{str(copied)!r}, {place!r}]\n{GUARD}"
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PAVILION", "PYTHON"))}
    made = Sealed()
    for name, data, code in (
        ("good.zip", made.packed(), 0),
        ("bad.zip", made.packed(status={1: made.parts.status[2], 2: made.parts.status[1]}), 1),
    ):
        command = [sys.executable, "-I", "-S", "-c", script, "verify", "--offline", file(name, data)]
        ran = subprocess.run(command, capture_output=True, text=True, env=env, cwd=tmp_path, timeout=60)
        assert ran.returncode == code, ran.stdout + ran.stderr
        assert "loaded: []" in ran.stdout and f"from: {copied}" in ran.stdout


def test_an_address_is_asked_when_it_is_named(file, tmp_path):
    """A loopback server stands in for the house; a private address that is not this machine is never asked."""
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
    from threading import Thread

    data = Sealed(created=utc_now().strftime("%Y-04-01T12:00:00Z")).packed()

    class Served(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Served) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        found = CliRunner().invoke(app, ["verify", f"http://127.0.0.1:{server.server_port}/b"])
        server.shutdown()
    assert found.exit_code == 0, found.output
    for address in ("http://10.0.0.1/x", "https://192.168.1.1/x", f"http://127.0.0.1:{_free()}/x", "https://"):
        assert CliRunner().invoke(app, ["verify", address]).exit_code == 2


def _free():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_every_line_has_its_chinese():
    """What the checks say on the page of a Chinese reader stands in the catalogue that browsers get."""
    import ast

    from pavilion.webkit import static
    from pavilion.webkit.html import Pages

    known = Pages(static.frontend()).tongues["zh"]
    said = set()
    for name in ("checks", "checks_log", "checks_bundle", "checks_shared", "verifying"):
        for node in ast.walk(ast.parse((ROOT / f"backend/pavilion/provenance/{name}.py").read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in (
                "ok",
                "fail",
                "skip",
                "note",
                "undecided",
            ):
                said |= {one.value for one in node.args[1:2] if isinstance(one, ast.Constant)}
    places = {"%(why)s", "%(what)s"}
    assert sorted(words for words in said - places if not known.knows("js", words)) == []


def test_a_bundle_of_any_version_of_the_reader_stays_readable():
    """The bundle kept with the tests was packed once and is read for ever."""
    kept = json.loads((ROOT / "tests/vectors/passport-bundle.json").read_text())
    pins = anchors_of({"policy": kept["policy"].encode(), "did.json": kept["did"].encode()})
    data = (ROOT / "tests/vectors/passport-bundle.zip").read_bytes()
    report = verifying.verify(data, policy=pins, offline=True, now=NOW)
    assert report.verdict == "VALID, grade A, as of 2026-04-01, witnesses 3 of 3"
    assert bundle.pack(replace(Sealed(cosigners=WITNESSES).parts)) != b""
