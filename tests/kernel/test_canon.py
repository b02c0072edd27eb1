import json
from pathlib import Path

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from pavilion.kernel.canon import canonical, document_hash, read_json, sha256_hex

FOLDER = Path(__file__).parents[1] / "data/conformance/jcs"
FRACTIONS = st.floats(-1e15, 1e15)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text() | FRACTIONS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@pytest.mark.parametrize("path", sorted((FOLDER / "input").glob("*.json")), ids=lambda path: path.stem)
def test_the_public_documents_have_their_public_bytes(path):
    made = canonical(json.loads(path.read_text("utf-8")))
    assert made == (FOLDER / "output" / path.name).read_bytes()
    assert made == bytes.fromhex((FOLDER / "outhex" / f"{path.stem}.txt").read_text())


@given(DOCUMENTS)
def test_the_quick_way_writes_what_the_library_writes(doc):
    try:
        assert canonical(doc) == rfc8785.dumps(doc)
    except ValueError:
        with pytest.raises((ValueError, UnicodeError)):
            rfc8785.dumps(doc)


@given(DOCUMENTS)
def test_canonical_bytes_are_read_back_to_the_same_bytes(doc):
    try:
        made = canonical(doc)
    except ValueError:
        return
    assert canonical(read_json(made)) == made


@pytest.mark.parametrize("doc", [2**53, float("nan"), float("inf"), "\ud800", {"a": {1}}, {3: 4}, b"x"])
def test_what_is_no_json_has_no_canonical_form(doc):
    with pytest.raises(ValueError, match="canonical"):
        canonical(doc)


def test_depth_is_bounded_on_both_ways():
    doc = []
    for _ in range(200):
        doc = [doc]
    with pytest.raises(ValueError, match="deep"):
        canonical(doc)
    for text in ("[" * 40 + "]" * 40, "[" * 100_000 + "]" * 100_000):
        with pytest.raises(ValueError, match="deep"):
            read_json(text)


@pytest.mark.parametrize(
    "data",
    [b'{"a":1,"a":2}', b"NaN", b"\xff", b"", b"{", b"1" * 21, '"\ud800"', b'"\\ud800"', b"1e999", b'{"a":1}x', b"[1,]"],
)
def test_rubbish_is_not_read(data):
    with pytest.raises(ValueError):  # noqa: PT011 - each kind has its own words
        read_json(data)


def test_a_document_longer_than_allowed_is_not_read():
    assert read_json(b"[1]", most=3) == [1]
    with pytest.raises(ValueError, match="longer"):
        read_json(b"[11]", most=3)


def test_a_hash_is_that_of_the_canonical_bytes():
    assert document_hash({"b": 1, "a": "é"}) == sha256_hex('{"a":"é","b":1}'.encode())
