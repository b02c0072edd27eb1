"""The look is kept by machine: contrast, greys without hue, nothing inline, vendored files with sum and licence."""

import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STATIC = ROOT / "frontend" / "static"
TEMPLATES = sorted((ROOT / "frontend" / "templates").rglob("*.html"))
STYLES = sorted((STATIC / "css").glob("*.css"))
STATES = ("leading", "outbid", "closing", "reserve")
SURFACES = ("page", "paper", "tray")

# Contrast on page, paper and tray as the design states it; the states also on their own wash.
STATED = {
    "light": {
        "ink": (16.75, 18.42, 15.17), "ink-2": (8.86, 9.74, 8.02), "ink-3": (5.46, 6.01, 4.95),
        "edge": (4.19, 4.61, 3.80),
        "leading": (6.26, 6.89, 5.67, 6.01), "outbid": (6.20, 6.82, 5.61, 5.94), "closing": (6.07, 6.68, 5.50, 5.90),
        "reserve": (6.91, 7.60, 6.26, 6.59),
    },
    "dark": {
        "ink": (17.30, 15.99, 14.11), "ink-2": (11.14, 10.29, 9.09), "ink-3": (6.85, 6.33, 5.58),
        "edge": (4.75, 4.39, 3.88),
        "leading": (10.32, 9.53, 8.42, 8.57), "outbid": (8.51, 7.86, 6.94, 7.24), "closing": (10.69, 9.88, 8.72, 8.67),
        "reserve": (10.06, 9.29, 8.20, 8.35),
    },
}  # fmt: skip


def themes():
    """The colours of both themes by token; the dark theme inherits what it does not say anew."""
    text = (STATIC / "css" / "tokens.css").read_text()
    light_part, dark_part = text.split('[data-theme="saleroom"]')
    light = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", light_part))
    return {"light": light, "dark": light | dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", dark_part))}


def luminance(colour):
    """WCAG 2 relative luminance."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", STATED)
@pytest.mark.parametrize("token", STATED["light"])
def test_the_contrast_of_a_colour_is_what_the_design_states(theme, token):
    colours = themes()[theme]
    grounds = [colours[surface] for surface in SURFACES]
    if token in STATES:
        grounds.append(colours[f"{token}-wash"])
    measured = [contrast(colours[token], ground) for ground in grounds]
    assert measured == pytest.approx(STATED[theme][token], abs=0.006)
    assert min(measured) >= (3 if token == "edge" else 4.5)


@pytest.mark.parametrize("theme", STATED)
def test_text_on_washes_and_on_filled_buttons_is_readable(theme):
    colours = themes()[theme]
    assert all(contrast(colours["ink-2"], colours[f"{state}-wash"]) >= 8.4 for state in STATES)
    assert contrast(colours["on-ink"], colours["ink"]) >= 17


def stripped(path):
    return re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)


def coloured(text):
    """Every colour that is not a grey."""
    for found in re.findall(r"#([0-9a-fA-F]{3,8})\b", text):
        short = len(found) < 6
        red, green, blue = found[:3] if short else (found[0:2], found[2:4], found[4:6])
        if not red.lower() == green.lower() == blue.lower():
            yield f"#{found}"
    for found in re.findall(r"rgba?\(([^)]*)\)", text):
        parts = re.split(r"[\s,/]+", found.strip())
        if len(set(parts[:3])) > 1:
            yield f"rgb({found})"
    yield from re.findall(r"\b(?:hsl|oklch|lab|lch|hwb|color)\([^)]*\)", text)


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_only_states_and_stones_have_a_colour(path):
    states = r"--(?:leading|outbid|closing|reserve)(?:-wash)?: #[0-9a-f]{6};"
    text = re.sub(states, "", stripped(path)) if path.name == "tokens.css" else stripped(path)
    text = re.sub(r"\.hue\.of-\w+ \{[^}]*\}", "", text)  # swatches that name the colours of stones
    assert list(coloured(text)) == []


def test_a_tint_would_be_found():
    text = "a { color: #111; background: rgb(0 0 0 / 5%); border-color: #121314; fill: rgb(1 2 3); }"
    assert list(coloured(text)) == ["#121314", "rgb(1 2 3)"]


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_a_style_is_layered_and_needs_no_force(path):
    text = stripped(path)
    assert "!important" not in text
    assert not re.search(r"(?:^|[\s,>+~}])#[a-zA-Z][\w-]*\s*[{,.:>]", text), "no id selectors"
    assert re.match(r"\s*@layer ", text), "every rule belongs to a layer"
    assert "@import" not in text


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.parent.name + "/" + path.name)
def test_a_template_has_nothing_inline(path):
    text = path.read_text()
    assert not re.search(r"\sstyle\s*=", text)
    assert not re.search(r"<style\b", text)
    assert not re.search(r"<script\b(?![^>]*\bsrc=)", text)
    assert not re.search(r"\son[a-z]+\s*=\s*[\"']", text)
    assert "javascript:" not in text
    assert not re.search(r"(?:src|href)=[\"'](?:https?:)?//", text), "nothing is fetched from another host"


def vendored():
    rows = re.findall(r"^\| (\S+) \| (.+?) \| (\S+) \| (.+?) \| (\S+) \| ([0-9a-f]{64}) \|$", text_of_vendor(), re.M)
    return {file: (licence, sha256) for file, _, _, _, licence, sha256 in rows}


def text_of_vendor():
    return (STATIC / "vendor" / "VENDOR.md").read_text()


def test_every_file_of_others_has_its_line_its_sum_and_its_licence():
    known = vendored()
    kinds = {".woff2", ".ttf", ".otf", ".js", ".css"}
    here = [p for folder in ("fonts", "vendor") for p in (STATIC / folder).rglob("*") if p.suffix in kinds]
    ours = {"fonts/latin.css", "fonts/chinese.css"}
    assert {p.relative_to(STATIC).as_posix() for p in here} - ours == set(known)
    for file, (licence, sha256) in known.items():
        assert hashlib.sha256((STATIC / file).read_bytes()).hexdigest() == sha256, file
        assert (STATIC / licence).is_file(), licence


def test_every_font_a_style_names_is_there():
    for path in (STATIC / "fonts").glob("*.css"):
        for file in re.findall(r"url\(([^)]+)\)", path.read_text()):
            assert (path.parent / file).is_file(), file


def test_what_is_hidden_stays_hidden_whatever_layout_its_class_asks_for():
    """By the order of the layers: the last one wins over every class."""
    layers = re.search(r"@layer ([\w, ]+);", (STATIC / "css" / "tokens.css").read_text())
    assert layers and layers[1].split(", ")[-1] == "last"
    last = (STATIC / "css" / "base.css").read_text().split("@layer last {")[1]
    assert "[hidden] { display: none; }" in last
