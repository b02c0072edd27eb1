"""Money as whole minor units of one currency. There is no float anywhere in this system."""

import re
from dataclasses import dataclass

MAX_AMOUNT = 10**15 - 1  # minor units; bidding spec, "Units"

# Digits after the decimal mark (ISO 4217, table A.1); every currency not named here has two.
EXPONENTS = {"JPY": 0, "KRW": 0, "BHD": 3, "KWD": 3, "OMR": 3}
CURRENCIES = frozenset({
    "USD", "EUR", "GBP", "HKD", "CNY", "JPY", "INR", "ILS", "AED", "CHF",
    "SGD", "AUD", "CAD", "ZAR", "BWP", "KRW", "BHD", "KWD", "OMR",
})  # fmt: skip

_PLAIN = re.compile(r"(?P<whole>[0-9]{1,15})(?:\.(?P<part>[0-9]{1,3}))?")
_GROUPED = re.compile(r"[0-9]{1,3}(?:[ ,'\u00a0\u202f’][0-9]{3})+(?:\.[0-9]{1,3})?")


def exponent(currency: str) -> int:
    return EXPONENTS.get(currency, 2)


def half_up(numerator: int, denominator: int) -> int:
    """The exact quotient to the nearest integer, halves away from zero: the one place where money is rounded."""
    assert denominator > 0
    size = (2 * abs(numerator) + denominator) // (2 * denominator)
    return size if numerator >= 0 else -size


def of_two_places(minor: int, currency: str) -> int:
    """A figure that is written for a currency of two places, in the minor units of this one: 5,000.00 is 5,000 yen."""
    return half_up(minor * 10 ** exponent(currency), 100)


def parse_minor(text: str, currency: str) -> int | None:
    """Minor units of what a person typed (`12,500` or `12500.00`), or None when it is not exactly one amount."""
    text = text.strip()
    if _GROUPED.fullmatch(text):
        text = re.sub(r"[ ,'\u00a0\u202f’]", "", text)
    if (match := _PLAIN.fullmatch(text)) is None:
        return None
    places, part = exponent(currency), match["part"] or ""
    if len(part.rstrip("0")) > places:
        return None
    scale: int = 10**places
    return int(match["whole"]) * scale + int((part + "000")[:places] or "0")


def decimal_text(minor: int, currency: str) -> str:
    """The amount in major units with exactly the currency's places and no grouping: `-1234.50`."""
    places = exponent(currency)
    if places == 0:
        return str(minor)
    whole, part = divmod(abs(minor), 10**places)
    return f"{'-' if minor < 0 else ''}{whole}.{part:0{places}d}"


@dataclass(frozen=True, slots=True)
class Money:
    minor: int
    currency: str

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._like(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._like(other), self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._like(other)

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._like(other)

    def part(self, basis_points: int) -> "Money":
        """This share of the sum."""
        return Money(half_up(self.minor * basis_points, 10_000), self.currency)

    def _like(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} meets {other.currency}")
        return other.minor
