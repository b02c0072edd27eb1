"""`pavilion seal` and `pavilion custodian`: from a key on one machine to an opened bid, with no house in between."""

import json
import stat

import pytest
from typer.testing import CliRunner

from pavilion.bidding import custody, sealing
from pavilion.bidding.custody import Sealed
from pavilion.cli import app
from pavilion.kernel.canon import canonical, document_hash
from pavilion.webkit.html import pages_of
from pavilion.webkit.static import frontend
from tests.bidding.tenders import CUSTODIANS, KEYS, LOT, SALE, SIGNER, rules, tender
from tests.bidding.test_ruleset import RULES


def run(*words):
    return CliRunner().invoke(app, list(map(str, words)))


@pytest.fixture
def desk(tmp_path):
    """A folder with the rules, a custodian's key and a closed tender."""
    (tmp_path / "rules.json").write_bytes(canonical(rules()))
    (tmp_path / "key.json").write_bytes(canonical(custody.key_document(KEYS[0])))
    (tmp_path / "tender.json").write_bytes(canonical(tender()))
    return tmp_path


def seal(desk, *more, **changed):
    words = {"rules": desk / "rules.json", "sale": SALE, "lot": LOT, "paddle": "P-0417", "entry": "total"}
    words |= {"out": desk / "envelope.json"} | changed
    return run("seal", *(part for name, value in words.items() for part in (f"--{name}", value)), *more)


def open_(desk, *more, **changed):
    words = {"key": desk / "key.json", "tender": desk / "tender.json", "out": desk / "shares.json"} | changed
    return run("custodian", "open", *(part for name, value in words.items() for part in (f"--{name}", value)), *more)


# -- the whole way ----------------------------------------------------------------------------------------------------


def test_what_a_bidder_seals_two_custodians_open(tmp_path):
    public = [run("custodian", "new", "--out", tmp_path / f"key{x}.json").stdout.strip() for x in (1, 2, 3)]
    doc = rules(custodians=public)
    (tmp_path / "rules.json").write_bytes(canonical(doc))
    said = seal(tmp_path, "--bp", "-1250", entry="discount")
    assert said.exit_code == 0, said.output
    envelope = sealing.read_envelope(json.loads((tmp_path / "envelope.json").read_bytes()), 3)
    assert said.stdout.splitlines() == [
        f"rules: {document_hash(doc)}", f"key: {envelope.key}", "opens with: any 2 of 3 custodians",
        f"envelope: {envelope.hash}",
    ]  # fmt: skip
    (tmp_path / "tender.json").write_bytes(canonical(tender(doc, [Sealed(LOT, "A", envelope)])))
    handed = []
    for x in (1, 3):
        found = open_(
            tmp_path, "--house", SIGNER.verifier, "--rules", tmp_path / "rules.json",
            key=tmp_path / f"key{x}.json", out=tmp_path / f"shares{x}.json",
        )  # fmt: skip
        assert found.exit_code == 0, found.output
        assert found.stdout.splitlines()[-1].startswith(f"opened: 1 of 1 shares of custodian {x}, in ")
        assert "note" not in found.stdout
        handed.append(custody.read_shares(json.loads((tmp_path / f"shares{x}.json").read_bytes()), public))
    opened = sealing.combine(envelope, public, 2, [(one.x, one.shares[0].share) for one in handed])
    assert opened[:6] == (SALE, LOT, "P-0417", envelope.key, "discount", -1250)


def test_a_key_is_for_its_owners_eyes_and_never_written_over(tmp_path):
    file = tmp_path / "key.json"
    said = run("custodian", "new", "--out", file)
    key = custody.read_key(file.read_bytes())
    assert said.stdout == custody.key_document(key)["public"] + "\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = run("custodian", "new", "--out", file)
    assert again.exit_code == 1 and custody.read_key(file.read_bytes()).point == key.point
    assert run("custodian", "new", "--out", tmp_path / "no" / "key.json").exit_code == 3


# -- sealing ----------------------------------------------------------------------------------------------------------


def test_the_key_of_an_attempt_may_be_given(desk):
    assert "key: " + "ab" * 16 in seal(desk, "--amount", 5, "--key", "ab" * 16).stdout
    assert seal(desk, "--amount", 5, "--key", "AB").exit_code == 3


@pytest.mark.parametrize(
    ("entry", "words", "code"),
    [
        ("total", ["--amount", 0], 1), ("total", ["--amount", 10**15], 1), ("discount", ["--bp", 10_000], 1),
        ("discount", ["--bp", -100_001], 1), ("total", [], 3), ("total", ["--bp", 5], 3),
        ("discount", ["--amount", 5], 3), ("total", ["--amount", 5, "--bp", 5], 3), ("dozen", ["--amount", 5], 3),
        ("total", ["--amount", "5.5"], 3), ("total", ["--amount", "much"], 3),
    ],
)  # fmt: skip
def test_a_bad_value_is_refused_and_nothing_written(desk, entry, words, code):
    assert seal(desk, *words, entry=entry).exit_code == code
    assert not (desk / "envelope.json").exists()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", 3), (b"[]", 3), (b"{}", 3), (canonical(RULES), 1), (b"\xff", 3),
        (canonical(rules(sealed=False, custodians=[], k=0)), 3), (canonical(rules(custodians=["B" + "A" * 86] * 2)), 3),
        (canonical(rules(custodians=["B" + "A" * 86, CUSTODIANS[0]])), 3),
    ],
)  # fmt: skip
def test_rules_without_true_custodians_seal_nothing(desk, data, code):
    (desk / "rules.json").write_bytes(data)
    assert seal(desk, "--amount", 5).exit_code == code
    assert not (desk / "envelope.json").exists()


def test_a_bid_in_plain_mode_is_sealed_to_the_house_and_the_command_says_so(desk):
    (desk / "rules.json").write_bytes(canonical(rules(sealed=False, custodians=[CUSTODIANS[0]], k=1)))
    said = seal(desk, "--amount", 5)
    assert said.exit_code == 0 and "opens with: the house alone: the operator could read this bid" in said.output


# -- opening ----------------------------------------------------------------------------------------------------------


def test_a_custodian_who_named_nothing_is_told_what_to_compare(desk):
    said = open_(desk)
    assert said.exit_code == 0
    assert f"signed by: {SIGNER.verifier}" in said.stdout and f"rules: {document_hash(rules())}" in said.stdout
    assert "note: compare" in said.stdout
    assert stat.S_IMODE((desk / "shares.json").stat().st_mode) == 0o600


def distant(**changed):
    doc = rules()
    doc["stagger"]["first"] = "2999-03-09T14:00:00.000000Z"
    return tender(doc, **changed)


@pytest.mark.parametrize(
    ("document", "code", "words"),
    [
        (distant(), 1, "the tender has not ended"),
        (distant(at="2999-03-09T14:00:01.000000Z"), 1, "the tender has not ended"),
        (tender(at="2999-03-09T14:00:01.000000Z"), 2, "this machine's clock"),
        (tender(rules(custodians=list(CUSTODIANS[1:])), []), 1, "do not name the key"),
        (tender() | {"envelopes": []}, 1, "does not bear this out"),
        ({}, 3, "not a tender file"),
    ],
)  # fmt: skip
def test_nothing_is_opened_too_early_for_strangers_or_against_the_log(desk, document, code, words):
    (desk / "tender.json").write_bytes(canonical(document))
    said = open_(desk)
    assert (said.exit_code, words in said.stderr, len(said.stderr.splitlines())) == (code, True, 1), said.output
    assert not (desk / "shares.json").exists()


def test_a_file_that_is_no_key_is_told_in_a_sentence_that_says_which_one_to_choose(desk):
    (desk / "key.json").write_text("{}")
    said = open_(desk)
    assert said.exit_code == 3 and "choose the key.json you made" in said.stderr and "members" not in said.output
    tongues = pages_of(frontend()).tongues
    for code, name in (("custodian_key_bad", "key.json"), ("shares_bad", "shares.json")):
        assert all(name in tongue.say(code, fact="not the members kind") for tongue in tongues.values())
        assert not any("members" in tongue.say(code, fact="not the members kind") for tongue in tongues.values())


def test_another_house_or_other_rules_than_those_named_are_refused(desk):
    assert open_(desk, "--house", "house.example+00000000+AAAA").exit_code == 1
    (desk / "rules.json").write_bytes(canonical(rules(k=3)))
    assert open_(desk, "--rules", desk / "rules.json").exit_code == 1
    assert not (desk / "shares.json").exists()


def test_a_round_that_was_opened_is_noted_and_another_closing_of_it_refused(desk):
    assert open_(desk).exit_code == 0 and open_(desk).exit_code == 0
    (desk / "tender.json").write_bytes(canonical(tender(envelopes=[])))
    said = open_(desk)
    assert (said.exit_code, "you opened this round before" in said.stderr) == (1, True)
    (desk / "key.json.opened").write_bytes(b"[]")
    assert open_(desk).exit_code == 3


@pytest.mark.parametrize("name", ["key", "tender"])
@pytest.mark.parametrize("data", [None, b"", b"{}", b"\xff\x00", b"[" * 5000])
def test_files_that_cannot_be_read_end_with_3(desk, name, data):
    file = desk / f"{name}.json"
    file.unlink()
    if data is not None:
        file.write_bytes(data)
    assert open_(desk).exit_code == 3


@pytest.mark.parametrize("words", [("seal",), ("custodian",), ("custodian", "open"), ("custodian", "new")])
def test_usage_that_cannot_be_read_ends_with_3(words):
    assert run(*words).exit_code == 3
