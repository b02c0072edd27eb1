"""The pack with which a holder presents a stone: papers, code, film, pictures and words, each from the passport's facts
and nothing else. Pure; equal facts give equal bytes."""

import hashlib
import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import segno
from PIL import Image

from pavilion.kernel.sheet import write_csv
from pavilion.provenance import bundle, video, video_drawing
from pavilion.provenance.passport_showing import Code
from pavilion.provenance.words import lint
from pavilion.webkit import pdf
from pavilion.webkit.i18n import Lang

LANGUAGES: tuple[Lang, ...] = ("en", "zh")
STILL_WIDTH = 2048
STILLS = ("finished", "where", "rough", "hands", "graded", "proof")  # the first four that there are
CROPS = {"1x1": (1080, 1080), "4x5": (1080, 1350), "9x16": (1080, 1920)}
FOUR_CS = ("shape", "mass_mct", "color", "clarity", "cut", "polish", "symmetry", "fluorescence", "treatment")
LICENCE = """\
Pictures, film, words and code of this pack may be shown and printed by whoever owns or sells this stone, unchanged, for
as long as its passport stands. They say what the passport says; nothing may be added to them in its name. Whether the
passport stands is told by the code. Pavilion grants this licence free of charge and without warranty of fitness.

本资料包中的图片、影片、文字与二维码，凡拥有或销售该裸石者，在其护照有效期间均可原样展示与印制。其内容即护照所载，
不得以护照名义另行增添。护照是否有效，以二维码所示为准。本许可免费授予，不作适用性保证。
"""


class Ingredients(NamedTuple):
    stone: str
    n: int
    document: Mapping[str, Any]  # the passport
    code: Code
    papers: Mapping[Lang, bytes]  # the passport as PDF, by language
    film: Mapping[str, bytes]  # its files, if it was made
    presenters: Sequence[str] = ()  # who presents the stone
    logos: Sequence[tuple[str, bytes]] = ()  # their marks: suffix and bytes


def packed(said: Ingredients) -> bytes:
    """The zip. Blocks for a second or two: call it in a thread."""
    told = _parameters(said)
    files: dict[str, bytes] = {f"passport-{lang}.pdf": said.papers[lang] for lang in LANGUAGES}
    files |= {f"film/{name}": data for name, data in sorted(said.film.items())}
    files |= {"code.svg": _code(said.code.url, "svg"), "code.png": _code(said.code.url, "png")}
    scenes = [scene for scene in STILLS if scene in told]
    pictures = {scene: video_drawing.still(told, scene) for scene in scenes[:4]}
    files |= {f"stills/{scene}.png": _png(_wide(picture)) for scene, picture in pictures.items()}
    files |= {f"social/{name}.png": _png(_placed(pictures["finished"], size)) for name, size in CROPS.items()}
    files |= {f"text-{lang}.txt": text(said, lang).encode() for lang in LANGUAGES}
    files |= {"grades.csv": _grades(said.document), "card.pdf": card(said)}
    files |= {f"marks/{n}.{suffix}": data for n, (suffix, data) in enumerate(said.logos, start=1)}
    files["LICENCE.txt"] = LICENCE.encode()
    sums = (f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items()))
    return bundle.written({**files, "checksums.txt": "".join(sums).encode()})


def text(said: Ingredients, lang: Lang) -> str:
    """What may be said of the stone, a fact a line. Held against the linter: AssertionError for a word it refuses."""
    told = _parameters(said)
    lines = [video.sentence(told, scene.name, lang) for scene in video.timeline(told)]
    lines += [_presented(name, lang) for name in said.presenters]
    words = "\n".join([*lines, said.code.url]) + "\n"
    assert not lint(words, lang, told["finished"].get("clarity")), "a fact of the passport is worded as no fact may be"
    return words


def card(said: Ingredients) -> bytes:
    """A card of 85 x 55 mm, one language a side."""
    told = _parameters(said)["finished"]
    sides = [
        {
            "lang": lang,
            "mass": f"{video.carats(told['mass_mct'])} {'ct' if lang == 'en' else '克拉'}",
            "grades": " · ".join(str(told[name]) for name in ("color", "clarity", "cut") if told.get(name)),
            "scan": "Scan to see where it comes from" if lang == "en" else "扫码了解其来源",
            "presented": "\n".join(_presented(name, lang) for name in said.presenters[:1]),
        }
        for lang in LANGUAGES
    ]
    code = _code(said.code.url, "svg").decode()
    return pdf.render("card.typ", {"stone": said.stone, "version": str(said.n), "code": code, "sides": sides})


def _presented(name: str, lang: Lang) -> str:
    return f"由 {name} 呈献。" if lang == "zh" else f"Presented by {name}."


def _parameters(said: Ingredients) -> dict[str, Any]:
    subject = said.document["credentialSubject"]
    content = {
        "characteristics": subject["product"]["characteristics"],
        **{name: subject[f"stone:{name}"] for name in ("origin", "events", "reports")},
    }
    return video.parameters(said.stone, content, said.code.url, ())


def _code(url: str, kind: str) -> bytes:
    out = io.BytesIO()
    segno.make_qr(url, error="q", boost_error=False).save(out, kind=kind, scale=8, border=4)
    return out.getvalue()


def _wide(picture: Image.Image) -> Image.Image:
    height = picture.height * STILL_WIDTH // picture.width
    return picture.resize((STILL_WIDTH, height), Image.Resampling.LANCZOS)


def _placed(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The picture as wide as the format, in its middle: no word of it is cut off."""
    ground = Image.new("RGB", size, picture.getpixel((0, 0)))
    inner = picture.resize((size[0], picture.height * size[0] // picture.width), Image.Resampling.LANCZOS)
    ground.paste(inner, (0, (size[1] - inner.height) // 2))
    return ground


def _png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def _grades(document: Mapping[str, Any]) -> bytes:
    told = document["credentialSubject"]["product"]["characteristics"]
    rows = [(name, str(told[name])) for name in FOUR_CS if told.get(name) is not None]
    return b"".join(write_csv(iter([("fact", "value"), *rows])))
