"""The pack with which a stone is presented: what is in it, that it says no more than the passport, and who gets it."""

import hashlib
import io
import zipfile

import pytest
from PIL import Image
from pypdf import PdfReader

from pavilion.accounts.rules import Role
from pavilion.provenance import presenting_pack, words
from tests.provenance.test_passport_page import chain, house, issued, reader

__all__ = ["house"]


async def test_a_curator_gets_everything_to_show_the_stone_and_the_same_bytes_again(house, tmp_path):
    stone = await issued(house, tmp_path, chain())
    async with reader(house) as visitor:
        assert (await visitor.get(f"/passports/{stone}/pack")).status_code in (401, 404)
    async with reader(house, Role.CURATOR) as browser:
        answer = await browser.get(f"/passports/{stone}/pack")
        again = await browser.get(f"/passports/{stone}/pack")
        page = (await browser.get(f"/passports/{stone}")).text
    assert answer.status_code == 200 and answer.content == again.content
    assert f'href="/passports/{stone}/pack"' in page
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    names = set(archive.namelist())
    assert {
        "passport-en.pdf",
        "passport-zh.pdf",
        "code.svg",
        "code.png",
        "grades.csv",
        "card.pdf",
        "LICENCE.txt",
    } < names
    assert sum(name.startswith("stills/") for name in names) == 4
    sizes = {name: Image.open(io.BytesIO(archive.read(f"social/{name}.png"))).size for name in presenting_pack.CROPS}
    assert sizes == presenting_pack.CROPS
    for line in archive.read("checksums.txt").decode().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256(archive.read(name)).hexdigest() == digest
    box = PdfReader(io.BytesIO(archive.read("card.pdf"))).pages[0].mediabox
    assert (round(float(box.width) * 127 / 360), round(float(box.height) * 127 / 360)) == (85, 55)
    for lang in presenting_pack.LANGUAGES:
        text = archive.read(f"text-{lang}.txt").decode()
        assert "Peeters" not in text and not words.lint(text, lang, "VS1")


@pytest.mark.parametrize("name", ["x", "0" * 26])
async def test_there_is_no_pack_of_what_has_no_passport(house, name):
    async with reader(house, Role.CURATOR) as browser:
        assert (await browser.get(f"/passports/{name}/pack")).status_code == 404
