"""Each finding of readiness leads to the page, and there to the field or part, where it is mended."""

import re
from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy import select, update

from pavilion.auctions.formats import SaleType
from pavilion.auctions.models import Lot
from pavilion.auctions.repairs import repair_of
from pavilion.auctions.rules import Broken, Code, Finding
from pavilion.catalogue import service as catalogue
from pavilion.catalogue.models import CommitmentKind, Stone
from pavilion.provenance.models import StoneVerdict
from tests.auctions import world
from tests.auctions.test_pages import drafted, house  # noqa: F401  # the fixture of a running house
from tests.make import NOON

TENDER = ("custodians_missing", "custodians_fewer", "custodians_of_plain", "custodians_wrong", "tender_final")
OF_SALE = [
    *(Finding(Code.RULES_MISSING, fact=fact) for fact in ("increments", "premium", "soft_close", *TENDER)),
    *(Finding(Code.CLOSE_MISSING, fact=fact) for fact in ("opens_at", "first_close_at", "past", "too_early")),
    *(Finding(Code.CLOSE_MISSING, fact=fact) for fact in ("ends_differ", "hard_end")),
    *(Finding(code, fact=lang) for code in (Code.TITLE_MISSING, Code.DESCRIPTION_MISSING) for lang in ("en", "zh")),
    Finding(Code.WORDING, fact="lab-grown"),
    Finding(Code.NO_STONE),
]


def of_lot(lot, other, stone):
    """One finding of every code that a lot can have, and of each invariant."""
    said = {Code.TITLE_MISSING: "en", Code.DESCRIPTION_MISSING: "zh", Code.WORDING: "lab-grown"}
    places = {Code.IN_OTHER_SALE: other, Code.NOT_ELIGIBLE_IN: stone}
    said[Code.NOT_ELIGIBLE_IN] = "HK: any_rule (2)"
    invariants = [Finding(Code.INVARIANT_BROKEN, lot, fact) for fact in Broken]
    plain = (code for code in Code if code not in (Code.INVARIANT_BROKEN, Code.RULES_MISSING, Code.CLOSE_MISSING))
    return [*(Finding(code, lot, said.get(code, stone), places.get(code, "")) for code in plain), *invariants]


async def test_every_code_leads_to_a_page_that_opens_for_the_curator_and_holds_what_is_to_be_mended(house):  # noqa: F811
    made, sale = await drafted(house, 2)
    lot = (await world.order(house.sessions, sale))[0]
    other = await world.draft(house.sessions, made)
    held = (await world.order(house.sessions, other))[1]
    fixed = await world.draft(house.sessions, made, type=SaleType.COLLECTION)
    priced = (await world.order(house.sessions, fixed))[0]
    everything = [(sale, one) for one in [*OF_SALE, *of_lot(lot, f"{other}/lots/{held}", made.stones[0])]]
    everything.append((fixed, Finding(Code.PRICE_MISSING, priced)))
    wanted = [(repair_of(one, where), one) for where, one in everything if (where, one.code) != (sale, "price_missing")]
    assert {one.code for _, one in wanted} == set(Code)
    pages, browser = {}, await house.browser("noor@pavilion.example")
    async with house.sessions.begin() as session:
        for verdict in await session.scalars(select(StoneVerdict)):
            verdict.decided_at -= timedelta(hours=25)
            verdict.claim = {"origin_id": "BW:00000001"} | dict(verdict.claim)
        await session.execute(update(Stone).values(report_date="2020-01-31"))
    for address, one in wanted:
        parts = urlsplit(address)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        if path not in pages:
            answer = await browser.get(path)
            assert answer.status_code == 200, f"{one}: {address}"
            pages[path] = answer.text
        if one.code in (Code.ON_MEMO, Code.ON_HOLD):
            continue  # their rows stand there while there are some
        assert f'id="{parts.fragment}"' in pages[path], f"{one}: {address}"
    board = pages[f"/staff/sales/{sale}"]
    for page in (board, pages[f"/staff/sales/{sale}/lots/{lot}"]):
        assert "Report older than five years: PV-" in page and made.stones[0] not in re.sub(r"<[^>]*>", " ", page)
    stale = repair_of(Finding(Code.VERDICT_STALE, lot, made.stones[0]), sale)
    assert board.count(f'href="{stale}"') == 2, "in the row of the lot, and in the list of the sale"
    reserve = repair_of(Finding(Code.INVARIANT_BROKEN, lot, Broken.RESERVE_ABOVE_LOW), sale, sets_reserves=True)
    keeper = await house.browser("kees@pavilion.example")
    assert 'id="f-reserve"' in (await keeper.get(reserve)).text


async def test_a_stone_promised_elsewhere_leads_to_what_holds_it(house):  # noqa: F811
    made, sale = await drafted(house, 3)
    other = await world.draft(house.sessions, made)
    lots = await world.order(house.sessions, other)
    async with house.sessions.begin() as session:
        for stone, kind, ref, facts in (
            (made.stones[0], CommitmentKind.IN_SALE, lots[0], {"sale": other}),
            (made.stones[1], CommitmentKind.ON_MEMO, "M" * 26, {}),
            (made.stones[2], CommitmentKind.HELD, "H" * 26, {}),
        ):
            await catalogue.commit_stone(session, stone=stone, kind=kind, ref=ref, facts=facts, by=None, now=NOON)
    board = (await (await house.browser("noor@pavilion.example")).get(f"/staff/sales/{sale}")).text
    for address in (
        f"/staff/sales/{other}/lots/{lots[0]}#stones",
        f"/staff/orders/memos#{'M' * 26}",
        f"/staff/orders#{'H' * 26}",
    ):
        assert address in board


async def test_the_owner_is_named_on_the_lots_own_page(house):  # noqa: F811
    made, sale = await drafted(house, 2)
    first, second = await world.order(house.sessions, sale)
    async with house.sessions.begin() as session:
        await session.execute(update(Lot).where(Lot.public_id == first).values(consignor_company_id=None))
    browser = await house.browser("noor@pavilion.example")
    at = f"/staff/sales/{sale}/lots/"
    form = (await browser.get(at + first)).text
    assert re.search(rf'<option value="{made.supplier.public_id}">', form), "nobody is chosen yet"
    said = {"version": 3, "number": 11, "title_en": "A", "title_zh": "甲", "low": "5,000", "high": "7,000"}
    said |= {"opening": "4,000"}
    assert (await browser.post(at + first, data=said | {"owner": "01NOBODY"})).status_code == 422
    saved = await browser.post(at + first, data=said | {"owner": made.supplier.public_id})
    assert saved.status_code == 303, saved.text
    async with house.sessions() as session:
        row = await session.scalar(select(Lot).where(Lot.public_id == first))
        assert row.consignor_company_id == made.supplier.id
    assert re.search(rf'<option value="{made.supplier.public_id}" selected>', (await browser.get(at + second)).text)
