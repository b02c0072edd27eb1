"""Every page of the house's books opens for an order as it does for a lot: unpaid, defaulted, paid and handed out."""

from datetime import timedelta

from sqlalchemy import select

from pavilion.accounts.models import Company
from pavilion.accounts.rules import Role
from pavilion.settlement import defaulting, handing_over, ordered, owning
from pavilion.settlement.models import Invoice
from pavilion.trading import placing
from tests import make
from tests.make import HOUR, NOON
from tests.settlement import releases
from tests.settlement.test_ordered import with_origin
from tests.trading.market import Market
from tests.trading.test_pages import Site, site  # noqa: F401 - a fixture

STAFF = (
    *("/staff", "/staff/ledger", "/staff/cashier", "/staff/cashier/invoices", "/staff/cashier/aging"),
    *("/staff/cashier/tax", "/staff/cashier/drafts", "/staff/cashier/sellers", "/staff/releases", "/staff/stops"),
    *(
        "/staff/cashier/trail/{number}",
        "/staff/cashier/invoices/{number}/correction",
        "/staff/orders",
        "/staff/defaults",
    ),
    *("/desk/invoices/{number}", "/desk/orders/{order}", "/staff/offers"),
)
BUYER = (
    *("/desk", "/desk/invoices", "/desk/invoices/{number}", "/desk/account", "/desk/payments", "/desk/stones"),
    *("/desk/orders", "/desk/orders/{order}", "/desk/offers", "/desk/holds", "/stones/{stone}"),
)
SELLER = ("/desk", "/desk/statements", "/desk/account", "/stock/orders", "/desk/orders/{order}")


async def opened(site, market, order):  # noqa: F811
    async with site.sessions() as session:
        number = await session.scalar(select(Invoice.number).where(Invoice.sale == order.public_id))
    facts = {"number": number, "order": order.public_id, "stone": market.stones[0]}
    pages = {"tomas@pavilion.example": STAFF, "wen@lumen.example": BUYER, "sam@scheldt.example": SELLER}
    bad = []
    for email, paths in pages.items():
        async with await site.browser(email, "zh" if email.startswith("sam") else "en") as reader:
            for path in paths:
                answer = await reader.get(path.format(**facts))
                if answer.status_code != 200:
                    bad.append((email, path, answer.status_code))
                if email.startswith("sam"):
                    assert "lumen.example" not in answer.text, path
    assert bad == []


async def begun(site):  # noqa: F811
    market = await Market(site.sessions).open(availability="guaranteed")
    async with site.sessions.begin() as session:
        await make.actor(session, "tomas@pavilion.example", (Role.CASHIER,))
    await with_origin(market)
    order = await market.buy()
    await told(site)
    return market, order


async def told(site, now=NOON):  # noqa: F811
    while await ordered.follow(site.sessions, now):
        pass


async def test_an_order_from_its_invoice_to_the_hand_over_opens_everywhere(site: Site):  # noqa: F811
    market, order = await begun(site)
    async with site.sessions() as session:
        public_id = await session.scalar(select(Invoice.public_id))
    case = releases.Case(public_id, market.stones[0], market.seller)
    await releases.paid(site.sessions, case)
    await releases.handed(site.sessions, case)
    await releases.act(site.sessions, case, handing_over.received)
    while await owning.follow(site.sessions, releases.HAND, NOON + 4 * HOUR):
        pass
    await told(site, NOON + 4 * HOUR)
    site.now = NOON + timedelta(days=20)
    await opened(site, market, order)
    async with await site.browser("tomas@pavilion.example") as tomas, await site.browser("sam@scheldt.example") as sam:
        async with site.sessions() as session:
            seller = (await session.get_one(Company, market.seller)).public_id
        said = {"company": seller, "sale": order.public_id, "after": "0"}
        stated = await tomas.post("/staff/cashier/sellers/statements", data=said)
        assert stated.status_code == 303
        assert "lumen.example" not in (await sam.get(stated.headers["location"])).text


async def test_an_order_that_is_never_paid_is_decided_as_a_lot_is(site: Site):  # noqa: F811
    market, order = await begun(site)
    for day in range(1, 20):
        await defaulting.late(site.sessions, NOON + timedelta(days=day))
    await told(site, NOON + timedelta(days=20))
    site.now = NOON + timedelta(days=20)
    await opened(site, market, order)
    async with site.sessions() as session:
        invoice = (await session.scalars(select(Invoice))).one()
    assert invoice.state == "defaulted"
    async with await site.browser("tomas@pavilion.example") as tomas:
        page = f"/staff/defaults/{invoice.number}"
        shown = await tomas.get(page)
        assert shown.status_code == 200
        async with site.sessions() as session:
            lot = (await placing.lines_of(session, order))[0].public_id
        assert f"/desk/orders/{order.public_id}" in shown.text and "/lots/" not in shown.text
        for choice in ("offer", "return"):
            answer = await tomas.post(f"{page}/remedies", data={"lot": lot, "choice": choice})
            assert answer.status_code < 500, (choice, answer.status_code)
    await told(site, NOON + timedelta(days=21))
    assert (await market.loaded(order)).state == "cancelled" and await market.promised() is None
