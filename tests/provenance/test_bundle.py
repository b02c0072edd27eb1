"""The bundle: the same bytes for the same parts, and a reader that takes nothing else."""

import io
import struct
import zipfile
import zlib

import pytest

from pavilion.provenance import bundle
from pavilion.provenance.bundle import BadBundle, BundleParts
from tests.provenance.sealed import Sealed

PARTS = BundleParts(passport=b"{}", jwt=b"a.b.c", policy=b"quorum none\n", events={7: b"{}", 1: b"[]"}, keys=b"[]")


def rewritten(data, **how):
    """The same members by another tool's hand."""
    found, out = zipfile.ZipFile(io.BytesIO(data)), io.BytesIO()
    with zipfile.ZipFile(out, "w", how.pop("method", zipfile.ZIP_DEFLATED)) as other:
        for name in how.pop("order", found.namelist()):
            other.writestr(name, found.read(name))
    return out.getvalue()


def with_member(name, content=b"x", **facts):
    info = zipfile.ZipInfo(name)
    for fact, value in facts.items():
        setattr(info, fact, value)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("passport.json", b"{}")
        archive.writestr(info, content)
    return out.getvalue()


def test_equal_parts_give_equal_bytes_and_other_tools_read_them():
    data = bundle.pack(PARTS)
    assert data == bundle.pack(BundleParts(**{name: getattr(PARTS, name) for name in PARTS.__slots__}))
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    assert archive.namelist() == [
        *("passport.json", "passport.jwt", "events/001.json", "events/007.json", "policy"),
        *("keys.json", "README.txt", "MANIFEST"),
    ]
    assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_what_was_packed_is_what_is_read():
    read = bundle.read(bundle.pack(PARTS))
    assert read.get("passport.json") == b"{}" and read.within("events") == {"001.json": b"[]", "007.json": b"{}"}
    assert bundle.manifest_fault(read) is None


def test_the_readme_tells_in_both_languages_how_to_check():
    text = bundle.read(bundle.pack(PARTS)).get("README.txt").decode()
    assert text.count("pavilion verify --offline") == 2 and "护照" in text


def test_a_bundle_that_was_unpacked_and_packed_again_is_still_read():
    data = Sealed().packed()
    again = rewritten(data)
    assert len(again) < len(data)
    assert bundle.read(again).members == bundle.read(data).members


def test_a_missing_added_or_changed_member_is_named():
    members = dict(bundle.read(bundle.pack(PARTS)).members)
    changed = bundle.Bundle(members | {"policy": b"quorum all\n"})
    assert bundle.manifest_fault(changed) == "policy is not the file that was packed"
    missing = bundle.Bundle({name: data for name, data in members.items() if name != "policy"})
    assert bundle.manifest_fault(missing) == "policy is missing"
    added = bundle.Bundle(members | {"trust.json": b"[]"})
    assert bundle.manifest_fault(added) == "trust.json is not the file that was packed"
    assert bundle.manifest_fault(bundle.Bundle({"policy": b""})) == "there is no MANIFEST"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not a zip"),
        (b"PK\x03\x04" * 20, "not a zip"),
        (bundle.pack(PARTS) + b"\n", "not a zip"),
        (bundle.pack(PARTS)[:-30], "not a zip"),
        (with_member("../passport.json"), "no member"),
        (with_member("/etc/passwd"), "no member"),
        (with_member("events/../../x"), "no member"),
        (with_member("events/1.exe"), "no member"),
        (with_member("policy", external_attr=0o120777 << 16), "a link"),
        (with_member("policy", flag_bits=1), "locked"),
        (rewritten(bundle.pack(PARTS), method=zipfile.ZIP_BZIP2), "not known here"),
        (rewritten(bundle.pack(PARTS), order=["policy"]), "no passport.json"),
    ],
)
def test_what_is_no_bundle_is_refused_with_the_reason(data, why):
    if why == "locked":
        data = data.replace(b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00")
    with pytest.raises(BadBundle, match=why):
        bundle.read(data)


def test_a_name_that_stands_twice_is_refused():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("passport.json", b"{}")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("passport.json", b"[]")
    with pytest.raises(BadBundle, match="stands twice"):
        bundle.read(out.getvalue())


def test_members_that_share_their_bytes_are_refused():
    data = bytearray(bundle.written({"passport.json": b"{}", "policy": b"{}"}))
    at = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)
    struct.pack_into("<I", data, at + 42, 0)
    with pytest.raises(BadBundle, match="over each other"):
        bundle.read(bytes(data))


def test_a_small_file_that_unpacks_to_a_large_one_is_refused_before_it_is_unpacked():
    data = bytearray(rewritten(bundle.pack(BundleParts(passport=b" " * 9_000_000, jwt=b"", policy=b""))))
    with pytest.raises(BadBundle, match="100 times"):
        bundle.read(bytes(data))


def test_a_member_that_lies_about_its_size_is_refused():
    packed = zlib.compress(b"a" * 5000, 9)[2:-4]
    entry = bundle.written({"passport.json": packed})
    data = bytearray(entry)
    data[8:10] = b"\x08\x00"
    at = data.index(b"PK\x01\x02")
    data[at + 10 : at + 12] = b"\x08\x00"
    struct.pack_into("<I", data, at + 24, 400)
    with pytest.raises(BadBundle, match="not of the size"):
        bundle.read(bytes(data))


def test_too_many_members_and_too_many_bytes_are_refused():
    many = {f"events/{n:03}.json": b"" for n in range(1000)} | {f"proofs/event-{n}.entry": b"" for n in range(1001)}
    with pytest.raises(BadBundle, match="more than 2000"):
        bundle.read(bundle.written(many))
    with pytest.raises(BadBundle, match="64 MiB"):
        bundle.read(b"PK" + bytes(64 * 1024 * 1024))
    with pytest.raises(BadBundle, match="too large"):
        bundle.pack(BundleParts(passport=bytes(64 * 1024 * 1024), jwt=b"", policy=b""))
