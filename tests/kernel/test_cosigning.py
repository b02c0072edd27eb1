import pytest

from pavilion.kernel.tlog import (
    COSIGNER,
    BadNote,
    BadPolicy,
    BadProof,
    SigningKey,
    TlogProof,
    Witness,
    checkpoint_text,
    cosign,
    cosigned_at,
    format_tlog_proof,
    parse_note,
    parse_policy,
    parse_tlog_proof,
    parse_vkey,
    policy_text,
    sign_note,
    verify_cosignature,
    vkey_encode,
    vkey_parse,
)

LOG = SigningKey("house.example/origin", bytes(32))
W1, W2, W3 = (SigningKey(f"w{k}.example", bytes([k]) * 32, COSIGNER) for k in (1, 2, 3))
WITNESSES = [Witness(key.name.partition(".")[0], key.verifier, f"https://{key.name}") for key in (W1, W2, W3)]
TEXT = checkpoint_text("house.example/origin", 3, bytes(range(32)))
NOTE = sign_note(TEXT, LOG)
POLICY = parse_policy(policy_text(LOG.verifier, "https://house.example/log", WITNESSES, 2))
VKEYS = [vkey_encode(key.verifier) for key in (W1, W2, W3)]


def noted(*keys, note=NOTE, at=1_750_000_000):
    return note + "".join(cosign(TEXT, key, at) + "\n" for key in keys)


def signatures(note):
    return parse_note(note).signatures


def test_a_witness_key_is_of_its_own_kind():
    assert vkey_parse(str(LOG.verifier)) == LOG.verifier
    assert parse_vkey(VKEYS[0], COSIGNER) == W1.verifier
    for text, kind in ((VKEYS[0], 1), (str(LOG.verifier), COSIGNER)):
        with pytest.raises(BadNote, match="kind"):
            parse_vkey(text, kind)


def test_a_cosignature_tells_who_saw_the_checkpoint_and_when():
    signature = signatures(noted(W1, at=1_679_315_147))[1]
    assert (signature.name, signature.key_id, len(signature.signature)) == ("w1.example", W1.verifier.id, 72)
    assert cosigned_at(TEXT, signature, W1.verifier) == 1_679_315_147
    assert verify_cosignature(TEXT, signature, W1.verifier)


def test_any_changed_bit_of_a_cosignature_or_its_text_is_noticed():
    signature = signatures(noted(W1))[1]
    for bit in range(72 * 8):
        blob = bytearray(signature.signature)
        blob[bit // 8] ^= 1 << bit % 8
        assert not verify_cosignature(TEXT, signature._replace(signature=bytes(blob)), W1.verifier)
    assert not verify_cosignature(checkpoint_text("house.example/origin", 4, bytes(range(32))), signature, W1.verifier)
    assert not verify_cosignature(TEXT, signature, W2.verifier)
    assert not verify_cosignature(TEXT, signature._replace(name="w2.example"), W1.verifier)
    assert not verify_cosignature(TEXT, signature._replace(signature=signature.signature[:71]), W1.verifier)


def test_an_ordinary_signature_is_no_cosignature_and_a_log_cannot_cosign():
    assert not verify_cosignature(TEXT, signatures(NOTE)[0], LOG.verifier)
    with pytest.raises(ValueError, match="witness"):
        cosign(TEXT, LOG, 1)
    with pytest.raises(ValueError, match="time"):
        cosign(TEXT, W1, 2**63)


@pytest.mark.parametrize(("keys", "enough"), [((), False), ((W1,), False), ((W1, W3), True), ((W1, W2, W3), True)])
def test_a_quorum_of_two_in_three(keys, enough):
    assert POLICY.satisfied_by(noted(*keys)) is enough
    assert POLICY.cosigners(parse_note(noted(*keys))) == {key.name.partition(".")[0]: 1_750_000_000 for key in keys}


def test_one_witness_that_says_it_twice_is_one():
    assert not POLICY.satisfied_by(noted(W1, W1))
    twice = noted(W1) + cosign(TEXT, W1, 1_750_000_100) + "\n"
    assert POLICY.cosigners(parse_note(twice)) == {"w1": 1_750_000_100}


def test_a_quorum_without_the_log_or_under_a_strangers_name_counts_for_nothing():
    stranger = SigningKey("house.example/origin", bytes([9]) * 32)
    impostor = SigningKey("w2.example", bytes([8]) * 32, COSIGNER)
    assert not POLICY.satisfied_by(noted(W1, W2, note=sign_note(TEXT, stranger)))
    assert not POLICY.satisfied_by(noted(W1, impostor))
    assert not POLICY.satisfied_by("rubbish")
    other = sign_note(TEXT, SigningKey("other.example/origin", bytes(32)))
    assert not POLICY.satisfied_by(noted(W1, W2, note=other))


def test_groups_of_groups_are_counted_as_the_format_says():
    text = (
        f"  # house\n\nlog {LOG.verifier}\n witness a {VKEYS[0]}\nwitness b\t{VKEYS[1]} https://b.example\n"
        f"witness c {VKEYS[2]}\ngroup two all a b\ngroup any any two c\nquorum any\n"
    )
    policy = parse_policy(text)
    assert [policy.satisfied_by(noted(*keys)) for keys in ((W1,), (W1, W2), (W3,), ())] == [False, True, True, False]
    assert (policy.needed, policy.witnesses[1].url, policy.text) == (1, "https://b.example", text)
    assert parse_policy(f"log {LOG.verifier}\nquorum none\n").satisfied_by(NOTE)
    assert parse_policy(f"witness a {VKEYS[0]}\nquorum a").satisfied_by(noted(W1))
    assert (POLICY.needed, parse_policy("quorum none").needed) == (2, 0)


def test_a_policy_at_other_addresses_is_the_same_policy():
    moved = [witness._replace(url="http://127.0.0.1:1") for witness in WITNESSES]
    assert parse_policy("# moved\n" + policy_text(LOG.verifier, "", moved, 2)).sha256 == POLICY.sha256
    for other in (policy_text(LOG.verifier, "", WITNESSES, 3), policy_text(LOG.verifier, "", WITNESSES[:2], 2)):
        assert parse_policy(other).sha256 != POLICY.sha256


@pytest.mark.parametrize(
    "text",
    ["", "quorum", "quorum x", "quorum none\nquorum none", f"witness none {VKEYS[0]}\nquorum none",
     f"witness a {VKEYS[0]}\nwitness a {VKEYS[1]}\nquorum a", f"witness a {VKEYS[0]}\nwitness b {VKEYS[0]}\nquorum a",
     f"witness a {VKEYS[0]}\ngroup g 2 a\nquorum g", f"witness a {VKEYS[0]}\ngroup g 0 a\nquorum g",
     f"witness a {VKEYS[0]}\ngroup g 01 a\nquorum g", f"witness a {VKEYS[0]}\ngroup g some a\nquorum g",
     f"witness a {VKEYS[0]}\ngroup g any a a\nquorum g", f"witness a {VKEYS[0]}\ngroup g any b\nquorum a",
     f"witness a {VKEYS[0]}\ngroup g any none\nquorum a", f"group g any a\nwitness a {VKEYS[0]}\nquorum g",
     f"witness a {VKEYS[0]}\ngroup g any a\ngroup h any a\nquorum g", f"witness a {VKEYS[0]}\ngroup g any\nquorum a",
     f"log {LOG.verifier}\nlog {LOG.verifier}\nquorum none", f"log {VKEYS[0]}\nquorum none",
     f"witness a {LOG.verifier}\nquorum a", "log x\nquorum none", "peer x\nquorum none", "quorum none\r",
     "quorum none\n" * 1 + "\n" * 300, f"log {LOG.verifier} a b\nquorum none"],
)  # fmt: skip
def test_what_is_no_policy_says_so(text):
    with pytest.raises(BadPolicy):
        parse_policy(text)


PROOF = TlogProof(73_894, [bytes([k]) * 32 for k in range(3)], noted(W1, W2), b'{"kind":"event"}')


@pytest.mark.parametrize("proof", [PROOF, TlogProof(0, [], NOTE), TlogProof(1, [bytes(32)], NOTE, b"")])
def test_a_proof_is_written_and_read_back(proof):
    text = format_tlog_proof(proof)
    assert parse_tlog_proof(text) == proof
    assert format_tlog_proof(parse_tlog_proof(text)) == text
    assert text.startswith("c2sp.org/tlog-proof@v1\n")


@pytest.mark.parametrize(
    ("old", "new"),
    [("c2sp.org", "c2sp.com"), ("index 73894", "index 073894"), ("index 73894\n", ""), ("index 73894", "index -1"),
     ("extra ", "extra  "), ("extra ", "Extra "), ("\n\n", "\n"), ("AAAA", "AAA"), ("4\n", "4\nindex 1\n"),
     ("house.example/origin\n3\n", "house.example/origin\n03\n"), ("index", "\nindex"), ("=\n\n", "=\n\n\n")],
)  # fmt: skip
def test_what_is_written_otherwise_is_no_proof(old, new):
    text = format_tlog_proof(PROOF)
    assert old in text
    with pytest.raises(BadProof):
        parse_tlog_proof(text.replace(old, new, 1))
    with pytest.raises(BadProof):
        parse_tlog_proof("x" * 1_000_001)
    with pytest.raises(BadProof):
        parse_tlog_proof(format_tlog_proof(TlogProof(1, [bytes(32)] * 64, NOTE)))
