"""What a stock file says of a stone is kept, whatever column it stands in, and reads back as it was."""

import pytest
from sqlalchemy import select

from pavilion.auctions.facts import published_facts
from pavilion.catalogue import listing, service
from pavilion.catalogue.models import Stone
from pavilion.catalogue.nomenclature import nomenclature
from pavilion.provenance.facts import Happening
from tests import make
from tests.catalogue import stones

NOT_KEPT = {"natural_or_lab", "meas_length", "meas_width", "meas_depth"}  # always natural; three lengths are one size
WORTH = {
    "money": 650_000, "weight": 1020, "percent": 6180, "angle": 3450, "list_pct": -3050, "integer": 31,
    "measurements": [6500, 6470, 4010], "date": "2025-06-17", "country": "BW", "currency": "USD", "kp_no": "BW004321",
    "report_no": "2000000001", "stock_no": "PV-7", "origin_id": "CA:1", "link": "https://files.example/1.jpg",
}  # fmt: skip


def full():
    """A value in every column of a stock file that is kept."""
    values = {}
    for name, column in nomenclature().columns.items():
        enumeration = "girdle" if name in ("girdle_min", "girdle_max") else column.enumeration
        codes = nomenclature().codes.get(enumeration)
        values[name] = codes[0] if codes else WORTH.get(column.type, f"about {name}")
    values |= {"pair_separable": False, "fancy_overtone": ["brownish", "greenish"]}
    return {name: value for name, value in values.items() if name not in NOT_KEPT}


def test_every_column_of_a_file_is_kept_and_reads_back_as_it_was():
    values = full()
    stored = dict.fromkeys(Stone.__table__.columns.keys()) | listing.stone_columns(values, values)
    stored["fancy_overtone"] = " ".join(stored["fancy_overtone"])
    assert listing.values_of(stored) == values


def test_a_cutter_is_named_only_where_the_polishing_says_so():
    def polished(**said):
        known = dict.fromkeys(Happening._fields) | {
            "kind": "POLISHED",
            "more": {"cutter": {"name": "M. Aerts", **said}},
        }
        event = Happening(**known)
        return listing.stone_columns({"cutter_name": "M. A."}, ["cutter_name"]) | listing.origin_columns([event])

    assert not listing.stone_columns({"cutter_name": "M. A."}, ["cutter_name"])["cutter_named"]
    assert not polished(years=31)["cutter_named"]
    assert not polished(consent="initials")["cutter_named"]
    assert polished(consent="name")["cutter_named"]


@pytest.mark.parametrize("named", [False, True])
async def test_the_facts_of_a_lot_name_a_cutter_who_agreed(sqlite_sessions, named):
    async with sqlite_sessions.begin() as session:
        firm = await make.company(session)
        await service.store_stones(
            session, [stones.row(cutter_named=named)], supplier_company_id=firm.id, now=make.NOON
        )
        stone = (await session.scalars(select(Stone))).one()
        told = published_facts(stone)["origin"]["cutter"]
    assert told == {"displayName": "Mireille Aerts" if named else None, "years": 31}
