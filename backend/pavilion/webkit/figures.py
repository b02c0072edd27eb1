"""Figures as readers see them: money, weights, lengths, percents, times and places, in the words of one language."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, get_timezone_location
from babel.numbers import get_currency_name
from markupsafe import Markup

from pavilion.kernel.instants import stamp
from pavilion.kernel.length import millimetres
from pavilion.kernel.money import exponent, half_up
from pavilion.kernel.weight import per_carat_minor, two_decimals
from pavilion.webkit.i18n import Lang, Tongue

MINUS, DASH = "−", "–"
_DAY: Mapping[Lang, str] = {"en": "d MMMM y", "zh": "y年M月d日"}
_DAY_MONTH: Mapping[Lang, str] = {"en": "d MMMM", "zh": "M月d日"}
_SHORT_NAMES: Mapping[Lang, Mapping[str, str]] = {
    "en": {"HK": "Hong Kong", "MO": "Macao", "CD": "DR Congo", "CG": "Congo"},
    "zh": {"HK": "中国香港", "MO": "中国澳门", "TW": "中国台湾", "CD": "刚果（金）", "CG": "刚果（布）"},
}
_ENGLISH = Locale.parse("en")
_NO_COUNTRY = frozenset({"EU", "EZ", "UN", "XA", "XB", "ZZ", "QO", "CQ"})
# Characters outside the first level of the national set, in which the order is that of the sounds.
_COMMON = str.maketrans("瑙梵斐", "闹贩匪")
_TRADE_CITIES = {"Europe/Brussels": "Antwerp", "Asia/Kolkata": "Mumbai", "Africa/Gaborone": "Gaborone"}


@dataclass(frozen=True)
class Figures:
    """Everything a template shows that is not prose. Amounts are exact: no figure is rounded for the eye."""

    tongue: Tongue

    def amount(self, minor: int, currency: str = "USD", minor_units: bool = False) -> str:
        """`25,000`; the minor units stand only when asked for or when leaving them out would lie."""
        unit = 10 ** exponent(currency)
        whole, part = divmod(abs(minor), unit)
        tail = f".{part:0{exponent(currency)}d}" if unit > 1 and (minor_units or part) else ""
        return f"{MINUS if minor < 0 else ''}{whole:,}{tail}"

    def money(self, minor: int, currency: str, minor_units: bool = False) -> Markup:
        name = get_currency_name(currency, locale=self.tongue.locale)
        return Markup('<span class="money"><abbr title="{}">{}</abbr>{}</span>').format(
            name, currency, self.amount(minor, currency, minor_units)
        )

    def per_carat(self, total_minor: int, mct: int, currency: str = "USD") -> str:
        """The price per carat beside a total, in whole major units."""
        unit = 10 ** exponent(currency)
        return f"{half_up(per_carat_minor(total_minor, mct), unit):,}"

    def number(self, n: int) -> str:
        return f"{MINUS if n < 0 else ''}{abs(n):,}"

    def ct(self, mct: int, unit: bool = True, exact: bool = False) -> str:
        """`1.51 ct` for buyers; three decimals at the scale."""
        weight = f"{mct // 1000}.{mct % 1000:03d}" if exact else two_decimals(mct)
        return f"{weight}\u00a0{'ct' if self.tongue.lang == 'en' else '克拉'}" if unit else weight

    def mm(self, *um: int, unit: bool = True) -> str:
        """`6.62 × 6.44 × 4.31 mm`"""
        return " × ".join(millimetres(side) for side in um) + ("\u00a0mm" if unit else "")

    def pct(self, hundredths: int, signed: bool = False, places: int | None = None) -> str:
        """Hundredths of a percent: `61.5 %`, with a sign for discounts; zeros at the end go unless places are said."""
        whole, part = divmod(abs(hundredths), 100)
        digits = f"{part:02d}".rstrip("0") if places is None else f"{part:02d}"[:places]
        sign = MINUS if hundredths < 0 else "+" if signed and hundredths > 0 else ""
        gap = "\u00a0" if self.tongue.lang == "en" else ""
        return f"{sign}{whole}{'.' if digits else ''}{digits}{gap}%"

    def day(self, at: datetime | date | str, zone: str | None = None, year: bool = True) -> str:
        """`9 March 2027`, `2027年3月9日`; a text is a day as programs write it, `2027-03-09`."""
        at = date.fromisoformat(at) if isinstance(at, str) else at
        local = at.astimezone(ZoneInfo(zone or "UTC")).date() if isinstance(at, datetime) else at
        pattern = (_DAY if year else _DAY_MONTH)[self.tongue.lang]
        return format_date(local, pattern, locale=self.tongue.locale)

    def days(self, start: datetime, end: datetime, zone: str) -> str:
        """`9–11 March 2027`, `28 February – 3 March 2027`, `2027年3月9日至11日`."""
        first, last = (at.astimezone(ZoneInfo(zone)).date() for at in (start, end))
        if first == last:
            return self.day(first)
        if self.tongue.lang == "zh":
            return f"{self.day(first)}至{self._end_zh(first, last)}"
        if (first.year, first.month) == (last.year, last.month):
            return f"{first.day}{DASH}{self.day(last)}"
        return f"{self.day(first, year=first.year != last.year)} {DASH} {self.day(last)}"

    def clock(self, at: datetime, zone: str, seconds: bool = False) -> str:
        return at.astimezone(ZoneInfo(zone)).strftime("%H:%M:%S" if seconds else "%H:%M")

    def when(self, at: datetime, zone: str, city: bool = True, seconds: bool = False, year: bool = True) -> Markup:
        """`9 March 2027, 14:26 in Antwerp`, as a `time` element that carries the instant; `14:26 UTC` by none.
        Without `city` where the page names the zone of all its times."""
        gap = ", " if self.tongue.lang == "en" else " "
        words = f"{self.day(at, zone, year)}{gap}{self.clock(at, zone, seconds)}"
        if zone == "UTC":
            words += " UTC"
        elif city:
            place = self.city(zone)
            words += f" in {place}" if self.tongue.lang == "en" else f"（{place}时间）"
        return Markup('<time datetime="{}">{}</time>').format(stamp(at), words)

    def left(self, until: datetime, now: datetime) -> str:
        """Time left as written before any script runs: `1:42` under an hour, `5 h 12 min` under a day, else days."""
        rest = max(timedelta(0), until - now)
        seconds = -(-rest // timedelta(seconds=1))
        english = self.tongue.lang == "en"
        if seconds < 3600:
            return f"{seconds // 60}:{seconds % 60:02d}"
        if seconds < 86_400:
            hours, minutes = seconds // 3600, seconds % 3600 // 60
            return f"{hours} h {minutes} min" if english else f"{hours} 小时 {minutes} 分"
        days = seconds // 86_400
        return f"{days} day{'' if days == 1 else 's'}" if english else f"{days} 天"

    def city(self, zone: str) -> str:
        """The trade's name of a zone's place: the Brussels zone is Antwerp's."""
        place = _TRADE_CITIES.get(zone)
        if place is None:
            return get_timezone_location(ZoneInfo(zone), locale=self.tongue.locale, return_city=True)
        return self.tongue.pgettext("city", place)

    def town(self, name: str) -> str:
        """A city as a supplier wrote it, in the reader's language where the trade has a word for it."""
        return self.tongue.pgettext("city", name)

    def place(self, town: str, code: str) -> str:
        """Town and country in the reader's order and words; a city that is its own country is said once."""
        city, country = self.town(town) if town else "", self.country(code)
        if not city or city.casefold() in country.casefold():
            return country
        if self.tongue.lang == "zh":
            return f"{country}{city}" if city != town else f"{country} {city}"
        return f"{city}, {country}"

    def country(self, code: str) -> str:
        """The name of a country by its two letters; an unknown code stands for itself."""
        short = _SHORT_NAMES[self.tongue.lang].get(code)
        return short or str(self.tongue.locale.territories.get(code, code))

    def countries(self) -> list[tuple[str, str]]:
        """Every country with its name, in the order of the English names."""
        names = ((str(name), code) for code, name in _ENGLISH.territories.items())
        order = sorted((name, code) for name, code in names if len(code) == 2 and code not in _NO_COUNTRY)
        return [(code, self.country(code)) for _, code in order]

    def countries_in_order(self) -> list[tuple[str, str]]:
        """Every country with its name, in the order of the reader's language; Chinese by sound, in which the national
        character set has its common characters: a rare one stands where one that sounds alike does."""
        english = self.tongue.lang == "en"
        key = str.casefold if english else lambda name: name.translate(_COMMON).encode("gb18030")
        return sorted(self.countries(), key=lambda one: key(one[1]))

    def _end_zh(self, first: date, last: date) -> str:
        if first.year != last.year:
            return self.day(last)
        return f"{last.day}日" if first.month == last.month else self.day(last, year=False)
