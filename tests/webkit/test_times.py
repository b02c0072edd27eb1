"""No page tells a time of the day without saying by whose clock: a sale's, an office's, the house's, or UTC."""

import re
from collections.abc import Mapping
from functools import cache

from jinja2 import nodes

from pavilion.webkit.html import Pages
from pavilion.webkit.static import frontend

TEMPLATES = frontend() / "templates"
SOURCES = {path.relative_to(TEMPLATES).as_posix(): path.read_text() for path in TEMPLATES.rglob("*.html")}
PARSE = Pages(frontend()).environment("en").parse
PART = re.compile(r"""{% (?:include|import|from) ['"]([^'"]+)""")
BARE = re.compile(r"clock\(|s\.span\(|city=")  # in any other template no time can stand bare: it is not taken apart


def name_of(call: nodes.Call) -> str:
    match call.node:
        case nodes.Name(name=name):
            return name
        case nodes.Getattr(node=nodes.Name(name=holder), attr=name):  # a macro named as the reader's word is another
            return f"s.{name}" if holder == "s" else name
    return ""


def zone_of(one: nodes.Expr) -> str:
    """A zone as it stands in a call: `sale.zone`, `zone(stone)`, `'UTC'`."""
    match one:
        case nodes.Getattr():
            return f"{zone_of(one.node)}.{one.attr}"
        case nodes.Name():
            return one.name
        case nodes.Const():
            return repr(one.value)
        case nodes.Getitem() | nodes.Call():
            return zone_of(one.node) + "[…]"
    return "…"


def clocks(source: str) -> tuple[set[str], set[str]]:
    """By which zones times stand bare here, and which zones are named: at a time, or once for all of them."""
    bare, named = set[str](), {"'UTC'"} if re.search(r"(?<![\"'])UTC", source) else set[str]()
    for call in PARSE(source).find_all(nodes.Call):
        match name_of(call), call.args:
            case (("clock" | "s.span"), [_, *_, zone]):
                bare.add(zone_of(zone))
            case "when", [_, zone] if any(said.key == "city" for said in call.kwargs):
                bare.add(zone_of(zone))
            case (("when" | "mine" | "zone_words" | "span"), [_, *_, zone]):
                named.add(zone_of(zone))
            case (("city" | "clock_of"), [zone]):
                named.add(zone_of(zone))
    return bare, named


def nameless(sources: Mapping[str, str]) -> dict[str, set[str]]:
    """Each template that tells a time by a clock that neither it, nor a part of it, nor every page around it names."""
    told = cache(lambda name: clocks(sources[name]))
    parts = {name: PART.findall(source) for name, source in sources.items()}

    def known(name: str) -> set[str]:
        return told(name)[1].union(*(told(part)[1] for part in parts[name]))

    found = {}
    for name, source in sources.items():
        if BARE.search(source) and (lacking := told(name)[0] - told(name)[1]):
            pages = [page for page in sources if name in parts[page]]
            above = set.intersection(*(known(page) for page in pages)) if pages else set[str]()
            if lacking := lacking - known(name) - above:
                found[name] = lacking
    return found


def test_every_time_on_a_page_says_by_whose_clock():
    assert nameless(SOURCES) == {}


def test_a_time_by_no_clock_would_be_found():
    bare = {
        "page.html": "{{ clock(lot.end, sale.zone) }}",
        "utc.html": "{{ clock(at, 'UTC') }}",
        "other.html": "{{ when(a.at, a.zone, city=false) }} {{ when(b.at, b.zone) }}",
        "one.html": "{% include '_part.html' %}{{ city(zone) }}",
        "two.html": "{% include '_part.html' %}",
        "_part.html": "{{ when(at, zone, city=false) }}",
        "good.html": "{{ clock(at, 'UTC') }} UTC {{ clock(at, zone) }} {{ reader.span(a, b, zone) }}",
    }
    assert nameless(bare) == {
        "page.html": {"sale.zone"},
        "utc.html": {"'UTC'"},
        "other.html": {"a.zone"},
        "_part.html": {"zone"},
    }
