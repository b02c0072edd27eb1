"""Numbers as people write them: read exactly or refused by code, never guessed."""

import re
from dataclasses import dataclass

from pavilion.kernel.money import MAX_AMOUNT, exponent, half_up

DIGITS_MOST = 20  # more is no figure of this trade, and no number we could store

_GROUPS = {mark: re.compile(rf"[1-9][0-9]{{0,2}}(?:{re.escape(mark)}[0-9]{{3}})+") for mark in (".", ",", " ")}
_MARKS = {"US$": ("USD",), "HK$": ("HKD",), "$": ("USD", "HKD", "AUD", "CAD", "SGD"), "¥": ("JPY", "CNY")}
_MARKS |= {"€": ("EUR",), "£": ("GBP",), "₹": ("INR",), "RMB": ("CNY",)}
CURRENCIES = frozenset(
    ["USD", "EUR", "GBP", "HKD", "CNY", "JPY", "INR", "ILS", "AED", "CHF", "SGD", "AUD", "CAD", "ZAR", "BWP"]
)
_OTHERS = (
    "KRW",
    "BHD",
    "KWD",
    "OMR",
    "SEK",
    "NOK",
    "DKK",
    "NZD",
    "THB",
    "TWD",
    "RUB",
    "TRY",
    "BRL",
    "NAD",
    "AOA",
    "LKR",
)
_MARKS |= {code: (code,) for code in (*CURRENCIES, *_OTHERS)}
_MARK = "|".join(re.escape(mark) for mark in sorted(_MARKS, key=len, reverse=True))
_MARKED = re.compile(
    rf"(?P<minus>-?)\s*(?:(?P<front>{_MARK})\s*)?(?P<body>.*?)(?:\s*(?P<back>{_MARK}))?", re.IGNORECASE
)
_ON_REQUEST = frozenset(("poa", "call", "callforprice", "priceonrequest", "onrequest", "por"))
PRICE_LEAST_MAJOR = 5  # default; a smaller price is a slip of the pen

_SIGN_WORDS = re.compile(
    r"\s*(?:(?P<minus>back|below|off|disc(?:ount)?)|(?P<plus>above|over|premium))\.?$", re.IGNORECASE
)


class Unread(Exception):
    """The cell has no value; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Number:
    """`digits` / 10 ** `places`, with what had to be said about reading it."""

    digits: int
    places: int
    issues: tuple[str, ...] = ()

    def stored(self, per_unit: int) -> tuple[int, tuple[str, ...]]:
        """The nearest whole stored unit, halves away from zero."""
        top, bottom = self.digits * per_unit, 10**self.places
        issues = self.issues if top % bottom == 0 else (*self.issues, "precision_dropped")
        return half_up(top, bottom), issues


def read_number(text: str, decimal: str, *, money: bool = False) -> Number:
    """The number `text` says in a file whose decimal mark is `decimal`."""
    if text.isascii() and text.isdigit() and len(text) <= DIGITS_MOST:
        return Number(int(text), 0)
    if text.startswith("-"):
        positive = read_number(text[1:].lstrip(), decimal, money=money) if text[1:2] != "-" else _no()
        return Number(-positive.digits, positive.places, positive.issues)
    if len(text) > 2 * DIGITS_MOST or not re.fullmatch(r"[0-9.,' ’]+", text):
        _no()
    if money:
        text = text.replace("'", " ").replace("’", " ")
    marks = [character for character in text if not character.isdigit()]
    if not marks or len(marks) == len(text):
        _no()
    if len(marks) == 1 and marks[0] == decimal:
        return _decimal(text, decimal)
    if len(marks) == 1 and marks[0] in ".,":
        return _other_mark(text, marks[0], money)
    return _grouped(text, decimal) if money else _no()


def read_money(text: str, decimal: str, currency: str, *, floor: bool) -> tuple[int, tuple[str, ...]]:
    """Minor units of the row's currency."""
    if text.casefold().replace(" ", "").replace(".", "") in _ON_REQUEST:
        raise Unread("price_on_request")
    match = _MARKED.fullmatch(text)
    assert match is not None  # each part of the pattern may be empty
    if match["front"] and match["back"]:
        _no()
    body = match["body"].removeprefix("-").strip()
    number = read_number(body, decimal, money=True)
    mark = (match["front"] or match["back"] or currency).upper()
    if currency not in _MARKS.get(mark, (mark,)):
        raise Unread("currency_mismatch")
    if match["minus"] or match["body"].startswith("-"):
        raise Unread("out_of_range")
    minor, issues = number.stored(10 ** exponent(currency))
    if minor > MAX_AMOUNT:
        raise Unread("out_of_range")
    if floor and minor < PRICE_LEAST_MAJOR * 10 ** exponent(currency):
        raise Unread("price_too_low")
    return minor, issues


def read_percent(text: str, decimal: str, *, fraction: bool) -> tuple[int, tuple[str, ...]]:
    """Hundredths of a percent; up to 1 without the sign is taken as a fraction where the column allows it."""
    bare = text.removesuffix("%").rstrip()
    number = read_number(bare, decimal)
    if fraction and bare == text and 0 < number.digits <= 10**number.places:
        value, issues = number.stored(10_000)
        return value, (*issues, "percent_as_fraction")
    return number.stored(100)


def read_list_pct(text: str, decimal: str, sign_rule: str | None) -> tuple[int, tuple[str, ...]]:
    """Signed hundredths of a percent against the list, negative below it. A sign is never guessed."""
    signs = []
    if word := _SIGN_WORDS.search(text):
        signs.append(-1 if word["minus"] else 1)
        text = text[: word.start()].rstrip()
    if text.startswith("(") and text.rstrip("%").rstrip().endswith(")"):
        signs.append(-1)
        text = text.replace("(", "", 1).replace(")", "", 1).strip()
    if text[:1] in ("-", "+"):
        signs.append(-1 if text[0] == "-" else 1)
        text = text[1:].lstrip()
    bare = text.removesuffix("%").rstrip()
    if len(signs) > 1 or bare[:1] in ("-", "+"):
        _no()
    number = read_number(bare, decimal)
    if number.digits == 0:
        return 0, number.issues
    if bare == text and number.digits == 10**number.places:
        raise Unread("ambiguous_value")  # one percent, or the whole price?
    if not signs and sign_rule in ("positive_is_discount", "positive_is_premium"):
        signs = [-1 if sign_rule == "positive_is_discount" else 1]
    if not signs:
        raise Unread("ambiguous_value")
    fraction = bare == text and number.digits < 10**number.places
    value, issues = number.stored(10_000 if fraction else 100)
    return signs[0] * value, issues


def _no() -> Number:
    raise Unread("number_format")


def _split(text: str, mark: str, issues: tuple[str, ...] = ()) -> Number:
    whole, _, part = text.partition(mark)
    return Number(int((whole + part) or "0"), len(part), issues)


def _decimal(text: str, mark: str) -> Number:
    whole, _, part = text.partition(mark)
    if not (whole or part) or (mark == "," and not part):
        _no()
    return _split(text, mark)


def _other_mark(text: str, mark: str, money: bool) -> Number:
    """A mark that is not the file's: a thousand, a decimal, or nobody can say."""
    whole, _, part = text.partition(mark)
    if len(part) == 3 and 1 <= len(whole) <= 3 and not whole.startswith("0"):
        if not money:
            raise Unread("ambiguous_value")
        return Number(int(whole + part), 0)
    if len(part) in (1, 2) and whole:
        return _split(text, mark, ("decimal_mark",))
    return _no()


def _grouped(text: str, decimal: str) -> Number:
    """Well-formed groups of three, then perhaps one mark of another kind and the part after it."""
    group = next(character for character in text if not character.isdigit())
    last = next((character for character in reversed(text) if not character.isdigit()), group)
    head, part = text, ""
    if last != group:
        if last == " " or text.count(last) > 1:
            _no()
        head, _, part = text.partition(last)
        if not part.isdigit():
            _no()
    if group not in _GROUPS or _GROUPS[group].fullmatch(head) is None:
        _no()
    issues = ("decimal_mark",) if part and last != decimal else ()
    return Number(int("".join(filter(str.isdigit, head)) + part), len(part), issues)
