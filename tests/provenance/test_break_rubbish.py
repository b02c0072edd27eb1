"""Rubbish, bombs and disguises at the doors of passports: refused by name, quickly, and never a fault of ours."""

import io
import struct
import time
import zipfile
import zlib

import pytest
from pypdf import PdfWriter
from pypdf.generic import NameObject

from pavilion.kernel.errors import BadInput
from pavilion.provenance import countersigning, did, logos
from pavilion.provenance.bundle import BadBundle
from pavilion.provenance.countersigning import Words
from pavilion.provenance.registries.outbound import Outbound
from pavilion.provenance.verifying_forms import Unreadable, evidence_of
from tests.luck import Random
from tests.make import NOON
from tests.provenance.test_countersigning import SVG, picture


def zipped(members) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in members:
            made.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize(
    "members",
    [
        [(f"inputs/{n:064x}.json", b"{}") for n in range(3_000)],
        [("../passport.json", b"{}")],
        [("/etc/passwd", b"")],
        [("events/../../001.json", b"")],
        [("C:\\passport.json", b"")],
        [("passport.json", b"0" * 50_000_000)],
        [("passport.json", b"{}"), ("Passport.json", b"{}")],
        [("events/000.json", zipped([("passport.json", b"0" * 9_000_000)]))],
    ],
    ids=lambda members: f"{len(members)} {members[0][0][:20]!r}",
)
def test_a_zip_that_is_no_bundle_is_refused_at_once(members):
    started = time.process_time()
    with pytest.raises((BadBundle, Unreadable)):
        evidence = evidence_of(zipped(members))
        if evidence.passport is None:
            raise Unreadable("nothing in it")
    assert time.process_time() - started < 2


def test_a_paper_stuffed_with_attachments_costs_no_more_than_a_small_one():
    """Only what a passport's paper is known to carry is unpacked at all."""
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    stuffing = b"0" * 20_000_000
    for number in range(40):
        writer.add_attachment(f"{number}.bin", stuffing)
    for stream in [one for one in writer._objects if getattr(one, "_data", None) == stuffing]:
        stream._data = zlib.compress(stuffing)
        stream[NameObject("/Filter")] = NameObject("/FlateDecode")
    out = io.BytesIO()
    writer.write(out)
    assert len(out.getvalue()) < 8_000_000
    started = time.process_time()
    with pytest.raises(Unreadable):
        evidence_of(out.getvalue())
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    "body",
    [
        b"%PDF-1.7\n",
        b"%PDF-1.7\n" + b"\0" * 5000,
        b"%PDF-1.4\nxref\n0 99999999\ntrailer<</Root 1 0 R/Prev 9>>startxref\n9\n%%EOF",
    ],
)
def test_what_only_begins_like_a_paper_is_refused(body):
    with pytest.raises(Unreadable):
        evidence_of(body)


def test_pictures_with_any_bytes_changed_are_drawn_or_refused():
    luck = Random("pictures")
    for kind in ("PNG", "JPEG", "WEBP"):
        whole = picture(kind, size=(40, 30))
        for _ in range(150):
            data = bytearray(whole)
            for _ in range(luck.randrange(1, 6)):
                data[luck.randrange(len(data))] = luck.randrange(256)
            try:
                mark = logos.redrawn(bytes(data[: luck.randrange(len(data) // 2, len(data) + 1)]))
            except BadInput:
                continue
            assert mark.media_type == "image/png"


def test_a_picture_that_promises_more_pixels_than_memory_is_refused_before_it_is_unpacked():
    head = struct.pack(">2I5B", 65_000, 65_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    body = b"IDAT" + zlib.compress(b"\0" * 1_000_000)
    png += struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    with pytest.raises(BadInput):
        logos.redrawn(png)


@pytest.mark.parametrize("depth", [900, 1_200, 1_900])
def test_a_drawing_nested_deeper_than_any_drawing_is_refused(depth):
    with pytest.raises(BadInput):
        logos.redrawn(SVG % (b"<g>" * depth + b"</g>" * depth))


@pytest.mark.parametrize(
    "data",
    [
        SVG % b'<path d="M0 0" fill="u&#114;l(https://elsewhere.example/#g)"/>',
        SVG % b'<path d="M0 0" clip-path="URL( #g) , url(//elsewhere.example)"/>',
        SVG % b'<path xml:base="https://elsewhere.example/" d="M0 0"/>',
        SVG % b'<path xlink:href="#a" xmlns:xlink="http://www.w3.org/1999/xlink" d="M0 0"/>',
        SVG % b"<animate/>",
        SVG % b"<use/>",
        b'<?xml version="1.0" encoding="utf-16"?>' + SVG % b"",
        b'<?xml-stylesheet href="https://elsewhere.example/x.css"?><svg xmlns="http://www.w3.org/2000/svg"><style/></svg>',
    ],
)
def test_a_drawing_that_names_something_outside_is_refused(data):
    with pytest.raises(BadInput):
        logos.redrawn(data)


@pytest.mark.parametrize(
    "name",
    [
        "Lumen\u202eslewej",
        "\u200b",
        "\u2066Lumen",
        "Lu\u200bmen",
        "\ufeff",
        "Lumen\x7f",
        "Lumen\x85",
        "Lumen\u2028x",
        "\ud800",
    ],
)
def test_a_name_that_reads_otherwise_than_it_is_written_is_refused(name):
    with pytest.raises(BadInput):
        countersigning.check_words(Words(name), None)
    with pytest.raises(BadInput):
        countersigning.check_words(Words("Lumen", {"en": name + "x"}), None)


@pytest.mark.parametrize(
    "jewel",
    [
        {"kind": "ring", "id": "a\nb"},
        {"kind": "ring", "id": "R-1", "claim": "D colour, flawless, 3 carats"},
        {"kind": "ring", "id": "VVS1 of 3 carats"},
        {"kind": "ring", "id": "x" * 61},
        {"id": "R-1"},
    ],
)
def test_a_jewel_says_its_kind_and_number_and_nothing_else(jewel):
    with pytest.raises(BadInput):
        countersigning.check_words(Words("Lumen", {}, jewel), None)


@pytest.mark.parametrize(
    "issuer",
    [
        "did:web:127.0.0.1",
        "did:web:127.0.0.1%3A99999",
        "did:web:0x7f000001",
        "did:web:2130706433",
        "did:web:169.254.169.254:latest:meta-data",
        "did:web:localhost%3A22",
        "did:web:elsewhere.example",
        "did:web:a..b",
        "did:web:-",
        "did:web:" + "a" * 253,
        "did:web:.",
        "did:web:xn--a",
    ],
)
async def test_nobody_is_called_whom_the_house_does_not_know(issuer):
    resolver = did.Resolver(Outbound(frozenset()))
    with pytest.raises(countersigning.BadCredential) as refused:
        await resolver.resolve(issuer, NOON)
    assert "list" in refused.value.why or "address" in refused.value.why or "port" in refused.value.why
