"""Pieces of the double's pages. Every page says that it is a simulation; each act is a form that works alone."""

from collections.abc import Iterable, Sequence
from functools import cache
from html import escape
from importlib.resources import files

from pavilion.kernel.money import decimal_text
from pavilion.settlement.payments.double.words import Say

_STYLE = "data/stripe/double.css"


def page(say: Say, title: str, parts: Iterable[str], *, tabs: str = "", narrow: bool = False) -> str:
    """A whole page under the line that says what it is."""
    return "\n".join(
        [
            f'<!doctype html><html lang="{say.tag}"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            f'<meta name="robots" content="noindex"><title>{escape(title)} · {escape(say("provider"))}</title>',
            f"<style>{_style()}</style></head><body>",
            f'<p class="sim" role="note">{escape(say("simulated"))}</p>{tabs}',
            f"<main{' class=pay' if narrow else ''}><h1>{escape(title)}</h1>",
            *parts,
            "</main></body></html>",
        ]
    )


@cache
def _style() -> str:
    return (files("pavilion.settlement") / _STYLE).read_text("utf-8")


def tabs(say: Say, here: str) -> str:
    """The double's own pages, and the other language of this one."""
    places = (("/", "desk"), ("/payments", "payments"), ("/bank", "bank"), ("/payouts", "payouts"), ("/calls", "calls"))
    links = [
        f'<a href="{path}?lang={say.lang}"{" aria-current=page" if path == here else ""}>{escape(say(word))}</a>'
        for path, word in places
    ]
    return f'<nav aria-label="{escape(say("provider"))}">{"".join(links)}{other_language(say, here)}</nav>'


def other_language(say: Say, here: str) -> str:
    other, name, tag = ("en", "English", "en") if say.lang == "zh" else ("zh", "中文", "zh-Hans")
    return f'<a class="tongue" href="{escape(here)}?lang={other}" lang="{tag}" hreflang="{tag}">{name}</a>'


def money(minor: int, currency: str) -> str:
    code = currency.upper()
    return f"{code} {grouped(decimal_text(minor, code))}"


def grouped(text: str) -> str:
    whole, dot, part = text.partition(".")
    return f"{int(whole):,}{dot}{part}" if not text.startswith("-") else f"−{grouped(text[1:])}"


def table(
    say: Say, heads: Sequence[str], rows: Sequence[Sequence[str]], empty: str, figures: Sequence[int] = ()
) -> str:
    """Rows of ready markup; on a narrow screen each row is a block of its own."""
    if not rows:
        return f'<p class="note">{escape(say(empty))}</p>'
    names = [escape(say(head)) for head in heads]
    kinds = [' class="n"' if place in figures else "" for place in range(len(heads))]
    top = "".join(f"<th scope=col{kind}>{name}</th>" for name, kind in zip(names, kinds, strict=True))
    lines = [
        "".join(
            f'<td{kind} data-of="{name}"><span>{cell}</span></td>'
            for cell, name, kind in zip(row, names, kinds, strict=True)
        )
        for row in rows
    ]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div class="wide"><table class="stack"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def button(say: Say, word: str, back: str, **said: str) -> str:
    """One act as a form of its own."""
    inside = f"{hidden(say, back, **said)}<button>{escape(say(word))}</button>"
    return f'<form class="in" method="post" action="/do">{inside}</form>'


def hidden(say: Say, back: str, **said: str) -> str:
    values = {**said, "lang": say.lang, "back": back}
    return "".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in values.items())


def field(say: Say, word: str, name: str, value: str = "", **more: str) -> str:
    rest = "".join(f' {key}="{escape(text)}"' for key, text in more.items())
    return f'<label>{escape(say(word))}<input name="{name}" value="{escape(value)}"{rest}></label>'


def choice(say: Say, word: str, name: str, choices: Iterable[tuple[str, str]], chosen: str = "") -> str:
    options = "".join(
        f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>{escape(text)}</option>'
        for value, text in choices
    )
    return f'<label>{escape(say(word))}<select name="{name}">{options}</select></label>'


def box(say: Say, word: str, *parts: str) -> str:
    return f'<section class="box"><h2>{escape(say(word))}</h2>{"".join(parts)}</section>'


def alert(text: str, *, good: bool = False) -> str:
    """What just happened; the focus goes there."""
    kind = "alert good" if good else "alert"
    return f'<p class="{kind}" role="alert" tabindex="-1" autofocus>{escape(text)}</p>'
