from pathlib import Path

import pytest

from pavilion.kernel.signing import (
    BadNote,
    SigningKey,
    VerifierKey,
    checkpoint_text,
    parse_checkpoint,
    parse_note,
    parse_vkey,
    sign_note,
    verify_note,
)

FOLDER = Path(__file__).parents[1] / "data/conformance/signed-note"
KEY = SigningKey("auctions.example", bytes(range(32)))
TEXT = checkpoint_text("auctions.example/sale/S-DEMO", 3, bytes(32))
NOTE = sign_note(TEXT, KEY)


def test_the_public_example_verifies():
    key = parse_vkey((FOLDER / "vkey.txt").read_text("utf-8").strip())
    assert verify_note((FOLDER / "note.txt").read_text("utf-8"), [key]) == "This is an example message.\n"


def test_a_key_is_printed_and_read_back():
    assert parse_vkey(str(KEY.verifier)) == KEY.verifier
    assert str(KEY.verifier) == "auctions.example+3d1897ec+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"


def test_a_checkpoint_is_signed_and_read_back():
    assert parse_checkpoint(verify_note(NOTE, [KEY.verifier])) == ("auctions.example/sale/S-DEMO", 3, bytes(32))


def test_any_changed_character_of_a_note_is_noticed():
    for place in range(len(NOTE)):
        for other in ("x" if NOTE[place] != "x" else "y", "\n", "", NOTE[place] * 2):
            if (changed := NOTE[:place] + other + NOTE[place + 1 :]) == NOTE:
                continue
            with pytest.raises(BadNote):
                verify_note(changed, [KEY.verifier])


def test_a_strangers_signature_beside_a_known_one_does_no_harm():
    stranger = SigningKey("other.example", bytes(32))
    both = NOTE + sign_note(TEXT, stranger).split("\n\n")[1]
    assert verify_note(both, [KEY.verifier]) == TEXT
    with pytest.raises(BadNote, match="known"):
        verify_note(NOTE, [stranger.verifier])
    with pytest.raises(BadNote, match="known"):
        verify_note(NOTE, [VerifierKey("other.example", KEY.verifier.public)])


@pytest.mark.parametrize(
    "note",
    ["", "\n\n", "text", "text\n\n", "text\n\n— name", "text\n\nname AAAA\n", "a\x00b\n\n— n AAAAAAAA\n",
     "\ud800\n\n— n AAAAAAAA\n",
     "t\n\n— n AAAA\n", "t\n\n— n !!!!\n", "t\n\n— a+b AAAAAAAA\n", "t\n\n" + "— n AAAAAAAA\n" * 101, "x" * 1_000_001],
)  # fmt: skip
def test_rubbish_is_no_note(note):
    with pytest.raises(BadNote):
        parse_note(note)


@pytest.mark.parametrize(
    "text",
    ["", "a\n1\n", "a\n-1\nAAAA\n", "a\n01\n" + "A" * 43 + "=\n", "\n1\n" + "A" * 43 + "=\n", "a\n1\nAAAA\n",
     "a\n1\n" + "A" * 43 + "=\nmore\n", "a\n1\n" + "A" * 42 + "B=\n", "a\n1\n" + "A" * 43 + "="],
)  # fmt: skip
def test_rubbish_is_no_checkpoint(text):
    with pytest.raises(BadNote):
        parse_checkpoint(text)


@pytest.mark.parametrize(
    "text", ["", "a+b+c", str(KEY.verifier)[:-1], str(KEY.verifier).replace("3d", "3e"), "x" + str(KEY.verifier)]
)
def test_rubbish_is_no_verifier_key(text):
    with pytest.raises(BadNote):
        parse_vkey(text)


def test_a_key_needs_a_plain_name_and_a_whole_seed():
    for name, seed in (("a b", bytes(32)), ("a+b", bytes(32)), ("", bytes(32)), ("a", bytes(31))):
        with pytest.raises(ValueError, match="key"):
            SigningKey(name, seed)
    with pytest.raises(ValueError, match="newline"):
        sign_note("no newline", KEY)
