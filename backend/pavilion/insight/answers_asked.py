"""The archive as programs ask it: every field of its query."""

from typing import Any

from pavilion.catalogue.answers_asked import codes
from pavilion.catalogue.nomenclature import nomenclature
from pavilion.insight.result_asking import LONGEST, MOST, PAGE, SORTS, STATES, USUAL, colours
from pavilion.kernel.money import CURRENCIES
from pavilion.webkit.answers import EXAMPLE, parameter

WEIGHT = r"^[0-9]{1,7}(?:\.[0-9]{1,3})?$"
PRICE = r"^[0-9]{1,12}(?:\.[0-9]{1,2})?$"
ULID = "[0-7][0-9A-HJKMNP-TV-Z]{25}"


def of_results() -> dict[str, Any]:
    """For `openapi_extra=` of the archive."""
    known = nomenclature().codes
    sales = f"^{ULID}(?:,{ULID})*$"
    chosen = {
        "shape": known["shape"],
        "color": colours(),
        "clarity": known["clarity"],
        "lab": sorted(nomenclature().labs),
    }
    return {
        "parameters": [
            parameter("sale", "Of these sales, parted by commas.", EXAMPLE, pattern=sales, maxLength=LONGEST),
            codes("state", "What became of the lot.", STATES, runs=False),
            *(codes(name, "Any of these.", listed, runs=False) for name, listed in chosen.items()),
            *(parameter(f"ct_{end}", f"Weight, carats: {words}.", "1.50", pattern=WEIGHT) for end, words in _ENDS),
            *(parameter(f"price_{end}", f"Hammer price: {words}.", "12000", pattern=PRICE) for end, words in _ENDS),
            parameter("from", "Ended on this day or later, UTC.", "2026-01-01", format="date"),
            parameter("to", "Ended on this day or before, UTC.", "2026-12-31", format="date"),
            parameter("cur", "Sold in this currency; prices asked are in it.", "USD", enum=sorted(CURRENCIES)),
            parameter("sort", "The order; a trailing - is downwards.", USUAL, enum=_ORDERS),
            parameter("limit", "Lots of a page.", PAGE, type="integer", minimum=1, maximum=MOST, default=PAGE),
            parameter("cursor", "`cursor` of the page before; same question.", "WyJlbmRlZCJd", maxLength=LONGEST),
        ]
    }


_ORDERS = [f"{name}{way}" for name in SORTS for way in "+-"]
_ENDS = (("from", "at least"), ("to", "at most"))
