"""Languages: which one a reader gets, and every word of each, merged from the catalogues of the domains."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from babel import Locale
from babel.messages.pofile import read_po
from markupsafe import Markup, escape

Lang = Literal["en", "zh"]

LANGUAGES: tuple[Lang, ...] = ("en", "zh")
FOLDERS: Mapping[Lang, str] = {"en": "en", "zh": "zh_Hans_CN"}
HTML_LANG: Mapping[Lang, str] = {"en": "en", "zh": "zh-Hans"}
COOKIE = "lang"

_WEIGHT = re.compile(r"q=(0(?:\.\d{1,3})?|1(?:\.0{1,3})?)")
_PLACE = re.compile(r"%\((\w+)\)s|%%")


@dataclass(frozen=True)
class Tongue:
    """One language: its locale and its messages by (context, English text or code)."""

    lang: Lang
    locale: Locale
    messages: Mapping[tuple[str | None, str], str | tuple[str, ...]]

    def gettext(self, text: str) -> str:
        return self._single(None, text)

    def pgettext(self, context: str, text: str) -> str:
        return self._single(context, text)

    def ngettext(self, one: str, many: str, n: int) -> str:
        return self.npgettext(None, one, many, n)

    def npgettext(self, context: str | None, one: str, many: str, n: int) -> str:
        forms = self.messages.get((context, one))
        if isinstance(forms, tuple):
            return forms[min(self._plural(n), len(forms) - 1)]
        return forms or (one if n == 1 else many)

    def knows(self, context: str | None, text: str) -> bool:
        return (context, text) in self.messages

    def say(self, code: str, /, **facts: object) -> str:
        """The sentence of a code, filled with facts; a fact it lacks becomes a dash, never an error."""
        return fill(self._single("code", code), facts)

    def of_context(self, context: str) -> dict[str, str]:
        """Every message of one context, for a catalogue given to the browser."""
        mine = {text: said for (where, text), said in self.messages.items() if where == context}
        return {text: said for text, said in sorted(mine.items()) if isinstance(said, str)}

    def _single(self, context: str | None, text: str) -> str:
        found = self.messages.get((context, text), text)
        return found if isinstance(found, str) else found[0]

    def _plural(self, n: int) -> int:
        return 0 if self.lang == "zh" else int(n != 1)


def fill(text: str, facts: Mapping[str, object]) -> str:
    """The text with its facts. With markup among them (an amount, an instant) it is markup, and all else is escaped."""
    if not any(hasattr(fact, "__html__") for fact in facts.values()):
        return _filled(text, facts)
    return Markup(_filled(str(escape(text)), {name: escape(fact) for name, fact in facts.items()}))  # noqa: S704


def _filled(text: str, facts: Mapping[str, object]) -> str:
    return _PLACE.sub(lambda m: "%" if m[0] == "%%" else str(facts.get(m[1], "–")), text)


@cache
def load(locales: Path) -> Mapping[Lang, Tongue]:
    """All catalogues of all languages; when two files know one message, the first by name speaks. Read once, however
    many ask: the folder stands still as long as the process lives."""
    return {lang: _tongue(lang, sorted((locales / FOLDERS[lang]).glob("*.po"))) for lang in LANGUAGES}


def choose(*, account: str | None, cookie: str | None, accept: str | None) -> Lang:
    """The account's language, else the cookie's, else the best the browser asks for, else English."""
    for said in (account, cookie):
        if said in LANGUAGES:
            return said
    return _accepted(accept or "")


def _accepted(header: str) -> Lang:
    best: Lang = "en"
    best_weight = 0
    for part in header[:500].split(","):
        name, *settings = (piece.strip().lower() for piece in part.split(";"))
        lang = name.partition("-")[0]
        weight = _thousandths(settings)
        if lang in LANGUAGES and weight > best_weight:
            best, best_weight = lang, weight
    return best


def _thousandths(settings: Iterable[str]) -> int:
    for setting in settings:
        if match := _WEIGHT.fullmatch(setting):
            whole, _, part = match[1].partition(".")
            return int(whole) * 1000 + int(part.ljust(3, "0"))
    return 1000


def _tongue(lang: Lang, files: Iterable[Path]) -> Tongue:
    messages: dict[tuple[str | None, str], str | tuple[str, ...]] = {}
    for file in files:
        with file.open("rb") as source:
            for message in read_po(source, locale=FOLDERS[lang], abort_invalid=True):
                said = message.string if isinstance(message.string, str) else tuple(message.string or ())
                if message.id and said and all(said) and not message.fuzzy:
                    text = message.id if isinstance(message.id, str) else message.id[0]
                    messages.setdefault((message.context or None, text), said)
    return Tongue(lang, Locale.parse(FOLDERS[lang]), messages)
