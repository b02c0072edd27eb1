"""The marks and words that may stand beside a passport."""

import io

import pytest
from PIL import Image

from pavilion.kernel.errors import BadInput
from pavilion.provenance import countersigning, logos
from pavilion.provenance.countersigning import Words

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">%s</svg>'


def picture(kind="PNG", size=(900, 300), **how) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "#141414").save(out, kind, **how)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_is_encoded_anew_and_fits(kind):
    mark = logos.redrawn(picture(kind))
    assert mark.media_type == "image/png"
    again = Image.open(io.BytesIO(mark.data))
    assert (again.format, again.size) == ("PNG", (640, 213))
    assert logos.redrawn(picture(kind)) == mark


def test_nothing_that_rode_along_with_a_picture_comes_through():
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Comment", "secret of the maker")
    mark = logos.redrawn(picture(pnginfo=info) + b"<script>alert(1)</script>")
    assert b"secret" not in mark.data and b"script" not in mark.data


def test_a_drawing_keeps_its_shapes():
    mark = logos.redrawn(
        b'<?xml version="1.0"?>' + SVG % b'<defs><linearGradient id="g"><stop offset="0" stop-color="#fff"/>'
        b'</linearGradient></defs><title>Lumen</title><path d="M0 0h9v9z" fill="url(#g)"/>'
    )
    assert mark.media_type == "image/svg+xml" and b'fill="url(#g)"' in mark.data and b"<svg xmlns=" in mark.data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a",
        picture("BMP"),
        picture()[:200],
        b"\x89PNG\r\n\x1a\n" + b"\0" * 200,
        b"x" * (logos.MOST_BYTES + 1),
        SVG % b"<script>alert(1)</script>",
        SVG % b'<path d="M0 0" onload="alert(1)"/>',
        SVG % b'<image href="https://elsewhere.example/x.png"/>',
        SVG % b'<path d="M0 0" fill="url(https://elsewhere.example/#g)"/>',
        SVG % b'<path d="M0 0" style="fill:red"/>',
        SVG % b"<style>*{fill:red}</style>",
        SVG % b"<foreignObject/>",
        SVG % b'<a href="javascript:alert(1)"><path d="M0 0"/></a>',
        SVG % b"<text>VVS1</text>",
        SVG % b"<g>loose words</g>",
        SVG % b'<path xmlns="http://www.w3.org/1999/xhtml"/>',
        b'<!DOCTYPE svg [<!ENTITY a "aa">]>' + SVG % b"<title>&a;</title>",
        SVG % (b"<g>" * 2_100 + b"</g>" * 2_100),
        b"<svg>",
    ],
)
def test_what_is_no_plain_picture_is_refused(data):
    with pytest.raises(BadInput):
        logos.redrawn(data)


def test_a_picture_of_too_many_points_is_refused():
    with pytest.raises(BadInput):
        logos.redrawn(picture(size=(5000, 5000)))


@pytest.mark.parametrize(
    "said",
    [
        {"en": "For Mei, on the day we met.", "zh": "送给梅，相识之日。"},
        {"en": "Chosen by hand in Hong Kong; set in platinum."},
        {"zh": "愿光芒常在。"},
        {},
    ],
)
def test_a_message_that_states_no_fact_may_stand(said):
    countersigning.check_words(Words("Lumen Jewels", said), "VS1")


@pytest.mark.parametrize(
    "said",
    [
        {"en": "VVS1 at its best"},
        {"en": "Ｖ\u200bＶＳ１ at its best"},
        {"en": "the finest D colour"},
        {"en": "color grade D"},
        {"en": "a triple excellent cut"},
        {"en": "two stones of 3 carats"},
        {"en": "grade A origin"},
        {"zh": "D色美钻"},
        {"zh": "重3.01克拉"},
        {"en": "Flawless, like you"},
        {"zh": "无瑕如你"},
        {"en": "not a synthetic"},
        {"en": "line\nbreak"},
        {"fr": "pour Mei"},
    ],
)
def test_a_message_that_states_a_fact_or_breaks_the_words_of_the_house_is_refused(said):
    with pytest.raises(BadInput):
        countersigning.check_words(Words("Lumen Jewels", said), "VS1")


def test_flawless_may_be_said_of_what_is():
    countersigning.check_words(Words("Lumen Jewels", {"en": "Flawless, like you"}), "FL")
