"""HTML pages: one Jinja environment per language, and `page`, which renders a template for the reader at hand."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from secrets import token_urlsafe
from typing import Any, Protocol
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.datastructures import URL

from pavilion.webkit.figures import Figures
from pavilion.webkit.i18n import COOKIE, HTML_LANG, LANGUAGES, Lang, Tongue, choose, load
from pavilion.webkit.static import StaticFiles

Term = Callable[[str, str, str], str]  # of an enumeration, a code and a language
_READ = r"(?=[^<>]*<(?!/(?:textarea|option|script|style)))"  # what is read, not what stands in a tag or comes back
_PARTED = {
    unit: re.compile(rf" {unit}(?<={figure} {unit}){_READ}")
    for unit, figure in {"克拉": "[0-9]", "毫米": "[0-9]", "颗": "[0-9]", "色": "[A-Z]"}.items()
}

FIGURES = (
    *("amount", "money", "per_carat", "number", "ct", "mm", "pct"),
    *("day", "days", "clock", "when", "left", "city", "town", "country", "countries"),
)


class Reader(Protocol):
    """What a page asks of the person who reads it; `accounts` gives the real one as `request.state.actor`."""

    @property
    def signed_in(self) -> bool: ...
    @property
    def is_staff(self) -> bool: ...
    @property
    def name(self) -> str: ...
    @property
    def lang(self) -> str | None: ...
    def may(self, permission: Any) -> bool: ...


@dataclass(frozen=True)
class Nobody:
    """The reader before anybody has asked who it is: an error page of a request that went no further."""

    signed_in: bool = False
    is_staff: bool = False
    name: str = ""
    lang: str | None = None

    def may(self, permission: Any) -> bool:
        return False


class Pages:
    """Everything needed to answer with a page; built once, kept as `app.state.pages`. `zone` is the house's own clock,
    by which pages tell instants that belong to no sale and no place."""

    def __init__(self, frontend: Path, term: Term | None = None, zone: str = "UTC") -> None:
        self.tongues = load(frontend / "locales")
        self.static = StaticFiles(frontend / "static", self.tongues)
        self.term = term
        self.zone = zone
        self._icons: dict[str, Markup] = {}
        self._by_lang = {lang: self._environment(frontend / "templates", lang) for lang in LANGUAGES}

    def environment(self, lang: Lang) -> Environment:
        return self._by_lang[lang]

    def render(self, lang: Lang, template: str, block: str | None, facts: Mapping[str, Any]) -> str:
        env = self._by_lang[lang]
        found = env.get_template(template)
        if block is None:
            return in_one_piece(found.render(facts), lang)
        macros = env.get_template("_macros.html").make_module(dict(facts))  # what the layout gives a whole page as `m`
        return in_one_piece("".join(found.blocks[block](found.new_context({**facts, "m": macros}))), lang)

    def _environment(self, templates: Path, lang: Lang) -> Environment:
        env = Environment(
            loader=FileSystemLoader(templates),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,  # they stand still as long as the process lives: the disk is not asked for each part
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n", "jinja2.ext.do", "jinja2.ext.loopcontrols"],
        )
        tongue = self.tongues[lang]
        env.policies["ext.i18n.trimmed"] = True
        env.install_gettext_callables(  # type: ignore[attr-defined]
            tongue.gettext, tongue.ngettext, newstyle=True, pgettext=tongue.pgettext, npgettext=tongue.npgettext
        )
        env.globals["gettext"] = env.globals["_"] = _telling(tongue)
        words = self._words(tongue)
        env.filters |= words
        env.globals |= words
        env.globals |= {"lang": lang, "html_lang": HTML_LANG[lang], "other_lang": "zh" if lang == "en" else "en"}
        env.globals |= {"house_zone": self.zone}
        return env

    def _words(self, tongue: Tongue) -> dict[str, Any]:
        """The filters and globals of templates; each works as both."""
        figures = Figures(tongue)
        return {name: getattr(figures, name) for name in FIGURES} | {
            "say": tongue.say,
            "term": lambda enumeration, code: self._term(tongue.lang, enumeration, code),
            "icon": self._icon,
            "picture": self._picture,
            "static": self.static.url,
            "knows": tongue.knows,
            "fresh": _fresh,
        }

    def _term(self, lang: Lang, enumeration: str, code: str | None) -> str:
        """The trade's word for a code in the language of the page; a dash for what is not said."""
        if code is None or self.term is None:
            return code or "–"
        return self.term(enumeration, code, lang)

    def _picture(self, stone: Any, large: bool = False) -> str | None:
        """Address of the stone's first photograph where everybody may see it, else of the picture it names (or of the
        name itself); the large one where there is one."""
        if getattr(stone, "photo", None) and stone.listed:
            return f"/stones/{stone.public_id}/media/{stone.photo}/{'m' if large else 's'}.webp"
        name = getattr(stone, "picture", stone)
        if not name:
            return None
        files = [f"img/stones/{name[:-5]}-large.webp"] * large + [f"img/stones/{name}"]
        return next((self.static.url(file) for file in files if file in self.static.files), None)

    def _icon(self, name: str) -> Markup:
        if name not in self._icons:
            drawn = Markup('<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><use href="{}#{}"/></svg>')
            self._icons[name] = drawn.format(self.static.url("icons/sprite.svg"), name)
        return self._icons[name]


def in_one_piece(html: str, lang: Lang) -> str:
    """A Chinese page on which no line ends between a figure and its unit, a grade and its word, whoever typed them: a
    title is stored as its curator wrote it, and a field gives it back so. (`kernel.weight.unparted` does the same for
    the titles that the house writes itself.)"""
    if lang == "zh":
        for unit, parted in _PARTED.items():
            if f" {unit}" in html:
                html = parted.sub(f"\u00a0{unit}", html)
    return html


def _telling(tongue: Tongue) -> Callable[..., Markup]:
    """What templates know as `gettext` and `_`, alike Jinja's own newstyle functions; words into which no fact is put
    are looked up once. They are the house's own and markup, as there; facts are escaped."""

    @cache
    def plain(message: str) -> Markup:
        return Markup(tongue.gettext(message)) % {}  # noqa: S704

    def gettext(message: str, /, **facts: object) -> Markup:
        return Markup(tongue.gettext(message)) % facts if facts else plain(message)  # noqa: S704

    return gettext


def _fresh() -> str:
    """The name of one form on one page, which nobody can guess: sent twice, it is done once."""
    return token_urlsafe(32)


@cache
def pages_of(frontend: Path, term: Term | None = None, zone: str = "UTC") -> Pages:
    """The pages of a folder that stands still as long as the process lives: read once, however many houses open."""
    return Pages(frontend, term, zone)


def page(
    request: Request, template: str, /, status_code: int = 200, *, partial: str | None = None, **facts: Any
) -> HTMLResponse:
    """The template in the reader's language. With `partial`, a script that swaps (HX-Request) gets that block alone."""
    pages: Pages = request.app.state.pages
    block = partial if partial and _wants_part(request) else None
    body = pages.render(language(request), template, block, reader_facts(request) | facts)
    return HTMLResponse(body, status_code, headers=_headers(request, partial is not None))


def sentence(request: Request, code: str, /, **facts: object) -> str:
    """What a code says in the reader's language; to staff as to staff, where that differs."""
    pages: Pages = request.app.state.pages
    tongue = pages.tongues[language(request)]
    to_staff = f"staff_{code}"
    return tongue.say(to_staff if reader(request).is_staff and tongue.knows("code", to_staff) else code, **facts)


def language(request: Request) -> Lang:
    return choose(
        account=reader(request).lang if reader(request).signed_in else None,
        cookie=request.cookies.get(COOKIE),
        accept=request.headers.get("accept-language"),
    )


def reader(request: Request) -> Reader:
    return getattr(request.state, "actor", None) or Nobody()


def reader_facts(request: Request) -> dict[str, Any]:
    """What every template may use besides its own facts."""
    return {
        "actor": reader(request),
        "path": request.url.path,
        "here": _here(request),
        "query": request.query_params,
        "previewed": getattr(request.state, "previewed", None),  # for whom and when, where a page is only a preview
        "request_id": getattr(request.state, "request_id", ""),
        "environment": str(getattr(getattr(request.app.state, "settings", None), "environment", "production")),
    }


def safe_back(target: str | None, otherwise: str = "/") -> str:
    """An address of this house to return to: a path of our own, never another host."""
    if not target or len(target) > 2000 or not target.isprintable():
        return otherwise
    return target if target[0] == "/" and target[1:2] not in ("/", "\\") else otherwise


def with_query(path: str, **changes: object) -> str:
    return f"{path}?{urlencode({k: v for k, v in changes.items() if v is not None}, doseq=True)}"


def _here(request: Request) -> str:
    """Where to come back to: this page, or for the answer to a form the page that held the form."""
    if request.method in ("GET", "HEAD"):
        return safe_back(request.url.path + (f"?{request.url.query}" if request.url.query else ""))
    try:
        held = URL(request.headers.get("referer", "/"))
        return safe_back(held.path + (f"?{held.query}" if held.query else ""))
    except ValueError:  # not an address at all
        return "/"


def _wants_part(request: Request) -> bool:
    return request.headers.get("hx-request") == "true" and "hx-history-restore-request" not in request.headers


def _headers(request: Request, parts: bool) -> dict[str, str]:
    vary = "Cookie, Accept-Language" + (", HX-Request" if parts else "")
    keeping = "no-store" if reader(request).signed_in else "no-cache"
    return {"Content-Language": HTML_LANG[language(request)], "Vary": vary, "Cache-Control": keeping}
