"""Whether a tax number has the form its country gives it. Says nothing of whether it is in force. Pure."""

import re
from collections.abc import Mapping

# As the Union's member states write them (Council Directive 2006/112/EC, art. 215), after the two letters.
FORMS: Mapping[str, str] = {
    "AT": r"U\d{8}", "BE": r"[01]\d{9}", "BG": r"\d{9,10}", "CY": r"\d{8}[A-Z]", "CZ": r"\d{8,10}", "DE": r"\d{9}",
    "DK": r"\d{8}", "EE": r"\d{9}", "EL": r"\d{9}", "ES": r"[A-Z0-9]\d{7}[A-Z0-9]", "FI": r"\d{8}",
    "FR": r"[A-HJ-NP-Z0-9]{2}\d{9}", "HR": r"\d{11}", "HU": r"\d{8}", "IE": r"(\d{7}[A-W][A-I]?|\d[A-Z+*]\d{5}[A-W])",
    "IT": r"\d{11}", "LT": r"(\d{9}|\d{12})", "LU": r"\d{8}", "LV": r"\d{11}", "MT": r"\d{8}",
    "NL": r"[A-Z0-9+*]{10}\d{2}", "PL": r"\d{10}", "PT": r"\d{9}", "RO": r"\d{2,10}", "SE": r"\d{10}01",
    "SI": r"\d{8}", "SK": r"\d{10}",
}  # fmt: skip
_PREFIX = {"GR": "EL"}
_OTHER = re.compile(r"[A-Z0-9]{4,20}")
_GAPS = re.compile(r"[\s.\-/]")


def plain(number: str) -> str:
    """Without the dots and gaps that people write: `BE 0000.000.000` is `BE0000000000`."""
    return _GAPS.sub("", number).upper()


def fits(number: str, country: str) -> bool:
    """Whether it can be a number of this country, with its two letters in front where the Union asks for them."""
    said, prefix = plain(number), _PREFIX.get(country, country)
    if (form := FORMS.get(prefix)) is None:
        return _OTHER.fullmatch(said) is not None
    return said.startswith(prefix) and re.fullmatch(form, said[len(prefix) :], re.ASCII) is not None
